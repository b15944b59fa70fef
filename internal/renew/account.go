package renew

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

// Known is what is known of a credential.
type Known[T any] struct {
	Value     *T        // nil if there is none
	Dead      bool      // a person must act
	InDoubt   bool      // the response to a renewal was lost
	Err       error     // why the last renewal failed; nil if it did not, or nobody knows
	Since     time.Time // when the credential died, or the response was lost
	NotBefore time.Time // no token request before this time
}

// Known reads what is known of the credential, and renews nothing.
func (e *Engine[T]) Known(ctx context.Context, s Scheme[T]) (k Known[T], err error) {
	e.mu.Lock()
	f := e.failure
	e.mu.Unlock()
	g := e.current.Load()
	tell := func(sum sum) {
		if f != nil && f.err != nil && f.sum == sum && f.err != errStillGood {
			k.Err, k.InDoubt = f.err, k.InDoubt || f.inDoubt
			if f.dead || f.login {
				k.Dead = true
			}
			if f.active() && !f.dead {
				k.NotBefore = f.until.Round(0)
			}
		}
	}
	if e.store == nil {
		if g != nil {
			k.Value = g.Value
		}
		tell(sum{})
		return k, nil
	}
	r := &renewal[T]{Engine: e, scheme: s}
	var rec *record
	var stored *Generation[T]
	if err := e.calling(func() (err error) { rec, stored, err = r.load(ctx); return err }); err != nil {
		return k, e.withhold(s, err, nil)
	}
	var value *T
	if stored != nil {
		value = stored.Value
	}
	switch {
	case g.succeeds(rec) && e.isSaving():
		value = g.Value
	case rec.Doubt != nil:
		k.InDoubt, k.Since, k.Err = true, rec.Doubt.Since, errLost
	case rec.Dead != nil:
		k.Dead, k.Since, k.Err = true, rec.Dead.Since, s.Restore(value, rec.Dead.Code, true, 0)
		k.NotBefore = rec.NotBefore
	case !rec.NotBefore.IsZero():
		k.NotBefore, k.Err = rec.NotBefore, s.Restore(value, rec.Code, false, max(time.Until(rec.NotBefore), 0))
	}
	k.Value = value
	if k.Err == nil && f != nil && (g == nil || g.sum == digest(rec.Value)) {
		k.Err = f.last // nobody has renewed since
	}
	if g != nil && e.isSaving() {
		k.Err = errUnsaved
	}
	if time.Until(k.NotBefore) <= 0 {
		k.NotBefore = time.Time{} // the pause is over
	}
	tell(digest(rec.Value))
	return k, nil
}

// errUnsaved tells of a saver.
var errUnsaved = errors.New("connectorauth: the store does not take what it should keep of the account, such as a new token; saving is tried again, and until then a restart of the program would lose it")

// errLost tells of a mark in the record.
var errLost = errors.New("connectorauth: a token request is under way, or its response was lost")

// Renew replaces the credential now, whatever is known of earlier failures. A
// credential that a person must replace, or that is in doubt and still good, is not
// sent.
func (e *Engine[T]) Renew(ctx context.Context, s Scheme[T]) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		e.mu.Lock()
		f := e.flight
		if f == nil {
			f = e.start(ctx, s, e.current.Load(), &flight[T]{force: true})
		}
		e.mu.Unlock()
		if err := f.wait(ctx); err != nil {
			return err
		}
		if f.force {
			return f.err
		}
	}
}

// errForgotten is the outcome of a flight that has removed the credential.
var errForgotten = errors.New("connectorauth: the token was removed")

// errSet is the error of Forget if Set was called meanwhile.
var errSet = errors.New("connectorauth: another token was set while the token was removed")

