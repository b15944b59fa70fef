package renew_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGoodGenerationTakesNoLockAndNoAllocation(t *testing.T) {
	p := &provider{life: time.Hour}
	store := newStore(nil)
	e := start(t, p, store)
	store.done()
	ctx := t.Context()
	assert.Zero(t, testing.AllocsPerRun(1000, func() { e.Get(ctx) }))
	assert.Empty(t, store.done(), "the store is left alone")
	assert.Zero(t, p.count())
}

func TestGoodGenerationIsServedWhileASlowSetHoldsTheEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := newStore(nil)
		e := start(t, p, store)
		store.before = func(op string) error { time.Sleep(10 * time.Second); return nil }
		go e.Set(t.Context(), p.grant())
		synctest.Wait()
		began := time.Now()
		assert.Equal(t, 1, got(t, e))
		assert.Zero(t, time.Since(began))
		time.Sleep(time.Minute)
		assert.Equal(t, 2, got(t, e))
	})
}

func TestOneFlightHoweverManyWait(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, delay: 2 * time.Second}
		store, _ := open(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() { assert.Equal(t, 2, got(t, e)) })
		}
		all.Wait()
		assert.Equal(t, 1, p.count())
	})
}

func TestOneFlightPerGenerationWithoutStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour, delay: 2 * time.Second}
		e := start(t, p, nil)
		for n := 2; n < 5; n++ {
			time.Sleep(time.Hour)
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() { assert.Equal(t, n, got(t, e)) })
			}
			all.Wait()
			assert.Equal(t, n-1, p.count())
		}
	})
}

func TestWaiterLeavesWithItsContextWhileTheFlightGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour, delay: 2 * time.Second}
		e := start(t, p, nil)
		time.Sleep(time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err := e.Get(ctx) // the one that starts the flight
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 100*time.Millisecond, time.Since(began))
		time.Sleep(2 * time.Second)
		assert.Equal(t, 2, got(t, e))
		assert.Equal(t, 2*time.Second+100*time.Millisecond, time.Since(began), "nobody had to wait again")
		assert.Equal(t, 1, p.count())
	})
}

func TestEndedContextStartsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		e := start(t, p, nil)
		time.Sleep(time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := e.Get(ctx)
		require.ErrorIs(t, err, context.Canceled)
		assert.Zero(t, p.count())
	})
}

func TestFlightKeepsContextValuesAndHasItsOwnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type tenant struct{}
		var seen context.Context
		p := &provider{life: time.Hour, delay: time.Hour, hook: func(ctx context.Context) { seen = ctx }}
		e := start(t, p, nil)
		time.Sleep(time.Hour)
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), tenant{}, "acme"))
		began := time.Now()
		go func() { time.Sleep(time.Second); cancel() }()
		_, err := e.Get(ctx)
		require.ErrorIs(t, err, context.Canceled)
		synctest.Wait()
		assert.Equal(t, "acme", seen.Value(tenant{}))
		require.NoError(t, seen.Err(), "the caller's end is not the flight's")
		end, ok := seen.Deadline()
		require.True(t, ok)
		assert.Equal(t, 90*time.Second, end.Sub(began))
		_, err = e.Get(t.Context())
		require.ErrorIs(t, err, errInDoubt, "the flight ended by itself")
		assert.Equal(t, 90*time.Second, time.Since(began))
	})
}

func TestLockIsWaitedForOnlySoLongThatATokenRequestKeepsItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := newStore(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		lease, err := store.Lock(t.Context(), key)
		require.NoError(t, err)
		began := time.Now()
		_, err = e.Get(t.Context())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorContains(t, err, `lock "alice/service"`)
		assert.Equal(t, 45*time.Second, time.Since(began))
		assert.Zero(t, p.count())

		var left time.Duration
		p.hook = func(ctx context.Context) { end, _ := ctx.Deadline(); left = time.Until(end) }
		go func() { time.Sleep(44 * time.Second); lease.Unlock() }()
		assert.Equal(t, 2, got(t, e))
		assert.Greater(t, left, 45*time.Second)
	})
}

