package redisstore

import (
	"context"
	"crypto/rand"
	mathrand "math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/lease"
)

const (
	leastPause     = 50 * time.Millisecond // of a waiter, between two attempts to lock
	mostPause      = time.Second
	unlockPatience = 5 * time.Second // after a failed lock; then the lock ends by itself
)

// lockScript also succeeds if the caller has the lock already: the client sends
// a script again when the first response was lost. prolongScript and unlockScript
// do nothing if the caller is not the owner.
var (
	lockScript = redis.NewScript(`
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('GET', KEYS[1]) == ARGV[1] then return 1 end
return 0`)
	prolongScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0`)
	unlockScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`)
)

// Lock waits until the caller alone holds key, or until ctx ends. The lock lasts
// until Unlock, or until Config.Lease after the death of the holder.
func (s *Store) Lock(ctx context.Context, key string) (tokenstore.Lease, error) {
	keys, owner, length := []string{s.prefix + "lock:" + key}, rand.Text(), s.lease.Milliseconds()
	release := func(ctx context.Context) error { return unlockScript.Run(ctx, s.client(), keys, owner).Err() }
	for pause := leastPause; ; pause = min(2*pause, mostPause) {
		if err := ctx.Err(); err != nil {
			return nil, fail(ctx, "lock", key, err)
		}
		taken := time.Now()
		locked, err := lockScript.Run(ctx, s.client(), keys, owner, length).Bool()
		if err != nil {
			go abandon(ctx, release) // Redis may have granted the lock before the error
			return nil, fail(ctx, "lock", key, err)
		}
		if locked {
			return lease.Keep(ctx, taken, lease.Config{
				Length: s.lease,
				Prolong: func(ctx context.Context) (held bool, err error) {
					return prolongScript.Run(ctx, s.client(), keys, owner, length).Bool()
				},
				Release: release,
				Wrap:    func(err error) error { return fail(context.Background(), "check the lock of", key, err) },
			}), nil
		}
		select {
		case <-time.After(pause/2 + mathrand.N(pause/2)): // random, so that waiters do not all try at the same moment
		case <-ctx.Done():
		}
	}
}

// abandon calls release until release succeeds, for a while.
func abandon(ctx context.Context, release func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockPatience)
	defer cancel()
	for release(ctx) != nil {
		select {
		case <-time.After(leastPause):
		case <-ctx.Done():
			return
		}
	}
}
