package lease_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/lease"
)

// database stands for a database: rows, and locks with an owner and an end.
type database struct {
	mu    sync.Mutex
	rows  map[string][]byte
	locks map[string]row
	last  int
}

type row struct {
	owner int
	until time.Time
}

// take takes a lock, or prolongs the owner's own lock. A lock that has ended stays
// ended: only a new owner takes it.
func (d *database) take(key string, owner int, prolong bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	held, now := d.locks[key], time.Now()
	alive := held.until.After(now)
	if prolong && (!alive || held.owner != owner) || !prolong && alive {
		return false
	}
	d.locks[key] = row{owner, now.Add(lease.Length)}
	return true
}

func (d *database) release(key string, owner int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.locks[key].owner == owner {
		delete(d.locks, key)
	}
}

// store has the methods Lock and Wait of a connectorauth.SharedTokenStore. The other
// methods, such as CompareAndSwap, are a statement each.
type store struct {
	database *database
	watch    lease.Watch
}

func newStore(d *database) *store {
	s := &store{database: d}
	s.watch.Read = func(_ context.Context, keys []string, found func(string, []byte)) error {
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, key := range keys { // a database reads all keys in one statement
			found(key, bytes.Clone(d.rows[key]))
		}
		return nil
	}
	return s
}

// Lock tries about once a second until the lock is free. The result is a
// connectorauth.Lease.
func (s *store) Lock(ctx context.Context, key string) (tokenstore.Lease, error) {
	s.database.mu.Lock()
	s.database.last++
	owner := s.database.last // or crypto/rand.Text()
	s.database.mu.Unlock()
	for {
		taken := time.Now() // before the database grants the lock
		if s.database.take(key, owner, false) {
			return lease.Keep(ctx, taken, lease.Config{
				Length:  lease.Length,
				Prolong: func(context.Context) (bool, error) { return s.database.take(key, owner, true), nil },
				Release: func(context.Context) error { s.database.release(key, owner); return nil },
			}), nil
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Wait lets one goroutine read for all callers.
func (s *store) Wait(ctx context.Context, key string, old []byte) ([]byte, error) {
	return s.watch.Wait(ctx, key, old)
}

func Example() {
	ctx := context.Background()
	s := newStore(&database{rows: map[string][]byte{"alice": []byte("old token")}, locks: map[string]row{}})
	held, err := s.Lock(ctx, "alice")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("held:", held.Check(ctx) == nil)
	go func() {
		s.database.mu.Lock()
		s.database.rows["alice"] = []byte("new token")
		s.database.mu.Unlock()
		held.Unlock()
	}()
	value, err := s.Wait(ctx, "alice", []byte("old token"))
	fmt.Println(strings.ToUpper(string(value[:3])), err)
	// Output:
	// held: true
	// NEW <nil>
}
