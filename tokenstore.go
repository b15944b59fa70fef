package connectorauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// A TokenStore keeps the tokens that a consent or a renewal produced, so that
// tokens outlive the process. Values are opaque bytes; keys are the Account
// strings of connector configs. Implementations are safe for concurrent use. All
// types are basic types, so an implementation need not import this package.
//
// A value is the record of an account: the token, and what is known of the account,
// such as that the grant is no longer valid, or that no token request may be made
// before a time.
//
// A store for several processes should implement [SharedTokenStore] as well.
// Otherwise two processes may renew a token at the same time, and many providers
// then revoke the account's whole grant. Such a store cannot be marked safely before
// a refresh token is sent: the mark is in memory, and a restart forgets the mark.
type TokenStore interface {
	// Load returns the value under key; ok is false if there is none. The error for
	// a value that is there and can never be read, such as a value sealed with
	// another key, has a method Damaged() bool that returns true: a connector that
	// obtains tokens without a person then replaces the value by Save.
	Load(ctx context.Context, key string) (value []byte, ok bool, err error)
	// Save stores value under key and replaces the previous value. When Save
	// returns nil, the value is durable.
	Save(ctx context.Context, key string, value []byte) error
	// Delete removes key. An absent key is not an error.
	Delete(ctx context.Context, key string) error
}

// A SharedTokenStore is a [TokenStore] that several processes, or several
// connectors of one process, can share safely.
type SharedTokenStore interface {
	TokenStore
	// Lock waits until the caller alone holds key, or ctx ends. The lock is a lease:
	// the lease of a dead process ends by itself. A renewal takes up to 90 seconds,
	// and keeps the lock longer while the store does not take the new token; a
	// lease of minutes is long enough. unlock releases only the caller's own lock
	// and may be called more than once. Locks do not block Load, Save, Delete or
	// CompareAndSwap.
	Lock(ctx context.Context, key string) (unlock func(), err error)
	// CompareAndSwap stores new under key if the current value equals old, and
	// reports whether the value was stored. A nil old means that key must be absent.
	CompareAndSwap(ctx context.Context, key string, old, new []byte) (swapped bool, err error)
}

// recordVersion is the version of the credentials within the records that
// connectors save. A program refuses a later version.
const recordVersion = 1

// decodeRecord reads a value that a connector saved into record, of which version
// is a field. Errors do not quote the value.
func decodeRecord(stored []byte, record any, version *int) error {
	dec := json.NewDecoder(bytes.NewReader(stored))
	dec.UseNumber() // as in a token response
	if dec.Decode(record) != nil || *version < 1 {
		return errors.New("the value is not a token that this library saved")
	}
	if *version > recordVersion {
		return fmt.Errorf("the value has version %d, and this program knows versions up to %d; update the program", *version, recordVersion)
	}
	return nil
}
