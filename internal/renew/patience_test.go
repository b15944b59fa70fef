package renew_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The store is down for longer than a saver keeps the lock. Shutdown must not say
// that all is saved, and must save when the store is back.
func TestShutdownSavesHoweverLongTheStoreWasDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := newStore(nil)
		var group renew.Group
		e := &engine{renew.New[value](&group, store, key), p}
		require.NoError(t, e.Set(t.Context(), p.grant()))
		time.Sleep(time.Hour)
		down := new(atomicBool)
		down.set(true)
		store.before = failing(down, "save", "swap")
		require.Equal(t, 2, got(t, e))
		time.Sleep(30 * time.Minute)
		assert.False(t, store.isLocked(), "the saver does not keep the lock for ever")
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		require.ErrorContains(t, group.Shutdown(ctx), key)
		down.set(false)
		require.NoError(t, group.Shutdown(t.Context()))
		assert.Equal(t, 2, store.n(t))
	})
}

// Shutdown is called in the moment in which the patience of a saver ends, and more
// than once.
func TestShutdownAtTheEndOfTheSaversPatience(t *testing.T) {
	for _, after := range []time.Duration{-time.Second, 0, time.Nanosecond, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			p := &provider{life: time.Hour}
			store := newStore(nil)
			var group renew.Group
			e := &engine{renew.New[value](&group, store, key), p}
			require.NoError(t, e.Set(t.Context(), p.grant()))
			time.Sleep(time.Hour)
			down := new(atomicBool)
			down.set(true)
			store.before = failing(down, "save", "swap")
			require.Equal(t, 2, got(t, e))
			time.Sleep(10*time.Minute + after)
			for range 3 {
				ctx, cancel := context.WithTimeout(t.Context(), 11*time.Minute)
				require.ErrorContains(t, group.Shutdown(ctx), key)
				cancel()
			}
			down.set(false)
			require.NoError(t, group.Shutdown(t.Context()))
			assert.Equal(t, 2, store.n(t))
		})
	}
}
