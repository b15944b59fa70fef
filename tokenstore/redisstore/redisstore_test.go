package redisstore_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/internal/test/replicas"
	"github.com/connectorauth/connectorauth/internal/test/stores"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/redisstore"
	"github.com/connectorauth/connectorauth/tokenstore/tokenstoretest"
)

// shortLease is the lease of tests that wait for the end of leases often. A holder
// has more than half of the lease to prolong its lock.
const shortLease = 6 * time.Second

func openChild(address string) (tokenstore.SharedStore, error) {
	client := redis.NewClient(&redis.Options{Addr: address})
	return redisstore.New(redisstore.Config{Client: client})
}

func TestMain(m *testing.M) {
	child.Main(replicas.Jobs(openReplica), stores.Jobs(openChild))
	flag.Parse()
	skipExamplesWithoutServer()
	replicas.Parallel()
	code := m.Run()
	if shared != nil {
		shared.kill()
	}
	os.Exit(code)
}

func TestStore(t *testing.T) {
	tokenstoretest.Run(t, func(t *testing.T) tokenstore.Store { return open(t, 0) })
}

func TestLeases(t *testing.T) {
	address(t)
	t.Parallel()
	tokenstoretest.RunLease(t, shortLease, openCut)
}

// cutter is a hook that fails all commands while cut is set.
type cutter struct{ cut atomic.Bool }

func (c *cutter) DialHook(next redis.DialHook) redis.DialHook { return next }
func (c *cutter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if c.cut.Load() {
			err := errors.New("the network is broken")
			cmd.SetErr(err)
			return err
		}
		return next(ctx, cmd)
	}
}
func (c *cutter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func openCut(t *testing.T) (store tokenstore.SharedStore, cut func(bool)) {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: address(t), ContextTimeoutEnabled: true})
	t.Cleanup(func() { client.Close() })
	c := new(cutter)
	client.AddHook(c)
	store, err := redisstore.New(redisstore.Config{Client: client, Lease: shortLease})
	require.NoError(t, err)
	return store, c.cut.Store
}

// A Ring may have its keys on several servers.
func TestRing(t *testing.T) {
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": address(t)}, ContextTimeoutEnabled: true})
	t.Cleanup(func() { ring.Close() })
	tokenstoretest.Run(t, func(t *testing.T) tokenstore.Store {
		store, err := redisstore.New(redisstore.Config{Client: ring, Prefix: "ring:"})
		require.NoError(t, err)
		return store
	})
}

// A Redis server without a file forgets its locks.
func TestLockThatTheServerForgotIsLost(t *testing.T) {
	store := open(t, shortLease)
	lease, err := store.Lock(t.Context(), "forgotten")
	require.NoError(t, err)
	client := redis.NewClient(&redis.Options{Addr: address(t)})
	defer client.Close()
	require.NoError(t, client.Del(t.Context(), "connectorauth:lock:forgotten").Err())
	select {
	case <-lease.Lost():
	case <-time.After(time.Minute):
		t.Error("Lost is not closed")
	}
	assert.ErrorContains(t, lease.Check(t.Context()), `"forgotten"`)
	lease.Unlock()
}

func TestSealedStore(t *testing.T) {
	tokenstoretest.Run(t, func(t *testing.T) tokenstore.Store {
		sealed, err := tokenstore.NewSealed(open(t, 0), tokenstore.Key{ID: "k", Secret: []byte(strings.Repeat("k", 32))})
		require.NoError(t, err)
		return sealed
	})
}

func TestStorePrefix(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: address(t)})
	defer client.Close()
	store, err := redisstore.New(redisstore.Config{Client: client, Prefix: "mine:"})
	require.NoError(t, err)
	other := open(t, 0)

	require.NoError(t, store.Save(t.Context(), "prefix", []byte("v")))
	got, err := client.Get(t.Context(), "mine:token:prefix").Result()
	require.NoError(t, err)
	assert.Equal(t, "v", got)
	_, ok, err := other.Load(t.Context(), "prefix")
	require.NoError(t, err)
	assert.False(t, ok)
}

func TestStoreErrorNamesTheKey(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	defer client.Close()
	store, err := redisstore.New(redisstore.Config{Client: client})
	require.NoError(t, err)
	_, _, err = store.Load(t.Context(), "alice")
	assert.ErrorContains(t, err, `redisstore: load "alice"`)
	err = store.Save(t.Context(), "alice", []byte("canary"))
	assert.ErrorContains(t, err, `redisstore: save "alice"`)
	assert.NotContains(t, err.Error(), "canary")
	_, err = store.Lock(t.Context(), "alice")
	assert.ErrorContains(t, err, `redisstore: lock "alice"`)
}

func TestNewChecksItsConfig(t *testing.T) {
	_, err := redisstore.New(redisstore.Config{})
	assert.ErrorContains(t, err, "Config: Client: ")
	client := redis.NewClient(&redis.Options{})
	defer client.Close()
	for _, lease := range []time.Duration{-1, time.Millisecond, time.Minute} {
		_, err = redisstore.New(redisstore.Config{Client: client, Lease: lease})
		assert.ErrorContains(t, err, "Config: Lease: ")
	}
}

func open(t testing.TB, lease time.Duration) *redisstore.Store {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: address(t), ContextTimeoutEnabled: true})
	t.Cleanup(func() { client.Close() })
	store, err := redisstore.New(redisstore.Config{Client: client, Lease: lease})
	require.NoError(t, err)
	return store
}

func BenchmarkStore(b *testing.B) { stores.Benchmark(b, open(b, 0)) }
