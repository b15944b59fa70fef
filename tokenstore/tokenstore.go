package tokenstore

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

// The interfaces of stores are those of package connectorauth, which says what a method
// must do.
type (
	// Store keeps opaque values by key.
	Store = connectorauth.TokenStore
	// SharedStore is a Store that several processes can share safely.
	SharedStore = connectorauth.SharedTokenStore
	// Lease is a lock that the store prolongs while the holder lives.
	Lease = connectorauth.Lease
)

// same reports whether two values are equal; nil is an absent value.
func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// fail adds the operation and the key to an error. Every store uses fail.
func fail(operation, key string, err error) error {
	return fmt.Errorf("tokenstore: %s %q: %w", operation, key, err)
}

// damaged returns the error of a stored value that can never be read.
func damaged(text string) error { return &storeerror.Damaged{Err: errors.New(text)} }
