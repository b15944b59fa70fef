// Package renew keeps a renewable credential fresh: one renewal at a time over
// goroutines and processes, saved before use, shared by all who wait.
package renew

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	turnTimeout   = 10 * time.Minute // until a renewal has a turn at its endpoint
	flightTimeout = 90 * time.Second // the rest of a renewal
	flightGrace   = time.Second      // after a timeout, for a flight that minds its context
	lockTimeout   = 45 * time.Second // part of flightTimeout, until the lock is held; a token request needs the rest
	lookTimeout   = 5 * time.Second  // a look into the store before the first request of a connector
	minBackoff    = time.Second
	maxBackoff    = time.Minute
	refusedWait   = time.Minute // after an error of kind Refused, growing to maxRefused
	maxRefused    = time.Hour
	maxRetryAfter = time.Hour
	rejectedWait  = time.Minute // a generation that was rejected right after its renewal is not renewed for this long
)

// ErrRejectedAgain is the error of Replace for a generation that was rejected
// right after its renewal. Another renewal would help no more, and a renewal for
// each request would only load the provider.
var ErrRejectedAgain = errors.New("connectorauth: the API rejected the credential right after its renewal; another renewal is tried after a minute")

// errStuck is the error of a flight that has not ended in time.
var errStuck = errors.New("connectorauth: the renewal of the credential has not ended after 90 seconds; a function of the program, the token store or a RoundTripper ignores its context")

// errOwnRenewal is the error of a hook that waits for the renewal that runs the
// hook.
var errOwnRenewal = errors.New("connectorauth: a hook of a token request uses its own connector, whose token is being renewed; use a client without this connector")

// An Engine keeps one credential. An Engine is safe for concurrent use, and has
// no goroutine between renewals.
//
// What is known of the credential is in the store's record, so all processes
// behave as one: dead, not before a time, in doubt. A record is marked before a
// single-use credential is sent. A mark that is found later means that the response
// was lost. Then nothing is renewed while the value is good. A provider that was
// never seen to rotate is asked again, and so is, once and after a pause, a provider
// that takes a credential again. Otherwise the credential is dead. A store without
// CompareAndSwap cannot be marked safely; the mark is in memory then.
type Engine[T any] struct {
	group *Group
	store Store // nil: memory only
	key   string

	current atomic.Pointer[Generation[T]]

	mu      sync.Mutex // guards the fields below; never held during a call of foreign code
	flight  *flight[T]
	failure *failure
	saver   *saver[T]
	writing bool          // somebody changes the stored value: see beginWriting
	written chan struct{} // closed at the end of writing; nil if nobody waits for the end
}

// New returns an Engine of g for the value that store holds under key. A nil store
// keeps the value in memory alone.
func New[T any](g *Group, store Store, key string) *Engine[T] {
	return &Engine[T]{group: g, store: store, key: key}
}

