package lease

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Length is how long a lock should last unless the store prolongs the lock. By the
// contract of connectorauth.SharedTokenStore, the lock of a dead holder is free
// within 15 seconds. Length is shorter, because a waiter looks at the lock only
// about once a second.
const Length = 12 * time.Second

const (
	look            = 5 * time.Second        // between two calls of Prolong for a lock without an end
	leastRetry      = 50 * time.Millisecond  // pause after a first failure
	mostRetry       = time.Second            // pause after many failures
	checkPatience   = 2 * time.Second        // for Check, while the store fails
	releasePatience = 5 * time.Second        // for Unlock, while the store fails; then the lock ends by itself
	checkRetry      = 100 * time.Millisecond // pause of Check and Unlock after a failure
)

var (
	errLost     = errors.New("the lock is lost: it was not prolonged in time, or somebody else holds it")
	errUnlocked = errors.New("the lock was released by its holder")
)

// Config says how a store keeps a lock.
type Config struct {
	// Length is how long the lock lasts after Prolong. 0 means that the lock does not
	// end while the process lives, as a lock of the operating system.
	Length time.Duration
	// Prolong makes the lock last for Length from now on, and reports whether the
	// caller still holds the lock. A lock that has ended stays ended, even if nobody
	// else has taken the lock. Prolong must be safe for concurrent use. Required.
	Prolong func(ctx context.Context) (held bool, err error)
	// Release ends the lock, if the caller still holds the lock. Release is called
	// again after an error. Required.
	Release func(ctx context.Context) error
	// Wrap adds the operation and the key to an error of Check. Empty means that
	// nothing is added.
	Wrap func(err error) error
}

// A Held is a lock that its holder has. Held is a connectorauth.Lease.
type Held struct {
	config Config
	lost   chan struct{}
	once   sync.Once

	stop func()        // ends the goroutine that prolongs the lock
	done chan struct{} // closed when the goroutine has ended

	mu   sync.Mutex // guards the fields below
	ends time.Time  // on the monotonic clock of the process; zero without Config.Length
	over error      // why the holder does not hold the lock any more
	end  *time.Timer
}

// Keep keeps a lock that the caller has taken, until Unlock or until the lock is
// lost. taken is a time just before the store granted the lock. The end of ctx
// does not end the lock.
//
// Keep calls Prolong about three times in each Length. After an error, Keep
// tries again until the lock ends. The lock is lost at its end by the holder's
// own clock, even if Prolong has not returned so far.
func Keep(ctx context.Context, taken time.Time, config Config) *Held {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h := &Held{config: config, lost: make(chan struct{}), stop: cancel, done: make(chan struct{})}
	if config.Length > 0 {
		h.mu.Lock()
		h.ends = taken.Add(config.Length)
		h.end = time.AfterFunc(time.Until(h.ends), h.expire)
		h.mu.Unlock()
	}
	go h.keep(ctx)
	return h
}

// Check asks the store whether the caller still holds the lock, and prolongs the
// lock. A nil error means yes. If the store fails, Check tries again for up to
// two seconds.
func (h *Held) Check(ctx context.Context) error {
	if err := h.check(ctx); err != nil {
		if h.config.Wrap != nil {
			return h.config.Wrap(err)
		}
		return err
	}
	return nil
}

func (h *Held) check(ctx context.Context) error {
	patience, cancel := context.WithTimeout(ctx, checkPatience)
	defer cancel()
	for {
		if err := h.standing(); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		err := h.prolong(patience)
		if err == nil {
			return nil
		}
		select {
		case <-h.lost:
		case <-time.After(checkRetry):
		case <-patience.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return err
		}
	}
}

// Lost is closed when the lock is lost.
func (h *Held) Lost() <-chan struct{} { return h.lost }

// Unlock releases the lock. If the store fails, Unlock tries again for up to five
// seconds.
func (h *Held) Unlock() {
	h.once.Do(func() {
		h.mu.Lock()
		if h.over == nil {
			h.over = errUnlocked
		}
		if h.end != nil {
			h.end.Stop()
		}
		h.mu.Unlock()
		h.stop()
		<-h.done
		ctx, cancel := context.WithTimeout(context.Background(), releasePatience)
		defer cancel()
		for h.config.Release(ctx) != nil {
			select {
			case <-ctx.Done():
				return
			case <-time.After(checkRetry):
			}
		}
	})
}

// keep prolongs the lock until ctx ends or the lock is lost.
func (h *Held) keep(ctx context.Context) {
	defer close(h.done)
	every, limit := look, look
	if h.config.Length > 0 {
		every, limit = h.config.Length/3, h.config.Length/5
	}
	retry := leastRetry
	for pause := every; ; {
		select {
		case <-ctx.Done():
			return
		case <-h.lost:
			return
		case <-time.After(pause):
		}
		attempt, cancel := context.WithTimeout(ctx, limit) // a connection may hang
		err := h.prolong(attempt)
		cancel()
		if err == nil {
			pause, retry = every, leastRetry
		} else {
			pause, retry = min(retry, every), min(2*retry, mostRetry)
		}
	}
}

// prolong calls Prolong, and notes the outcome. The new end counts from before
// the call, so it comes before the end in the store.
func (h *Held) prolong(ctx context.Context) error {
	began := time.Now()
	held, err := h.config.Prolong(ctx)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch ends := began.Add(h.config.Length); {
	case !held:
		h.lose()
	case h.config.Length > 0 && ends.After(h.ends):
		h.ends = ends
	}
	return h.standingLocked()
}

// standing returns nil while the lock is held, as far as the holder knows.
func (h *Held) standing() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.standingLocked()
}

// standingLocked is standing for a caller who holds h.mu.
func (h *Held) standingLocked() error {
	if h.config.Length > 0 && !time.Now().Before(h.ends) {
		h.lose()
	}
	return h.over
}

// expire runs at the end of the lock. If the lock was prolonged since, expire
// waits for the new end.
func (h *Held) expire() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.standingLocked() == nil {
		h.end.Reset(time.Until(h.ends))
	}
}

// lose ends the lock, unless the lock is over already. h.mu is held.
func (h *Held) lose() {
	if h.over == nil {
		h.over = errLost
		close(h.lost)
	}
}
