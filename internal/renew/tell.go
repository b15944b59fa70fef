package renew

import (
	"context"
	"errors"
	"time"
)

// telling is what each event of a renewal says of the renewal.
type telling struct {
	caller     context.Context // of the request that began the renewal
	began      time.Time
	asks       time.Time // when the token request began; zero without one
	background bool
}

// tell tells the scheme what happened, and in which renewal.
func (r *renewal[T]) tell(event Event[T]) {
	until := r.asks
	if until.IsZero() {
		until = time.Now()
	}
	event.Context, event.Waited, event.Background = r.caller, until.Sub(r.began), r.background
	observe(r.scheme, event)
}

// observe tells the scheme what happened. A panic of a program's observer must
// not cost the token.
func observe[T any](s Scheme[T], event Event[T]) {
	shielded(func() { s.Observe(event) })
}

// saved returns the event of an attempt to save g.
func saved[T any](g *Generation[T], err error) Event[T] {
	if err != nil {
		return Event[T]{Happened: SaveFailed, Value: g.Value, Err: err, Cause: CauseStore}
	}
	return Event[T]{Happened: Saved, Value: g.Value}
}

// errTurn is the error of a renewal that got no turn at the endpoint.
var errTurn = errors.New("wait for other token requests to the same endpoint")

// obstacle returns the cause of an error that prevented a token request.
func obstacle(err error) string {
	switch {
	case errors.Is(err, ErrShutdown):
		return CauseShutdown
	case errors.Is(err, errTurn):
		return CauseQueue
	}
	return CauseStore
}
