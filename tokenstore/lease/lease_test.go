package lease_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/connectorauth/connectorauth/tokenstore/lease"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

var errStore = errors.New("the store fails")

// lock is a lock in a store.
type lock struct {
	prolonged, released atomic.Int64
	lost                atomic.Bool
	failing             atomic.Bool
	takes               atomic.Int64 // nanoseconds that Prolong takes, whatever its context says
}

func (l *lock) err() error {
	if l.failing.Load() {
		return errStore
	}
	return nil
}

func (l *lock) config(length time.Duration) lease.Config {
	return lease.Config{
		Length: length,
		Prolong: func(context.Context) (bool, error) {
			l.prolonged.Add(1)
			time.Sleep(time.Duration(l.takes.Load()))
			return !l.lost.Load(), l.err()
		},
		Release: func(context.Context) error {
			l.released.Add(1)
			return l.err()
		},
	}
}

func isLost(h *lease.Held) bool {
	select {
	case <-h.Lost():
		return true
	default:
		return false
	}
}

func TestLockIsProlongedUntilUnlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(lock)
		ctx, cancel := context.WithCancel(t.Context())
		h := lease.Keep(ctx, time.Now(), l.config(lease.Length))
		cancel()
		time.Sleep(time.Minute + time.Second)
		assert.EqualValues(t, 15, l.prolonged.Load())
		assert.NoError(t, h.Check(t.Context()))
		assert.EqualValues(t, 16, l.prolonged.Load())
		h.Unlock()
		h.Unlock()
		assert.EqualValues(t, 1, l.released.Load())
		time.Sleep(time.Minute)
		assert.EqualValues(t, 16, l.prolonged.Load())
		assert.ErrorContains(t, h.Check(t.Context()), "released by its holder")
		assert.False(t, isLost(h))
	})
}

func TestLockSurvivesAShortFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(lock)
		h := lease.Keep(t.Context(), time.Now(), l.config(lease.Length))
		defer h.Unlock()
		time.Sleep(3 * time.Second)
		l.failing.Store(true)
		time.Sleep(8 * time.Second)
		assert.Greater(t, l.prolonged.Load(), int64(8))
		l.failing.Store(false)
		time.Sleep(time.Minute)
		assert.False(t, isLost(h))
		assert.NoError(t, h.Check(t.Context()))
	})
}

func TestLockIsLostAtItsEnd(t *testing.T) {
	for name, fault := range map[string]func(l *lock){
		"the store fails": func(l *lock) { l.failing.Store(true) },
		"the store hangs": func(l *lock) { l.takes.Store(int64(time.Minute)) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := new(lock)
				fault(l)
				began := time.Now()
				h := lease.Keep(t.Context(), began, l.config(lease.Length))
				<-h.Lost()
				assert.Equal(t, lease.Length, time.Since(began))
				assert.ErrorContains(t, h.Check(t.Context()), "lost")
				l.failing.Store(false)
				l.takes.Store(0)
				time.Sleep(2 * time.Minute)
				assert.ErrorContains(t, h.Check(t.Context()), "lost", "what is lost stays lost")
				h.Unlock()
				assert.EqualValues(t, 1, l.released.Load())
			})
		})
	}
}

func TestProlongThatReturnsAfterTheEndSavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(lock)
		l.takes.Store(int64(lease.Length))
		h := lease.Keep(t.Context(), time.Now(), l.config(lease.Length))
		time.Sleep(lease.Length/3 + lease.Length + time.Second)
		assert.True(t, isLost(h))
		h.Unlock()
	})
}

// A connection that hangs costs one attempt, and not the lock.
func TestProlongThatHangsIsGivenUpInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(lock)
		config := l.config(lease.Length)
		prolong := config.Prolong
		config.Prolong = func(ctx context.Context) (bool, error) {
			if l.prolonged.Load() == 0 {
				l.prolonged.Add(1)
				<-ctx.Done()
				return false, ctx.Err()
			}
			return prolong(ctx)
		}
		h := lease.Keep(t.Context(), time.Now(), config)
		defer h.Unlock()
		time.Sleep(time.Minute)
		assert.False(t, isLost(h))
		assert.NoError(t, h.Check(t.Context()))
	})
}

// A Prolong that ran later could take the lock of another.
func TestUnlockWaitsForAProlongUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(lock)
		l.takes.Store(int64(2 * time.Second))
		config := l.config(lease.Length)
		var under atomic.Int64
		prolong, release := config.Prolong, config.Release
		config.Prolong = func(ctx context.Context) (bool, error) {
			under.Add(1)
			defer under.Add(-1)
			return prolong(ctx)
		}
		config.Release = func(ctx context.Context) error {
			assert.Zero(t, under.Load())
			return release(ctx)
		}
		h := lease.Keep(t.Context(), time.Now(), config)
		time.Sleep(lease.Length/3 + time.Second)
		assert.EqualValues(t, 1, under.Load())
		h.Unlock()
		assert.EqualValues(t, 1, l.released.Load())
	})
}

func TestLockOfAnotherIsLostAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(lock)
		l.lost.Store(true)
		h := lease.Keep(t.Context(), time.Now(), l.config(lease.Length))
		defer h.Unlock()
		began := time.Now()
		assert.ErrorContains(t, h.Check(t.Context()), "lost")
		assert.Zero(t, time.Since(began))
		assert.True(t, isLost(h))
		l.lost.Store(false)
		assert.Error(t, h.Check(t.Context()))
		time.Sleep(time.Minute)
		assert.EqualValues(t, 1, l.prolonged.Load())
	})
}

func TestLockTakenLongAgoIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(lock)
		h := lease.Keep(t.Context(), time.Now().Add(-lease.Length), l.config(lease.Length))
		defer h.Unlock()
		<-h.Lost()
		assert.Error(t, h.Check(t.Context()))
		assert.Zero(t, l.prolonged.Load())
	})
}

func TestCheckTriesAgainAndSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(lock)
		config := l.config(lease.Length)
		config.Wrap = func(err error) error { return errors.Join(errors.New("check"), err) }
		h := lease.Keep(t.Context(), time.Now(), config)
		defer h.Unlock()
		l.failing.Store(true)
		go func() { time.Sleep(time.Second); l.failing.Store(false) }()
		assert.NoError(t, h.Check(t.Context()))

		l.failing.Store(true)
		began := time.Now()
		err := h.Check(t.Context())
		assert.ErrorIs(t, err, errStore)
		assert.ErrorContains(t, err, "check")
		assert.Equal(t, 2*time.Second, time.Since(began))
		assert.False(t, isLost(h))

		ctx, cancel := context.WithTimeout(t.Context(), 1050*time.Millisecond)
		defer cancel()
		assert.ErrorIs(t, h.Check(ctx), context.DeadlineExceeded)
		l.failing.Store(false)
	})
}

func TestUnlockTriesAgainForFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(lock)
		h := lease.Keep(t.Context(), time.Now(), l.config(lease.Length))
		l.failing.Store(true)
		began := time.Now()
		h.Unlock()
		assert.Equal(t, 5*time.Second, time.Since(began))
		assert.Greater(t, l.released.Load(), int64(40))
	})
}

func TestLockWithoutAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(lock)
		h := lease.Keep(t.Context(), time.Now(), l.config(0))
		defer h.Unlock()
		l.failing.Store(true)
		time.Sleep(time.Hour)
		assert.False(t, isLost(h))
		l.failing.Store(false)
		assert.NoError(t, h.Check(t.Context()))
		l.lost.Store(true)
		time.Sleep(6 * time.Second)
		assert.True(t, isLost(h))
	})
}
