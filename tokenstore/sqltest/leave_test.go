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
	"github.com/connectorauth/connectorauth/tokenstore/lease"
)

const (
	leavers  = 4  // callers
	leavings = 80 // keys of each caller
)

// A caller may leave Lock while the database grants the lock. The lock must not stay
// until its end, although nobody holds the lock.
func TestLockOfACallerWhoLeavesIsFreeSoon(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		lockAndLeave(t, p.open(t, 0), func(cancel func()) *time.Timer {
			return time.AfterFunc(rand.N(4*time.Millisecond), cancel)
		})
		mustBeFree(t, p.open(t, 0))
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
			mustBeFree(t, p.open(t, 0))
		})
	}
}

// lockAndLeave locks many keys. disturb gets the function that ends the context of a
// Lock.
func lockAndLeave(t *testing.T, store tokenstore.SharedStore, disturb func(cancel func()) *time.Timer) {
	t.Helper()
	var callers sync.WaitGroup
	for i := range leavers {
		callers.Go(func() {
			for n := range leavings {
				ctx, cancel := context.WithCancel(t.Context())
				timer := disturb(cancel)
				if held, err := store.Lock(ctx, fmt.Sprintf("%d %d", i, n)); err == nil {
					held.Unlock()
				}
				timer.Stop()
				cancel()
			}
		})
	}
	callers.Wait()
}

// mustBeFree locks each key that lockAndLeave has locked, before the leases end.
func mustBeFree(t *testing.T, store tokenstore.SharedStore) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), lease.Length*3/4)
	defer cancel()
	var callers sync.WaitGroup
	for i := range leavers {
		callers.Go(func() {
			for n := range leavings {
				held, err := store.Lock(ctx, fmt.Sprintf("%d %d", i, n))
				if !assert.NoError(t, err, "nobody holds the lock") {
					return
				}
				held.Unlock()
			}
		})
	}
	callers.Wait()
}
