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
// while. The lock must be free soon afterwards, and not at its end.
func TestLockWhoseResponseWasLostIsFreeSoon(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: address(t), ContextTimeoutEnabled: true})
	defer client.Close()
	b := new(breaker)
	client.AddHook(b)
	store, err := redisstore.New(redisstore.Config{Client: client})
	require.NoError(t, err)
	_, err = store.Lock(t.Context(), t.Name())
	require.ErrorContains(t, err, "the response is lost")
	time.Sleep(500 * time.Millisecond)
	b.cut.Store(false)

	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	lease, err := open(t, 0).Lock(ctx, t.Name())
	require.NoError(t, err)
	assert.NoError(t, lease.Check(ctx))
	lease.Unlock()
}
