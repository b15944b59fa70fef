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
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/tokenstore"
)

const (
	leavers  = 4  // callers of a round
	leavings = 80 // rounds
)

// A caller may leave Lock while the database grants the lock. The lock must not stay,
// although nobody holds the lock.
func TestLockOfACallerWhoLeavesIsReleased(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		lockAndLeave(t, p, p.open(t, 0), func(cancel func()) *time.Timer {
			return time.AfterFunc(rand.N(4*time.Millisecond), cancel)
		})
	})
}

// The same for a connection that breaks while the database grants the lock.
func TestLockOfABrokenConnectionIsReleased(t *testing.T) {
	mysql.SetLogger(log.New(io.Discard, "", 0))
	for _, e := range []engine{postgres, mariadb} {
		t.Run(e.name, func(t *testing.T) {
			p := newPlace(t, e)
			through, cut := p.proxied(t)
			lockAndLeave(t, p, through.open(t, 0), func(func()) *time.Timer {
				return time.AfterFunc(rand.N(20*time.Millisecond), cut)
			})
		})
	}
}

// lockAndLeave locks many keys of the store at p. disturb gets the function that ends
// the context of a Lock. After each round, the locks must go. A lock that nobody
// releases stays in the table beyond the end of the lease, so the wait may be as long as
// a slow machine needs.
func lockAndLeave(t *testing.T, p place, store tokenstore.SharedStore, disturb func(cancel func()) *time.Timer) {
	t.Helper()
	db := openDB(t, p.Driver, p.DSN)
	db.SetMaxOpenConns(1)
	for n := range leavings {
		var callers sync.WaitGroup
		for i := range leavers {
			callers.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				timer := disturb(cancel)
				defer timer.Stop()
				if held, err := store.Lock(ctx, fmt.Sprintf("%d %d", i, n)); err == nil {
					held.Unlock()
				}
			})
		}
		callers.Wait()
		require.Eventually(t, func() bool {
			var locks int
			err := db.QueryRow("SELECT COUNT(*) FROM " + p.Table + "_leases").Scan(&locks)
			return err == nil && locks == 0
		}, patience, 10*time.Millisecond, "nobody holds the locks")
	}
}
