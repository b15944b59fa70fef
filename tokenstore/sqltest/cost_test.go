package sqltest

import (
	"database/sql"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/tokenstore"
)

const connections = 16

// limited opens the store at p with a pool of at most n connections.
func (p place) limited(t testing.TB, n int) (*tokenstore.SQL, *sql.DB) {
	t.Helper()
	store, db, err := p.connect(t.Context(), 0)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return store, db
}

// A thousand callers that wait for one key cost the database a few statements a
// second, and all know of a new value soon.
func TestWaitersCostFewStatements(t *testing.T) {
	const waiters = 1000
	p := newPlace(t, postgres)
	store, _ := p.limited(t, connections)
	other := p.open(t, 0)
	observer := openDB(t, p.Driver, p.DSN)
	observer.SetMaxOpenConns(1)
	transactions := func() (n int) {
		require.NoError(t, observer.QueryRow("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()").Scan(&n))
		return n
	}
	require.NoError(t, store.Save(t.Context(), "k", []byte("old")))
	var mu sync.Mutex
	var last time.Time
	var all sync.WaitGroup
	for range waiters {
		all.Go(func() {
			value, err := store.Wait(t.Context(), "k", []byte("old"))
			assert.NoError(t, err)
			assert.Equal(t, "new", string(value))
			mu.Lock()
			defer mu.Unlock()
			last = time.Now()
		})
	}
	// The callers of a busy machine begin late, and a database counts late. So the test
	// waits for ten seconds with few transactions, and callers that cost more never
	// have such ten seconds.
	rate, end := math.Inf(1), time.Now().Add(patience)
	for rate > 20 && time.Now().Before(end) {
		before, began := transactions(), time.Now()
		time.Sleep(10 * time.Second)
		rate = float64(transactions()-before) / time.Since(began).Seconds()
	}
	require.NoError(t, other.Save(t.Context(), "k", []byte("new")))
	saved := time.Now()
	all.Wait()
	t.Logf("%d waiters over %d connections: %.1f transactions a second; the last one through %v after Save",
		waiters, connections, rate, last.Sub(saved).Round(time.Millisecond))
	assert.LessOrEqual(t, rate, 20.0)
}

// BenchmarkSQLiteLocks tells what the connections of a program's pool cost: SQLite
// lets only one connection write.
func BenchmarkSQLiteLocks(b *testing.B) {
	for _, e := range []engine{sqlite, sqliteWAL} {
		for _, n := range []int{1, connections} {
			b.Run(fmt.Sprintf("%s/%d connections", e.name, n), func(b *testing.B) {
				var times []time.Duration
				for b.Loop() {
					times = append(times, lockTimes(b, e, n)...)
				}
				slices.Sort(times)
				b.ReportMetric(float64(part(times, 50).Microseconds())/1000, "p50-ms/lock")
				b.ReportMetric(float64(part(times, 99).Microseconds())/1000, "p99-ms/lock")
			})
		}
	}
}

// lockTimes returns how long each Lock took while as many goroutines as
// connections lock and unlock keys of their own and save a value.
func lockTimes(t testing.TB, e engine, n int) (times []time.Duration) {
	t.Helper()
	store, _ := newPlace(t, e).limited(t, n)
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range connections {
		all.Go(func() {
			key := fmt.Sprint("key ", i)
			for range 50 {
				began := time.Now()
				lease, err := store.Lock(t.Context(), key)
				took := time.Since(began)
				if !assert.NoError(t, err) {
					return
				}
				assert.NoError(t, store.Save(t.Context(), key, []byte("v")))
				lease.Unlock()
				mu.Lock()
				times = append(times, took)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return times
}

// part returns the time within which so many percent of times are.
func part(times []time.Duration, percent int) time.Duration {
	return times[(len(times)-1)*percent/100].Round(time.Microsecond)
}
