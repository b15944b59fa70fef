package lease_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/lease"
)

// database stands for a database: locks with an owner and an end.
type database struct {
	mu    sync.Mutex
	locks map[string]row
}

type row struct {
	owner string
	until time.Time
}

// take takes a lock, or prolongs the owner's own lock. A lock that has ended stays
// ended: only a new owner takes the lock.
func (d *database) take(key, owner string, prolong bool) bool {
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

func (d *database) release(key, owner string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.locks[key].owner == owner {
		delete(d.locks, key)
	}
}

// The method Lock of a connectorauth.SharedTokenStore tries about once a second until the
// database grants the lock, and leaves the rest to Keep.
func ExampleKeep() {
	rows := &database{locks: map[string]row{}}                                       // stands for a table of a database
	lock := func(ctx context.Context, key, owner string) (tokenstore.Lease, error) { // owner is crypto/rand.Text()
		for {
			taken := time.Now() // before the database grants the lock
			if rows.take(key, owner, false) {
				return lease.Keep(ctx, taken, lease.Config{
					Length:  lease.Length,
					Prolong: func(context.Context) (bool, error) { return rows.take(key, owner, true), nil },
					Release: func(context.Context) error { rows.release(key, owner); return nil },
				}), nil
			}
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	held, err := lock(ctx, "alice", "first")
	fmt.Println(held.Check(ctx), err)
	cancel() // the second waiter gives up, and the first holder goes on
	_, err = lock(ctx, "alice", "second")
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
