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
	overdue   chan struct{}  // closed when the flight should have ended: foreign code may ignore its context
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
	refusals int       // refused token requests in a row
	wait     time.Time // when the next early renewal may begin

	// The other fields are about the last token request. A failing store after the
	// request changes none of them.
	err      error
	dead     bool
	inDoubt  bool
	doubt    *doubt    // what the record cannot say: see Engine
	until    time.Time // when the request may be made again
	recorded time.Time // what the record says in place of until, by the clock of any machine
	sum      sum       // of the stored value that the request was to replace
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
	late := time.AfterFunc(flightTimeout+flightGrace, func() { close(f.overdue) })
	defer late.Stop()
	r := &renewal[T]{Engine: e, scheme: s, stale: stale, reject: f.rejected}
	defer r.release()
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

// renewal is the work of one flight. A method that returns a generation returns
// nil after fail.
type renewal[T any] struct {
	*Engine[T]
	scheme  Scheme[T]
	stale   *Generation[T]
	reject  bool     // the API has rejected stale
	unlock  func()   // set while the store's lock is held
	asked   bool     // a token request was made
	tried   sum      // of the value that the token request was to replace
	seen    *T       // what the store held last; nil if nobody has looked
	lost    int      // how often somebody else changed the record right before the request
	forget  bool     // the stale generation must not be used any more
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
		return r.request(ctx, r.stale, new(record))
	}
	before, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	if err := r.flush(before); err != nil {
		return r.blocked(err)
	}
	rec, stored, g, done := r.inspect(before)
	if done {
		return g
	}
	if shared, ok := r.store.(SharedStore); ok {
		lease, err := shared.Lock(before, r.key)
		if err != nil {
			return r.blocked(fmt.Errorf("lock %q in the token store: %w", r.key, err))
		}
		r.unlock = lease.Unlock
		if rec, stored, g, done = r.inspect(before); done {
			return g // the holder of the lock before may have renewed
		}
	}
	return r.request(ctx, stored, rec)
}

// inspect loads the record. done says that the flight ends with g and without a
// token request.
func (r *renewal[T]) inspect(ctx context.Context) (rec *record, stored, g *Generation[T], done bool) {
	rec, stored, err := r.load(ctx)
	if err != nil {
		return nil, nil, r.blocked(err), true
	}
	if stored != nil {
		r.seen = stored.Value
	}
	if r.newer(stored) {
		return nil, nil, r.adopt(stored), true
	}
	if r.stale.succeeds(rec) {
		stored, rec.Doubt = r.stale, nil // the mark is about the predecessor
	} else if stored == nil && rec.replaced == nil && !rec.unreadable {
		r.forget = true // somebody has deleted the stored value
	}
	return rec, stored, nil, r.barred(rec)
}

