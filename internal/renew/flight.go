package renew

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// flight is one renewal under way, shared by all who wait for it.
type flight[T any] struct {
	stale *Generation[T] // the generation it replaces
	done  chan struct{}
	gen   *Generation[T] // these two are set before done is closed
	err   error
}

func (f *flight[T]) end(g *Generation[T], err error) {
	f.gen, f.err = g, err
	close(f.done)
}

// landed returns a flight that has ended.
func landed[T any](g *Generation[T], err error) *flight[T] {
	f := &flight[T]{done: make(chan struct{})}
	f.end(g, err)
	return f
}

// failure is what the last flight came to, remembered so that those who come
// later need not ask the provider again.
type failure struct {
	err      error
	dead     bool
	inDoubt  bool
	until    time.Time
	attempts int
	sum      sum // of the stored value that was tried
}

// active reports whether the provider should not be asked yet.
func (f *failure) active() bool { return f.dead || time.Until(f.until) > 0 }

// fly carries out f. ctx has no end of its own.
func (e *Engine[T]) fly(ctx context.Context, f *flight[T]) {
	ctx, cancel := context.WithTimeout(ctx, flightTimeout)
	defer cancel()
	r := &renewal[T]{Engine: e, stale: f.stale}
	defer r.release()
	defer func() {
		// The store, the transport and the observer are the importer's code, and no
		// caller on this goroutine could recover. What p says may hold a secret.
		if p := recover(); p != nil {
			r.fail(nil, fmt.Errorf("panic of type %T during the renewal", p), Verdict{})
			e.land(f, nil, r.failure)
		}
	}()
	e.land(f, r.run(ctx), r.failure)
}

// land ends f with a generation or a failure, unless Set has ended it already.
func (e *Engine[T]) land(f *flight[T], g *Generation[T], failed *failure) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.flight != f {
		return
	}
	e.flight, e.failure = nil, failed
	if failed != nil {
		f.end(nil, failed.err)
		return
	}
	e.current.Store(g)
	f.end(g, nil)
}

// renewal is the work of one flight. Its methods that return a generation
// return nil after setting failure.
type renewal[T any] struct {
	*Engine[T]
	stale   *Generation[T]
	unlock  func()   // set while the store's lock is held
	failure *failure // why there is no new generation
}

func (r *renewal[T]) release() {
	if r.unlock != nil {
		r.unlock()
	}
}

// run goes the steps in their order: what does the store hold, lock, what does
// it hold now, renew, save.
func (r *renewal[T]) run(ctx context.Context) *Generation[T] {
	if r.store == nil {
		return r.request(ctx, r.stale, nil)
	}
	if err := r.flush(ctx); err != nil {
		return r.fail(nil, err, Verdict{})
	}
	stored, raw, err := r.load(ctx)
	if err != nil {
		return r.fail(nil, err, Verdict{})
	}
	if r.newer(stored) {
		return r.adopt(stored)
	}
	if last := r.lastFailure(); last != nil && last.active() && last.sum == digest(raw) {
		r.failure = last
		return nil
	}
	if shared, ok := r.store.(SharedStore); ok {
		if r.unlock, err = shared.Lock(ctx, r.key); err != nil {
			return r.fail(raw, fmt.Errorf("lock %q in the token store: %w", r.key, err), Verdict{})
		}
		if stored, raw, err = r.load(ctx); err != nil {
			return r.fail(nil, err, Verdict{})
		}
		if r.newer(stored) { // renewed by whoever held the lock before
			return r.adopt(stored)
		}
	}
	if r.stale.succeeds(raw) {
		stored = r.stale
	}
	return r.request(ctx, stored, raw)
}

// load reads the store. An absent key gives nil and nil.
func (r *renewal[T]) load(ctx context.Context) (*Generation[T], []byte, error) {
	raw, ok, err := r.store.Load(ctx, r.key)
	if err != nil {
		return nil, nil, fmt.Errorf("load %q from the token store: %w", r.key, err)
	}
	if !ok {
		return nil, nil, nil
	}
	if raw == nil {
		raw = []byte{} // present, though empty
	}
	value, err := r.scheme.Decode(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("the value of %q in the token store is damaged: %w", r.key, err)
	}
	return r.generation(value, raw), raw, nil
}

// newer reports whether stored is good and made after the stale generation.
func (r *renewal[T]) newer(stored *Generation[T]) bool {
	if stored == nil || !stored.fresh() {
		return false
	}
	s := r.stale
	return s == nil || stored.sum != s.sum && !(s.unsaved != nil && stored.sum == digest(s.unsaved.old))
}

func (r *renewal[T]) adopt(g *Generation[T]) *Generation[T] {
	r.scheme.Observe(Event[T]{Happened: Adopted, Value: g.Value})
	return g
}

// request makes the token request that replaces old, which the store holds as
// raw, and saves what comes of it.
func (r *renewal[T]) request(ctx context.Context, old *Generation[T], raw []byte) *Generation[T] {
	var value *T
	if old != nil {
		value = old.Value
	}
	began := time.Now()
	next, err := r.scheme.Renew(ctx, value)
	took := time.Since(began)
	if err == nil {
		r.scheme.Observe(Event[T]{Happened: Renewed, Value: next, Took: took})
		return r.save(ctx, next, raw)
	}
	verdict := r.scheme.Verdict(err)
	happened := Failed
	if verdict.Kind == Dead {
		if g := r.madeElsewhere(ctx, raw); g != nil {
			return r.adopt(g)
		}
		happened = Died
	}
	r.scheme.Observe(Event[T]{Happened: happened, Value: value, Err: err, Took: took})
	return r.fail(raw, err, verdict)
}

// madeElsewhere reads the store once more after the provider called the
// credential dead: somebody who does not lock may have renewed it meanwhile.
func (r *renewal[T]) madeElsewhere(ctx context.Context, tried []byte) *Generation[T] {
	if r.store == nil {
		return nil
	}
	stored, raw, err := r.load(ctx)
	if err != nil || bytes.Equal(raw, tried) || !r.newer(stored) {
		return nil
	}
	return stored
}

// fail records why there is no new generation; raw is the stored value that was
// tried.
func (r *renewal[T]) fail(raw []byte, err error, verdict Verdict) *Generation[T] {
	f := &failure{err: err, dead: verdict.Kind == Dead, inDoubt: verdict.Kind == InDoubt, sum: digest(raw)}
	if last := r.lastFailure(); last != nil {
		f.attempts = last.attempts + 1
	}
	wait := min(minBackoff<<min(f.attempts, 10), maxBackoff)
	if verdict.Kind == Refused {
		wait = refusedWait
	}
	f.until = time.Now().Add(max(jitter(wait, 0.8, 1.2), min(verdict.After, maxRetryAfter)))
	r.failure = f
	return nil
}

func (r *renewal[T]) lastFailure() *failure {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Engine.failure
}
