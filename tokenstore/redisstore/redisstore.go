// Package redisstore keeps the tokens of connectors in Redis, for many
// replicas.
//
//	store, err := redisstore.New(redisstore.Config{Client: redis.NewClient(&redis.Options{
//		Addr: "redis.internal:6379", ContextTimeoutEnabled: true,
//	})})
//
// A token that was saved must not vanish, so Redis has to be set up as a
// database rather than a cache: appendonly yes, appendfsync always, and
// maxmemory-policy noeviction. Replication in Redis is asynchronous: a fail-over
// may lose the last writes and locks, and with them a rotated refresh token.
// Where that is too much, use tokenstore.SQL.
package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Config says where a [Store] keeps its values.
type Config struct {
	// Client is a redis.Client, ClusterClient or Ring; required. The caller
	// closes it after the last use of the store. Commands in progress obey
	// their contexts only if its option ContextTimeoutEnabled is set.
	Client redis.Cmdable
	// Prefix is put in front of every key. Empty means "connectorauth:".
	Prefix string
	// Lease is how long a lock lasts if its holder neither unlocks nor lives,
	// at least a millisecond. It is not prolonged, so it must be longer than
	// the work done under the lock. Zero means two minutes, four times what a
	// token request may take.
	Lease time.Duration
}

// Store is a connectorauth.SharedTokenStore in Redis 2.6.12 or later, safe for
// concurrent use. Values have no expiry. The value of a key is under
// Prefix + "token:" + key, its lock under Prefix + "lock:" + key.
//
// A lock is held by a random owner and ends by the clock of the Redis server, so
// that hosts whose clocks differ agree; those who wait look again every 10 to
// 250 milliseconds. A process that was stopped for longer than its lease loses
// the lock without a sign, and unlock then leaves the new owner's lock alone:
// use CompareAndSwap to store what was made under a lock.
//
// An error may come after Redis has done its work, as when a connection breaks
// before the answer, and CompareAndSwap may then report false because the
// client asked twice: Load tells.
type Store struct {
	client redis.Cmdable
	prefix string
	lease  time.Duration
}

const unlockTimeout = 5 * time.Second // then the lease runs out by itself

// New returns the store in config.Client. It makes no request.
func New(config Config) (*Store, error) {
	if config.Client == nil {
		return nil, errors.New("redisstore: Config.Client is required")
	}
	if config.Prefix == "" {
		config.Prefix = "connectorauth:"
	}
	if config.Lease == 0 {
		config.Lease = 2 * time.Minute
	}
	if config.Lease < time.Millisecond {
		return nil, errors.New("redisstore: Config.Lease is shorter than a millisecond")
	}
	return &Store{client: config.Client, prefix: config.Prefix, lease: config.Lease}, nil
}

// Load returns the value under key.
func (s *Store) Load(ctx context.Context, key string) (value []byte, ok bool, err error) {
	if err = ctx.Err(); err == nil {
		value, err = s.client.Get(ctx, s.tokenKey(key)).Bytes()
	}
	if errors.Is(err, redis.Nil) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fail(ctx, "load", key, err)
	}
	return append([]byte{}, value...), true, nil // never nil, which would mean absent
}

// Save stores value under key.
func (s *Store) Save(ctx context.Context, key string, value []byte) error {
	err := ctx.Err()
	if err == nil {
		err = s.client.Set(ctx, s.tokenKey(key), value, 0).Err()
	}
	return fail(ctx, "save", key, err)
}

// Delete removes key.
func (s *Store) Delete(ctx context.Context, key string) error {
	err := ctx.Err()
	if err == nil {
		err = s.client.Del(ctx, s.tokenKey(key)).Err()
	}
	return fail(ctx, "delete", key, err)
}

var swapScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1`)

// CompareAndSwap stores new under key if the current value equals old; a nil
// old means that key must be absent.
func (s *Store) CompareAndSwap(ctx context.Context, key string, old, new []byte) (swapped bool, err error) {
	if err = ctx.Err(); err == nil {
		if old == nil {
			swapped, err = s.client.SetNX(ctx, s.tokenKey(key), new, 0).Result()
		} else {
			swapped, err = swapScript.Run(ctx, s.client, []string{s.tokenKey(key)}, old, new).Bool()
		}
	}
	return swapped && err == nil, fail(ctx, "swap", key, err)
}

// lockScript also succeeds for the owner, whose client may ask again when the
// first answer was lost. unlockScript deletes nobody else's lock.
var (
	lockScript = redis.NewScript(`
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('GET', KEYS[1]) == ARGV[1] then return 1 end
return 0`)
	unlockScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`)
)

// Lock waits until the caller alone holds key, or ctx ends. The hold lasts
// until unlock, or for Config.Lease.
func (s *Store) Lock(ctx context.Context, key string) (unlock func(), err error) {
	keys, owner := []string{s.prefix + "lock:" + key}, rand.Text()
	release := func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTimeout)
		defer cancel()
		unlockScript.Run(ctx, s.client, keys, owner)
	}
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 250*time.Millisecond) {
		if err := ctx.Err(); err != nil {
			return nil, fail(ctx, "lock", key, err)
		}
		locked, err := lockScript.Run(ctx, s.client, keys, owner, s.lease.Milliseconds()).Bool()
		if err != nil {
			go release() // the lock may have been granted without our learning it
			return nil, fail(ctx, "lock", key, err)
		}
		if locked {
			return sync.OnceFunc(release), nil
		}
		select {
		case <-time.After(pause/2 + mathrand.N(pause/2)): // so that waiters do not march in step
		case <-ctx.Done():
		}
	}
}

func (s *Store) tokenKey(key string) string { return s.prefix + "token:" + key }

// fail names the operation and the key in an error. The client has its own
// errors for an ended context; callers get the context's.
func fail(ctx context.Context, operation, key string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return fmt.Errorf("redisstore: %s %q: %w", operation, key, err)
}
