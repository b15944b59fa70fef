package renew

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A Waiter is a store that tells when a value changes, by the optional method of
// connectorauth.SharedTokenStore.
type Waiter interface {
	Wait(ctx context.Context, key string, old []byte) (value []byte, err error)
}

const (
	waitAfter  = 50 * time.Millisecond // a lock that takes longer is held by somebody
	leaveAfter = time.Second           // a lock that takes longer must not hold up other accounts
)

// granted is the outcome of SharedStore.Lock.
type granted struct {
	lease Lease
	err   error
}

// lock waits for the lock of the store, where rec was seen before. lock returns
// another generation as soon as the holder of the lock has stored one, and does not
// wait for the lock any longer.
func (r *renewal[T]) lock(ctx context.Context, store SharedStore, rec *record) (g *Generation[T], err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lock := make(chan granted, 1)
	go func() {
		var got granted
		got.err = r.calling(func() (err error) { got.lease, err = store.Lock(ctx, r.key); return err })
		lock <- got
	}()
	var changed <-chan *Generation[T]
	begin, leave := time.NewTimer(waitAfter), time.NewTimer(leaveAfter)
	defer begin.Stop()
	defer leave.Stop()
	for {
		select {
		case got := <-lock:
			if cause := context.Cause(r.gate); got.err != nil && cause != nil {
				return nil, cause
			}
			if got.err != nil {
				return nil, fmt.Errorf("lock %q in the token store: %w", r.key, got.err)
			}
			r.lease = got.lease
			return nil, nil
		case <-begin.C:
			changed = r.watch(ctx, rec)
		case <-leave.C:
			r.leave()
		case g := <-changed:
			go func() { // Lock may have succeeded at the same time
				if got := <-lock; got.err == nil {
					shielded(got.lease.Unlock)
				}
			}()
			return g, nil
		}
	}
}

// watch sends a generation that is stored in place of the stale generation. Without
// a store that tells of changes, watch returns nil.
func (r *renewal[T]) watch(ctx context.Context, rec *record) <-chan *Generation[T] {
	store, ok := r.store.(Waiter)
	if !ok {
		return nil
	}
	changed := make(chan *Generation[T], 1)
	go func() {
		for old := rec.raw; ; {
			err := r.calling(func() (err error) { old, err = store.Wait(ctx, r.key, old); return err })
			if err != nil {
				return // the lock tells
			}
			if _, stored, err := r.decode(old); err == nil && r.newer(stored) {
				changed <- stored
				return
			}
		}
	}()
	return changed
}

// enter waits for a turn at the scheme's endpoint, if the renewal has none. Who
// holds the lock of the store goes first: other programs wait for the lock.
func (r *renewal[T]) enter(ctx context.Context) (err error) {
	r.turn.Lock()
	defer r.turn.Unlock()
	if r.left == nil {
		to := r.scheme.Endpoint()
		if r.left, err = r.group.enter(ctx, to.URL, to.Most, r.lease != nil); errors.Is(err, ErrShutdown) {
			return err
		} else if err != nil {
			return fmt.Errorf("%w: %w", errTurn, err)
		}
	}
	return nil
}

// leave ends the turn at the endpoint.
func (r *renewal[T]) leave() {
	r.turn.Lock()
	defer r.turn.Unlock()
	if r.left != nil {
		r.left()
		r.left = nil
	}
}

// unlock gives the lock of the store back.
func (r *renewal[T]) unlock() {
	if r.lease != nil {
		shielded(r.lease.Unlock)
		r.lease = nil
	}
}
