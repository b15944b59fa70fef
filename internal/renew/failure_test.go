package renew_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// always fails each request with err.
func always(err error) func(int) error { return func(int) error { return err } }

// first fails the first n requests with err.
func first(n int, err error) func(int) error {
	return func(request int) error {
		if request <= n {
			return err
		}
		return nil
	}
}

func TestFailedEarlyRenewalServesTheOldValue(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, before: always(errTemporary)}
		store, _ := open(nil)
		e := start(t, p, store)
		began := time.Now()
		for time.Since(began) < time.Hour-time.Second {
			require.Equal(t, 1, got(t, e))
			time.Sleep(time.Second)
			synctest.Wait()
		}
		assert.Greater(t, p.count(), 3)
		time.Sleep(time.Second)
		_, err := e.Get(t.Context())
		require.ErrorIs(t, err, errTemporary)
	})
}

func TestBackoffGrowsWithJitterToAMinute(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{before: always(errTemporary), life: time.Hour}
		store, _ := open(p.grant())
		e := newEngine(p, store)
		time.Sleep(time.Hour)
		for range 12 {
			for n := p.count(); p.count() == n; time.Sleep(50 * time.Millisecond) {
				_, err := e.Get(t.Context())
				require.ErrorIs(t, err, errTemporary)
			}
		}
		exact := true
		for i := 1; i < len(p.requests); i++ {
			want := min(time.Second<<(i-1), time.Minute)
			waited := p.requests[i].Sub(p.requests[i-1])
			assert.GreaterOrEqual(t, waited, want*8/10, i)
			assert.LessOrEqual(t, waited, want*12/10+100*time.Millisecond, i)
			exact = exact && (waited-want).Abs() <= 100*time.Millisecond
		}
		assert.False(t, exact, "there is jitter")
	})
}

func TestBackoffBeginsAnewAfterASuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := true
		p := &provider{life: time.Hour, before: func(int) error {
			if fail {
				return errTemporary
			}
			return nil
		}}
		e := start(t, p, nil)
		time.Sleep(time.Hour)
		for range 6 {
			e.Get(t.Context())
			time.Sleep(2 * time.Minute)
		}
		fail = false
		assert.Equal(t, 2, got(t, e))
		fail = true
		time.Sleep(time.Hour)
		e.Get(t.Context())
		n := p.count()
		time.Sleep(1200 * time.Millisecond)
		e.Get(t.Context())
		assert.Equal(t, n+1, p.count())
	})
}

func TestFailureIsSharedByTheWaitersAndForAMoment(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, delay: time.Second, before: first(1, errTemporary)}
		store, _ := open(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() {
				_, err := e.Get(t.Context())
				assert.ErrorIs(t, err, errTemporary)
			})
		}
		all.Wait()
		_, err := e.Get(t.Context())
		require.ErrorIs(t, err, errTemporary)
		assert.Equal(t, 1, p.count())
		time.Sleep(1200 * time.Millisecond)
		assert.Equal(t, 2, got(t, e))
	})
}

func TestRetryAfterIsObeyedUpToAnHour(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{5 * time.Minute: 5 * time.Minute, 24 * time.Hour: time.Hour} {
		kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
			p := &provider{life: time.Hour, before: first(1, retryAfter(asked))}
			store, _ := open(nil)
			e := start(t, p, store)
			time.Sleep(time.Hour)
			e.Get(t.Context())
			time.Sleep(want - time.Second)
			_, err := e.Get(t.Context())
			require.Error(t, err)
			assert.Equal(t, 1, p.count())
			time.Sleep(time.Second)
			assert.Equal(t, 2, got(t, e))
		})
	}
}

func TestRetryAfterHoldsEarlyRenewalBackToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour, before: first(1, retryAfter(2*time.Minute))}
		e := start(t, p, nil)
		time.Sleep(56 * time.Minute)
		for range 119 {
			assert.Equal(t, 1, got(t, e))
			time.Sleep(time.Second)
		}
		assert.Equal(t, 1, p.count())
		time.Sleep(time.Second)
		got(t, e)
		synctest.Wait()
		assert.Equal(t, 2, got(t, e))
	})
}

