package accounts

import (
	"context"
	"time"
)

// An Index keeps one Account for each account of a Registry, for all processes.
// Implementations are safe for concurrent use, keep nothing of the caller's slices, and keep
// times in microseconds. Memory and SQL are Indexes. Package indextest tests any other. An
// Index takes what the limits of SQL allow.
type Index interface {
	// Get returns the account. found is false if there is none.
	Get(ctx context.Context, id string) (a Account, found bool, err error)
	// Put stores a with the next higher Version if the stored account has a.Version, and
	// reports whether a was stored. Version 0 means that there must be no such account. Put
	// ends a claim.
	Put(ctx context.Context, a Account) (stored bool, err error)
	// Delete removes the account if the stored account has the version, and reports whether
	// the account is gone, which includes that there was none.
	Delete(ctx context.Context, id string, version int64) (deleted bool, err error)
	// List returns up to limit accounts whose ID is greater than after, in the order of the
	// bytes of their IDs.
	List(ctx context.Context, f Filter, after string, limit int) ([]Account, error)
	// Claim returns up to limit accounts whose Due is over, by the clock of the Index, those
	// that have waited longest first. An account is claimed until Put, or until lease is
	// over: meanwhile no other Claim returns the account. A process that dies thereby loses
	// its claims. Claim may return accounts and an error: that of others that cannot be read.
	Claim(ctx context.Context, limit int, lease time.Duration) ([]Account, error)
	// Stats counts the accounts.
	Stats(ctx context.Context) (Stats, error)
}

// Stats counts the accounts of an Index.
type Stats struct {
	Accounts map[Status]int // how many have the Status; a Status that no account has may be absent
	Due      int            // how many are due, those that are claimed included
	Oldest   time.Time      // since when the first of them is due; zero means that none is
}
