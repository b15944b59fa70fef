package accounts

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// Memory is an Index in the memory of one process, for tests and for programs whose accounts
// need not outlive the process. List and Claim look at all accounts. The zero value is an
// empty Index, ready to use. A Memory must not be copied.
type Memory struct {
	mu       sync.Mutex
	accounts map[string]Account
	claimed  map[string]time.Time // until when, by ID
}

// Get returns a copy of the account.
func (m *Memory) Get(ctx context.Context, id string) (a Account, found bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, found = m.accounts[id]
	return copied(a), found, ctx.Err()
}

// Put stores a copy of a if the stored account has a.Version.
func (m *Memory) Put(ctx context.Context, a Account) (stored bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil || m.accounts[a.ID].Version != a.Version {
		return false, err
	}
	if m.accounts == nil {
		m.accounts, m.claimed = map[string]Account{}, map[string]time.Time{}
	}
	a.Version++
	m.accounts[a.ID] = copied(a)
	delete(m.claimed, a.ID)
	return true, nil
}

// Delete removes the account if the stored account has the version.
func (m *Memory) Delete(ctx context.Context, id string, version int64) (deleted bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, found := m.accounts[id]
	if err := ctx.Err(); err != nil || found && a.Version != version {
		return false, err
	}
	delete(m.accounts, id)
	delete(m.claimed, id)
	return true, nil
}

// List returns a page of accounts, sorted by ID.
func (m *Memory) List(ctx context.Context, f Filter, after string, limit int) ([]Account, error) {
	page := m.sorted(func(a Account) bool {
		return a.ID > after &&
			(f.Owner == "" || a.Owner == f.Owner) && (f.Status == "" || a.Status == f.Status) && (f.Identity == "" || a.Identity == f.Identity) &&
			(len(f.Definitions) == 0 || slices.Contains(f.Definitions, a.Definition))
	}, func(a, b Account) int { return cmp.Compare(a.ID, b.ID) }, limit)
	return page, ctx.Err()
}

// Claim returns due accounts, and claims the accounts.
func (m *Memory) Claim(ctx context.Context, limit int, lease time.Duration) ([]Account, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	at := time.Now()
	return m.sorted(func(a Account) bool {
		return !a.Due.IsZero() && !a.Due.After(at) && !m.claimed[a.ID].After(at)
	}, longest, limit, at.Add(lease)), nil
}

// Stats counts the accounts.
func (m *Memory) Stats(ctx context.Context) (Stats, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	stats, at := Stats{Accounts: map[Status]int{}}, time.Now()
	for _, a := range m.accounts {
		stats.Accounts[a.Status]++
		if !a.Due.IsZero() && !a.Due.After(at) {
			stats.Due++
			if stats.Oldest.IsZero() || a.Due.Before(stats.Oldest) {
				stats.Oldest = a.Due
			}
		}
	}
	return stats, ctx.Err()
}

// sorted returns the first matching accounts. claim, if given, is until when the accounts
// are claimed.
func (m *Memory) sorted(match func(Account) bool, compare func(a, b Account) int, limit int, claim ...time.Time) []Account {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []Account
	for _, a := range m.accounts {
		if match(a) {
			found = append(found, copied(a))
		}
	}
	slices.SortFunc(found, compare)
	found = found[:max(min(limit, len(found)), 0)]
	for _, until := range claim {
		for _, a := range found {
			m.claimed[a.ID] = until
		}
	}
	return found
}

// Format prints the same for every verb: an Index may name many people.
func (*Memory) Format(f fmt.State, _ rune) { io.WriteString(f, "accounts.Memory") }

// longest sorts accounts by how long they are due.
func longest(a, b Account) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID)) }

// copied returns a copy without shared memory.
func copied(a Account) Account {
	a.Granted, a.Missing = slices.Clone(a.Granted), slices.Clone(a.Missing)
	return a
}
