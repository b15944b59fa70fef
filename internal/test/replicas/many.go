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
}

// restarts are the cells with many accounts.
var restarts = []restart{
	{"many accounts, SIGTERM and Shutdown", terminate, true},
	{"many accounts, SIGTERM", terminate, false},
	{"many accounts, SIGKILL", kill, false},
}

// run ends a program after it has renewed the tokens of a third of its accounts.
// The next program uses all accounts.
func (c restart) run(t *testing.T, s Store, z size) {
	st := prepare(t, s, z, c.name, s.New(t), authtest.Config{}, z.many, 0)
	once := func(r *role) { r.Once, r.Workers, r.Shutdown = true, z.parallel, c.shutdown }
	first := st.start(t, once)
	if !eventually(t.Context(), func() bool { return st.received() >= z.many/3 }) {
		t.Fatal("there were too few token requests")
	}
	c.end(t, first)
	st.read(t, first)
	second := st.start(t, once)
	second.since = time.Now()
	second.until = second.since
	st.read(t, second)
	st.judge(t)
	if most := z.parallel; st.row.inDoubt > most || c.shutdown && st.row.inDoubt > 0 {
		t.Errorf("%d accounts are in doubt; the program made %d requests at a time", st.row.inDoubt, most)
	}
}