func TestEarlyRenewalRunsInTheBackgroundAfterARandomTime(t *testing.T) {
	firsts := map[time.Duration]bool{}
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			p := &provider{life: time.Hour, delay: 2 * time.Second}
			e := start(t, p, nil)
			began := time.Now()
			for p.count() == 0 {
				require.Equal(t, 1, got(t, e))
				time.Sleep(time.Second / 4)
				synctest.Wait()
			}
			first := p.requests[0].Sub(began)
			firsts[first] = true
			assert.GreaterOrEqual(t, first, 55*time.Minute)
			assert.LessOrEqual(t, first, 56*time.Minute+time.Second)
			asked := time.Now()
			assert.Equal(t, 1, got(t, e), "the old one is served meanwhile")
			assert.Zero(t, time.Since(asked))
			time.Sleep(2 * time.Second)
			assert.Equal(t, 2, got(t, e))
			assert.Equal(t, 1, p.count())
		})
	}
	assert.Greater(t, len(firsts), 5, "replicas come at different times")
}

func TestEarlyRenewalTakesNoMoreThanAFifthOfTheLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: 3 * time.Second}
		e := start(t, p, nil)
		for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(10 * time.Millisecond) {
			got(t, e)
			synctest.Wait()
		}
		// Each value serves for 2.4 to 2.52 of its 3 seconds.
		assert.GreaterOrEqual(t, p.count(), 23)
		assert.LessOrEqual(t, p.count(), 25)
		assert.Zero(t, p.reused)
	})
}

func TestWithoutExpiryOnlyARejectionRenews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{}
		e := start(t, p, newStore(nil))
		time.Sleep(1000 * time.Hour)
		assert.Equal(t, 1, got(t, e))
		assert.Zero(t, p.count())
		g, err := e.Replace(t.Context(), present(t, e))
		require.NoError(t, err)
		assert.Equal(t, 2, g.Value.N)
	})
}

func TestValueThatExpiredOnItsWayIsServedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Second, delay: 2 * time.Second, free: true}
		e := newEngine(p, nil)
		assert.Equal(t, 1, got(t, e))
		assert.Equal(t, 1, p.count())
		assert.Equal(t, 2, got(t, e))
		assert.Equal(t, 2, p.count())
	})
}

// Another machine's clock stamped what the store holds.
func TestClockFiveMinutesOff(t *testing.T) {
	for _, test := range []struct {
		name  string
		skew  time.Duration
		life  time.Duration
		least time.Duration // how long it is served
		most  time.Duration
	}{
		{"ahead", 5 * time.Minute, time.Hour, 55 * time.Minute, 60 * time.Minute},
		{"behind", -5 * time.Minute, time.Hour, 50 * time.Minute, 51*time.Minute + time.Second},
		{"ahead, short life", 5 * time.Minute, time.Minute, 48 * time.Second, time.Minute},
		{"behind, short life", -5 * time.Minute, time.Minute, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &provider{life: test.life}
				v := p.grant()
				v.Issued, v.Expiry = v.Issued.Add(test.skew), v.Expiry.Add(test.skew)
				e := newEngine(p, newStore(v))
				began := time.Now()
				for p.count() == 0 {
					got(t, e)
					synctest.Wait()
					if p.count() == 0 {
						time.Sleep(time.Second)
					}
				}
				assert.GreaterOrEqual(t, time.Since(began), test.least)
				assert.LessOrEqual(t, time.Since(began), test.most)
				for range 10 { // no loop: its own value is stamped by its own clock
					assert.Equal(t, 2, got(t, e))
				}
				assert.Equal(t, 1, p.count())
				assert.Zero(t, p.reused)
			})
		})
	}
}

func TestReplaceOlderGenerationReturnsThePresentOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		e := start(t, p, nil)
		first := present(t, e)
		second, err := e.Replace(t.Context(), first)
		require.NoError(t, err)
		for range 1000 { // late rejections of the first
			g, err := e.Replace(t.Context(), first)
			require.NoError(t, err)
			require.Same(t, second, g)
			e.ReplaceLater(t.Context(), first)
		}
		synctest.Wait()
		assert.Equal(t, 1, p.count())
	})
}

func TestThousandRejectionsMakeOneRenewal(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, delay: time.Second}
		store, _ := open(nil)
		e := start(t, p, store)
		rejected := present(t, e)
		var all sync.WaitGroup
		for i := range 1000 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 3 * time.Millisecond) // some come late
				g, err := e.Replace(t.Context(), rejected)
				if assert.NoError(t, err) {
					assert.Equal(t, 2, g.Value.N)
				}
			})
		}
		all.Wait()
		assert.Equal(t, 1, p.count())
	})
}

func TestRenewDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour, delay: time.Second}
		e := start(t, p, nil)
		began := time.Now()
		e.ReplaceLater(t.Context(), present(t, e))
		assert.Zero(t, time.Since(began))
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Equal(t, 2, got(t, e))
	})
}

