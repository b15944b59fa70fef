package replicas

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/authtest"
)

// A disturbance is what happens while processes use few accounts.
type disturbance struct {
	name  string
	site  func(s Store, t *testing.T) Site // nil: Store.New
	cause func(t *testing.T, s *stage)     // nil: nothing happens

	abandon bool          // processes end without Shutdown
	locks   bool          // locks may be left, which end with their leases
	doubt   bool          // accounts may be in doubt
	lost    bool          // the cell waits until accounts in doubt are given up
	static  bool          // the provider does not replace refresh tokens
	clock   time.Duration // the accounts come from a process whose clock is ahead by this; half of them are in doubt
}

// disturbances are the cells with few accounts.
var disturbances = []disturbance{
	{name: "nothing"},
	{name: "SIGTERM and Shutdown", cause: func(t *testing.T, s *stage) { s.end(t, terminate, s.half()...) }},
	{name: "SIGTERM", cause: func(t *testing.T, s *stage) { s.end(t, terminate, s.half()...) }, abandon: true, locks: true, doubt: true},
	{name: "SIGKILL", cause: func(t *testing.T, s *stage) { s.end(t, kill, s.half()...) }, locks: true, doubt: true},
	{name: "SIGKILL in a token request", cause: killInRequest, locks: true, doubt: true, lost: true},
	{name: "SIGKILL in a token request, no rotation", cause: killInRequest, locks: true, static: true},
	{name: "SIGSTOP past the lease", cause: func(t *testing.T, s *stage) { s.pause(t, s.half()...) }},
	{name: "SIGSTOP in a token request past the lease", cause: stopInRequest},
	{name: "connection resets", site: Store.cut, cause: storm, locks: true},
	{name: "server crash and restart", site: Store.restart, cause: disturb, locks: true},
	{name: "server crash in a token request", site: Store.restart, cause: crashInRequest, locks: true},
	{name: "full disk", site: Store.fullDisk, cause: disturb},
	{name: "read-only directory", site: Store.readOnly, cause: disturb},
	{name: "records of a clock a day ahead", clock: 24 * time.Hour, doubt: true, lost: true},
	{name: "records of a clock a day behind", clock: -24 * time.Hour, doubt: true},
}

func (s Store) cut(t *testing.T) Site {
	if s.Cut == nil {
		t.Skip("the store has no connections")
	}
	return s.Cut(t)
}

func (s Store) restart(t *testing.T) Site {
	if s.Restart == nil {
		t.Skip("the store has no server")
	}
	return s.Restart(t)
}

// run lets all processes use the accounts, causes the disturbance, and looks how
// the accounts are afterwards.
func (d disturbance) run(t *testing.T, s Store, z size) {
	var site Site
	if d.site != nil {
		site = d.site(s, t)
	} else {
		site = s.New(t)
	}
	st := prepare(t, s, z, d.name, site, authtest.Config{TokenLifetime: z.lifetime, NoRotation: d.static}, z.few, d.clock)
	st.role.Workers, st.role.Shutdown = z.goroutines, !d.abandon
	for range z.processes {
		st.start(t)
	}
	st.ready(t)
	if d.cause != nil {
		if !eventually(t.Context(), func() bool { return st.Stats().APIAccepted >= z.processes*z.goroutines }) {
			t.Fatal("too few requests were accepted")
		}
		time.Sleep(z.warm)
		d.cause(t, st)
	}
	calm := z.calm
	if d.locks {
		calm += z.lease
	}
	if d.lost {
		calm = max(calm, z.giveUp)
	}
	st.settle(t, calm)
	if d.lost && z.giveUp > 0 && st.waiting > 0 {
		t.Errorf("%d accounts in doubt were not given up", st.waiting)
	}
	if !d.doubt && st.row.inDoubt > 0 {
		t.Errorf("%d accounts are in doubt", st.row.inDoubt)
	}
	if d.clock != 0 && st.row.inDoubt != z.few/2 {
		t.Errorf("%d accounts are in doubt, not %d", st.row.inDoubt, z.few/2)
	}
}

// settle lets the replicas go on for calm, ends them, and judges.
func (s *stage) settle(t *testing.T, calm time.Duration) {
	t.Helper()
	s.usableFromNow()
	time.Sleep(calm)
	for _, r := range s.replicas {
		if !r.ended {
			r.until = time.Now().Add(-2*slow - s.role.Pause)
			r.EndPause(t)
		}
	}
	for _, r := range s.replicas {
		s.read(t, r)
	}
	s.judge(t)
}

// usableFromNow says that the accounts should be usable from now on, unless they
// should have been before.
func (s *stage) usableFromNow() {
	for _, r := range s.replicas {
		if !r.ended && r.since.IsZero() {
			r.since = time.Now()
		}
	}
}

// half returns every second replica.
func (s *stage) half() (some []*replica) {
	for i := 0; i < len(s.replicas); i += 2 {
		some = append(some, s.replicas[i])
	}
	return some
}

func (s *stage) end(t *testing.T, how ending, some ...*replica) {
	t.Helper()
	for _, r := range some {
		how(t, r)
		r.ended = true
	}
	s.usableFromNow()
}

// pause stops replicas until their locks have ended.
func (s *stage) pause(t *testing.T, some ...*replica) {
	t.Helper()
	for _, r := range some {
		stop(t, r)
	}
	s.letGo()
	time.Sleep(s.lease + s.lease/3)
	for _, r := range some {
		resume(t, r)
	}
}

// disturb breaks what the site can break, for some time.
func disturb(_ *testing.T, s *stage) { s.Disturb(s.broken) }

// storm breaks for a moment what the site can break, many times.
func storm(_ *testing.T, s *stage) {
	for end := time.Now().Add(s.broken); time.Now().Before(end); time.Sleep(rand.N(100 * time.Millisecond)) {
		s.Disturb(0)
	}
}

// inRequest returns the replicas that wait for the response to a token request.
// The provider has replaced the refresh token, and holds the response back.
func (s *stage) inRequest(t *testing.T) (some []*replica) {
	t.Helper()
	s.holdBack(t, max(1, s.processes/4))
	waiting := map[int]bool{}
	for _, a := range s.heldBack() {
		waiting[a.replica] = true
	}
	for _, r := range s.replicas {
		if waiting[r.number] {
			some = append(some, r)
		}
	}
	return some
}

func stopInRequest(t *testing.T, s *stage) { s.pause(t, s.inRequest(t)...) }

// killInRequest kills replicas that wait for the response to a token request.
// Their accounts are in doubt, unless a refresh token can be used again.
func killInRequest(t *testing.T, s *stage) {
	some := s.inRequest(t)
	s.end(t, kill, some...)
	killed := map[int]bool{}
	for _, r := range some {
		killed[r.number] = true
	}
	for _, a := range s.heldBack() {
		if killed[a.replica] {
			s.cut = append(s.cut, a.account)
		}
	}
	s.letGo()
}

// crashInRequest lets the responses to token requests come while the server of the
// store is down. The tokens cannot be saved until the server is back, which takes
// longer than the accounts of a vanished process are in doubt.
func crashInRequest(t *testing.T, s *stage) {
	s.inRequest(t)
	time.AfterFunc(s.outage/2, s.letGo)
	s.Disturb(s.outage)
}