// Forget removes the credential here and from the store, and with it all that is
// known of failures. Before, revoke, if not nil, gets the credential, unless there
// is none. An error of revoke ends Forget: nothing is removed. Nobody renews the
// credential meanwhile. A credential of Set that comes meanwhile stays, which is an
// error. With revoke, that holds for other processes, too. Forget goes on if ctx ends, and
// then returns the error of ctx.
func (e *Engine[T]) Forget(ctx context.Context, s Scheme[T], revoke func(context.Context, *T) error) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		e.mu.Lock()
		f := e.flight
		mine := f == nil
		if mine {
			f = e.open(new(flight[T]))
			go e.forget(context.WithoutCancel(ctx), s, f, revoke)
		}
		e.mu.Unlock()
		if err := f.wait(ctx); err != nil {
			return err
		}
		switch {
		case !mine:
		case f.err == errForgotten:
			return nil
		case f.err == nil: // Set has ended f
			return errSet
		default:
			return f.err
		}
	}
}

// forget carries out f.
func (e *Engine[T]) forget(ctx context.Context, s Scheme[T], f *flight[T], revoke func(context.Context, *T) error) {
	f.goroutine.Store(goroutine())
	late := time.AfterFunc(flightTimeout+flightGrace, func() { close(f.overdue) })
	defer late.Stop()
	ctx, cancel := context.WithTimeout(ctx, flightTimeout)
	defer cancel()
	defer e.group.begin(e.key, func() {})()
	r := &renewal[T]{Engine: e, scheme: s, stale: e.current.Load()}
	defer r.unlock()
	err := errors.New("connectorauth: panic while a token was removed")
	defer func() {
		_ = recover()
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.flight != f {
			return // Set has ended f
		}
		e.flight = nil
		if err == nil {
			e.failure, err = nil, errForgotten
			e.current.Store(nil)
		}
		f.end(nil, err)
	}()
	err = r.remove(ctx, revoke)
	err = r.withhold(s, err, r.seen)
}

// remove revokes the credential, and deletes the record under the store's lock. A
// saver that has the lock must save first.
func (r *renewal[T]) remove(ctx context.Context, revoke func(context.Context, *T) error) error {
	var value *T
	if r.stale != nil {
		value = r.stale.Value // of this process
	}
	var before *record // nil: what the store holds does not matter
	if r.store != nil {
		err := r.flush(ctx)
		if shared, ok := r.store.(SharedStore); ok {
			if err != nil && r.isLocked() {
				return err
			}
			lease, err := shared.Lock(ctx, r.key)
			if err != nil {
				return fmt.Errorf("lock %q in the token store: %w", r.key, err)
			}
			r.lease = lease
		}
		rec, stored, err := r.load(ctx)
		if err != nil && (revoke != nil || !errors.As(err, new(*storeerror.Damaged))) {
			return err
		}
		if err == nil && !(r.stale.succeeds(rec) && r.isSaving()) {
			value = nil // what the store has is newer, or deleted
			if stored != nil {
				value = stored.Value
			}
			r.seen = value
		}
		if err == nil && revoke != nil {
			before = rec
		}
	}
	if revoke != nil && value != nil {
		if err := revoke(ctx, value); err != nil {
			return err
		}
	}
	if r.store == nil {
		return nil
	}
	r.beginWriting(context.Background())
	defer r.endWriting()
	if r.current.Load() != r.stale {
		return errSet
	}
	if before != nil {
		if err := r.calling(func() error { return r.unchanged(ctx, before) }); err != nil {
			return err
		}
	}
	r.stopSaving()
	if err := r.calling(func() error { return r.store.Delete(ctx, r.key) }); err != nil {
		return fmt.Errorf("delete %q from the token store: %w", r.key, err)
	}
	return nil
}

// unchanged returns errSet if somebody else has changed the record since before: Set takes no
// lock, and a lock can be lost. A change by the saver of this process is none.
func (r *renewal[T]) unchanged(ctx context.Context, before *record) error {
	raw, err := r.read(ctx)
	if err != nil || raw == nil || same(raw, before.raw) {
		return err
	}
	if s := r.stale; s != nil && s.unsaved != nil {
		if rec, err := parse(raw); err == nil && digest(rec.Value) == s.sum {
			return nil
		}
	}
	return errSet
}
