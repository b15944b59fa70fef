//go:build unix

package sqltest

import (
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/internal/test/child"
)

// workers is how many accounts a replica attends to at one time.
const workers = 16

// On the worst day of many accounts, many accounts are due at once, and three replicas
// sweep: one is killed, one is stopped with SIGTERM, and both are replaced.
func TestManyAccounts(t *testing.T) {
	if os.Getenv("CONNECTORAUTH_TEST_WORST_DAY") != "1" {
		t.Skip("takes a minute: set CONNECTORAUTH_TEST_WORST_DAY=1")
	}
	worstDay(t, 5000, false)
}

// A day is what the worst day has shown.
type day struct {
	accounts, renewals, lost, early, reused int
	keepAlive                               time.Duration
	backlog, longest                        time.Duration // until the backlog was gone; that an account was overdue afterwards
}

// worstDay lets the worst day take place. With calm, the same happens again after the
// backlog, when replicas attend to accounts as they become due.
func worstDay(t *testing.T, n int, calm bool) day {
	s := sweeping{Place: newPlace(t, postgres), KeepAlive: 40 * time.Second}
	overdue := n
	if calm {
		s.KeepAlive, overdue = time.Duration(n)*12*time.Millisecond, n/4 // 83 renewals a second
	} else {
		s.Lease = 37 * time.Second // accounts in doubt are given up after 35 seconds
	}
	apart := s.KeepAlive * 85 / 100 // a sweep renews a tenth earlier at most
	f := newFleet(t, s, providing{Accounts: n, Token: 20 * time.Millisecond, Lifetime: 10 * time.Second, Apart: apart})
	f.overdue(t, overdue)
	running := f.start(t, 3)
	begin(t, running)
	began := time.Now()
	killed := 0
	disturb := func(wait func(step int)) {
		wait(1)
		require.NoError(t, running[0].Kill())
		killed++
		wait(2)
		report := f.end(t, running[1])
		t.Logf("%v: a replica that was stopped with SIGTERM had renewed %d of %d accounts", time.Since(began).Round(time.Second), report.Renewed, report.Claimed)
		replaced := f.start(t, 2)
		begin(t, replaced)
		running = append(replaced, running[2])
	}
	disturb(func(step int) {
		until(t, 10*time.Minute, "the first renewals", func() bool { return f.granted(t) >= overdue*step/4 })
	})
	until(t, 20*time.Minute, "the backlog", func() bool {
		_, lag := f.stats(t)
		return f.behind(t) == 0 && (!calm || lag < 5*time.Second) // the last are those that the dead replica had claimed
	})
	d := day{accounts: n, keepAlive: s.KeepAlive, backlog: time.Since(began)}
	watch := func(long time.Duration) {
		for end := time.Now().Add(long); time.Now().Before(end); time.Sleep(time.Second) {
			_, lag := f.stats(t)
			d.longest = max(d.longest, lag)
		}
	}
	if calm {
		disturb(func(int) { watch(20 * time.Second) })
		watch(max(s.KeepAlive+75*time.Second-time.Since(began), time.Minute))
	}
	f.judge(t, running, killed, &d)
	return d
}

// judge stops the replicas, and compares the books of the provider with the index.
func (f *fleet) judge(t *testing.T, running []*child.Process, killed int, d *day) {
	t.Helper()
	ended := time.Now()
	for _, p := range running {
		f.end(t, p)
	}
	stats, _ := f.stats(t)
	lost := f.with(t, accounts.StatusReauthRequired)
	b := f.book(t)
	d.renewals, d.lost = b.Granted, len(lost)
	stale := 0
	isLost := func(n int) bool {
		return slices.ContainsFunc(lost, func(a accounts.Account) bool { id, _ := strconv.Atoi(a.ID); return id == n })
	}
	for n, e := range b.Entries {
		if e.Reused {
			d.reused++
		}
		if e.Early {
			d.early++
		}
		if ended.Sub(e.Last) > f.KeepAlive+time.Minute && !isLost(n) {
			stale++
		}
	}
	t.Logf("%+v", *d)
	for i, a := range append(f.with(t, accounts.StatusFailing), lost...) {
		if i < 5 {
			t.Logf("%s is %s: %s", a.ID, a.Status, a.Error)
		}
	}
	assert.LessOrEqual(t, len(lost), killed*workers, "only what a killed replica had under way may be lost")
	assert.Equal(t, f.accounts, stats.Accounts[accounts.StatusOK]+len(lost), "%v", stats)
	assert.Zero(t, d.reused)
	assert.Zero(t, d.early)
	assert.Zero(t, stale)
	assert.LessOrEqual(t, d.longest, time.Minute)
}
