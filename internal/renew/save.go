package renew

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/connectorauth/connectorauth/internal/scrub"
)

const (
	saveTimeout  = 15 * time.Second // one attempt to save
	savePatience = 10 * time.Minute // all attempts
	saveRetry    = 250 * time.Millisecond
)

// unsaved says how to save a generation later.
type unsaved struct {
	old    []byte // the stored record to replace; nil if the key was absent
	or     []byte // another record to replace; nil: none
	before sum    // of the value in old
	renews bool   // raw has a new value: see swap
	blind  bool   // replace any stored record; old is unknown
	over   bool   // replace a stored record that cannot be read
	wins   bool   // replace whatever is stored by now
	raw    []byte // the record to store; nil if the value cannot be encoded

	saved *atomic.Bool // set when a saver has stored raw; nil without a saver
}

// replaces reports whether raw may take the place of stored, which is not old.
func (u *unsaved) replaces(stored []byte) bool {
	rec, err := parse(stored)
	switch {
	case rec.Version > recordVersion:
		return false // nobody replaces what they do not know
	case u.wins, u.or != nil && same(stored, u.or):
		return true
	}
	return u.renews && err == nil && stored != nil && digest(rec.Value) == u.before
}

// succeeds reports whether g, which is not saved so far, replaces the value in
// rec.
func (g *Generation[T]) succeeds(rec *record) bool {
	if g == nil || g.unsaved == nil || g.unsaved.saved != nil && g.unsaved.saved.Load() {
		return false
	}
	return digest(rec.Value) == g.unsaved.before
}

// save makes next durable and returns its generation, or the generation that
// somebody else stored first. after is the record to store, without next; rec is
// the stored record.
func (r *renewal[T]) save(ctx context.Context, next *T, after record, rec *record) *Generation[T] {
	if r.store == nil {
		return newGeneration(r.scheme, next, nil)
	}
	raw, err := r.scheme.Encode(next)
	if err != nil {
		g := newGeneration(r.scheme, next, nil)
		g.unsaved = &unsaved{old: rec.raw, before: digest(rec.Value)}
		r.tell(saved(g, r.named(err)))
		return g
	}
	after.Value = raw
	ctx = context.WithoutCancel(ctx) // the time for the request may be up
	u := unsaved{old: rec.raw, before: digest(rec.Value), renews: true, raw: after.encode(), over: rec.unreadable}
	g, swapped, err := r.write(ctx, newGeneration(r.scheme, next, raw), u)
	if g == nil {
		return r.current.Load()
	}
	if err == nil && !swapped {
		ctx, cancel := context.WithTimeout(ctx, saveTimeout)
		defer cancel()
		if _, other, loadErr := r.load(ctx); loadErr == nil && r.newer(other) {
			return r.adopt(other)
		}
		err = fmt.Errorf("%q was changed in the token store during its renewal", r.key)
	}
	r.tell(saved(g, r.withhold(r.scheme, r.named(err), next)))
	return g
}

// write stores g as u says; a nil g means that the record changes, and not its
// value. If that fails, a saver goes on. write returns nil if Set was faster.
func (r *renewal[T]) write(ctx context.Context, g *Generation[T], u unsaved) (_ *Generation[T], swapped bool, err error) {
	r.beginWriting(context.Background())
	defer r.endWriting()
	if r.current.Load() != r.stale {
		return nil, false, nil
	}
	if swapped, err = r.swap(ctx, &u); err != nil {
		r.keepSaving(ctx, r.scheme, g, u, r.lease)
		r.lease = nil // the saver unlocks, so that nobody renews the predecessor
	}
	return g, swapped, err
}

// saveSet stores g in place of any stored value, and installs g. If storing fails, a
// saver goes on as u says: by then, somebody may have renewed g. If ctx ends before
// saveSet may write, saveSet does nothing.
func (e *Engine[T]) saveSet(ctx context.Context, s Scheme[T], g *Generation[T], u unsaved) error {
	if err := e.beginWriting(ctx); err != nil {
		return err
	}
	defer e.endWriting()
	e.stopSaving()
	saving, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	u.wins = true
	swapped, err := e.swap(saving, &u)
	if err == nil && !swapped {
		err = errContended
	}
	if u.wins = false; err != nil {
		err = e.withhold(s, err, g.Value)
		e.keepSaving(ctx, s, g, u, nil)
	}
	e.install(g)
	return err
}

// swap replaces the old stored record by the new record, within saveTimeout. swap
// returns false if somebody else has replaced the old record. A new value is worth
// more than what somebody else has noted about its predecessor, such as that a
// response was lost.
func (e *Engine[T]) swap(ctx context.Context, u *unsaved) (swapped bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	err = e.calling(func() error {
		if u.over {
			swapped = true
			return e.store.Save(ctx, e.key, u.raw)
		}
		if u.blind {
			stored, err := e.read(ctx)
			if IsDamaged(err) {
				swapped = true
				return e.store.Save(ctx, e.key, u.raw)
			}
			if err != nil {
				return err
			}
			rec, err := parse(stored)
			if rec.Version > recordVersion {
				return nil // nobody replaces what they do not know
			}
			u.old, u.before, u.renews, u.blind = stored, digest(rec.Value), err == nil, false
		}
		for range maxTries {
			if swapped, err = e.compareAndSwap(ctx, u.old, u.raw); swapped || err != nil {
				return err
			}
			stored, err := e.read(ctx)
			if swapped = same(stored, u.raw); swapped || err != nil { // swapped by an attempt whose outcome was lost
				return err
			}
			if !u.replaces(stored) {
				return nil
			}
			u.old = stored
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("save %q to the token store: %w", e.key, err)
	}
	return swapped, nil
}

// errContended is the error of a value that others have kept from being stored.
var errContended = errors.New("the record was changed in the token store again and again")

// compareAndSwap is CompareAndSwap of a shared store. Another store loads,
// compares and saves.
func (e *Engine[T]) compareAndSwap(ctx context.Context, old, new []byte) (swapped bool, err error) {
	if shared, ok := e.store.(SharedStore); ok {
		return shared.CompareAndSwap(ctx, e.key, old, new)
	}
	stored, err := e.read(ctx)
	if err != nil || !same(stored, old) {
		return false, err
	}
	return true, e.store.Save(ctx, e.key, new)
}

// same reports whether two stored values are equal; nil is an absent value.
func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// read returns the stored value, or nil if there is none.
func (e *Engine[T]) read(ctx context.Context) ([]byte, error) {
	raw, ok, err := e.store.Load(ctx, e.key)
	switch {
	case err != nil:
		return nil, fmt.Errorf("load %q from the token store: %w", e.key, err)
	case !ok:
		return nil, nil
	case raw == nil:
		return []byte{}, nil
	}
	return raw, nil
}

// calling calls f, which calls the store, and turns a panic into an error. The
// panic value may contain a secret.
func (e *Engine[T]) calling(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic of type %T in the token store", p)
		}
	}()
	return f()
}

// withhold returns err, which may come from the store, or an error with another text
// if err quotes a secret of value or of the present generation.
func (e *Engine[T]) withhold(s Scheme[T], err error, value *T) error {
	if err == nil {
		return nil
	}
	secrets := s.Secrets(value)
	if g := e.current.Load(); g != nil {
		secrets = append(secrets, s.Secrets(g.Value)...)
	}
	return scrub.Withhold(err, secrets...)
}
