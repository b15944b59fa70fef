package connectorauth_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/tokenstoretest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var _ connectorauth.SharedTokenStore = (*tokenstore.Memory)(nil)

func TestMemoryStoreKeepsTheContract(t *testing.T) {
	store := new(tokenstore.Memory)
	tokenstoretest.Run(t, func(*testing.T) tokenstore.Store { return store })
}

func TestMemoryStoreLockIsForOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var store tokenstore.Memory
		var all sync.WaitGroup
		inside, entered := 0, 0
		for range 100 {
			all.Go(func() {
				unlock, err := store.Lock(t.Context(), "alice")
				if !assert.NoError(t, err) {
					return
				}
				inside++
				assert.Equal(t, 1, inside)
				time.Sleep(time.Second)
				inside--
				entered++
				unlock()
			})
		}
		began := time.Now()
		unlock, err := store.Lock(t.Context(), "bob")
		require.NoError(t, err)
		assert.Zero(t, time.Since(began), "another key is free")
		unlock()
		all.Wait()
		assert.Equal(t, 100, entered)
	})
}

func TestMemoryStoreLockWaiterLeavesWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var store tokenstore.Memory
		unlock, err := store.Lock(t.Context(), "alice")
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err = store.Lock(ctx, "alice")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(began))
		unlock()
		unlock, err = store.Lock(t.Context(), "alice")
		require.NoError(t, err)
		unlock()
	})
}
