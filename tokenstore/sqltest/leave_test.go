package sqltest

import (
	"context"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"

	"github.com/connectorauth/connectorauth/tokenstore"
)

// A caller may leave Lock while the database grants the lock. The lock must not stay
// until its end, although nobody holds the lock.
func TestLockOfACallerWhoLeavesIsFreeSoon(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		lockAndLeave(t, p.open(t, 0), func(cancel func()) *time.Timer {
			return time.AfterFunc(rand.N(4*time.Millisecond), cancel)
		})
		mustHaveNoLocks(t, p)
	})
}

// The same for a connection that breaks while the database grants the lock.
func TestLockOfABrokenConnectionIsFreeSoon(t *testing.T) {
	mysql.SetLogger(log.New(io.Discard, "", 0))
	for _, e := range []engine{postgres, mariadb} {
		t.Run(e.name, func(t *testing.T) {
			p := newPlace(t, e)
			dsn, cut := proxied(t, e)
			through := p
			through.DSN = dsn
			lockAndLeave(t, through.open(t, 0), func(func()) *time.Timer {
				return time.AfterFunc(rand.N(20*time.Millisecond), cut)
			})
			mustHaveNoLocks(t, p)
		})
	}
}

// lockAndLeave locks many keys. disturb gets the function that ends the context of a
// Lock.
func lockAndLeave(t *testing.T, store tokenstore.SharedStore, disturb func(cancel func()) *time.Timer) {
	t.Helper()
	var callers sync.WaitGroup
	for i := range 4 {
		callers.Go(func() {
			for n := range 80 {
				ctx, cancel := context.WithCancel(t.Context())
				timer := disturb(cancel)
				if lease, err := store.Lock(ctx, fmt.Sprintf("%d %d", i, n)); err == nil {
					lease.Unlock()
				}
				timer.Stop()
				cancel()
			}
		})
	}
	callers.Wait()
}

// mustHaveNoLocks fails the test if there are locks after half the time of a lease.
func mustHaveNoLocks(t *testing.T, p place) {
	t.Helper()
	db := openDB(t, p.Driver, p.DSN)
	left, err := 1, error(nil) // SQLite may be busy for a moment
	for began := time.Now(); left > 0 && time.Since(began) < 6*time.Second; time.Sleep(100 * time.Millisecond) {
		err = db.QueryRow("SELECT COUNT(*) FROM " + p.Table + "_leases").Scan(&left)
	}
	assert.NoError(t, err)
	assert.Zero(t, left, "locks that nobody holds")
}
