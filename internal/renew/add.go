package renew

import (
	"context"
	"fmt"
)

// Add makes value the present generation and saves the value, where there is no value so
// far. Otherwise Add changes nothing and returns false: the value of the store is that of a
// renewal, perhaps, and newer. A value that is dead is a value. A record that cannot be
// read, or of another identity, is an error. After an error, nothing is in use.
func (e *Engine[T]) Add(ctx context.Context, s Scheme[T], value *T) (added bool, err error) {
	if e.store == nil {
		return e.installFirst(newGeneration(s, value, nil)), nil
	}
	raw, err := s.Encode(value)
	if err != nil {
		return false, err
	}
	before := e.current.Load()
	g := newGeneration(s, value, raw)
	added, f, err := e.add(ctx, s, g, raw)
	if added {
		event := saved(g, nil)
		event.Context = context.WithoutCancel(ctx)
		observe(s, event)
	}
	if f != nil {
		ctx, cancel := context.WithTimeout(ctx, saveTimeout)
		defer cancel()
		_ = f.wait(ctx)                       // a Get after Add must not join f, which may have found nothing
		e.current.CompareAndSwap(before, nil) // the next Get looks into the store
	}
	return added, err
}

// add stores g, whose value is raw, where the store has no value, and installs g. If a flight is
// under way, g is not installed, and add returns the flight, which may have found g in the
// store: what it makes of g is newer, and must be saved.
func (e *Engine[T]) add(ctx context.Context, s Scheme[T], g *Generation[T], raw []byte) (added bool, f *flight[T], err error) {
	if err := e.beginWriting(ctx); err != nil {
		return false, nil, err
	}
	defer e.endWriting()
	if e.isSaving() {
		return false, nil, nil // of a value that the store does not have so far
	}
	saving, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	if err := e.calling(func() (err error) { added, err = e.addRecord(saving, s, raw); return err }); err != nil {
		return false, nil, e.withhold(s, fmt.Errorf("save %q to the token store: %w", e.key, err), g.Value)
	}
	if added {
		f = e.installUnlessFlying(g)
	}
	return added, f, nil
}

// installFirst makes g the present generation if there is none.
func (e *Engine[T]) installFirst(g *Generation[T]) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current.Load() != nil {
		return false
	}
	e.put(g)
	return true
}

// installUnlessFlying makes g the present generation, or returns the flight under way.
func (e *Engine[T]) installUnlessFlying(g *Generation[T]) *flight[T] {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.flight == nil {
		e.put(g)
	}
	return e.flight
}

// addRecord stores a record with the value raw, where the stored record has none.
func (e *Engine[T]) addRecord(ctx context.Context, s Scheme[T], raw []byte) (added bool, err error) {
	r := &renewal[T]{Engine: e, scheme: s}
	for range maxTries {
		rec, _, err := r.load(ctx)
		switch {
		case err != nil:
			return false, err
		case rec.unreadable, len(rec.Value) > 0, rec.replaced != nil && len(rec.replaced.Value) > 0:
			return false, nil
		}
		next := rec.next()
		next.Value = raw
		if added, err = e.compareAndSwap(ctx, rec.raw, next.encode()); added || err != nil {
			return added, err
		}
	}
	return false, errContended
}
