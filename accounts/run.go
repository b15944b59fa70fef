package accounts

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/connectorauth/connectorauth"
)

// The pauses of Run, up to half as long.
const (
	runPause   = 6 * time.Second // there are no further accounts that are due
	errorPause = time.Minute     // the longest, after errors
)

// Run sweeps again and again, until ctx ends or Shutdown is called: see Sweep. Each process
// of a program may call Run. Errors of the Index do not end Run; they are logged, and Run tries
// again after pauses that grow to a minute. Run returns the error of ctx, or nil after
// Shutdown.
func (r *Registry) Run(ctx context.Context) error {
	end, err := r.begin()
	if err != nil {
		return err
	}
	defer end()
	var t tally
	defer t.workers.Wait()
	pause := runPause
	for {
		claimed, err := r.dispatch(ctx, maxSweep, &t)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			r.logger().ErrorContext(ctx, "accounts: Sweep has failed and is tried again", slog.Any("error", err))
		}
		wait := time.Duration(0)
		switch {
		case claimed == 0 && err != nil:
			wait, pause = pause, min(2*pause, errorPause)
		case claimed < maxSweep: // an error was that of others
			wait, pause = runPause, runPause
		default:
			pause = runPause
		}
		select {
		case <-time.After(wait - rand.N(wait/2+1)):
		case <-ctx.Done():
			return ctx.Err()
		case <-r.closing:
			return nil
		}
	}
}

func (r *Registry) logger() *slog.Logger { return cmp.Or(r.config.Logger, slog.Default()) }

// begin notes that something is under way for which Shutdown waits. The caller calls end.
// After Shutdown, begin returns connectorauth.ErrShutdown.
func (r *Registry) begin() (end func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.isClosing() {
		return nil, connectorauth.ErrShutdown
	}
	r.works.Add(1)
	return r.works.Done, nil
}

// isClosing reports whether Shutdown was called.
func (r *Registry) isClosing() bool {
	select {
	case <-r.closing:
		return true
	default:
		return false
	}
}

// Shutdown ends each Run, shuts down Config.Shared, and waits until accounts that are attended
// to are done and the Index knows what has happened to accounts: see
// connectorauth.Shared.Shutdown. No Sweep begins any more. Shutdown may be called more than
// once. The Registries of all actors end together. Without Config.Shared, no connector of the
// program without a Shared renews any more.
func (r *Registry) Shutdown(ctx context.Context) error {
	r.mu.Lock()
	if !r.isClosing() {
		close(r.closing)
	}
	r.mu.Unlock()
	err := r.config.Shared.Shutdown(ctx)
	done := make(chan struct{})
	go func() {
		r.works.Wait() // ends: each work has a time limit
		close(done)
	}()
	select {
	case <-done:
		return err
	case <-ctx.Done():
		return cmp.Or(err, ctx.Err())
	}
}
