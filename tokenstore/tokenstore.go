// Package tokenstore keeps the tokens of connectors where they outlive the
// process: in files, in a SQL database, and sealed with AES-256-GCM in either.
//
//	store, err := tokenstore.NewFile("/var/lib/myapp/tokens")
//	...
//	google, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{Store: store, Account: "alice/google", ...})
//
// # Choosing a store
//
//   - One program: connectorauth.MemoryStore, or [File] if tokens should
//     survive a restart.
//   - Several programs on one host: [File], or [SQL] with SQLite.
//   - Many replicas: [SQL] with PostgreSQL or MySQL, or the redisstore module.
//   - Anything whose backups, disks or administrators you would rather not
//     trust with tokens: [NewSealed] around any of them.
//
// All of them are safe for concurrent use by many goroutines and processes.
// Their locks let one process at a time renew a token; their CompareAndSwap
// keeps a newer token even where a process was stopped for longer than its
// lock lasts.
//
// The package tokenstoretest holds the tests that any other implementation can
// run.
package tokenstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// A Store keeps opaque values by key. It has the methods of
// connectorauth.TokenStore, so that a value of either type serves as the other.
type Store interface {
	// Load returns the value under key; ok is false if there is none.
	Load(ctx context.Context, key string) (value []byte, ok bool, err error)
	// Save stores value under key, replacing what was there.
	Save(ctx context.Context, key string, value []byte) error
	// Delete removes key. An absent key is not an error.
	Delete(ctx context.Context, key string) error
}

// A SharedStore is a [Store] that several processes can share safely. It has
// the methods of connectorauth.SharedTokenStore.
type SharedStore interface {
	Store
	// Lock waits until the caller alone holds key, or ctx ends. unlock releases
	// only the caller's own hold and may be called more than once.
	Lock(ctx context.Context, key string) (unlock func(), err error)
	// CompareAndSwap stores new under key if the current value equals old, and
	// reports whether it did. A nil old means that key must be absent.
	CompareAndSwap(ctx context.Context, key string, old, new []byte) (swapped bool, err error)
}

// fail names the operation and the key in an error of any store.
func fail(operation, key string, err error) error {
	return fmt.Errorf("tokenstore: %s %q: %w", operation, key, err)
}

// poll calls try until it is done, fails, or ctx ends. The pauses double from
// least to most and are jittered, so that waiters do not march in step.
func poll(ctx context.Context, least, most time.Duration, try func() (done bool, err error)) error {
	for pause := least; ; pause = min(2*pause, most) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if done, err := try(); done || err != nil {
			return err
		}
		select {
		case <-time.After(pause/2 + rand.N(pause/2)):
		case <-ctx.Done():
		}
	}
}