// blocked reports a store that prevented the token request.
func (r *renewal[T]) blocked(err error) *Generation[T] {
	err = r.withhold(r.scheme, fmt.Errorf("connectorauth: %w", err), r.seen)
	observe(r.scheme, Event[T]{Happened: Failed, Err: err})
	return r.fail(err, Verdict{}, new(record))
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
	shared, _ := r.store.(SharedStore)
	rec.Rotates = rec.Rotates || r.rotates.Load()
	if last := r.lastFailure(); shared == nil && last != nil && last.doubt != nil && last.sum == digest(rec.Value) {
		rec.Doubt = last.doubt
	}
	if rec.Doubt != nil {
		var done bool
		if old, done = r.settle(ctx, rec, old); done {
			return old
		}
	}
	if rec.unreadable {
		observe(r.scheme, Event[T]{Happened: Failed, Err: fmt.Errorf("the value of %q in the token store is damaged, and is replaced by a new token", r.key)})
	}
	var value *T
	if old != nil {
		value = old.Value
	}
	single := value != nil && r.scheme.SingleUse(value)
	before := rec.Doubt
	if shared != nil && single && len(rec.Value) > 0 {
		switch marked, err := r.mark(ctx, rec); {
		case err != nil:
			return r.blocked(fmt.Errorf("mark the record before a single use: %w", err))
		case !marked:
			return r.again(ctx)
		}
	}
	r.asked, r.tried = true, digest(rec.Value)
	observe(r.scheme, Event[T]{Happened: Renewing, Value: value})
	began := time.Now()
	next, err := r.scheme.Renew(ctx, value)
	took := time.Since(began)
	after := rec.next()
	if next != nil && value != nil && r.scheme.Rotated(value, next) {
		r.rotates.Store(true)
		after.Rotates = true
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
		after.Doubt = r.doubtAfter(verdict, single, before, rec)
		r.failure.doubt = after.Doubt
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

// doubtAfter returns the mark that a failed request leaves. before is the mark of
// the request before.
func (r *renewal[T]) doubtAfter(verdict Verdict, single bool, before *doubt, rec *record) *doubt {
	switch {
	case verdict.Kind == Dead && single:
		return nil
	case verdict.Kind == InDoubt && single && rec.Doubt != before:
		return rec.Doubt
	case verdict.Kind == InDoubt && single:
		return &doubt{Since: time.Now(), Again: before != nil}
	case before != nil && !verdict.Unsent:
		return &doubt{Since: before.Since, Again: true}
	}
	return before
}

// again begins anew after somebody else has changed the record.
func (r *renewal[T]) again(ctx context.Context) *Generation[T] {
	if r.lost++; r.lost > 3 {
		return r.blocked(fmt.Errorf("%q was changed in the token store during its renewal", r.key))
	}
	rec, stored, g, done := r.inspect(ctx)
	if done {
		return g
	}
	return r.request(ctx, stored, rec)
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
// record without anything known of failures but a mark.
func (r *renewal[T]) note(ctx context.Context, verdict Verdict, rec *record, after record) {
	_, shared := r.store.(SharedStore)
	if r.store == nil || len(rec.Value) == 0 && !r.scheme.Alone() {
		return // there is nothing to know of an account without a token
	}
	if !shared {
		after.Doubt = nil
	}
	after.Attempts = max(r.failure.refusals, rec.Attempts)
	if verdict.Kind == Dead {
		after.Dead = &death{Code: verdict.Code, Since: time.Now().Round(0), Void: verdict.Void}
	}
	if left := time.Until(r.failure.until); left >= refusedWait/2 && !r.failure.dead {
		after.NotBefore, after.Code = time.Now().Add(left).Round(0), verdict.Code
		r.failure.recorded = after.NotBefore
	}
	if shared && rec.Doubt != after.Doubt || !after.NotBefore.IsZero() || after.Dead != nil {
		r.rewrite(ctx, rec, after)
	}
}

// fail records why there is no new generation.
func (r *renewal[T]) fail(err error, verdict Verdict, rec *record) *Generation[T] {
	r.asked = r.asked && !verdict.Idle
	f := r.lastCopy()
	wait := jitter(min(minBackoff<<min(f.attempts, 10), maxBackoff), 0.8, 1.2)
	login := verdict.Kind == Dead && verdict.Retry
	if r.asked && (login || verdict.Kind == Refused) {
		n := min(max(f.refusals, rec.Attempts), 10)
		f.refusals = n + 1
		if wait = jitter(min(refusedWait<<n, maxRefused), 0.8, 1.2); login {
			wait = jitter(min(retryLogin<<n, maxRetryWait), 0.8, 1)
		}
	}
	f.attempts++
	f.wait = time.Now().Add(max(wait, min(verdict.After, maxRetryAfter)))
	if r.asked {
		f.err, f.dead, f.inDoubt, f.doubt = err, verdict.Kind == Dead && !login, verdict.Kind == InDoubt, nil
		f.until, f.sum, f.recorded = f.wait, r.tried, time.Time{}
		r.forget = r.forget || verdict.Kind == Dead && verdict.Void
	}
	r.failure, r.err = f, err
	return nil
}

func (r *renewal[T]) lastFailure() *failure {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Engine.failure
}

// lastCopy returns a copy of the last failure.
func (r *renewal[T]) lastCopy() *failure {
	f := new(failure)
	if last := r.lastFailure(); last != nil {
		*f = *last
	}
	return f
}
