package lease

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	watchEvery = 200 * time.Millisecond // between two reads
	watchSoon  = 100 * time.Millisecond // between two reads when a caller has come since
	watchLimit = 5 * time.Second        // for one read
)

// A Watch lets callers wait for values. However many callers wait for however
// many keys, one goroutine reads for all. The goroutine ends when nobody waits.
// Read must be set before the first call of Wait. A Watch must not be copied.
type Watch struct {
	// Read reads the present values of keys, and calls found for each value. A nil
	// value means that the key is absent. A key without a call of found stays waited
	// for. Read returns an error if it could not read every key. Required.
	Read func(ctx context.Context, keys []string, found func(key string, value []byte)) error

	mu      sync.Mutex // guards the fields below
	waiting map[string]map[*waiter]struct{}
	reads   int           // reads that have begun
	failed  error         // of the last read
	poke    chan struct{} // tells the goroutine that waiting has changed; nil without the goroutine
}

// A waiter is one call of Wait.
type waiter struct {
	isOld func(value []byte) bool // a function, because a program that walks memory by reflection sees an address alone
	came  int                     // Watch.reads when the call came: an earlier read may show an older value
	news  chan []byte             // gets the value that is not old
}

// Wait returns the value of key as soon as the value is not old. A nil value is
// absent. If the value is not old at the time of the call, Wait returns after the
// next read. Wait returns an error when ctx ends, and not before: a read that
// fails is made again.
func (w *Watch) Wait(ctx context.Context, key string, old []byte) (value []byte, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	me := w.enter(key, old)
	select {
	case value = <-me.news:
		return value, nil
	case <-ctx.Done():
		w.mu.Lock()
		defer w.mu.Unlock()
		w.leave(key, me)
		w.wake()
		if w.failed != nil {
			return nil, fmt.Errorf("%w; the last attempt to read failed: %w", ctx.Err(), w.failed)
		}
		return nil, ctx.Err()
	}
}

// enter adds a waiter, and starts the goroutine if the waiter is the first.
func (w *Watch) enter(key string, old []byte) *waiter {
	w.mu.Lock()
	defer w.mu.Unlock()
	isOld := func(value []byte) bool { return (old == nil) == (value == nil) && bytes.Equal(old, value) }
	me := &waiter{isOld: isOld, came: w.reads, news: make(chan []byte, 1)}
	if w.waiting == nil {
		w.waiting = make(map[string]map[*waiter]struct{})
	}
	if w.waiting[key] == nil {
		w.waiting[key] = make(map[*waiter]struct{})
	}
	w.waiting[key][me] = struct{}{}
	if w.poke == nil {
		w.poke, w.failed = make(chan struct{}, 1), nil
		go w.run(w.poke)
	} else {
		w.wake()
	}
	return me
}

// leave removes a waiter. w.mu is held.
func (w *Watch) leave(key string, me *waiter) {
	delete(w.waiting[key], me)
	if len(w.waiting[key]) == 0 {
		delete(w.waiting, key)
	}
}

// wake lets the goroutine look at w.waiting. w.mu is held.
func (w *Watch) wake() {
	select {
	case w.poke <- struct{}{}:
	default: // nil, or the goroutine will look anyway
	}
}

// run reads until nobody waits.
func (w *Watch) run(poke <-chan struct{}) {
	for keys := w.begin(); keys != nil; keys = w.begin() {
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), watchLimit)
		err := w.Read(ctx, keys, w.deliver)
		cancel()
		w.mu.Lock()
		w.failed = err
		waited := len(w.waiting) > 0
		w.mu.Unlock()
		next := time.NewTimer(time.Until(began.Add(watchEvery)))
		for waited {
			select {
			case <-next.C:
				waited = false
			case <-poke:
				w.mu.Lock()
				if waited = len(w.waiting) > 0; waited {
					next.Reset(time.Until(began.Add(watchSoon)))
				}
				w.mu.Unlock()
			}
		}
		next.Stop()
	}
}

// begin returns the keys of the next read, or nil if nobody waits. After nil, the
// goroutine must end.
func (w *Watch) begin() (keys []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) == 0 {
		w.poke = nil
		return nil
	}
	w.reads++
	for key := range w.waiting {
		keys = append(keys, key)
	}
	return keys
}

// deliver gives value to the waiters whose old value is another, and who came
// before the read began.
func (w *Watch) deliver(key string, value []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for me := range w.waiting[key] {
		if me.came < w.reads && !me.isOld(value) {
			me.news <- bytes.Clone(value)
			w.leave(key, me)
		}
	}
}
