package renew

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// renewal is the work of one flight. A method that returns a generation returns
// nil after fail.
type renewal[T any] struct {
	*Engine[T]
	scheme Scheme[T]
	stale  *Generation[T]
	reject bool // the API has rejected stale
	force  bool // the program wants a token request, whatever is known of failures
	look   bool // stale was rejected right after its renewal: the store may have a better value
	telling
	late *time.Timer     // tells those who wait that the renewal does not end
	gate context.Context // ends at Shutdown: nothing must be sent after its end
	left func()          // set while the renewal has a turn at the endpoint
	yielding
	lease   Lease    // set while the store's lock is held
	based   bool     // the store was looked into
	asked   bool     // a token request was made
	tried   sum      // of the value that the token request was to replace
	seen    *T       // what the store held last; nil if nobody has looked
	forget  bool     // the stale generation must not be used any more
	failure *failure // set together with err where there is no new generation
	err     error
}

// maxTries limits how often a renewal begins anew because somebody else has
// changed the record.
const maxTries = 4

// run makes the steps in their order: load, wait for a turn at the endpoint, load
// again after a long wait, lock, load again, mark, renew, save.
func (r *renewal[T]) run(ctx context.Context) *Generation[T] {
	first, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	rec := new(record)
	if r.store != nil {
		if err := r.flush(first); err != nil {
			return r.blocked(err)
		}
		var stored, g *Generation[T]
		var done bool
		if rec, stored, g, done = r.inspect(first); done {
			return g
		}
		if r.look && stored != nil && stored == r.stale && stored.fresh() {
			r.failure, r.err = r.lastCopy(), ErrRejectedAgain
			return nil
		}
	} else if r.barred(rec) {
		return nil
	}
	if r.paused(rec) {
		return nil
	}
	r.late.Stop()
	turn, cancelTurn := context.WithTimeout(r.gate, turnTimeout)
	defer cancelTurn()
	began := time.Now()
	if err := r.enter(turn); err != nil {
		return r.blocked(err)
	}
	if r.paused(rec) { // since others before in the queue were told so
		return nil
	}
	r.late.Reset(flightTimeout + flightGrace)
	if r.store != nil && time.Since(began) > waitAfter { // somebody else may have had a turn before
		again, cancel := context.WithTimeout(r.gate, lockTimeout)
		defer cancel()
		var g *Generation[T]
		var done bool
		if rec, _, g, done = r.inspect(again); done {
			return g
		}
	}
	ctx, cancelAll := context.WithTimeout(ctx, flightTimeout)
	defer cancelAll()
	for range maxTries {
		if g, again := r.try(ctx, rec); !again {
			return g
		}
	}
	return r.blocked(fmt.Errorf("%q was changed in the token store again and again during its renewal", r.key))
}

// try makes the steps from the lock on. again says that nothing was sent, or in
// vain, because somebody else has changed the record.
func (r *renewal[T]) try(ctx context.Context, rec *record) (g *Generation[T], again bool) {
	if r.store == nil {
		return r.request(ctx, r.stale, rec)
	}
	before, cancel := context.WithTimeout(r.gate, lockTimeout)
	defer cancel()
	if shared, ok := r.store.(SharedStore); ok && r.lease == nil {
		switch g, err := r.lock(before, shared, rec); {
		case err != nil:
			return r.blocked(err), false
		case g != nil:
			return r.adopt(g), false
		}
	}
	if err := r.enter(before); err != nil { // again, if the lock took long, or after a request in vain
		return r.blocked(err), false
	}
	rec, stored, g, done := r.inspect(before)
	if done || r.paused(rec) {
		return g, false
	}
	return r.request(ctx, stored, rec)
}

// paused reports whether the provider has asked for a pause of the endpoint, and
// notes why.
func (r *renewal[T]) paused(rec *record) bool {
	wait := r.group.paused(r.scheme.Endpoint().URL)
	if wait <= 0 || r.force {
		return false
	}
	r.pause(r.restore("", false, wait), rec, time.Time{}, wait)
	return true
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
	if rec.Rotates {
		r.group.seenToRotate(r.scheme.Endpoint())
	}
	if r.newer(stored) {
		if !r.force || r.based || !r.rebase(stored) {
			return nil, nil, r.adopt(stored), true
		}
	}
	r.based = true
	if s := r.stale; stored != nil && s != nil && s.unsaved == nil && stored.sum == s.sum {
		stored = s // whose life was counted by the clock of this process
	}
	if r.stale.succeeds(rec) {
		stored, rec.Doubt = r.stale, nil // the mark is about the predecessor
	} else if stored == nil && rec.replaced == nil && !rec.unreadable {
		r.forget = true // somebody has deleted the stored value
	}
	return rec, stored, nil, r.barred(rec)
}

// rebase makes stored, which the store has by now, the generation to renew. rebase
// returns false if somebody has set another.
func (r *renewal[T]) rebase(stored *Generation[T]) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current.Load() != r.stale {
		return false
	}
	r.current.Store(stored)
	r.stale = stored
	return true
}

