package renew

import (
	"context"
	"sync"
)

// A yielder is a renewal that has a turn at an endpoint while foreign code, such as a
// grant, prepares the token request.
type yielder interface {
	yield()
	resume(context.Context) error
}

// yielderKey leads from the context of the foreign code to the renewal.
type yielderKey struct{}

// yielding are the waits of a renewal for other renewals. The endpoint may be the same
// one, so a renewal that kept its turn meanwhile could wait for itself.
type yielding struct {
	turn     sync.Mutex // guards renewal.left too
	prepares bool       // the foreign code is at work
	waiting  int
}

// asking returns ctx for the foreign code, and a function that ends the work of the
// foreign code.
func (r *renewal[T]) asking(ctx context.Context) (context.Context, func()) {
	set := func(open bool) {
		r.turn.Lock()
		defer r.turn.Unlock()
		r.prepares = open
	}
	set(true)
	return context.WithValue(ctx, yielderKey{}, yielder(r)), func() { set(false) }
}

// yield gives the turn to others, while the foreign code waits for another renewal.
func (r *renewal[T]) yield() {
	r.turn.Lock()
	defer r.turn.Unlock()
	if r.waiting++; r.prepares && r.waiting == 1 && r.left != nil {
		r.left()
		r.left = nil
	}
}

// resume takes a turn again, before those who have not had one.
func (r *renewal[T]) resume(ctx context.Context) error {
	r.turn.Lock()
	defer r.turn.Unlock()
	if r.waiting--; !r.prepares || r.waiting > 0 || r.left != nil {
		return nil
	}
	to := r.scheme.Endpoint()
	left, err := r.group.enter(ctx, to.URL, to.Most, true)
	if err == nil {
		r.left = left
	}
	return err
}
