package renew_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func (e *engine) Renew(ctx context.Context) error { return e.Engine.Renew(ctx, e.p) }

func (e *engine) Forget(ctx context.Context, revoke func(context.Context, *value) error) error {
	return e.Engine.Forget(ctx, e.p, revoke)
}

func (e *engine) known(t *testing.T) renew.Known[value] {
	t.Helper()
	k, err := e.Known(t.Context(), e.p)
	require.NoError(t, err)
	return k
}

func TestDeathHasNoEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := start(t, &provider{before: func(int) error { return errDead }}, nil)
		require.ErrorIs(t, e.Renew(t.Context()), errDead)
		k := e.known(t)
		assert.True(t, k.Dead)
		assert.ErrorIs(t, k.Err, errDead)
		assert.Zero(t, k.NotBefore, "no request is made by itself")
	})
}

// unsaved returns an engine whose store still has the predecessor of its value.
func unsaved(t *testing.T, s *sharedStore, store renew.Store, down *atomicBool) *engine {
	t.Helper()
	s.before = failing(down, "swap", "save")
	e := start(t, new(provider), store)
	down.set(true)
	require.NoError(t, e.Renew(t.Context()))
	require.Equal(t, 2, got(t, e))
	require.Equal(t, 1, s.n(t))
	return e
}

func TestUnsavedValueIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomicBool
		s := newStore(nil)
		e := unsaved(t, s, s, &down)
		k := e.known(t)
		assert.Equal(t, 2, k.Value.N)
		assert.False(t, k.InDoubt, "the mark is about the predecessor")
		require.ErrorContains(t, k.Err, "saving is tried again")
		down.set(false)
		time.Sleep(time.Minute)
		assert.NoError(t, e.known(t).Err)
	})
}

func TestRenewalThatTheStorePreventedIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomicBool
		s := newStore(nil)
		s.before = failing(&down, "lock")
		p := &provider{life: time.Hour}
		e := start(t, p, s)
		down.set(true)
		require.Error(t, e.Renew(t.Context()))
		require.ErrorContains(t, e.known(t).Err, "store down")
		down.set(false)
		other := newEngine(p, s)
		require.NoError(t, other.Renew(t.Context()))
		assert.NoError(t, e.known(t).Err, "another process has renewed since")
		require.NoError(t, e.Renew(t.Context()))
		assert.NoError(t, e.known(t).Err)
	})
}

func TestRenewFollowsARenewalUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{delay: time.Second, life: time.Hour}
		e := start(t, p, newStore(nil))
		time.Sleep(2 * time.Hour)
		go e.Get(context.Background())
		synctest.Wait()
		require.NoError(t, e.Renew(t.Context()))
		assert.Equal(t, 2, p.count())
		assert.Equal(t, 3, got(t, e))
	})
}

func TestForgetForgetsFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{free: true, before: func(n int) error { return map[int]error{1: errRefused}[n] }}
		e := newEngine(p, nil)
		_, err := e.Get(t.Context())
		require.ErrorIs(t, err, errRefused)
		require.NoError(t, e.Forget(t.Context(), nil))
		assert.Equal(t, renew.Known[value]{}, e.known(t))
		assert.Equal(t, 1, got(t, e), "without a pause")
	})
}

func TestShutdownWaitsForARevocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g renew.Group
		p := new(provider)
		e := &engine{renew.New[value](&g, newStore(nil), key), p}
		require.NoError(t, e.Set(t.Context(), p.grant()))
		go e.Forget(context.Background(), func(context.Context, *value) error { time.Sleep(5 * time.Second); return nil })
		synctest.Wait()
		began := time.Now()
		require.NoError(t, g.Shutdown(t.Context()))
		assert.GreaterOrEqual(t, time.Since(began), 5*time.Second)
	})
}

// Whatever a revocation does, the account can be used and removed afterwards.
func TestRevocationThatFailsHoldsNothing(t *testing.T) {
	errRevoke := errors.New("not revoked")
	for name, test := range map[string]struct {
		revoke func(ctx context.Context, e *engine) error
		err    string
		took   time.Duration
	}{
		"error": {func(context.Context, *engine) error { return errRevoke }, "not revoked", 0},
		"panic": {func(context.Context, *engine) error { panic("s3cret") }, "panic while a token was removed", 0},
		"hangs": {func(ctx context.Context, _ *engine) error { <-ctx.Done(); return ctx.Err() }, "deadline", 90 * time.Second},
		"waits for itself": {func(ctx context.Context, e *engine) error {
			_, err := e.Get(ctx)
			return err
		}, "uses its own connector", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &provider{life: time.Hour}
				s := newStore(nil)
				e := start(t, p, s)
				time.Sleep(2 * time.Hour)
				began := time.Now()
				err := e.Forget(t.Context(), func(ctx context.Context, _ *value) error { return test.revoke(ctx, e) })
				require.ErrorContains(t, err, test.err)
				assert.NotContains(t, err.Error(), "s3cret")
				assert.Equal(t, test.took, time.Since(began))
				assert.False(t, s.isLocked())
				assert.Equal(t, 1, s.n(t), "nothing is removed")
				assert.Equal(t, 2, got(t, e))
				require.NoError(t, e.Forget(t.Context(), nil))
				assert.Nil(t, e.known(t).Value)
				assert.False(t, s.isLocked())
			})
		})
	}
}

