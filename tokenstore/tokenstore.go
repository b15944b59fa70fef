package tokenstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

// A Store keeps opaque values by key. Store has the methods of
// connectorauth.TokenStore, so a value of either type can be used as the other
// type. Implementations are safe for concurrent use.
type Store interface {
	// Load returns the value under key. ok is false if key is absent.
	Load(ctx context.Context, key string) (value []byte, ok bool, err error)
	// Save stores value under key and replaces an older value.
	Save(ctx context.Context, key string, value []byte) error
	// Delete removes key. An absent key is not an error.
	Delete(ctx context.Context, key string) error
}

// A SharedStore is a [Store] that several processes can share safely.
// SharedStore has the methods of connectorauth.SharedTokenStore.
type SharedStore interface {
	Store
	// Lock waits until the caller alone holds key, or until ctx ends. The lock
	// lasts until Unlock, or until the holder dies.
	Lock(ctx context.Context, key string) (Lease, error)
	// CompareAndSwap stores new under key if the current value equals old, and
	// reports whether new was stored. A nil old means that key must be absent.
	CompareAndSwap(ctx context.Context, key string, old, new []byte) (swapped bool, err error)
}

// A Lease is a lock that the store prolongs while the holder lives. Lease is the
// same type as connectorauth.Lease, which says more.
type Lease = interface {
	// Check asks the store whether the caller still holds the lock. A nil error means
	// yes.
	Check(ctx context.Context) error
	// Lost returns a channel that is closed when the lock is lost.
	Lost() <-chan struct{}
	// Unlock releases the caller's own lock. Unlock may be called more than once.
	Unlock()
}

// waiting is a store with the method Wait, which connectorauth.SharedTokenStore
// describes.
type waiting interface {
	Wait(ctx context.Context, key string, old []byte) (value []byte, err error)
}

// same reports whether two values are equal; nil is an absent value.
func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// fail adds the operation and the key to an error. Every store uses fail.
func fail(operation, key string, err error) error {
	return fmt.Errorf("tokenstore: %s %q: %w", operation, key, err)
}

// damaged returns the error of a stored value that can never be read.
func damaged(text string) error { return &storeerror.Damaged{Err: errors.New(text)} }
