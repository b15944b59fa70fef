package renew

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

const (
	saveTimeout  = 15 * time.Second // one attempt to save
	savePatience = 10 * time.Minute // all attempts
	saveRetry    = 250 * time.Millisecond
)

// unsaved is what saving a generation later takes.
type unsaved struct {
	old []byte // what it replaces; nil if the key was absent
	raw []byte // what to store
}

// succeeds reports whether g, not saved so far, replaces the stored value raw.
func (g *Generation[T]) succeeds(raw []byte) bool {
	return g != nil && g.unsaved != nil && digest(raw) == digest(g.unsaved.old)
}

// save makes next durable and returns its generation, or the one that somebody
// else stored first. old is the stored value that next replaces.
func (r *renewal[T]) save(ctx context.Context, next *T, old []byte) *Generation[T] {
	if r.store == nil {
		return r.generation(next, nil)
	}
	raw, err := r.scheme.Encode(next)
	if err != nil {
		r.scheme.Observe(Event[T]{Happened: SaveFailed, Value: next, Err: err})
		return r.generation(next, nil)
	}
	if g := r.current.Load(); g != r.stale { // Set was faster
		return g
	}
	g := r.generation(next, raw)
	swapped, err := r.put(context.WithoutCancel(ctx), old, raw)
	if err != nil {
		g.unsaved = &unsaved{old: old, raw: raw}
		r.scheme.Observe(Event[T]{Happened: SaveFailed, Value: next, Err: err})
		r.keepSaving(ctx, g, r.unlock)
		r.unlock = nil // held until it is saved, so that nobody renews the predecessor
		return g
	}
	if !swapped {
		if other, _, err := r.load(ctx); err == nil && r.newer(other) {
			return r.adopt(other)
		}
	}
	r.observeSaved(g, swapped)
	return g
}

// saveNow saves value whatever the store holds. It returns nil for a value that
// cannot be stored, and a generation together with an error for one whose
// saving goes on in the background.
func (e *Engine[T]) saveNow(ctx context.Context, value *T) (*Generation[T], error) {
	if e.store == nil {
		return e.generation(value, nil), nil
	}
	raw, err := e.scheme.Encode(value)
	if err != nil {
		return nil, err
	}
	e.stopSaving()
	g := e.generation(value, raw)
	if err := e.store.Save(ctx, e.key, raw); err != nil {
		err = fmt.Errorf("save %q to the token store: %w", e.key, err)
		g.unsaved = &unsaved{raw: raw}
		if old, ok, err := e.store.Load(ctx, e.key); err == nil && ok {
			g.unsaved.old = append([]byte{}, old...)
		}
		e.scheme.Observe(Event[T]{Happened: SaveFailed, Value: value, Err: err})
		e.keepSaving(ctx, g, nil)
		return g, err
	}
	e.observeSaved(g, true)
	return g, nil
}

// put replaces old by raw in the store, within saveTimeout.
func (e *Engine[T]) put(ctx context.Context, old, raw []byte) (swapped bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	if shared, ok := e.store.(SharedStore); ok {
		swapped, err = shared.CompareAndSwap(ctx, e.key, old, raw)
	} else {
		swapped, err = true, e.store.Save(ctx, e.key, raw)
	}
	if err != nil {
		return false, fmt.Errorf("save %q to the token store: %w", e.key, err)
	}
	return swapped, nil
}

func (e *Engine[T]) observeSaved(g *Generation[T], swapped bool) {
	event := Event[T]{Happened: Saved, Value: g.Value}
	if !swapped {
		event.Happened = SaveFailed
		event.Err = fmt.Errorf("%q was changed in the token store during its renewal", e.key)
	}
	e.scheme.Observe(event)
}

// saver saves one generation in the background after a failure.
type saver struct {
	stop func()
	now  chan chan error // asks for an attempt at once, whose error is sent back
	done chan struct{}
}

// keepSaving tries to save g until it succeeds, somebody changes the stored
// value, or savePatience ends. unlock, if not nil, is called then.
func (e *Engine[T]) keepSaving(ctx context.Context, g *Generation[T], unlock func()) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), savePatience)
	s := &saver{stop: cancel, now: make(chan chan error), done: make(chan struct{})}
	e.mu.Lock()
	e.saver = s
	e.mu.Unlock()
	go func() {
		defer close(s.done)
		defer cancel()
		if unlock != nil {
			defer unlock()
		}
		for wait := saveRetry; ; wait = min(2*wait, maxBackoff/2) {
			var asked chan error
			select {
			case <-ctx.Done():
				return
			case asked = <-s.now:
			case <-time.After(jitter(wait, 0.8, 1.2)):
			}
			err := e.saveAgain(ctx, g)
			if asked != nil {
				asked <- err
			}
			if err == nil {
				return
			}
		}
	}()
}

// saveAgain makes one more attempt to save g. It returns nil when there is
// nothing left to do.
func (e *Engine[T]) saveAgain(ctx context.Context, g *Generation[T]) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic of type %T in the token store", p)
		}
	}()
	swapped, err := e.put(ctx, g.unsaved.old, g.unsaved.raw)
	if err != nil {
		return err
	}
	if !swapped { // by the attempt whose answer was lost, perhaps
		stored, _, err := e.store.Load(ctx, e.key)
		if err != nil {
			return err
		}
		swapped = bytes.Equal(stored, g.unsaved.raw)
	}
	e.observeSaved(g, swapped)
	return nil
}

// flush saves what a saver has left, so that a renewal can go on from there.
func (e *Engine[T]) flush(ctx context.Context) error {
	e.mu.Lock()
	s := e.saver
	e.mu.Unlock()
	if s == nil {
		return nil
	}
	asked := make(chan error, 1)
	select {
	case s.now <- asked:
	case <-s.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := <-asked; err != nil {
		return err
	}
	<-s.done // it has unlocked by then
	return nil
}

// stopSaving ends the saver and waits for its end.
func (e *Engine[T]) stopSaving() {
	e.mu.Lock()
	s := e.saver
	e.saver = nil
	e.mu.Unlock()
	if s != nil {
		s.stop()
		<-s.done
	}
}
