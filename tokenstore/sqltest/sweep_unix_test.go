//go:build unix

package sqltest

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/internal/test/child"
)

// A fleet is a provider, many accounts, and the replicas that sweep.
type fleet struct {
	sweeping
	accounts int
	index    *accounts.SQL
	db       *sql.DB
	replicas []*child.Process
	since    int64 // when all accounts became due
}

// newFleet starts a provider, and imports as many accounts as the provider has.
func newFleet(t *testing.T, s sweeping, p providing) *fleet {
	t.Helper()
	argument, err := json.Marshal(p)
	require.NoError(t, err)
	s.Provider = child.Start(t, providerJob, string(argument)).Line(t)
	_, index, db, err := s.registry(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	quick := s
	quick.Place.DSN += "&synchronous_commit=off"
	r, _, unsynced, err := quick.registry(t.Context())
	require.NoError(t, err)
	defer unsynced.Close()
	f := &fleet{sweeping: s, accounts: p.Accounts, index: index, db: db}
	began := time.Now()
	const workers = 24
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for a, err := range r.Import(t.Context(), f.rows(w, workers)) {
				if !assert.NoError(t, err, a.ID) {
					return
				}
			}
		})
	}
	all.Wait()
	require.False(t, t.Failed())
	t.Logf("%d accounts were imported in %v", p.Accounts, time.Since(began).Round(time.Second))
	_, err = db.Exec("ANALYZE")
	require.NoError(t, err)
	return f
}

// rows yields the accounts of one of the workers.
func (f *fleet) rows(worker, workers int) iter.Seq[accounts.Row] {
	return func(yield func(accounts.Row) bool) {
		for n := worker; n < f.accounts; n += workers {
			row := accounts.Row{
				Request: accounts.Request{ID: id(n), Owner: fmt.Sprint("owner-", n/10), Definition: "acme"},
				Token:   &oauth2.Token{AccessToken: fmt.Sprintf("a.%d.0", n), RefreshToken: fmt.Sprintf("r.%d.0", n), Expiry: time.Now().Add(-time.Minute)},
			}
			if !yield(row) {
				return
			}
		}
	}
}

// overdue makes the first accounts due now, and the others one after the other within the
// time of KeepAlive.
func (f *fleet) overdue(t *testing.T, first int) {
	t.Helper()
	f.since = time.Now().UnixMicro()
	_, err := f.db.Exec("UPDATE "+f.Place.accounts()+" SET due = CASE WHEN id < $1 THEN $2::bigint ELSE $2::bigint + (random() * $3::bigint)::bigint END",
		id(first), f.since, f.KeepAlive.Microseconds())
	require.NoError(t, err)
}

// id returns the ID of an account. IDs sort like numbers.
func id(n int) string { return fmt.Sprintf("%06d", n) }

// behind returns how many accounts nobody has attended to since overdue.
func (f *fleet) behind(t *testing.T) (n int) {
	t.Helper()
	require.NoError(t, f.db.QueryRow("SELECT COUNT(*) FROM "+f.Place.accounts()+" WHERE due <= $1", f.since).Scan(&n))
	return n
}

// start starts replicas, which wait for begin.
func (f *fleet) start(t *testing.T, n int) (started []*child.Process) {
	t.Helper()
	for range n {
		s := f.sweeping
		s.Replica = len(f.replicas) + 1
		argument, err := json.Marshal(s)
		require.NoError(t, err)
		p := child.Start(t, sweepJob, string(argument))
		f.replicas, started = append(f.replicas, p), append(started, p)
	}
	for _, p := range started {
		require.Equal(t, "ready", p.Line(t))
	}
	return started
}

func begin(t *testing.T, replicas []*child.Process) {
	t.Helper()
	for _, p := range replicas {
		p.EndPause(t)
	}
}

// end stops a replica with SIGTERM.
func (f *fleet) end(t *testing.T, p *child.Process) (report sweptReport) {
	t.Helper()
	require.NoError(t, p.Signal(syscall.SIGTERM))
	require.NoError(t, json.Unmarshal([]byte(p.Line(t)), &report))
	require.NoError(t, p.Wait())
	return report
}

// granted returns how many tokens the provider has renewed.
func (f *fleet) granted(t *testing.T) (n int) {
	t.Helper()
	ask(t, f.Provider+"/granted", &n)
	return n
}

func (f *fleet) book(t *testing.T) (b book) {
	t.Helper()
	ask(t, f.Provider+"/book", &b)
	return b
}

// stats returns what the index counts, and for how long the account is due that has waited
// longest.
func (f *fleet) stats(t *testing.T) (stats accounts.Stats, lag time.Duration) {
	t.Helper()
	stats, err := f.index.Stats(t.Context())
	require.NoError(t, err)
	if !stats.Oldest.IsZero() {
		lag = time.Since(stats.Oldest)
	}
	return stats, lag
}

// until waits until done returns true.
func until(t *testing.T, most time.Duration, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), most)
	defer cancel()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not within %v", what, most)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// with returns all accounts that have a status.
func (f *fleet) with(t *testing.T, status accounts.Status) (all []accounts.Account) {
	t.Helper()
	after := ""
	for {
		page, err := f.index.List(t.Context(), accounts.Filter{Status: status}, after, 1000)
		require.NoError(t, err)
		all = append(all, page...)
		if len(page) < 1000 {
			return all
		}
		after = page[len(page)-1].ID
	}
}
