//go:build unix

package sqltest

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A rate is what replicas reach that have nothing to do but to renew.
type rate struct {
	replicas     int
	renewals     float64 // a second
	transactions float64 // for each renewal, as are the times below
	sweep        time.Duration
	database     time.Duration // 0: unknown
	provider     time.Duration
}

// TestAccountsPage measures, lets the worst day of 100,000 accounts take place, and writes
// docs/accounts-benchmarks.md.
func TestAccountsPage(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("CONNECTORAUTH_TEST_ACCOUNTS"))
	if n == 0 {
		t.Skip("takes half an hour: set CONNECTORAUTH_TEST_ACCOUNTS=100000")
	}
	rates := sweepRates(t, max(n/25, 100), 1, 3, 8)
	d := worstDay(t, n, true)
	if t.Failed() {
		return
	}
	require.NoError(t, os.WriteFile(filepath.Join("..", "..", "docs", "accounts-benchmarks.md"), []byte(page(time.Now().UTC(), rates, d)), 0o644))
}

// TestSweepRates keeps the measurement working.
func TestSweepRates(t *testing.T) {
	for _, r := range sweepRates(t, 100, 1, 2) {
		assert.Positive(t, r.renewals)
		assert.Less(t, r.transactions, 25.0, "a renewal must not cost more and more")
	}
}

// sweepRates lets some numbers of replicas renew the tokens of all accounts.
func sweepRates(t *testing.T, n int, replicas ...int) (rates []rate) {
	t.Helper()
	f := newFleet(t, sweeping{Place: newPlace(t, postgres), KeepAlive: time.Hour}, providing{Accounts: n, Token: 50 * time.Millisecond, Lifetime: 10 * time.Second})
	for _, many := range replicas {
		f.overdue(t, n)
		running := f.start(t, many)
		before, database, transactions := f.book(t), databaseCPU(), f.transactions(t)
		began := time.Now()
		begin(t, running)
		until(t, 10*time.Minute, "all renewals", func() bool { return f.granted(t) >= before.Granted+n })
		took := time.Since(began)
		r := rate{replicas: many, renewals: float64(n) / took.Seconds()}
		for _, p := range running {
			r.sweep += f.end(t, p).CPU / time.Duration(n)
		}
		time.Sleep(time.Second) // PostgreSQL counts late
		r.transactions = float64(f.transactions(t)-transactions) / float64(n)
		r.database = (databaseCPU() - database) / time.Duration(n)
		r.provider = (f.book(t).CPU - before.CPU) / time.Duration(n)
		t.Logf("%+v", r)
		rates = append(rates, r)
	}
	return rates
}

// transactions returns how many transactions the database has had.
func (f *fleet) transactions(t *testing.T) (n int) {
	t.Helper()
	require.NoError(t, f.db.QueryRow("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()").Scan(&n))
	return n
}

// databaseCPU returns how much time of the processor the server has used that the tests have
// started, with all of its processes. 0 means that nobody knows.
func databaseCPU() (used time.Duration) {
	server := postgresServer.PID()
	if server == 0 {
		return 0
	}
	processes, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range processes {
		stat, _ := os.ReadFile(name)
		_, after, found := strings.Cut(string(stat), ") ")
		fields := strings.Fields(after) // from the third on
		if !found || len(fields) < 15 {
			continue
		}
		numbers := fields[11:13] // utime and stime
		if name == fmt.Sprintf("/proc/%d/stat", server) {
			numbers = fields[11:15] // and those of processes that have ended
		} else if fields[1] != strconv.Itoa(server) {
			continue
		}
		for _, ticks := range numbers {
			n, _ := strconv.Atoi(ticks)
			used += time.Duration(n) * (time.Second / 100)
		}
	}
	return used
}

// page returns the page of the documentation.
func page(when time.Time, rates []rate, d day) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Many accounts: benchmarks

`+"`tokenstore/sqltest.TestAccountsPage`"+` has written this page on %s, on a machine
with %d cores, which other programs used at the same time:

    CONNECTORAUTH_TEST_ACCOUNTS=100000 go test -count=1 -v -timeout 90m -run TestAccountsPage ./tokenstore/sqltest

The index of accounts and the sealed token store are in PostgreSQL. The provider is a process of its own, replaces each
refresh token by its use, and revokes the grant when a refresh token comes twice. Replicas, database and provider run on
the same machine.

## Renewals a second

All accounts are due at once, and replicas do nothing but sweep. A token request takes 50 ms, so that the 16 turns of a
replica (`+"`accounts.Registry.Sweep`"+`) would allow for 320 renewals a second. The times are those of the processor, for one
renewal.

| replicas | renewals a second | transactions | replica | database | provider | cores used |
| --- | --- | --- | --- | --- | --- | --- |
`, when.Format(time.DateOnly), runtime.NumCPU())
	for _, r := range rates {
		cores := (r.sweep + r.database + r.provider).Seconds() * r.renewals
		fmt.Fprintf(&b, "| %d | %.0f | %.1f | %.1f ms | %.1f ms | %.1f ms | %.1f |\n",
			r.replicas, r.renewals, r.transactions, ms(r.sweep), ms(r.database), ms(r.provider), cores)
	}
	fmt.Fprintf(&b, `
A renewal is a claim, which 48 accounts share, and six commits, one after the other: the lease is taken, checked and
returned, the record is marked before the refresh token is sent, the new token and the account are saved. So a process
may die at any point. The commits, beside the token request, limit one replica, which has 16 turns. Many replicas are
limited by the processors, and by the disk of the database, on which the commits wait. 100,000 accounts that are kept alive
once a day need 1.2 renewals a second.

## The worst day

Three replicas begin to sweep when a quarter of %d accounts is overdue. The others become due one after the other, and
keepAlive is %v. A token request takes 20 ms. In the middle of the backlog, one replica is killed (SIGKILL), another is
stopped (SIGTERM and `+"`accounts.Registry.Shutdown`"+`), and both are replaced. After the backlog, the same happens again. An
account in doubt is one whose token request was cut off: see [worst-day.md](worst-day.md).

| | |
| --- | --- |
| accounts | %d |
| renewals | %d |
| the backlog was gone after | %v |
| overdue after the backlog, at most | %v |
| in doubt and given up, each StatusReauthRequired in the index | %d |
| otherwise lost | 0 |
| renewed twice within the time of keepAlive | %d |
| refresh tokens sent twice | %d |
`, d.accounts, d.keepAlive, d.accounts, d.renewals, d.backlog.Round(time.Second), d.longest.Round(time.Second), d.lost, d.early, d.reused)
	return b.String()
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