// blocked reports what prevented the token request: the store, or Shutdown.
func (r *renewal[T]) blocked(err error) *Generation[T] {
	if cause := context.Cause(r.gate); errors.Is(err, context.Canceled) && errors.Is(cause, ErrShutdown) {
		err = cause // and not what the store says of the end of gate
	}
	if !errors.Is(err, ErrShutdown) {
		err = fmt.Errorf("connectorauth: %w", err)
		if r.store == nil && r.key != "" { // the errors of a store name the account
			err = fmt.Errorf("%w; account %q", err, r.key)
		}
		err = r.named(err)
	}
	err = r.withhold(r.scheme, err, r.seen)
	r.tell(Event[T]{Happened: Failed, Err: err, Cause: obstacle(err)})
	return r.fail(err, Verdict{}, new(record))
}

// named returns err with a text that ends with the token endpoint, without a query.
func (r *renewal[T]) named(err error) error {
	if url, _, _ := strings.Cut(r.scheme.Endpoint().URL, "?"); err != nil && url != "" {
		return fmt.Errorf("%w; token endpoint %s", err, url)
	}
	return err
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
	r.tell(Event[T]{Happened: Adopted, Value: g.Value})
	return g
}

// request makes the token request that replaces old, the generation in rec, and
// saves the outcome. again is that of try.
func (r *renewal[T]) request(ctx context.Context, old *Generation[T], rec *record) (g *Generation[T], again bool) {
	shared, _ := r.store.(SharedStore)
	rec.Rotates = rec.Rotates || r.group.rotates(r.scheme.Endpoint())
	if last := r.lastFailure(); shared == nil && last != nil && last.doubt != nil && last.sum == digest(rec.Value) {
		rec.Doubt = last.doubt
	}
	if rec.Doubt != nil {
		var done bool
		if old, done, again = r.settle(ctx, rec, old); done {
			return old, again
		}
	}
	if rec.unreadable {
		r.tell(Event[T]{Happened: Failed, Cause: CauseStore, Err: fmt.Errorf("the value of %q in the token store is damaged, and is replaced by a new token", r.key)})
	}
	var value *T
	if old != nil {
		value = old.Value
	}
	single := value != nil && r.scheme.SingleUse(value)
	before := rec.Doubt
	if ready, err := r.prepare(ctx, rec, shared != nil && single && len(rec.Value) > 0); err != nil {
		return r.blocked(err), false
	} else if !ready {
		return nil, true
	}
	r.asked, r.tried, r.asks = true, digest(rec.Value), time.Now()
	r.tell(Event[T]{Happened: Renewing, Value: value})
	next, panicked, err := r.ask(ctx, value)
	took := time.Since(r.asks)
	r.leave()
	after := rec.next()
	if next != nil && value != nil && r.scheme.Rotated(value, next) {
		r.group.seenToRotate(r.scheme.Endpoint())
		after.Rotates = true
	}
	if err == nil {
		r.tell(Event[T]{Happened: Renewed, Value: next, Took: took})
		return r.save(ctx, next, after, rec), false
	}
	verdict := Verdict{Kind: InDoubt}
	if !panicked {
		verdict = r.scheme.Verdict(err)
	}
	if verdict.After > 0 && verdict.Kind != Dead && !verdict.Own {
		r.group.pause(r.scheme.Endpoint().URL, verdict.After)
	}
	event := Event[T]{Happened: Failed, Value: value, Err: err, Took: took}
	if verdict.Kind == Dead {
		if r.changed(ctx, rec) { // somebody without the lock may have renewed meanwhile
			r.tell(event)
			return nil, true
		}
		event.Happened = ReauthRequired
	}
	r.tell(event)
	r.fail(err, verdict, rec)
	if next == nil {
		after.Doubt = r.doubtAfter(verdict, single, before, rec)
		r.failure.doubt = after.Doubt
		r.note(ctx, verdict, rec, after)
		return nil, false
	}
	g = r.save(ctx, next, after, rec)
	if g.Value == next {
		r.failure.sum = g.sum // the next attempt will find this value in the store
	} else {
		r.failure, r.err = nil, nil // somebody else has stored a better value
	}
	return g, false
}

// ask makes the token request. A panic becomes an error, so what is in doubt is
// noted. The panic value may contain a secret.
func (r *renewal[T]) ask(ctx context.Context, old *T) (next *T, panicked bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			next, panicked, err = nil, true, fmt.Errorf("connectorauth: panic of type %T during the renewal", p)
		}
	}()
	ctx, done := r.asking(ctx)
	defer done()
	next, err = r.scheme.Renew(ctx, old)
	return next, false, err
}

// prepare makes the last checks before something is sent: the record is marked if
// mark says so, nobody has called Shutdown, and the lock is still held. prepare
// returns false if somebody else is at work.
func (r *renewal[T]) prepare(ctx context.Context, rec *record, mark bool) (ready bool, err error) {
	unmarked := *rec
	if mark {
		if marked, err := r.mark(ctx, rec); err != nil {
			return false, fmt.Errorf("mark the record before a single use: %w", err)
		} else if !marked {
			return false, nil
		}
	}
	err = context.Cause(r.gate)
	if err == nil && r.lease != nil {
		err = r.calling(func() error { return r.lease.Check(r.gate) })
	}
	if err == nil {
		return true, nil
	}
	if mark {
		r.rewrite(ctx, rec, unmarked) // nothing was sent
	}
	if context.Cause(r.gate) != nil || ctx.Err() != nil {
		return false, errors.Join(context.Cause(r.gate), ctx.Err())
	}
	r.unlock() // lost to somebody else
	return false, nil
}
