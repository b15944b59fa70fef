package tokenstoretest_test

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/lease"
	"github.com/connectorauth/connectorauth/tokenstore/tokenstoretest"
)

const length = 4 * time.Second // of a lease of a leased store

// prolong is the Prolong of a lease.Config.
type prolong = func(context.Context) (held bool, err error)

// leases are locks by key. Each ends by itself.
type leases struct {
	mu  sync.Mutex
	now map[string]row
}

type row struct {
	owner string
	ends  time.Time
}

// leased is a Memory whose locks are leases.
type leased struct {
	*tokenstore.Memory
	leases *leases
	cut    *atomic.Bool

	// Faults replace these functions. prolonged and released return the row of a
	// key after a call by owner.
	prolonged func(now row, owner string) (row, bool)
	released  func(now row, owner string) row
	lease     func(l tokenstore.Lease, again prolong) tokenstore.Lease
}

func newLeased(values *tokenstore.Memory, locks *leases) *leased {
	return &leased{Memory: values, leases: locks, cut: new(atomic.Bool),
		prolonged: func(now row, owner string) (row, bool) {
			if now.owner != owner || time.Now().After(now.ends) {
				return now, false
			}
			return row{owner, time.Now().Add(length)}, true
		},
		released: func(now row, owner string) row {
			if now.owner != owner {
				return now
			}
			return row{}
		},
		lease: func(l tokenstore.Lease, _ prolong) tokenstore.Lease { return l },
	}
}

// change calls do with the row of key, and stores the row that do returns.
func (s *leased) change(key string, do func(now row) row) error {
	if s.cut.Load() {
		return errors.New("the network is broken")
	}
	s.leases.mu.Lock()
	defer s.leases.mu.Unlock()
	s.leases.now[key] = do(s.leases.now[key])
	return nil
}

func (s *leased) Lock(ctx context.Context, key string) (tokenstore.Lease, error) {
	owner := rand.Text()
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		taken, got := time.Now(), false
		if err := s.change(key, func(now row) row {
			if got = now.owner == "" || taken.After(now.ends); got {
				return row{owner, taken.Add(length)}
			}
			return now
		}); err != nil {
			return nil, err
		}
		if got {
			return s.keep(ctx, taken, key, owner), nil
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (s *leased) keep(ctx context.Context, taken time.Time, key, owner string) tokenstore.Lease {
	again := func(context.Context) (held bool, err error) {
		err = s.change(key, func(now row) row { now, held = s.prolonged(now, owner); return now })
		return held, err
	}
	return s.lease(lease.Keep(ctx, taken, lease.Config{
		Length:  length,
		Prolong: again,
		Release: func(context.Context) error {
			return s.change(key, func(now row) row { return s.released(now, owner) })
		},
	}), again)
}

// leaseFaults are faults of leased. The name says what is wrong then.
var leaseFaults = map[string]func(s *leased){
	"the lock is never prolonged": func(s *leased) {
		s.prolonged = func(now row, owner string) (row, bool) { return now, now.owner == owner }
	},
	"Unlock of a lost lock releases the lock of another": func(s *leased) {
		s.released = func(row, string) row { return row{} }
	},
	"prolonging takes the lock back": func(s *leased) {
		s.prolonged = func(_ row, owner string) (row, bool) { return row{owner, time.Now().Add(length)}, true }
		s.lease = func(l tokenstore.Lease, again prolong) tokenstore.Lease { return forgetful{l, again} }
	},
	"the lock of a dead holder stays": func(s *leased) {
		s.prolonged = func(now row, owner string) (row, bool) {
			return row{owner, time.Now().Add(time.Hour)}, now.owner == owner
		}
	},
	"Check does not ask": func(s *leased) {
		s.lease = func(l tokenstore.Lease, _ prolong) tokenstore.Lease { return careless{l} }
	},
	"Lost is never closed": func(s *leased) {
		s.lease = func(l tokenstore.Lease, _ prolong) tokenstore.Lease { return silent{l} }
	},
}

// forgetful is a lock that does not remember its loss.
type forgetful struct {
	tokenstore.Lease
	again prolong
}

func (f forgetful) Check(ctx context.Context) error {
	held, err := f.again(ctx)
	if err == nil && !held {
		err = errors.New("not held")
	}
	return errors.Join(err, ctx.Err())
}

// silent is a lock that does not tell that it is lost.
type silent struct{ tokenstore.Lease }

func (silent) Lost() <-chan struct{} { return nil }

// opener returns a function that opens the same data again at each call.
func opener(fault func(*leased)) func(*testing.T) (tokenstore.SharedStore, func(bool)) {
	values, locks := new(tokenstore.Memory), &leases{now: make(map[string]row)}
	return func(*testing.T) (tokenstore.SharedStore, func(bool)) {
		s := newLeased(values, locks)
		fault(s)
		return s, s.cut.Store
	}
}

func TestLeasedStoreKeepsTheContract(t *testing.T) {
	open := opener(func(*leased) {})
	tokenstoretest.Run(t, func(t *testing.T) tokenstore.Store { s, _ := open(t); return s })
	tokenstoretest.RunLease(t, length, open)
}

func TestSuiteFindsFaultsOfLeases(t *testing.T) {
	if fault := os.Getenv("TOKENSTORETEST_FAULT"); fault != "" {
		tokenstoretest.RunLease(t, length, opener(leaseFaults[fault]))
		return
	}
	t.Parallel()
	finds(t, "TestSuiteFindsFaultsOfLeases", slices.Sorted(maps.Keys(leaseFaults)))
}
