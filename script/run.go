package script

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/script/internal/engine"
	"github.com/connectorauth/connectorauth/script/internal/exact"
	"github.com/connectorauth/connectorauth/script/internal/turns"
)

// A run is one execution of a script, for one request and its response. Each run
// begins with a new machine, so there is nothing from an earlier request. Between two
// events a run is only what its machine's memory has changed.
type run struct {
	*wrapper
	exchange *connectorauth.Exchange // nil for an authorization URL
	endpoint *url.URL                // URL of the request, or the authorization URL

	waits    bool // the script has a handler for the response
	began    bool // the top level of the script has run
	machine  engine.Snapshot
	kept     *kept         // nil unless the run waits for the response
	earlier  exact.Numbers // those of the request, in an event of the response
	request  body
	response body

	// of the present event
	ctx    context.Context
	turn   *turns.Turn
	spent  time.Duration // in earlier attempts
	thrown thrown
	told   told
	later  func() // what foreign code takes part in, after the turn
}

// errTime ends a machine.
var errTime = errors.New("script: the script took too long")

// A want is why an attempt ended: the script uses a body that has not been read yet.
type want struct{ *body }

func (want) Error() string { return "script: the script wants a body" }

// raise calls the script's handler of event, if there is a handler, and applies the
// handler's changes to the request or the response.
func (r *run) raise(ctx context.Context, event string) error {
	r.ctx, r.spent = ctx, 0
	r.prepareBodies()
	for {
		err := r.attempt(event)
		if err == nil && r.later == nil {
			return nil
		}
		if missing := (want{}); errors.As(err, &missing) {
			// A script that waits would keep its machine. The script starts again instead,
			// and finds the body.
			missing.read()
			continue
		}
		if err != nil && (ctx.Err() == nil || !errors.Is(err, ctx.Err())) {
			return r.failure(event, err)
		}
		if err == nil && r.later != nil {
			r.later()
			r.later = nil
		}
		return err
	}
}

// attempt handles the event in a machine.
func (r *run) attempt(event string) error {
	state, err := r.state(event)
	if err != nil {
		return err
	}
	if r.turn, err = queue.Enter(r.ctx, r.tenant, strings.Contains(event, "oauth2")); err != nil { // a renewal is urgent: messages wait for the token
		return err
	}
	defer func() {
		r.spent += r.turn.Ran()
		r.turn.Leave()
	}()
	m, err := engine.Get(r.memory)
	if err != nil {
		return err
	}
	defer engine.Put(m)
	from := &r.script.ready
	if r.began {
		from = &r.machine
	}
	if !m.Load(from) {
		return tooLarge("needs more than %d bytes of memory", r.memory)
	}
	r.thrown, r.told, r.later = thrown{}, told{}, nil
	status, err := m.Run(r, state)
	if err == nil {
		err = r.outcome(status)
	}
	if err == nil && status == engine.Done {
		err = r.apply()
	}
	if err == nil && r.waits && r.exchange.Response == nil {
		err = r.wait(m)
	}
	return err
}

// wait keeps the run for the response: what the machine's memory has changed, and no
// body that Go has.
func (r *run) wait(m *engine.Machine) (err error) {
	if r.machine, err = m.Save(); err != nil {
		return err
	}
	r.began, r.told, r.earlier = true, told{}, r.request.numbers // the script may have kept a number
	if !r.keep(runSize + int64(r.machine.Size()+100*len(r.earlier))) {
		return tooLarge("the script's requests keep more than %d bytes until their responses", max(maxWaiting, r.memory))
	}
	return nil
}

// leave forgets what the run has kept for the response.
func (r *run) leave() {
	r.machine = engine.Snapshot{}
	if r.kept != nil {
		r.kept.release()
	}
}

// outcome returns the error that a status of the machine stands for.
func (r *run) outcome(status engine.Status) error {
	switch status {
	case engine.Threw:
		return r.thrown
	case engine.False:
		return refusal{"returned false", ErrAborted}
	case engine.Waits:
		return invalid("the handler waits for a promise, and nothing in the script settles the promise")
	case engine.Memory:
		return tooLarge("needs more than %d bytes of memory", r.memory)
	}
	return nil
}

// Tick ends the machine after the time limit, and lets other scripts run.
func (r *run) Tick() error {
	if r.spent+r.turn.Ran() > r.limit {
		return errTime
	}
	if err := r.ctx.Err(); err != nil {
		return err
	}
	return r.turn.Yield(r.ctx)
}

// maxCall is the most text that a script gives to a function of Go, in bytes.
const maxCall = 4 << 20

// Call does what the machine wants. A call takes little of the machine's fuel, and may take
// long in Go: the limit of time holds before each.
func (r *run) Call(what engine.What, text []byte) ([]byte, error) {
	if what == engine.Read || what == engine.Help {
		if err := r.Tick(); err != nil {
			return nil, engine.End{Err: err}
		}
	}
	switch what {
	case engine.Read:
		return r.readBody(string(text))
	case engine.Help:
		if len(text) > maxCall {
			return nil, fmt.Errorf("the arguments are longer than %d bytes", maxCall)
		}
		if r.request.numbers.LostIn(text, r.request.data) || r.earlier.LostIn(text, r.request.data) || r.response.numbers.LostIn(text, r.response.data) {
			return nil, exact.ErrRounded
		}
		return help(text)
	case engine.Thrown:
		r.thrown = readThrown(text)
	case engine.Told:
		r.told.read(engine.Fields(text))
	case engine.Out:
		r.told.readOne(text)
	}
	return nil, nil
}

// readBody returns a body for the script.
func (r *run) readBody(name string) ([]byte, error) {
	b := &r.request
	if name == "content" || name == "method_response" {
		b = &r.response
	}
	if b.source == nil {
		return []byte("u"), nil // an event without a request or response
	}
	if !b.known {
		return nil, engine.End{Err: want{b}}
	}
	if b.err != nil {
		return nil, fmt.Errorf("the body cannot be read: %s", strings.ToValidUTF8(b.err.Error(), ""))
	}
	switch {
	case name == "content":
		return append([]byte("t"), b.text()...), nil
	case name != "method_request_content":
		return b.forScript()
	case !utf8.Valid(b.data):
		return nil, errors.New("the body is not UTF-8, and has no text")
	}
	return append([]byte("t"), b.data...), nil // with a byte order mark: a signature covers the mark
}
