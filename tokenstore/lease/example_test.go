package lease_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/lease"
)

// A store has locks with an owner and an end, as a table of a database.
type store struct {
	mu    sync.Mutex
	locks map[string]row
}

type row struct {
	owner string
	until time.Time
}

// take takes a lock that nobody has, and reports whether nobody had the lock.
func (s *store) take(_ context.Context, key, owner string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Now().Before(s.locks[key].until) {
		return false, nil
	}
	s.locks[key] = row{owner, time.Now().Add(lease.Length)}
	return true, nil
}

// prolong prolongs the owner's lock. A lock that has ended stays ended.
func (s *store) prolong(_ context.Context, key, owner string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if held := s.locks[key]; held.owner != owner || !time.Now().Before(held.until) {
		return false, nil
	}
	s.locks[key] = row{owner, time.Now().Add(lease.Length)}
	return true, nil
}

func (s *store) release(_ context.Context, key, owner string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.locks[key].owner == owner {
		delete(s.locks, key)
	}
	return nil
}

// Lock is the method in the documentation of the package.
func (s *store) Lock(ctx context.Context, key string) (tokenstore.Lease, error) {
	owner := rand.Text()
	for {
		taken := time.Now() // of this attempt, before the database grants the lock
		free, err := s.take(ctx, key, owner)
		if err != nil {
			return nil, err
		}
		if free {
			return lease.Keep(ctx, taken, lease.Config{
				Length:  lease.Length,
				Prolong: func(ctx context.Context) (bool, error) { return s.prolong(ctx, key, owner) },
				Release: func(ctx context.Context) error { return s.release(ctx, key, owner) },
			}), nil
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// The method Lock of a connectorauth.SharedTokenStore tries about once a second until the
// database grants the lock, and leaves the rest to Keep.
func ExampleKeep() {
	rows := &store{locks: map[string]row{}} // stands for a table of a database
	ctx, cancel := context.WithCancel(context.Background())
	held, err := rows.Lock(ctx, "alice")
	fmt.Println(held.Check(ctx), err)
	cancel() // the second waiter gives up, and the first holder goes on
	_, err = rows.Lock(ctx, "alice")
	fmt.Println(err, held.Check(context.Background()))
	held.Unlock()
	fmt.Println(len(rows.locks))
	// Output:
	// <nil> <nil>
	// context canceled <nil>
	// 0
}

// The method Wait of a connectorauth.SharedTokenStore is that of a Watch: one goroutine
// reads for all callers.
func ExampleWatch() {
	var mu sync.Mutex
	rows := map[string][]byte{"alice": []byte("old token")} // stands for a table of a database
	watch := lease.Watch{Read: func(_ context.Context, keys []string, found func(string, []byte)) error {
		mu.Lock()
		defer mu.Unlock()
		for _, key := range keys { // a database reads all keys in one statement
			found(key, bytes.Clone(rows[key]))
		}
		return nil
	}}
	go func() { // another process renews the token
		mu.Lock()
		defer mu.Unlock()
		rows["alice"] = []byte("new token")
	}()
	value, err := watch.Wait(context.Background(), "alice", []byte("old token"))
	fmt.Println(string(value), err)
	// Output: new token <nil>
}
