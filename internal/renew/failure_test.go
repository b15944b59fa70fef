package renew_test

import (
	"context"
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
