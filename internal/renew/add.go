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
	if err := e.beginWriting(ctx); err != nil {
		return false, err
	}
	defer e.endWriting()
	if e.store == nil {
		if e.current.Load() != nil {
			return false, nil
		}
		e.install(newGeneration(s, value, nil))
		return true, nil
	}
	if e.isSaving() {
		return false, nil // of a value that the store does not have so far
	}
	raw, err := s.Encode(value)
	if err != nil {
		return false, err
	}
	saving, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	if err := e.calling(func() (err error) { added, err = e.addRecord(saving, s, raw); return err }); err != nil {
		return false, e.withhold(s, fmt.Errorf("save %q to the token store: %w", e.key, err), value)
	}
	if added {
		g := newGeneration(s, value, raw)
		e.install(g)
		event := saved(g, nil)
		event.Context = context.WithoutCancel(ctx)
		observe(s, event)
	}
	return added, nil
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