func TestGenerationRejectedAgainIsNotRenewedForAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		e := start(t, p, nil)
		g, err := e.Replace(t.Context(), present(t, e))
		require.NoError(t, err)
		e.RejectedAgain(g)
		for range 59 {
			_, err := e.Replace(t.Context(), g)
			require.ErrorIs(t, err, renew.ErrRejectedAgain)
			e.ReplaceLater(t.Context(), g)
			assert.Equal(t, 2, got(t, e), "it is served all the same")
			time.Sleep(time.Second)
		}
		assert.Equal(t, 1, p.count())
		time.Sleep(time.Second)
		g, err = e.Replace(t.Context(), g)
		require.NoError(t, err)
		assert.Equal(t, 3, g.Value.N)
	})
}

func TestGenerationRejectedAgainIsNotRenewedEarlyEither(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		e := start(t, p, nil)
		time.Sleep(56*time.Minute + time.Second)
		e.RejectedAgain(func() *generation { g := present(t, e); synctest.Wait(); return g }()) // its Get renews already
		assert.Equal(t, 1, p.count())
		g := present(t, e)
		time.Sleep(56*time.Minute + time.Second)
		e.RejectedAgain(g)
		assert.Equal(t, 2, got(t, e))
		synctest.Wait()
		assert.Equal(t, 1, p.count())
		time.Sleep(time.Minute)
		assert.Equal(t, 2, got(t, e))
		synctest.Wait()
		assert.Equal(t, 2, p.count())
	})
}

func TestSetWakesTheWaitersOfAFlight(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, delay: 20 * time.Second}
		store, inner := open(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		began := time.Now()
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { assert.Equal(t, 5, got(t, e)); assert.Equal(t, time.Second, time.Since(began)) })
		}
		time.Sleep(time.Second)
		require.NoError(t, e.Set(t.Context(), &value{N: 5, Issued: time.Now(), Expiry: time.Now().Add(time.Hour)}))
		all.Wait()
		time.Sleep(time.Minute) // the flight ends, and what it got is nobody's
		assert.Equal(t, 5, got(t, e))
		assert.Equal(t, 5, inner.n(t), "the flight did not overwrite it")
		assert.False(t, inner.isLocked())
	})
}

// Set and the flight's save meet: whichever the store sees last, it is Set's.
func TestSetWinsOverAFlightThatIsSaving(t *testing.T) {
	for _, at := range []time.Duration{0, 500 * time.Millisecond, 1500 * time.Millisecond, 2500 * time.Millisecond, 3500 * time.Millisecond, 6 * time.Second} {
		kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
			p := &provider{life: time.Hour}
			store, inner := open(nil)
			e := start(t, p, store)
			time.Sleep(time.Hour)
			inner.before = func(string) error { time.Sleep(time.Second); return nil }
			go e.Get(t.Context())
			time.Sleep(at)
			require.NoError(t, e.Set(t.Context(), &value{N: 50, Issued: time.Now(), Expiry: time.Now().Add(time.Hour)}))
			assert.Equal(t, 50, got(t, e))
			time.Sleep(time.Minute)
			assert.Equal(t, 50, inner.n(t), at)
			assert.Equal(t, 50, got(t, e))
		})
	}
}

func TestUnsavedSetWinsOverAFlight(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, delay: 5 * time.Second}
		store, inner := open(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		var down atomicBool
		inner.before = failing(&down, "save", "swap")
		down.set(true)
		go e.Get(t.Context())
		synctest.Wait()
		require.Error(t, e.Set(t.Context(), &value{N: 50, Issued: time.Now(), Expiry: time.Now().Add(time.Hour)}))
		time.Sleep(4900 * time.Millisecond)
		down.set(false) // the saver has a long wait before it, and the flight has its value
		time.Sleep(time.Minute)
		assert.Equal(t, 50, inner.n(t))
		assert.Equal(t, 50, got(t, e))
	})
}

func TestSetEndsAFailure(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour}
		store, _ := open(nil)
		e := newEngine(p, store)
		_, err := e.Get(t.Context())
		require.ErrorIs(t, err, errDead)
		require.NoError(t, e.Set(t.Context(), p.grant()))
		assert.Equal(t, 1, got(t, e))
	})
}

func TestSetOfWhatCannotBeStoredChangesNothing(t *testing.T) {
	p := &provider{life: time.Hour}
	store := newStore(nil)
	e := start(t, p, store)
	store.done()
	require.ErrorContains(t, e.Set(t.Context(), &value{N: 9, Damage: "broken"}), "broken")
	assert.Equal(t, 1, got(t, e))
	assert.Empty(t, store.done())
}

