package redisstore_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/tokenstore/redisstore"
)

// breaker is a hook that loses the response of the first script that succeeds, and
// then fails all commands until mended.
type breaker struct {
	cutter
	lost atomic.Bool
}

func (b *breaker) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return b.cutter.ProcessHook(func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if err != nil || !strings.HasPrefix(cmd.Name(), "eval") || b.lost.Swap(true) {
			return err
		}
		b.cut.Store(true)
		err = errors.New("the response is lost")
		cmd.SetErr(err)
		return err
	})
}

// Redis has granted a lock, and the response was lost. The network is broken for a
// while. The lock must be released soon afterwards. The test takes the end from the
// lock, so that no lock becomes free by its end.
func TestLockWhoseResponseWasLostIsReleased(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: address(t), ContextTimeoutEnabled: true})
	defer client.Close()
	direct := redis.NewClient(&redis.Options{Addr: address(t)})
	defer direct.Close()
	b := new(breaker)
	client.AddHook(b)
	store, err := redisstore.New(redisstore.Config{Client: client})
	require.NoError(t, err)
	_, err = store.Lock(t.Context(), t.Name())
	require.ErrorContains(t, err, "the response is lost")
	kept, err := direct.Persist(t.Context(), "connectorauth:lock:"+t.Name()).Result()
	require.NoError(t, err)
	require.True(t, kept, "Redis has granted the lock")
	b.cut.Store(false)

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	lease, err := open(t, 0).Lock(ctx, t.Name())
	require.NoError(t, err)
	assert.NoError(t, lease.Check(ctx))
	lease.Unlock()
}
