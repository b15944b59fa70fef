package renew_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
