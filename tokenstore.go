package connectorauth

import (
	"context"
)

// A TokenStore keeps the tokens that a consent or a renewal produced, so
// tokens outlive the process. Implementations are safe for concurrent use. All
// types are basic types, so an implementation need not import this package. Package
// tokenstoretest tests an implementation.
//
// Keys are the Account strings of connector configs. A key is any string: the empty
// one, text that is not UTF-8, and keys that differ only in case or in spaces at the
// end. A value is any bytes, also none: Load of an empty value returns a slice that is
// not nil. A store keeps no slice of the caller, and the caller may change what a
// store has returned.
//
// A value is the record of an account: the token, and what is known of the account,
// such as that the grant is no longer valid, or that no token request may be made
// before a time.
//
// Package tokenstore/storeerror has an error for each record that a program cannot use: of a
// newer program, sealed under another key, damaged, of another client, or locked.
//
// A store for several processes should implement [SharedTokenStore] as well.
// Otherwise two processes may renew a token at the same time, and many providers
// then revoke the account's whole grant. A connector cannot mark the record safely before a
// refresh token is sent: the mark is in memory, and a restart forgets the mark. The claim of a
// consent under way is in memory too.
type TokenStore interface {
	// Load returns the value under key; ok is false if there is none. The error for
	// a value that can never be read, such as a value sealed with another key, has a method
	// Damaged() bool, which returns true: a connector that obtains tokens without a person
	// then replaces the value by Save.
	Load(ctx context.Context, key string) (value []byte, ok bool, err error)
	// Save stores value under key and replaces the previous value. When Save
	// returns nil, the value is durable.
	Save(ctx context.Context, key string, value []byte) error
	// Delete removes key. An absent key is not an error.
	Delete(ctx context.Context, key string) error
}

// A SharedTokenStore is a [TokenStore] that several processes, or several
// connectors of one process, can share safely.
//
// Besides accounts, a SharedTokenStore keeps which consents were finished in the
// last half hour, in at most 256 small values under keys that begin with
// "connectorauth-consents-".
//
// A SharedTokenStore may also have this method:
//
//	Wait(ctx context.Context, key string, old []byte) (value []byte, err error)
//
// Wait returns the value of key as soon as the value is no longer old, and
// returns at once if the value is not old already. nil means an absent key, for
// old and for value. Wait returns an error when ctx ends. Renewals of other
// processes are then seen without polling the lock. However many callers wait for
// however many keys, a store should read the values in one place: the package
// tokenstore/lease has a Watch that does so.
type SharedTokenStore interface {
	TokenStore
	// Lock waits until the caller alone holds key, or ctx ends. The end of ctx does
	// not end a lock that Lock has returned. The store prolongs the lock until the
	// holder calls Unlock. The lock of a dead holder ends within 15 seconds. Locks
	// do not block Load, Save, Delete or CompareAndSwap.
	Lock(ctx context.Context, key string) (Lease, error)
	// CompareAndSwap stores new under key if the current value equals old, and
	// reports whether the value was stored. A nil old means that key must be absent.
	CompareAndSwap(ctx context.Context, key string, old, new []byte) (swapped bool, err error)
}

// A Lease is a lock that the store prolongs while the holder lives. A holder that
// was stopped for ten seconds, or cut off from the store, may lose the lock to another holder.
// A lost lock stays lost.
//
// Lease is an alias of an interface of basic types, so an implementation need not
// import this package. Implementations are safe for concurrent use.
type Lease = interface {
	// Check asks the store whether the caller still holds the lock. A nil error means
	// yes. The holder calls Check right before it sends what must not be sent twice.
	// Check fails after Unlock, and once Lost is closed.
	Check(ctx context.Context) error
	// Lost returns a channel that is closed when the lock is lost: the store could
	// not prolong the lock in time, or somebody else holds the lock. The channel is closed
	// at the end of the lock at the latest, by the holder's own clock. Unlock does not
	// close the channel. A nil channel means that the lock is never lost.
	Lost() <-chan struct{}
	// Unlock releases the caller's own lock, and never the lock of another holder.
	// Unlock may be called more than once, and after the lock was lost.
	Unlock()
}
