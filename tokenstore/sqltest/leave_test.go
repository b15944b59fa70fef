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
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/tokenstore"
)

const (
	leavers  = 4  // callers of a round
	leavings = 80 // rounds

	stall = 2 * time.Second // a Save that takes longer shows that the database stalls
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
// the context of a Lock. After each round, the locks must go. A store gives up the
// release of a lock after five seconds, and the row of such a lock stays in the table. So
// a round whose locks stay proves nothing if the database stalled in the round.
func lockAndLeave(t *testing.T, p place, store tokenstore.SharedStore, disturb func(cancel func()) *time.Timer) {
	t.Helper()
	db := openDB(t, p.Driver, p.DSN)
	db.SetMaxOpenConns(1)
	plain := p.open(t, 0)
	proven := 0
	for n := range leavings {
		slowest := slowestSave(t, plain)
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
		gone := eventually(t, func() bool {
			var locks int
			err := db.QueryRow("SELECT COUNT(*) FROM " + p.Table + "_leases").Scan(&locks)
			return err == nil && locks == 0
		})
		stalled := slowest()
		if gone {
			proven++
			continue
		}
		require.Greater(t, stalled, stall, "nobody holds the locks of round %d, and no Save took longer", n)
		t.Logf("round %d: a Save took %v", n, stalled)
		_, err := db.Exec("DELETE FROM " + p.Table + "_leases")
		require.NoError(t, err)
	}
	require.Positive(t, proven, "the database stalled in each round")
}

// eventually reports whether condition becomes true while patience lasts.
func eventually(t *testing.T, condition func() bool) bool {
	t.Helper()
	for end := time.Now().Add(patience); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// slowestSave saves values in the background. The returned function ends that, and
// returns how long the slowest Save took.
func slowestSave(t *testing.T, store tokenstore.SharedStore) (stop func() time.Duration) {
	t.Helper()
	done, result := make(chan struct{}), make(chan time.Duration)
	go func() {
		var slowest time.Duration
		defer func() { result <- slowest }()
		pause := time.NewTicker(100 * time.Millisecond)
		defer pause.Stop()
		for {
			began := time.Now()
			err := store.Save(context.Background(), "a value", []byte("v"))
			assert.NoError(t, err)
			slowest = max(slowest, time.Since(began))
			select {
			case <-done:
				return
			case <-pause.C:
			}
		}
	}()
	return func() time.Duration {
		close(done)
		return <-result
	}
}
