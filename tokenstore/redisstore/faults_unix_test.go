//go:build unix

package redisstore_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/test/stores"
	"github.com/connectorauth/connectorauth/tokenstore/lease"
)

func TestHolderStoppedPastItsLeaseChangesNothing(t *testing.T) {
	store, other, place := open(t, 0), open(t, 0), address(t)
	t.Parallel() // the tests wait most of the time
	stores.StoppedHolder(t, store, other, place, 20*time.Second)
}

// A lock of a dead process is free within 15 seconds: the lease is shorter.
func TestLockOfAKilledHolderRunsOut(t *testing.T) {
	store, place := open(t, 0), address(t)
	t.Parallel()
	client := redis.NewClient(&redis.Options{Addr: place})
	t.Cleanup(func() { client.Close() })
	stores.KilledHolder(t, store, place, func() {
		left, err := client.PTTL(t.Context(), "connectorauth:lock:"+t.Name()).Result()
		require.NoError(t, err)
		assert.LessOrEqual(t, left, lease.Length)
		assert.NotEqual(t, time.Duration(-1), left, "the lock has no end")
	})
}
