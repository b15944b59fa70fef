package replicas

import (
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/authtest"
)

// A restart is a way in which a program with many accounts ends in the middle of
// its renewals.
type restart struct {
	name     string
	end      ending
	shutdown bool // the program calls Shutdown
	lost     bool // the cell waits until accounts in doubt are given up
}

// restarts are the cells with many accounts.
var restarts = []restart{
	{name: "many accounts, SIGTERM and Shutdown", end: terminate, shutdown: true},
	{name: "many accounts, SIGTERM", end: terminate},
	{name: "many accounts, SIGKILL", end: kill, lost: true},
}

// run ends a program after it has renewed the tokens of a third of its accounts.
// The next program uses all accounts.
func (c restart) run(t *testing.T, s Store, z size) {
	st := prepare(t, s, z, c.name, s.New(t), authtest.Config{}, z.many, 0)
	st.role.Once, st.role.Workers, st.role.Shutdown = true, z.parallel, c.shutdown
	st.role.Patience = 2 * time.Minute // the program ends before
	st.slack = z.thousand
	first := st.start(t)
	st.ready(t)
	if !eventually(t.Context(), func() bool { return st.received() >= z.many/3 }) {
		t.Fatal("there were too few token requests")
	}
	c.end(t, first)
	st.read(t, first)
	st.role.Patience = z.lease + z.calm + 30*time.Second // a busy machine is slow
	if c.lost {
		st.role.Patience = max(st.role.Patience, z.giveUp+z.thousand)
	}
	second := st.start(t)
	second.since = time.Now()
	second.until = second.since
	st.ready(t)
	st.read(t, second)
	st.judge(t)
	if most := z.parallel; st.row.inDoubt > most || c.shutdown && st.row.inDoubt > 0 {
		t.Errorf("%d accounts are in doubt; the program made %d requests at a time", st.row.inDoubt, most)
	}
	if c.lost && z.giveUp > 0 && st.waiting > 0 {
		t.Errorf("%d accounts in doubt were not given up", st.waiting)
	}
}
