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

// maxDepth is the maximum depth of calls in a script.
const maxDepth = 512

// A run is one execution of a script, for one request and its response. Each run
// has a new JavaScript runtime, so the runtime contains nothing from an earlier
// request.
type run struct {
	*wrapper
	vm       *goja.Runtime
	exchange *connectorauth.Exchange // nil for an authorization URL
	endpoint *url.URL                // URL of the request, or the authorization URL

	began             bool // the top level of the script has run
	clock             clock
	parse, stringify  goja.Callable // JSON.parse and JSON.stringify as they were before the script ran
	refresh, session  *goja.Object  // prototypes of AuthRefreshException and AuthSessionException
	request, response *body
	requestHeaders    *headers // nil if the script does not use the headers
	responseHeaders   *headers
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

// authorize runs the script's handler of before_oauth2_authorise. The handler may
// change u, the authorization URL.
func (w *wrapper) authorize(ctx context.Context, u *url.URL) error {
	r := w.newRun(nil)
	r.endpoint = u
	return r.raise(ctx, "before_oauth2_authorise")
}

// raise calls the script's handler of event, if there is a handler, and applies the
// handler's changes to the request or the response.
func (r *run) raise(ctx context.Context, event string) error {
	select {
	case slots <- struct{}{}:
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

// handle does the work of raise. The caller limits the time.
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
	if err := r.protect(r.setUpResponse); err != nil {
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
	if o, ok := result.(*goja.Object); ok && o.ExportType() == reflect.TypeFor[*goja.Promise]() { // the handler is an async function
		promise := o.Export().(*goja.Promise)
		switch result = promise.Result(); promise.State() {
		case goja.PromiseStateRejected:
			return rejected{result}
		case goja.PromiseStatePending:
			return invalid("the handler waits for a promise, and nothing in the script settles the promise")
		}
	}
	if result.StrictEquals(r.vm.ToValue(false)) {
		return refusal{"returned false", ErrAborted}
	}
	return r.protect(r.apply)
}

// rejected is an error with the value that an async function threw.
type rejected struct{ value goja.Value }

func (rejected) Error() string { return "rejected" }

// handlers are programs, by event, that return the handler of the event. A program
// is necessary because a handler declared with const is no property of the global
// object.
var handlers = map[string]*goja.Program{}

func init() {
	for _, event := range []string{
		"before_action", "after_action", "after_error", "before_oauth2_authorise",
		"before_oauth2_token", "after_oauth2_token", "before_oauth2_refresh", "after_oauth2_refresh",
	} {
		handlers[event] = goja.MustCompile("", "typeof "+event+" === 'function' ? "+event+" : undefined", false)
	}
}

// protect calls f and returns as an error what JavaScript throws meanwhile. f may
// run code of the script, such as getters of an object.
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

// slots limits how many scripts run at the same time, in the whole program. With
// more scripts than the processors can run, each script would mostly wait, and the
// wait would count as time of the script.
var slots = make(chan struct{}, 2*runtime.GOMAXPROCS(0))

// A clock interrupts a runtime at the end of the runtime's time.
type clock struct {
	vm    *goja.Runtime
	timer *time.Timer
	armed *atomic.Bool // the first of the timer and stop sets armed to false
	since time.Time
	left  time.Duration
}

var errTime = errors.New("the script took too long")

// start lets vm run for limit. The caller must hold a slot.
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

// stop gives the slot back and stops the timer. stop reports whether time was left.
func (c *clock) stop() bool {
	<-slots
	c.timer.Stop()
	return c.armed.CompareAndSwap(true, false)
}

// pause calls f outside the time limit. During the call, another script can use the
// slot.
func (c *clock) pause(f func()) {
	inTime := c.stop()
	c.left -= time.Since(c.since)
	defer func() { // also after a panic of f: the caller's stop expects a slot
		slots <- struct{}{}
		if c.start(c.vm, c.left); !inTime {
			c.vm.Interrupt(errTime)
		}
	}()
	f()
}