// beginWriting waits until nobody else changes the stored value, or until ctx ends.
// Unlike a mutex, writing may be held for long, also within a synctest bubble.
func (e *Engine[T]) beginWriting(ctx context.Context) error {
	for {
		e.mu.Lock()
		if !e.writing {
			e.writing = true
			e.mu.Unlock()
			return nil
		}
		if e.written == nil {
			e.written = make(chan struct{})
		}
		written := e.written
		e.mu.Unlock()
		select {
		case <-written:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// endWriting lets others change the stored value.
func (e *Engine[T]) endWriting() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.writing = false
	if e.written != nil {
		close(e.written)
		e.written = nil
	}
}

// Get returns the present generation, renewed if it has expired. Get takes no
// lock while the generation is fresh.
func (e *Engine[T]) Get(ctx context.Context, s Scheme[T]) (*Generation[T], error) {
	g := e.current.Load()
	if g != nil && (g.renewAt.IsZero() || time.Until(g.renewAt) > 0) {
		return g, nil
	}
	if g != nil && g.fresh() {
		e.renewEarly(ctx, s, g)
		return g, nil
	}
	return e.await(ctx, s, g, false)
}

// Replace returns a generation other than rejected, which the API did not
// accept: the present generation if that is another by now, else a new one. A generation
// that was rejected right after its renewal is replaced by what the store has by now, or
// else is ErrRejectedAgain.
func (e *Engine[T]) Replace(ctx context.Context, s Scheme[T], rejected *Generation[T]) (*Generation[T], error) {
	if e.current.Load() != rejected {
		return e.Get(ctx, s)
	}
	if rejected.rejectedLately() && e.store == nil {
		return nil, ErrRejectedAgain
	}
	return e.await(ctx, s, rejected, true)
}

// ReplaceLater starts Replace and does not wait for the outcome. An error says why
// nothing was started. The caller cannot see whether the new generation is accepted.
// So if rejected itself replaced a rejected generation lately, ReplaceLater calls
// RejectedAgain instead.
func (e *Engine[T]) ReplaceLater(ctx context.Context, s Scheme[T], rejected *Generation[T]) error {
	if rejected.rejectedLately() {
		if e.store != nil {
			e.join(ctx, s, rejected, true, true)
		}
		return ErrRejectedAgain
	}
	if rejected.replaced != nil && time.Since(*rejected.replaced) < rejectedWait {
		return e.RejectedAgain(rejected)
	}
	f := e.join(ctx, s, rejected, true, true)
	select {
	case <-f.done: // the failure of an earlier flight is remembered
		return f.err
	default:
		return nil
	}
}

// GiveUp starts Replace, as ReplaceLater does, also for a generation that replaced a
// rejected one lately. GiveUp is for an s that knows of an error without a request, which
// the store keeps then.
func (e *Engine[T]) GiveUp(ctx context.Context, s Scheme[T], rejected *Generation[T]) {
	e.join(ctx, s, rejected, true, true)
}

// RejectedAgain notes that g was rejected right after its renewal, and returns
// ErrRejectedAgain.
func (e *Engine[T]) RejectedAgain(g *Generation[T]) error {
	until := time.Now().Add(rejectedWait)
	g.rejectedUntil.Store(&until)
	return ErrRejectedAgain
}

// Set makes value the present generation, as after the account owner's consent,
// and saves the value. Set clears what is known of failures, and replaces a record
// of another identity. After an error of the store, the value is in use, and saving
// is tried again in the background. If ctx ended while another generation was being
// saved, the value is not in use. The record of a newer version is left alone.
func (e *Engine[T]) Set(ctx context.Context, s Scheme[T], value *T) error {
	if e.store == nil {
		e.install(newGeneration(s, value, nil))
		return nil
	}
	raw, err := s.Encode(value)
	if err != nil {
		return err
	}
	g := newGeneration(s, value, raw)
	rec, u, err := e.successor(ctx, s)
	if err != nil {
		return err
	}
	rec.Value = raw
	u.raw = rec.encode()
	err = e.saveSet(ctx, s, g, u)
	event := saved(g, err)
	event.Context = context.WithoutCancel(ctx)
	observe(s, event)
	return err
}

// successor returns the record for Set, with what is worth keeping of the stored
// record, and how to save the record later.
func (e *Engine[T]) successor(ctx context.Context, s Scheme[T]) (next record, u unsaved, err error) {
	ctx, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	next.Identity = s.Identity()
	stored := new(record)
	u.blind = true
	e.calling(func() error {
		if raw, failed := e.read(ctx); failed == nil {
			stored, err = parse(raw)
			u = unsaved{old: raw, before: digest(stored.Value), renews: err == nil}
		}
		return nil
	})
	if stored.Version > recordVersion {
		return next, u, fmt.Errorf("%q in the token store: %w", e.key, err)
	}
	if err == nil && stored.Identity == next.Identity {
		next.Rotates, next.Other = stored.Rotates, stored.Other
		next.Login, _ = s.Login(stored.Login)
	} else {
		next.Login, _ = s.Login("")
	}
	return next, u, nil
}

// install makes g the present generation. A flight under way ends with g, too:
// nobody wants its outcome any more.
func (e *Engine[T]) install(g *Generation[T]) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.put(g)
}

// put is install. e.mu is held.
func (e *Engine[T]) put(g *Generation[T]) {
	e.failure = nil
	e.current.Store(g)
	if e.flight != nil {
		e.flight.end(g, nil)
		e.flight = nil
	}
}

// renewEarly starts the renewal of g, which is still fresh, unless a recent
// failure advises against a renewal.
func (e *Engine[T]) renewEarly(ctx context.Context, s Scheme[T], g *Generation[T]) {
	if g.rejectedLately() || !e.mu.TryLock() {
		return // whoever holds the lock starts the renewal
	}
	defer e.mu.Unlock()
	if e.flight == nil && e.current.Load() == g && (e.failure == nil || e.failure.allowsEarly()) {
		e.start(ctx, s, g, &flight[T]{background: true})
	}
}

// await waits for a generation other than stale, or for ctx. rejected says that the
// API has rejected stale.
func (e *Engine[T]) await(ctx context.Context, s Scheme[T], stale *Generation[T], rejected bool) (*Generation[T], error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f := e.join(ctx, s, stale, rejected, false)
		if err := f.wait(ctx); err == errStuck {
			return nil, fmt.Errorf("%w: %s", err, s.Identity())
		} else if err != nil {
			return nil, err
		}
		switch {
		case f.err == errForgotten:
			stale = nil // the next flight finds nothing, or obtains another value
		case rejected && !f.rejected && stale != nil && (f.err == errStillGood || f.err == nil && f.gen == stale):
			// The flight began before the rejection, and has kept stale as good.
		default:
			return f.gen, f.err
		}
	}
}

// join returns the flight that replaces stale, and starts the flight if there is
// none. background says that the caller does not wait.
func (e *Engine[T]) join(ctx context.Context, s Scheme[T], stale *Generation[T], rejected, background bool) *flight[T] {
	e.mu.Lock()
	defer e.mu.Unlock()
	if g := e.current.Load(); g == nil {
		stale = nil // look has found that the store has another value
	} else if g != stale { // somebody was faster
		return ended(g, nil)
	}
	if e.flight != nil {
		return e.flight
	}
	if f := e.failure; f != nil && e.store == nil && f.active() {
		return ended[T](nil, f.err) // with a store, the flight looks into the store first
	}
	look := rejected && stale != nil && stale.rejectedLately()
	return e.start(ctx, s, stale, &flight[T]{rejected: rejected, background: background, look: look})
}

// start begins f, which replaces stale. e.mu is held.
func (e *Engine[T]) start(ctx context.Context, s Scheme[T], stale *Generation[T], f *flight[T]) *flight[T] {
	go e.carryOut(context.WithoutCancel(ctx), s, e.open(f), stale)
	return f
}

// open makes f the flight under way. e.mu is held.
func (e *Engine[T]) open(f *flight[T]) *flight[T] {
	f.done, f.overdue = make(chan struct{}), make(chan struct{})
	e.flight = f
	return f
}

// shielded calls f, which is foreign code, and ignores a panic.
func shielded(f func()) {
	defer func() { _ = recover() }()
	f()
}