func TestConcurrentSetsLeaveStoreAndMemoryAlike(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		store, inner := open(nil)
		e := newEngine(&provider{}, store)
		inner.after = func(string) error { time.Sleep(time.Millisecond); return nil }
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() { assert.NoError(t, e.Set(t.Context(), &value{N: i + 1})) })
		}
		all.Wait()
		assert.Equal(t, got(t, e), inner.n(t))
	})
}

func TestPanicInTheSchemeIsAnErrorForAllWaiters(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		const secret = "hunter2"
		p := &provider{life: time.Hour, delay: time.Second, before: func(n int) error {
			if n == 1 {
				panic(errors.New(secret))
			}
			return nil
		}}
		store, inner := open(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				_, err := e.Get(t.Context())
				assert.ErrorContains(t, err, "panic of type *errors.errorString")
				assert.NotContains(t, err.Error(), secret)
			})
		}
		all.Wait()
		assert.False(t, inner.isLocked())
		assert.Equal(t, 1, p.count(), "shared, and remembered for a moment")
		time.Sleep(2 * time.Second)
		assert.Equal(t, 2, got(t, e))
	})
}

// Nobody knows how far the request got.
func TestPanicDuringAnEarlyRenewalIsInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour, before: func(int) error { panic("transport") }}
		e := start(t, p, nil)
		time.Sleep(56 * time.Minute)
		for range 239 {
			assert.Equal(t, 1, got(t, e))
			time.Sleep(time.Second)
		}
		assert.Equal(t, 1, p.count())
	})
}

func TestPanicOfTheObserverCostsNothing(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour}
		store, inner := open(nil)
		e := start(t, p, store)
		p.observe = func(event) { panic("observer") }
		time.Sleep(time.Hour)
		assert.Equal(t, 2, got(t, e))
		assert.Equal(t, 2, inner.n(t))
		assert.False(t, inner.isLocked())
		require.NoError(t, e.Set(t.Context(), p.grant()))
		assert.Equal(t, 3, got(t, e))
	})
}

// An observer may set the credential, as one that logs in again by itself does.
func TestObserverMaySet(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour}
		store, inner := open(nil)
		e := start(t, p, store)
		var down atomicBool
		inner.before = func(op string) error {
			if writes(op) {
				return failing(&down)(op)
			}
			return nil
		}
		for i, happened := range []string{renew.Renewed, renew.Saved, renew.SaveFailed} {
			synctest.Wait()
			var once atomic.Bool // Set is observed too
			p.observe = func(event event) {
				if event.Happened == happened && once.CompareAndSwap(false, true) {
					down.set(false)
					e.Set(context.Background(), &value{N: 100 * (i + 1), Issued: time.Now(), Expiry: time.Now().Add(time.Hour)})
				}
			}
			time.Sleep(time.Hour)
			down.set(happened == renew.SaveFailed)
			e.Get(t.Context())
			assert.Equal(t, 100*(i+1), got(t, e))
			time.Sleep(time.Minute)
			assert.Equal(t, 100*(i+1), inner.n(t))
			p.last = 100 * (i + 1)
		}
	})
}

// A caller that cannot replay its request renews for the requests to come. If
// the API rejects each new generation too, one renewal is enough.
func TestRejectionsWithoutReplayCostOneRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		e := start(t, p, nil)
		for range 30 {
			e.ReplaceLater(t.Context(), present(t, e))
			synctest.Wait()
		}
		assert.Equal(t, 1, p.count())
		time.Sleep(time.Minute)
		e.ReplaceLater(t.Context(), present(t, e))
		synctest.Wait()
		assert.Equal(t, 2, p.count(), "after a minute, another renewal is allowed")
	})
}

// A hook that runs within a renewal and waits for the same renewal would wait for
// ever.
func TestRenewalThatWaitsForItselfFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		e := start(t, p, nil)
		var inner error
		p.hook = func(ctx context.Context) { _, inner = e.Get(ctx) }
		time.Sleep(time.Hour)
		began := time.Now()
		assert.Equal(t, 2, got(t, e))
		require.ErrorContains(t, inner, "uses its own connector")
		assert.Zero(t, time.Since(began))
	})
}

// A clock that was ahead when the value was stored must not make an old value young:
// a rejection of the value would count as contested for as long as the clock was off.
func TestValueFromAClockAheadIsNotYoung(t *testing.T) {
	var g renew.Generation[string]
	assert.True(t, g.Young(time.Now().Add(-time.Second)))
	assert.False(t, g.Young(time.Now().Add(-time.Hour)))
	assert.False(t, g.Young(time.Now().Add(24*time.Hour)))
}