func TestRefusedRequestWaitsAMinute(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, before: first(1, errRefused)}
		store, inner := open(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		_, err := e.Get(t.Context())
		require.ErrorIs(t, err, errRefused)
		for range 47 {
			time.Sleep(time.Second)
			e.Get(t.Context())
		}
		assert.Equal(t, 1, p.count())
		assert.Equal(t, 1, inner.n(t), "the credential is not to blame")
		time.Sleep(25 * time.Second)
		assert.Equal(t, 2, got(t, e))
	})
}

func TestRequestInDoubtIsNotSentAgainWhileTheValueIsGood(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, before: first(1, errInDoubt)}
		store, _ := open(nil)
		e := start(t, p, store)
		time.Sleep(56 * time.Minute)
		for range 239 {
			require.Equal(t, 1, got(t, e))
			time.Sleep(time.Second)
			synctest.Wait()
		}
		assert.Equal(t, 1, p.count())
		time.Sleep(time.Second)
		assert.Equal(t, 2, got(t, e), "it expired, so there is nothing left to lose")
	})
}

func TestRequestInDoubtIsSentAgainAfterARejection(t *testing.T) {
	for name, replace := range map[string]func(*testing.T, *engine, *generation){
		"waiting":     func(t *testing.T, e *engine, g *generation) { e.Replace(t.Context(), g) },
		"not waiting": func(t *testing.T, e *engine, g *generation) { e.ReplaceLater(t.Context(), g) },
	} {
		t.Run(name, func(t *testing.T) {
			kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
				p := &provider{life: time.Hour, before: first(1, errInDoubt)}
				store, _ := open(nil)
				e := start(t, p, store)
				time.Sleep(56 * time.Minute)
				g := present(t, e)
				synctest.Wait()
				require.Equal(t, 1, p.count())
				time.Sleep(2 * time.Second)
				replace(t, e, g)
				synctest.Wait()
				assert.Equal(t, 2, p.count())
				assert.Equal(t, 2, got(t, e))
			})
		})
	}
}

func TestDoubtOutlivesAStoreThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour, before: always(errInDoubt)}
		store := newStore(nil)
		e := start(t, p, store)
		time.Sleep(56 * time.Minute)
		g := present(t, e)
		synctest.Wait()
		var down atomicBool
		down.set(true)
		store.before = failing(&down, "load")
		time.Sleep(2 * time.Second)
		_, err := e.Replace(t.Context(), g)
		require.ErrorContains(t, err, "store down")
		down.set(false)
		for range 60 {
			time.Sleep(2 * time.Second)
			assert.Equal(t, 1, got(t, e))
		}
		assert.Equal(t, 1, p.count())
	})
}

func TestDeadIsRememberedWithoutStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour, before: always(errDead)}
		e := start(t, p, nil)
		time.Sleep(time.Hour)
		for range 1000 {
			_, err := e.Get(t.Context())
			require.ErrorIs(t, err, errDead)
			time.Sleep(time.Minute)
		}
		assert.Equal(t, 1, p.count())
		assert.Equal(t, []string{renew.ReauthRequired}, p.happened())
		p.before = nil
		require.NoError(t, e.Set(t.Context(), p.grant()))
		assert.Equal(t, 2, got(t, e))
		time.Sleep(time.Hour)
		assert.Equal(t, 3, got(t, e), "and forgotten")
	})
}

func TestDeadIsNotRenewedEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour, before: always(errDead)}
		e := start(t, p, nil)
		_, err := e.Replace(t.Context(), present(t, e))
		require.ErrorIs(t, err, errDead)
		time.Sleep(57 * time.Minute)
		assert.Equal(t, 1, got(t, e))
		synctest.Wait()
		assert.Equal(t, 1, p.count())
	})
}

func TestDeadIsRememberedUntilTheStoredValueChanges(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, before: always(errDead)}
		store, inner := open(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		for range 1000 {
			_, err := e.Get(t.Context())
			require.ErrorIs(t, err, errDead)
			time.Sleep(time.Minute)
		}
		assert.Equal(t, 1, p.count())
		assert.Equal(t, []string{renew.ReauthRequired}, p.happened())
		assert.Equal(t, 1, inner.n(t), "it stays where it is")

		inner.put(p.grant()) // another process, after the owner's consent
		assert.Equal(t, 2, got(t, e))
		assert.Equal(t, []string{renew.Adopted}, p.happened())
	})
}

