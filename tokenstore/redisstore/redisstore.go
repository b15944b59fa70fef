package redisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/connectorauth/connectorauth/tokenstore/lease"
)

// Config is the configuration of a [Store].
type Config struct {
	// Client is a redis.Client, ClusterClient or Ring. Required. The caller closes
	// Client after the last use of the store. A command ends with its context only
	// if the option ContextTimeoutEnabled is set.
	Client redis.Cmdable
	// Prefix comes before every key. Empty means "connectorauth:".
	Prefix string
	// Lease is the time after which the lock of a dead holder ends, from a second to
	// 12 seconds. The store prolongs the lock of a living holder three times in each
	// Lease. 0 means 12 seconds. Tests may use a shorter time.
	Lease time.Duration
}

// Store is a connectorauth.SharedTokenStore in Redis 2.6.12 or later. Store is
// safe for concurrent use. Values do not expire. The value of a key is under
// Prefix + "token:" + key, and the lock of a key is under Prefix + "lock:" +
// key.
//
// A lock has a random owner and an end. The end is a time on the clock of the
// Redis server, so the clocks of hosts may differ. The holder prolongs the lock
// every four seconds. After a broken connection, the holder tries again until the
// lock ends. Waiters try again with growing pauses of up to a second. Wait reads
// all awaited values together, with one MGET for 500 keys, about five times a
// second. MGET cannot read from several servers, so a ClusterClient or Ring gets a
// pipeline of GET.
//
// After an error, Redis may have done the operation: a connection may break
// before the response. If the client then sent the command again,
// CompareAndSwap may report false although new was stored. Load shows the
// current value.
type Store struct {
	client func() redis.Cmdable // a function, because a program that walks memory by reflection would find the password of Redis
	prefix string
	lease  time.Duration
	single bool // the client cannot read several keys together
	watch  lease.Watch
}

// New returns a store in config.Client. New sends nothing to Redis.
func New(config Config) (*Store, error) {
	config.Prefix = cmp.Or(config.Prefix, "connectorauth:")
	config.Lease = cmp.Or(config.Lease, lease.Length)
	var problems []error
	if config.Client == nil {
		problems = append(problems, errors.New("Client: is required"))
	}
	if config.Lease < time.Second || config.Lease > lease.Length {
		problems = append(problems, fmt.Errorf("Lease: is %v: use a time from a second to %v", config.Lease, lease.Length))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("redisstore: Config: %w", err)
	}
	s := &Store{client: func() redis.Cmdable { return config.Client }, prefix: config.Prefix, lease: config.Lease}
	switch config.Client.(type) {
	case *redis.ClusterClient, *redis.Ring:
		s.single = true
	}
	s.watch.Read = s.readAll
	return s, nil
}

// Load returns the value under key.
func (s *Store) Load(ctx context.Context, key string) (value []byte, ok bool, err error) {
	if err = ctx.Err(); err == nil {
		value, err = s.client().Get(ctx, s.tokenKey(key)).Bytes()
	}
	if errors.Is(err, redis.Nil) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fail(ctx, "load", key, err)
	}
	return append([]byte{}, value...), true, nil // nil would mean absent
}

// Save stores value under key.
func (s *Store) Save(ctx context.Context, key string, value []byte) error {
	err := ctx.Err()
	if err == nil {
		err = s.client().Set(ctx, s.tokenKey(key), value, 0).Err()
	}
	return fail(ctx, "save", key, err)
}

// Delete removes key.
func (s *Store) Delete(ctx context.Context, key string) error {
	err := ctx.Err()
	if err == nil {
		err = s.client().Del(ctx, s.tokenKey(key)).Err()
	}
	return fail(ctx, "delete", key, err)
}

var swapScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1`)

// CompareAndSwap stores new under key if the current value equals old, and
// reports whether new was stored. A nil old means that key must be absent.
func (s *Store) CompareAndSwap(ctx context.Context, key string, old, new []byte) (swapped bool, err error) {
	if err = ctx.Err(); err == nil {
		if old == nil {
			swapped, err = s.client().SetNX(ctx, s.tokenKey(key), new, 0).Result()
		} else {
			swapped, err = swapScript.Run(ctx, s.client(), []string{s.tokenKey(key)}, old, new).Bool()
		}
	}
	return swapped && err == nil, fail(ctx, "swap", key, err)
}

func (s *Store) tokenKey(key string) string { return s.prefix + "token:" + key }

// fail adds the operation and the key to an error. The client has errors of its
// own for an ended context; fail returns the error of ctx instead.
func fail(ctx context.Context, operation, key string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return fmt.Errorf("redisstore: %s %q: %w", operation, key, err)
}
