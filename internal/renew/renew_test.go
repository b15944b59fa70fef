package renew_test

import (
	"context"
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
