package discovery

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// patience bounds a flight, with all its requests.
const patience = time.Minute

// flights let those who want the same thing at the same time do the work once. The zero
// value is ready.
type flights[T any] struct {
	mu    sync.Mutex
	under map[string]*flight[T]
}

// A flight is work under way.
type flight[T any] struct {
	done  chan struct{}
	value T
	err   error
}

// do returns what work returns. work outlives the callers, who leave with their contexts,
// and has the values of the first caller's context.
func (f *flights[T]) do(ctx context.Context, key string, work func(context.Context) (T, error)) (value T, err error) {
	f.mu.Lock()
	under := f.under[key]
	if under == nil {
		under = &flight[T]{done: make(chan struct{})}
		if f.under == nil {
			f.under = map[string]*flight[T]{}
		}
		f.under[key] = under
		go f.run(context.WithoutCancel(ctx), key, under, work)
	}
	f.mu.Unlock()
	select {
	case <-under.done:
		return under.value, under.err
	case <-ctx.Done():
		return value, ctx.Err()
	}
}

// run does the work of a flight.
func (f *flights[T]) run(ctx context.Context, key string, under *flight[T], work func(context.Context) (T, error)) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	defer func() {
		if p := recover(); p != nil { // in the program's transport or store
			under.err = fmt.Errorf("connectorauth: discovery: panic of type %T", p)
		}
		f.mu.Lock()
		delete(f.under, key)
		f.mu.Unlock()
		close(under.done)
	}()
	under.value, under.err = work(ctx)
}
