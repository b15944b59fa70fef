package renew

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// saver saves a generation in the background after a failure, until the value is
// saved or somebody else has changed the stored value.
type saver[T any] struct {
	unsaved
	g    *Generation[T] // nil: the record changes, and not its value
	lock bool           // the saver holds the store's lock
	stop func()
	soon atomic.Bool     // Shutdown was called
	now  chan chan error // asks for an attempt at once; the error is sent back
	done chan struct{}   // closed when the goroutine has ended
	end  func()          // ends the work that Shutdown waits for
}

// keepSaving tries to store u until it succeeds, somebody changes the stored
// value, or savePatience ends. lease, if not nil, is unlocked then. Shutdown waits
// until u is stored, however long ago savePatience ended, and lets the saver try
// again without long pauses.
func (e *Engine[T]) keepSaving(ctx context.Context, scheme Scheme[T], g *Generation[T], u unsaved, lease Lease) {
	if u.saved == nil {
		u.saved = new(atomic.Bool)
		if g != nil {
			g.unsaved = &u
		}
	}
	ctx = context.WithoutCancel(ctx)
	patient, cancel := context.WithTimeout(ctx, savePatience)
	s := &saver[T]{unsaved: u, g: g, lock: lease != nil, stop: cancel, now: make(chan chan error), done: make(chan struct{})}
	e.mu.Lock()
	e.saver = s
	e.mu.Unlock()
	quiet, quicken := context.WithCancel(patient)
	s.end = sync.OnceFunc(e.group.begin(e.key, func() {
		s.soon.Store(true)
		quicken()
		select {
		case <-s.done:
			go e.resume(ctx, scheme, s)
		default:
		}
	}))
	go func() {
		over, hurried := e.saveOn(patient, quiet.Done(), scheme, s)
		cancel()
		if lease != nil {
			shielded(lease.Unlock)
		}
		if over {
			s.end()
		}
		close(s.done)
		if !over && !hurried && s.soon.Load() { // since this moment
			e.resume(ctx, scheme, s)
		}
	}()
}

// saveOn tries to save until nothing is left to do, which is over, or ctx ends. The
// end of hurry makes the pauses short.
func (e *Engine[T]) saveOn(ctx context.Context, hurry <-chan struct{}, scheme Scheme[T], s *saver[T]) (over, hurried bool) {
	for wait := saveRetry; ; wait = min(2*wait, maxBackoff/2) {
		if hurried {
			hurry, wait = nil, saveRetry
		}
		var asked chan error
		select {
		case <-ctx.Done():
			return false, hurried
		case asked = <-s.now:
		case <-time.After(jitter(wait, 0.8, 1.2)):
		case <-hurry:
			hurried = ctx.Err() == nil
		}
		err := e.saveAgain(ctx, scheme, s)
		if asked != nil {
			asked <- err
		}
		if err == nil {
			return true, hurried
		}
	}
}

// resume begins anew where the patience of s has ended, because of Shutdown.
func (e *Engine[T]) resume(ctx context.Context, scheme Scheme[T], s *saver[T]) {
	e.beginWriting(context.Background())
	defer e.endWriting()
	e.mu.Lock()
	mine := e.saver == s
	e.mu.Unlock()
	if mine {
		e.keepSaving(ctx, scheme, s.g, s.unsaved, nil)
		s.end()
	}
}

// saveAgain makes one more attempt to save. A nil error means that nothing is
// left to do.
func (e *Engine[T]) saveAgain(ctx context.Context, scheme Scheme[T], s *saver[T]) error {
	swapped, err := e.swap(ctx, &s.unsaved)
	if err != nil {
		return err
	}
	s.saved.Store(swapped)
	e.mu.Lock()
	if e.saver == s {
		e.saver = nil
	}
	e.mu.Unlock()
	if s.g == nil {
		return nil
	}
	if !swapped {
		err = fmt.Errorf("%q was changed in the token store before it could be saved", e.key)
	}
	observe(scheme, saved(s.g, err))
	return nil
}

// flush saves the generation of a saver, so a renewal can follow on from the
// stored value.
func (r *renewal[T]) flush(ctx context.Context) error {
	for {
		r.mu.Lock()
		s := r.saver
		r.mu.Unlock()
		if s == nil {
			return nil
		}
		asked := make(chan error, 1)
		select {
		case s.now <- asked:
			return <-asked
		case <-ctx.Done():
			return ctx.Err()
		case <-s.done:
		}
		if ended, err := r.saveLeft(ctx, s); ended {
			return err
		}
	}
}

// saveLeft makes one more attempt for a saver that ran out of patience. ended is
// false if s was saved, or if another saver has taken its place.
func (r *renewal[T]) saveLeft(ctx context.Context, s *saver[T]) (ended bool, err error) {
	r.beginWriting(context.Background()) // Set may be about to save another value
	defer r.endWriting()
	r.mu.Lock()
	left := r.saver == s
	r.mu.Unlock()
	if !left {
		return false, nil
	}
	if err = r.saveAgain(ctx, r.scheme, s); err == nil {
		s.end()
	}
	return true, err
}

// stopSaving ends the saver and waits for the end.
func (e *Engine[T]) stopSaving() {
	e.mu.Lock()
	s := e.saver
	e.saver = nil
	e.mu.Unlock()
	if s != nil {
		s.stop()
		<-s.done
		s.end()
	}
}
