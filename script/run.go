package script

import (
	"context"
	"errors"
	"net/url"
	"reflect"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"
)

// maxDepth is how deep calls may nest.
const maxDepth = 512

// A run is the life of a script: one message and its answer. Each has a runtime
// of its own, used once, so that nothing a script does outlives the message: of an
// old one nobody could tell that it is clean.
type run struct {
	*wrapper
	vm       *goja.Runtime
	exchange *connectorauth.Exchange // nil for an authorization URL
	endpoint *url.URL                // the one that the script may change

	began             bool
	clock             clock
	parse, stringify  goja.Callable // JSON's own, whatever the script makes of them
	refresh, session  *goja.Object  // the prototypes of the two exceptions
	request, response *body
	headers           *headers // of the request
	answerHeaders     *headers
}

func (w *wrapper) newRun(e *connectorauth.Exchange) *run {
	r := &run{wrapper: w, vm: goja.New(), exchange: e}
	if e != nil {
		r.endpoint = e.Request.URL
	}
	r.vm.SetMaxCallStackSize(maxDepth)
	r.vm.SetParserOptions(parser.WithDisableSourceMaps)
	return r
}

// authorise raises before_oauth2_authorise for the URL that u is.
func (w *wrapper) authorise(ctx context.Context, u *url.URL) error {
	r := w.newRun(nil)
	r.endpoint = u
	return r.raise(ctx, "before_oauth2_authorise")
}

// raise calls the script's handler of an event, if it has one, and takes over
// what that changed.
func (r *run) raise(ctx context.Context, event string) error {
	select {
	case turns <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	r.clock.start(r.vm, r.limit)
	defer r.clock.stop()
	if err := r.handle(event); err != nil {
		return r.failure(event, err)
	}
	return nil
}

func (r *run) handle(event string) error {
	if !r.began {
		r.began = true
		if err := r.protect(r.setUp); err != nil {
			return err
		}
		if _, err := r.vm.RunProgram(r.script.program); err != nil {
			return err
		}
	}
	if err := r.protect(r.setUpAnswer); err != nil {
		return err
	}
	found, err := r.vm.RunProgram(handlers[event])
	if err != nil {
		return err
	}
	handler, ok := goja.AssertFunction(found)
	if !ok {
		return nil
	}
	result, err := handler(goja.Undefined())
	if err != nil {
		return err
	}
	if o, ok := result.(*goja.Object); ok && o.ExportType() == reflect.TypeFor[*goja.Promise]() { // of an async function
		promise := o.Export().(*goja.Promise)
		switch result = promise.Result(); promise.State() {
		case goja.PromiseStateRejected:
			return rejected{result}
		case goja.PromiseStatePending:
			return invalid("waits for what will never happen")
		}
	}
	if result.StrictEquals(r.vm.ToValue(false)) {
		return refusal{"returned false", ErrAborted}
	}
	return r.protect(r.takeOver)
}

// rejected is what an async function threw.
type rejected struct{ value goja.Value }

func (rejected) Error() string { return "rejected" }

// handlers are programs that return the handler of an event. A handler need not
// be a property of the global object: const makes none.
var handlers = map[string]*goja.Program{}

func init() {
	for _, event := range []string{
		"before_action", "after_action", "after_error", "before_oauth2_authorise",
		"before_oauth2_token", "after_oauth2_token", "before_oauth2_refresh", "after_oauth2_refresh",
	} {
		handlers[event] = goja.MustCompile("", "typeof "+event+" === 'function' ? "+event+" : undefined", false)
	}
}

// protect calls f, which may run code of the script by touching its values, and
// returns what that throws.
func (r *run) protect(f func() error) (err error) {
	call, _ := goja.AssertFunction(r.vm.ToValue(func(goja.FunctionCall) goja.Value {
		err = f()
		return nil
	}))
	if _, thrown := call(goja.Undefined()); thrown != nil {
		return thrown
	}
	return err
}

// turns bounds how many scripts run at once. More than the processors can take at
// a time would only wait for each other, and be taken for scripts that do not end.
var turns = make(chan struct{}, 2*runtime.GOMAXPROCS(0))

// A clock interrupts a runtime that has its turn after a time.
type clock struct {
	vm    *goja.Runtime
	timer *time.Timer
	armed *atomic.Bool // taken by whoever is first: the timer or stop
	since time.Time
	left  time.Duration
}

var errTime = errors.New("took too long")

func (c *clock) start(vm *goja.Runtime, limit time.Duration) {
	armed := new(atomic.Bool)
	armed.Store(true)
	c.vm, c.armed, c.since, c.left = vm, armed, time.Now(), limit
	c.timer = time.AfterFunc(limit, func() {
		if armed.CompareAndSwap(true, false) {
			vm.Interrupt(errTime)
		}
	})
}

// stop ends the turn, and reports whether it came before the end of the time.
func (c *clock) stop() bool {
	<-turns
	c.timer.Stop()
	return c.armed.CompareAndSwap(true, false)
}

// pause calls f without counting its time, nor keeping others waiting.
func (c *clock) pause(f func()) {
	inTime := c.stop()
	c.left -= time.Since(c.since)
	defer func() { // even if f panics, the turn is there to be ended
		turns <- struct{}{}
		if c.start(c.vm, c.left); !inTime {
			c.vm.Interrupt(errTime)
		}
	}()
	f()
}
