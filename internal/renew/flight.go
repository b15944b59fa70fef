package renew

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// flight is one renewal under way, shared by all who wait for the renewal.
type flight[T any] struct {
	rejected   bool          // the API has rejected the generation before
	force      bool          // see renewal.force
	look       bool          // see renewal.look
	background bool          // nobody waited when the flight began
	goroutine  atomic.Uint64 // carries out the flight
	done       chan struct{}
	overdue    chan struct{}  // closed when the flight should have ended: foreign code may ignore its context
	gen        *Generation[T] // gen and err are set before done is closed
	err        error
}

func (f *flight[T]) end(g *Generation[T], err error) {
	f.gen, f.err = g, err
	close(f.done)
}

// wait waits for the end of f, or for ctx. A renewal that waits for f has no turn at its
// endpoint meanwhile.
func (f *flight[T]) wait(ctx context.Context) (err error) {
	if f.goroutine.Load() == goroutine() {
		return errOwnRenewal
	}
	if other, ok := ctx.Value(yielderKey{}).(yielder); ok {
		other.yield()
		defer func() { err = cmp.Or(err, other.resume(ctx)) }()
	}
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-f.overdue:
	}
	select {
	case <-f.done:
		return nil
	default:
		return errStuck
	}
}

// ended returns a flight that has ended.
func ended[T any](g *Generation[T], err error) *flight[T] {
	f := &flight[T]{done: make(chan struct{})}
	f.end(g, err)
	return f
}

// goroutine returns the number of the calling goroutine. Goroutine numbers are
// never used again, so a hook that waits for its own renewal can be told apart
// from everybody else.
func goroutine() (number uint64) {
	var trace [64]byte
	fmt.Sscanf(string(trace[:runtime.Stack(trace[:], false)]), "goroutine %d ", &number)
	return number
}

// carryOut makes the renewal of f. ctx has no end of its own.
func (e *Engine[T]) carryOut(ctx context.Context, s Scheme[T], f *flight[T], stale *Generation[T]) {
	f.goroutine.Store(goroutine())
	gate, shut := context.WithCancelCause(ctx)
	defer shut(nil)
	end := e.group.begin(e.key, func() { shut(ErrShutdown) })
	defer end()
	late := time.AfterFunc(lockTimeout+flightGrace, sync.OnceFunc(func() { close(f.overdue) }))
	defer late.Stop()
	r := &renewal[T]{
		Engine: e, scheme: s, stale: stale, reject: f.rejected, force: f.force, look: f.look, gate: gate, late: late,
		telling: telling{caller: ctx, began: time.Now(), background: f.background},
	}
	defer r.unlock()
	defer r.leave()
	var g *Generation[T]
	defer func() {
		// The store and the transport are foreign code, and no caller on this goroutine
		// could recover. The panic value may contain a secret.
		if p := recover(); g == nil && r.failure == nil {
			r.fail(fmt.Errorf("connectorauth: panic of type %T during the renewal", p), Verdict{Kind: InDoubt}, new(record))
		}
		e.finish(f, g, r)
	}()
	g = r.run(ctx)
}

// finish ends f with the outcome of r, unless Set has ended f already.
func (e *Engine[T]) finish(f *flight[T], g *Generation[T], r *renewal[T]) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.flight != f {
		return
	}
	e.flight, e.failure = nil, r.failure
	switch {
	case g != nil:
		if f.rejected && g != r.stale {
			now := time.Now()
			g.replaced = &now
		}
		e.current.Store(g)
	case r.forget:
		e.current.Store(nil)
	}
	f.end(g, r.err)
}