func TestDeadIsForgottenWhenTheStoredValueChangesToAnExpiredOne(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, before: first(1, errDead)}
		store, inner := open(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		_, err := e.Get(t.Context())
		require.ErrorIs(t, err, errDead)
		moved := p.grant() // good for renewal only
		moved.Expiry = moved.Issued
		inner.put(moved)
		assert.Equal(t, 3, got(t, e))
	})
}

func TestDeadIsRememberedThroughAStoreThatFails(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, before: always(errDead)}
		store, inner := open(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		_, err := e.Get(t.Context())
		require.ErrorIs(t, err, errDead)
		for range 10 {
			inner.before = func(string) error { return errors.New("store down") }
			_, err = e.Get(t.Context())
			require.ErrorContains(t, err, "store down")
			inner.before = nil
			_, err = e.Get(t.Context())
			require.ErrorIs(t, err, errDead)
		}
		assert.Equal(t, 1, p.count())
	})
}

func TestDeadByRejectionStopsRenewingAtOnce(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, before: always(errDead)}
		store, inner := open(nil)
		e := start(t, p, store)
		for range 100 {
			_, err := e.Replace(t.Context(), present(t, e))
			require.ErrorIs(t, err, errDead)
			e.ReplaceLater(t.Context(), present(t, e))
			synctest.Wait()
		}
		assert.Equal(t, 1, p.count())
		inner.put(p.grant())
		if store == inner { // a rejection looks into the store all the same
			e.ReplaceLater(t.Context(), present(t, e))
			synctest.Wait()
			assert.Equal(t, 2, got(t, e))
		}
	})
}

func TestDeletedKeyIsNotResurrected(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour}
		store, inner := open(nil)
		e := start(t, p, store)
		require.NoError(t, store.Delete(t.Context(), key))
		time.Sleep(time.Hour)
		for range 10 {
			_, err := e.Get(t.Context())
			require.ErrorIs(t, err, errDead)
		}
		assert.Equal(t, []int{0}, p.tried, "the deleted value is not used")
		assert.Zero(t, inner.n(t))
	})
}

func TestKeyDeletedDuringARenewalIsNotResurrected(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, delay: 2 * time.Second}
		store, inner := open(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		go func() { time.Sleep(time.Second); store.Delete(context.Background(), key) }()
		assert.Equal(t, 2, got(t, e), "whoever waits is served for the last time")
		assert.Zero(t, inner.n(t))
		time.Sleep(time.Hour)
		_, err := e.Get(t.Context())
		require.ErrorIs(t, err, errDead)
		assert.Zero(t, inner.n(t))
	})
}

func TestDamagedStoredValue(t *testing.T) {
	for _, damage := range []string{"", "{", "null?", "\x00\x01", `{"N":`} {
		t.Run(fmt.Sprintf("%q", damage), func(t *testing.T) {
			kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
				p := &provider{life: time.Hour}
				store, inner := open(nil)
				inner.set([]byte(damage))
				e := newEngine(p, store)
				for range 3 {
					_, err := e.Get(t.Context())
					require.ErrorContains(t, err, `the value of "alice/service" in the token store is damaged`)
				}
				assert.Zero(t, p.count(), "nothing is obtained that would overwrite it")
				assert.Equal(t, []byte(damage), inner.value)

				inner.put(p.grant())
				assert.Equal(t, 1, got(t, e), "at once")
				inner.set([]byte(damage))
				assert.Equal(t, 1, got(t, e), "what is in memory is good")
				time.Sleep(time.Hour)
				_, err := e.Get(t.Context())
				require.ErrorContains(t, err, "damaged")
				assert.Equal(t, []byte(damage), inner.value)
				require.NoError(t, e.Set(t.Context(), p.grant())) // asked to
				assert.Equal(t, 2, inner.n(t))
			})
		})
	}
}

func TestValueDamagedDuringARenewalIsNotOverwritten(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour}
		store, inner := open(nil)
		e := start(t, p, store)
		p.hook = func(context.Context) { inner.set([]byte("{")) }
		time.Sleep(time.Hour)
		assert.Equal(t, 2, got(t, e))
		assert.Equal(t, "{", string(inner.value))
		assert.Equal(t, []string{renew.Renewed, renew.SaveFailed}, p.happened())
	})
}

