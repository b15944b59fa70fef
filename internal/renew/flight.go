package renew

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
)

// flight is one renewal under way, shared by all who wait for the renewal.
type flight[T any] struct {
	rejected  bool          // the API has rejected the generation before
	goroutine atomic.Uint64 // carries out the flight
	done      chan struct{}
	gen       *Generation[T] // gen and err are set before done is closed
	err       error
}

func (f *flight[T]) end(g *Generation[T], err error) {
	f.gen, f.err = g, err
	close(f.done)
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

// failure is the outcome of the last flights, remembered so that later requests
// need not ask the provider again.
type failure struct {
	attempts int       // failed flights in a row
	wait     time.Time // when the next early renewal may begin

	// The other fields are about the last token request. A failing store after the
	// request changes none of them.
	err     error
	dead    bool
	inDoubt bool
	until   time.Time // when the request may be made again
	sum     sum       // of the stored value that the request was to replace
}

// active reports whether it is too early to ask the provider again.
func (f *failure) active() bool { return f.dead || time.Until(f.until) > 0 }

// allowsEarly reports whether a fresh generation may be renewed.
func (f *failure) allowsEarly() bool {
	return !f.dead && !f.inDoubt && time.Until(f.wait) <= 0
}

// carryOut makes the renewal of f. ctx has no end of its own.
func (e *Engine[T]) carryOut(ctx context.Context, s Scheme[T], f *flight[T], stale *Generation[T]) {
	f.goroutine.Store(goroutine())
	ctx, cancel := context.WithTimeout(ctx, flightTimeout)
	defer cancel()
	r := &renewal[T]{Engine: e, scheme: s, stale: stale, reject: f.rejected}
	defer r.release()
	var g *Generation[T]
	defer func() {
		// The store and the transport are foreign code, and no caller on this goroutine
		// could recover. The panic value may contain a secret.
		if p := recover(); g == nil && r.failure == nil {
			r.fail(fmt.Errorf("panic of type %T during the renewal", p), Verdict{Kind: InDoubt}, &record{})
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
	if g != nil {
		g.replaces = g.replaces || f.rejected && g != r.stale
		e.current.Store(g)
	}
	f.end(g, r.err)
}

// renewal is the work of one flight. A method that returns a generation returns
// nil after fail.
type renewal[T any] struct {
	*Engine[T]
	scheme  Scheme[T]
	stale   *Generation[T]
	unlock  func()   // set while the store's lock is held
	asked   bool     // a token request was made
	tried   sum      // of the value that the token request was to replace
	reject  bool     // the API has rejected stale
	failure *failure // set together with err where there is no new generation
	err     error
}

func (r *renewal[T]) release() {
	if r.unlock != nil {
		shielded(r.unlock)
	}
}

// run makes the steps in their order: load, lock, load again, mark, renew, save.
func (r *renewal[T]) run(ctx context.Context) *Generation[T] {
	if r.store == nil {
		return r.request(ctx, r.stale, &record{})
	}
	before, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	if err := r.flush(before); err != nil {
		return r.blocked(err)
	}
	rec, stored, err := r.load(before)
	if err != nil {
		return r.blocked(err)
	}
	if r.newer(stored) {
		return r.adopt(stored)
	}
	if err := r.barredHere(rec); err != nil {
		return nil
	}
	if shared, ok := r.store.(SharedStore); ok {
		if r.unlock, err = shared.Lock(before, r.key); err != nil {
			return r.blocked(fmt.Errorf("lock %q in the token store: %w", r.key, err))
		}
		if rec, stored, err = r.load(before); err != nil {
			return r.blocked(err)
		}
		if r.newer(stored) { // the holder of the lock before has renewed
			return r.adopt(stored)
		}
		if err := r.barredHere(rec); err != nil {
			return nil
		}
	}
	if r.stale.succeeds(rec) {
		stored = r.stale
	}
	return r.request(ctx, stored, rec)
}

// barredHere sets the failure of a record that allows no token request now, or of
// the last token request of this process.
func (r *renewal[T]) barredHere(rec *record) error {
	if last := r.lastFailure(); last != nil && last.active() && last.sum == digest(rec.Value) {
		r.failure, r.err = last, last.err
		return last.err
	}
	err := r.barred(rec)
	if err == nil {
		return nil
	}
	r.asked, r.tried = true, digest(rec.Value) // by another process
	r.fail(err, Verdict{Kind: Temporary, After: time.Until(rec.NotBefore)}, rec)
	r.failure.dead = rec.Dead != nil && rec.NotBefore.IsZero()
	return err
}

// blocked reports a store that prevented the token request.
func (r *renewal[T]) blocked(err error) *Generation[T] {
	observe(r.scheme, Event[T]{Happened: Failed, Err: err})
	return r.fail(err, Verdict{}, &record{})
}

// newer reports whether stored is fresh and was made after the stale generation.
func (r *renewal[T]) newer(stored *Generation[T]) bool {
	if stored == nil || !stored.fresh() {
		return false
	}
	s := r.stale
	return s == nil || stored.sum != s.sum && !(s.unsaved != nil && stored.sum == s.unsaved.before)
}

func (r *renewal[T]) adopt(g *Generation[T]) *Generation[T] {
	observe(r.scheme, Event[T]{Happened: Adopted, Value: g.Value})
	return g
}

// request makes the token request that replaces old, the generation in rec, and
// saves the outcome.
func (r *renewal[T]) request(ctx context.Context, old *Generation[T], rec *record) *Generation[T] {
	r.asked, r.tried = true, digest(rec.Value)
	var value *T
	if old != nil {
		value = old.Value
	}
	if rec.Doubt != nil {
		switch err := r.settleDoubt(ctx, rec, old, r.reject); {
		case err == errStillGood:
			r.fail(err, Verdict{Kind: InDoubt}, rec)
			r.err = nil
			return old
		case err != nil:
			return r.fail(err, Verdict{Kind: Temporary}, rec)
		}
	}
	if _, shared := r.store.(SharedStore); shared && value != nil && r.scheme.SingleUse(value) {
		switch marked, err := r.mark(ctx, rec); {
		case err != nil:
			return r.blocked(fmt.Errorf("mark the record before a single use: %w", err))
		case !marked:
			return r.blocked(fmt.Errorf("%q was changed in the token store during its renewal", r.key))
		}
	}
	observe(r.scheme, Event[T]{Happened: Renewing, Value: value})
	began := time.Now()
	next, err := r.scheme.Renew(ctx, value)
	took := time.Since(began)
	after := rec.next()
	if next != nil {
		after.Rotates = rec.Rotates || value != nil && r.scheme.Rotated(value, next)
	}
	if err == nil {
		observe(r.scheme, Event[T]{Happened: Renewed, Value: next, Took: took})
		return r.save(ctx, next, after, rec)
	}
	verdict := r.scheme.Verdict(err)
	event := Event[T]{Happened: Failed, Value: value, Err: err, Took: took}
	if verdict.Kind == Dead {
		// Somebody without the lock may have renewed meanwhile.
		if again, stored := r.changed(ctx, rec); again != nil {
			observe(r.scheme, event)
			if r.newer(stored) {
				return r.adopt(stored)
			}
			return r.request(ctx, stored, again)
		}
		event.Happened = ReauthRequired
	}
	observe(r.scheme, event)
	r.fail(err, verdict, rec)
	if next == nil {
		r.note(ctx, verdict, rec, after)
		return nil
	}
	g := r.save(ctx, next, after, rec)
	if g.Value == next {
		r.failure.sum = g.sum // the next attempt will find this value in the store
	} else {
		r.failure, r.err = nil, nil // somebody else has stored a better value
	}
	return g
}

// changed returns the record and its generation if somebody has changed the
// record and its value.
func (r *renewal[T]) changed(ctx context.Context, rec *record) (*record, *Generation[T]) {
	if r.store == nil {
		return nil, nil
	}
	again, stored, err := r.load(ctx)
	if err != nil || stored == nil || bytes.Equal(again.raw, rec.raw) || bytes.Equal(again.Value, rec.Value) {
		return nil, nil
	}
	return again, stored
}

// note stores what a failed token request says about the account. after is the
// record without anything known of failures.
func (r *renewal[T]) note(ctx context.Context, verdict Verdict, rec *record, after record) {
	if r.store == nil || verdict.Kind == InDoubt && rec.Doubt != nil {
		return // the mark says so already
	}
	after.Attempts = rec.Attempts + 1
	if left := time.Until(r.failure.wait); left >= refusedWait/2 {
		after.NotBefore = time.Now().Add(left).Round(0)
	}
	if verdict.Kind == Dead {
		after.Dead = &death{Code: verdict.Code, Since: time.Now().Round(0)}
		if !verdict.Retry {
			after.NotBefore = time.Time{}
		}
	}
	if rec.Doubt != nil || !after.NotBefore.IsZero() || after.Dead != nil {
		r.update(ctx, rec, after)
	}
}

// fail records why there is no new generation.
func (r *renewal[T]) fail(err error, verdict Verdict, rec *record) *Generation[T] {
	f := new(failure)
	if last := r.lastFailure(); last != nil {
		*f = *last
	}
	attempts := min(max(f.attempts, rec.Attempts), 10)
	wait := min(minBackoff<<attempts, maxBackoff)
	switch {
	case verdict.Kind == Refused:
		wait = min(refusedWait<<attempts, maxRefused)
	case verdict.Kind == Dead && verdict.Retry:
		wait = min(retryLogin<<attempts, maxRetryWait)
	}
	f.attempts++
	f.wait = time.Now().Add(max(jitter(wait, 0.8, 1.2), min(verdict.After, maxRetryAfter)))
	if r.asked {
		f.err, f.dead, f.inDoubt = err, verdict.Kind == Dead && !verdict.Retry, verdict.Kind == InDoubt
		f.until, f.sum = f.wait, r.tried
	}
	r.failure, r.err = f, err
	return nil
}

func (r *renewal[T]) lastFailure() *failure {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Engine.failure
}
