package tokenstore_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/internal/test/stores"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/tokenstoretest"
)

func TestMemory(t *testing.T) {
	var store tokenstore.Memory
	tokenstoretest.Run(t, func(*testing.T) tokenstore.Store { return &store })
	assert.Zero(t, store.Locks(), "locks that nobody holds are still in memory")
	assert.Zero(t, store.Changes(), "changes that nobody waits for are still in memory")
}

func TestMemoryErrorNamesTheKey(t *testing.T) {
	var store tokenstore.Memory
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := store.Load(ctx, "alice")
	assert.EqualError(t, err, `tokenstore: load "alice": context canceled`)
	_, err = store.Lock(ctx, "alice")
	assert.EqualError(t, err, `tokenstore: lock "alice": context canceled`)
}

func TestMemoryLockIsForOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var store tokenstore.Memory
		var all sync.WaitGroup
		inside, entered := 0, 0
		for range 100 {
			all.Go(func() {
				lease, err := store.Lock(t.Context(), "alice")
				if !assert.NoError(t, err) {
					return
				}
				inside++
				assert.Equal(t, 1, inside)
				time.Sleep(time.Second)
				inside--
				entered++
				lease.Unlock()
			})
		}
		began := time.Now()
		lease, err := store.Lock(t.Context(), "bob")
		require.NoError(t, err)
		assert.Zero(t, time.Since(began), "the lock of another key must be free")
		lease.Unlock()
		all.Wait()
		assert.Equal(t, 100, entered)
	})
}

func TestMemoryForgetsLocksThatNobodyHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var store tokenstore.Memory
		for i := range 100 {
			key := fmt.Sprint("account ", i)
			lease, err := store.Lock(t.Context(), key)
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			began := time.Now()
			_, err = store.Lock(ctx, key)
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Equal(t, time.Second, time.Since(began))
			assert.Equal(t, 1, store.Locks(), "a waiter that left must not remove the holder's lock")
			lease.Unlock()
			lease.Unlock()
			assert.Zero(t, store.Locks())
		}
	})
}

func TestMemoryWakesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var store tokenstore.Memory
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() {
				value, err := store.Wait(t.Context(), "alice", nil)
				assert.NoError(t, err)
				assert.Equal(t, "v", string(value))
			})
		}
		time.Sleep(time.Minute)
		require.NoError(t, store.Save(t.Context(), "bob", nil))
		assert.Equal(t, 1, store.Changes())
		began := time.Now()
		require.NoError(t, store.Save(t.Context(), "alice", []byte("v")))
		all.Wait()
		assert.Zero(t, time.Since(began))
		assert.Zero(t, store.Changes())
	})
}

func BenchmarkMemory(b *testing.B) { stores.Benchmark(b, new(tokenstore.Memory)) }

func TestMemoryPrintsNoValue(t *testing.T) {
	store := new(tokenstore.Memory)
	require.NoError(t, store.Save(t.Context(), "alice", []byte("canary-4711")))
	c := canary.New(t, "canary-4711")
	for _, verb := range canary.Verbs {
		c.Text(verb, fmt.Sprintf("%"+verb+" %"+verb, store, struct{ Store tokenstore.Store }{store}))
	}
}