func TestStoreDownAndBack(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour}
		store, inner := open(nil)
		e := start(t, p, store)
		var down atomicBool
		inner.before = failing(&down)
		down.set(true)
		for range 3599 {
			require.Equal(t, 1, got(t, e), "the value is served while it is good")
			time.Sleep(time.Second)
			synctest.Wait()
		}
		time.Sleep(time.Second)
		for range 100 {
			_, err := e.Get(t.Context())
			require.ErrorContains(t, err, `load "alice/service" from the token store: store down`)
			time.Sleep(time.Second)
		}
		assert.Contains(t, p.happened(), renew.Failed, "a platform hears of it")
		assert.Zero(t, p.count())
		down.set(false)
		assert.Equal(t, 2, got(t, e), "at once")
	})
}

func TestStoreDownHoldsEarlyRenewalBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := newStore(nil)
		e := start(t, p, store)
		loads := 0
		store.before = func(string) error { loads++; return errors.New("store down") }
		time.Sleep(56 * time.Minute)
		for range 10000 {
			got(t, e)
			synctest.Wait()
			time.Sleep(10 * time.Millisecond)
		}
		assert.Less(t, loads, 10)
	})
}

func TestLockErrorIsTemporary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := newStore(nil)
		e := start(t, p, store)
		var down atomicBool
		store.before = failing(&down, "lock")
		down.set(true)
		time.Sleep(time.Hour)
		_, err := e.Get(t.Context())
		require.ErrorContains(t, err, `lock "alice/service" in the token store: store down`)
		assert.Zero(t, p.count())
		down.set(false)
		assert.Equal(t, 2, got(t, e))
	})
}

func TestPanicInTheStoreIsAnError(t *testing.T) {
	for _, op := range []string{"load", "lock"} {
		synctest.Test(t, func(t *testing.T) {
			p := &provider{life: time.Hour}
			store := newStore(nil)
			e := start(t, p, store)
			store.before = func(o string) error {
				if o == op {
					panic("secret")
				}
				return nil
			}
			time.Sleep(time.Hour)
			_, err := e.Get(t.Context())
			require.ErrorContains(t, err, "panic of type string")
			assert.NotContains(t, err.Error(), "secret")
			assert.Zero(t, p.count())
			store.before = nil
			store.locked = make(chan struct{}, 1) // Lock panicked while it held it
			assert.Equal(t, 2, got(t, e))
		})
	}
}

// panickyUnlock is a store whose unlock panics.
type panickyUnlock struct{ *sharedStore }

func (s panickyUnlock) Lock(ctx context.Context, k string) (renew.Lease, error) {
	lease, err := s.sharedStore.Lock(ctx, k)
	return fakeLease(func() { lease.Unlock(); panic("unlock") }), err
}

func TestPanicOfUnlockCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := panickyUnlock{newStore(nil)}
		e := start(t, p, store)
		time.Sleep(time.Hour)
		assert.Equal(t, 2, got(t, e))
		var down atomicBool
		store.before = failing(&down, "swap")
		down.set(true)
		time.Sleep(time.Hour)
		assert.Equal(t, 3, got(t, e))
		down.set(false)
		time.Sleep(time.Second)
		assert.Equal(t, 3, store.n(t))
	})
}

// A function of the program that ignores its context cannot be stopped.
func TestFlightThatDoesNotReturnHoldsNobodyBeyondItsBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		p := &provider{life: time.Hour, hook: func(context.Context) { <-release }}
		e := start(t, p, newStore(nil))
		time.Sleep(2 * time.Hour)
		var all sync.WaitGroup
		began := time.Now()
		for range 3 {
			all.Go(func() {
				_, err := e.Get(t.Context())
				assert.ErrorIs(t, err, renew.ErrStuck)
				assert.LessOrEqual(t, time.Since(began), 95*time.Second)
			})
		}
		all.Wait()
		began = time.Now()
		_, err := e.Get(t.Context())
		require.ErrorIs(t, err, renew.ErrStuck)
		assert.Zero(t, time.Since(began), "who comes later need not wait")
		assert.Equal(t, 1, p.count(), "nobody begins another renewal meanwhile")
		close(release)
		synctest.Wait()
		assert.Equal(t, 2, got(t, e), "the outcome is put to use")
	})
}