// A value that was set is newer than the wish to remove its predecessor.
func TestSetDuringForgetIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(provider)
		s := newStore(nil)
		e := start(t, p, s)
		go func() { time.Sleep(time.Second); assert.NoError(t, e.Set(context.Background(), p.grant())) }()
		err := e.Forget(t.Context(), func(context.Context, *value) error { time.Sleep(2 * time.Second); return nil })
		assert.ErrorContains(t, err, "another token was set")
		time.Sleep(2 * time.Second)
		assert.Equal(t, 2, s.n(t))
		assert.Equal(t, 2, got(t, e))
		assert.False(t, s.isLocked())
	})
}

func TestForgetEndsTheSaver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomicBool
		p := new(provider)
		s := newStore(nil)
		s.before = failing(&down, "save", "swap")
		e := newEngine(p, s)
		down.set(true)
		require.Error(t, e.Set(t.Context(), p.grant()))
		require.NoError(t, e.Forget(t.Context(), nil))
		down.set(false)
		time.Sleep(time.Hour)
		assert.Zero(t, s.n(t), "what was removed does not come back")
	})
}

func TestUnsavedValueIsRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomicBool
		s := newStore(nil)
		e := unsaved(t, s, plainStore{s}, &down)
		var revoked []int
		require.NoError(t, e.Forget(t.Context(), func(_ context.Context, v *value) error { revoked = append(revoked, v.N); return nil }))
		assert.Equal(t, []int{2}, revoked)
		down.set(false)
		time.Sleep(time.Hour)
		assert.Zero(t, s.n(t))
	})
}

// The saver holds the lock, so Forget would wait for the lock in vain.
func TestForgetSaysAtOnceThatAValueCannotBeSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomicBool
		s := newStore(nil)
		e := unsaved(t, s, s, &down)
		began := time.Now()
		require.ErrorContains(t, e.Forget(t.Context(), nil), "store down")
		assert.Zero(t, time.Since(began))
		assert.Equal(t, 2, got(t, e), "nothing is removed")
		down.set(false)
		var revoked []int
		require.NoError(t, e.Forget(t.Context(), func(_ context.Context, v *value) error { revoked = append(revoked, v.N); return nil }))
		assert.Equal(t, []int{2}, revoked)
		assert.Zero(t, time.Since(began), "the value is saved first")
		assert.Zero(t, s.n(t))
		assert.False(t, s.isLocked())
	})
}

func TestDamagedRecordIsNotRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(nil)
		e := start(t, new(provider), s)
		s.set([]byte("torn"))
		err := e.Forget(t.Context(), func(context.Context, *value) error { t.Error("of which token?"); return nil })
		require.ErrorContains(t, err, "damaged")
		assert.Equal(t, "torn", string(s.value))
		require.NoError(t, e.Forget(t.Context(), nil))
		assert.Nil(t, s.value)
	})
}

// What is known of the provider outlives a failure: a credential that rotates must
// not be sent twice, by any process.
func TestRotationIsRememberedThroughFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		s := newStore(nil)
		require.NoError(t, start(t, p, s).Renew(t.Context()))
		for _, failure := range []error{errRefused, errInDoubt} {
			p.before = func(int) error { return failure }
			require.ErrorIs(t, newEngine(p, s).Renew(t.Context()), failure)
		}
		sent := p.count()
		time.Sleep(2 * time.Hour)
		_, err := newEngine(p, s).Get(t.Context())
		require.ErrorIs(t, err, errDead)
		assert.Equal(t, sent, p.count())
	})
}

func TestGoodValueInDoubtIsNotLookedAtForEachRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour, before: func(int) error { return errInDoubt }}
		s := newStore(nil)
		require.ErrorIs(t, start(t, p, s).Renew(t.Context()), errInDoubt)
		e := newEngine(p, s)
		time.Sleep(time.Hour - time.Minute)
		s.done()
		for range 20 {
			require.Equal(t, 1, got(t, e))
			synctest.Wait()
			time.Sleep(time.Second)
		}
		assert.LessOrEqual(t, len(s.done()), 6)
		assert.Equal(t, 1, p.count())
	})
}

// A scheme that ends its goroutine, as a test's FailNow does, is an error for all.
func TestSchemeThatEndsItsGoroutineIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := start(t, &provider{hook: func(context.Context) { runtime.Goexit() }}, newStore(nil))
		require.Error(t, e.Renew(t.Context()))
		synctest.Wait()
		assert.Equal(t, 1, got(t, e))
	})
}

// A pause that is over delays nothing.
func TestPauseThatIsOverIsNotKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(nil)
		p := &provider{before: func(int) error { return retryAfter(10 * time.Minute) }}
		require.Error(t, start(t, p, s).Renew(t.Context()))
		ends := time.Now().Add(10 * time.Minute)
		assert.True(t, newEngine(p, s).known(t).NotBefore.Equal(ends))
		time.Sleep(time.Hour)
		k := newEngine(p, s).known(t)
		assert.Zero(t, k.NotBefore)
		var after retryAfter
		require.ErrorAs(t, k.Err, &after, "why the last renewal failed")
		assert.Zero(t, after)
	})
}

// Somebody without the lock changes the record between the look and the mark. The
// renewal looks again, and still has its lock.
func TestRenewalThatLooksAgainKeepsItsLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		s := newStore(p.grant())
		e := newEngine(p, s)
		require.Equal(t, 1, got(t, e))
		time.Sleep(2 * time.Hour)
		marks := 0
		s.before = func(op string) error {
			if op != "mark" {
				return nil
			}
			if marks++; marks == 1 {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.value = append(s.value, ' ')
			}
			return nil
		}
		began := time.Now()
		assert.Equal(t, 2, got(t, e))
		assert.Zero(t, time.Since(began))
		assert.Equal(t, 2, marks)
		assert.Equal(t, 1, p.count())
		assert.False(t, s.isLocked())
	})
}
