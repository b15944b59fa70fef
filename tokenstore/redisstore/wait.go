package redisstore

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

const readAtOnce = 500 // keys in one command

// Wait returns the value of key as soon as the value is not old, or an error when
// ctx ends. A nil value is absent.
func (s *Store) Wait(ctx context.Context, key string, old []byte) (value []byte, err error) {
	if value, err = s.watch.Wait(ctx, key, old); err != nil {
		return nil, fail(context.Background(), "wait for", key, err)
	}
	return value, nil
}

// readAll reads the values of keys, some hundred with each command.
func (s *Store) readAll(ctx context.Context, keys []string, found func(key string, value []byte)) error {
	if s.single {
		return s.readEach(ctx, keys, found)
	}
	for len(keys) > 0 {
		some := keys[:min(len(keys), readAtOnce)]
		keys = keys[len(some):]
		names := make([]string, len(some))
		for i, key := range some {
			names[i] = s.tokenKey(key)
		}
		values, err := s.client().MGet(ctx, names...).Result()
		if err != nil {
			return err
		}
		for i, value := range values {
			switch value := value.(type) {
			case nil:
				found(some[i], nil)
			case string:
				found(some[i], append([]byte{}, value...)) // nil would mean absent
			}
		}
	}
	return nil
}

// readEach reads the values of keys, with a command for each key in a pipeline.
// The client sends each command to the server that has the key.
func (s *Store) readEach(ctx context.Context, keys []string, found func(key string, value []byte)) error {
	pipe := s.client().Pipeline()
	results := make([]*redis.StringCmd, len(keys))
	for i, key := range keys {
		results[i] = pipe.Get(ctx, s.tokenKey(key))
	}
	pipe.Exec(ctx) // each command has its own error
	var failed error
	for i, result := range results {
		value, err := result.Bytes()
		switch {
		case errors.Is(err, redis.Nil):
			found(keys[i], nil)
		case err != nil:
			failed = err
		default:
			found(keys[i], append([]byte{}, value...))
		}
	}
	return failed
}
