// Package poll tries something again and again.
package poll

import (
	"context"
	"math/rand/v2"
	"time"
)

// Until calls try until try reports done, try fails, or ctx ends. The pauses
// between calls double from least to most. A part of each pause is random, so
// that waiters do not all call try at the same moment.
func Until(ctx context.Context, least, most time.Duration, try func() (done bool, err error)) error {
	for pause := least; ; pause = min(2*pause, most) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if done, err := try(); done || err != nil {
			return err
		}
		select {
		case <-time.After(pause/2 + rand.N(pause/2)):
		case <-ctx.Done():
		}
	}
}

// Paced calls try until try reports done, try fails, or ctx ends. try says how long the pause
// before the next call is.
func Paced(ctx context.Context, try func() (done bool, pause time.Duration, err error)) error {
	for {
		done, pause, err := try()
		if done || err != nil {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}
