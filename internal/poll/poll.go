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
