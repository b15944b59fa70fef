// Package replicas tests a token store on the worst day of a large service:
// several processes share accounts, renew their tokens, and are killed, stopped or
// cut off meanwhile. The provider replaces each refresh token by its use, and
// revokes the grant when a refresh token comes twice. A replica is a child process:
// see package child.
//
// Each cell of the matrix is a test of its own, and logs a row of a table. The
// cells are small. With CONNECTORAUTH_TEST_WORST_DAY=1 in the environment, the
// cells have their full size.
package replicas

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// Open opens the store at a place, which is text of any kind, with a lease of that
// length, or as the store does by itself if the store's locks have no length. Every
// process opens the store anew.
type Open func(place string, lease time.Duration) (tokenstore.SharedStore, error)

// A Site is where a cell keeps its store.
type Site struct {
	Place   string
	Disturb func(long time.Duration) // breaks something for that time, or for a moment; nil if there is nothing to break
}

// A Store says how to reach a kind of store. The functions return a site without
// accounts. A nil function means that the store has no such thing.
type Store struct {
	Name    string
	Open    Open
	New     func(t *testing.T) Site             // nothing is broken
	Cut     func(t *testing.T) Site             // resets all connections to the server
	Restart func(t *testing.T) Site             // crashes a server of its own, and starts the server again
	In      func(t *testing.T, dir string) Site // in a directory
}

// Jobs returns the jobs of a replica. The test binary must pass the jobs to
// child.Main.
func Jobs(open Open) child.Jobs {
	return child.Jobs{
		job: func(argument string) error {
			var r role
			if err := json.Unmarshal([]byte(argument), &r); err != nil {
				return err
			}
			return r.play(open)
		},
		consentJob: func(argument string) error {
			var f finishing
			if err := json.Unmarshal([]byte(argument), &f); err != nil {
				return err
			}
			return f.finish(open)
		},
		startJob: func(argument string) error {
			var s starting
			if err := json.Unmarshal([]byte(argument), &s); err != nil {
				return err
			}
			return s.play(open)
		},
	}
}

// size is how large the cells are.
type size struct {
	lease time.Duration // of the store's locks, at most

	many     int // accounts of a program that has many
	parallel int // requests at a time in such a program
	few      int // accounts that all processes use all the time

	processes  int
	goroutines int           // in each process, for few accounts
	pause      time.Duration // of a goroutine, between two requests
	lifetime   time.Duration // of an access token of few accounts
	token      time.Duration // of a token request
	broken     time.Duration // how long something is broken
	thousand   time.Duration // of a thousand renewals, on a slow disk
	outage     time.Duration // of a server, in the middle of token requests
	warm       time.Duration // before the disturbance
	calm       time.Duration // after the disturbance, and after the end of locks of dead processes
	giveUp     time.Duration // until accounts in doubt are given up; 0: the cell does not wait so long
}

var (
	small = size{
		lease: 8 * time.Second, many: 120, parallel: 16, few: 4, processes: 3, goroutines: 8,
		pause: 100 * time.Millisecond, lifetime: time.Second, token: 40 * time.Millisecond,
		broken: 1500 * time.Millisecond, outage: 3 * time.Second, warm: 500 * time.Millisecond, calm: 3 * time.Second,
	}
	full = size{
		lease: 12 * time.Second, many: 1500, parallel: 64, few: 8, processes: 8, goroutines: 50,
		pause: 2 * time.Second, lifetime: 3 * time.Second, token: 60 * time.Millisecond,
		broken: 5 * time.Second, thousand: 20 * time.Second, outage: 40 * time.Second, warm: 2 * time.Second, calm: 6 * time.Second, giveUp: 45 * time.Second,
	}
)

// isFull reports whether the environment asks for the full size.
func isFull() bool { return os.Getenv("CONNECTORAUTH_TEST_WORST_DAY") == "1" }

// Parallel lets the tests of a package wait together: most of their time is for the
// end of locks. Call Parallel in TestMain, after flag.Parse.
func Parallel() {
	n := "12"
	if isFull() {
		n = "4" // these need the processor
	}
	flag.Set("test.parallel", n)
}

// within is how soon an account must be usable again after the death of a process,
// even on a machine that has much else to do. The table shows the time; with an idle
// processor, the time is at most 15 seconds.
const within = 50 * time.Second

// Test runs all cells with a store.
func Test(t *testing.T, s Store) {
	z := small
	if isFull() {
		z = full
	}
	cell := func(name string, run func(t *testing.T, s Store, z size)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most cells wait most of the time
			run(t, s, z)
		})
	}
	cell("one callback", finishOnce)
	for _, r := range restarts {
		cell(r.name, r.run)
	}
	for _, d := range disturbances {
		cell(d.name, d.run)
	}
}

// sealed opens the store as a program does that keeps tokens secret.
func (open Open) sealed(place string, lease time.Duration) (tokenstore.SharedStore, error) {
	inner, err := open(place, lease)
	if err != nil {
		return nil, err
	}
	store, err := tokenstore.NewSealed(inner, tokenstore.Key{ID: "test", Secret: []byte(strings.Repeat("k", 32))})
	if err != nil {
		return nil, err
	}
	return store.(tokenstore.SharedStore), nil
}

// row is what a cell has measured.
type row struct {
	store, cell string
	accounts    int
	accepted    int           // API requests
	failed      int           // API requests, also those of the disturbance
	renewed     int           // renewals that the provider has granted
	lost        int           // accounts that need their owner, though no token request was cut off
	inDoubt     int           // accounts whose token request was cut off: marked, or given up
	twice       int           // refresh tokens that the provider has seen more than once
	usable      time.Duration // until all other accounts were usable
}

func (r row) log(t *testing.T) {
	t.Helper()
	t.Logf("| %s | %s | %d | %d | %d | %d | %d | %d | %d | %.1f |",
		r.store, r.cell, r.accounts, r.accepted, r.failed, r.renewed, r.lost, r.inDoubt, r.twice, r.usable.Seconds())
}

// timeout limits one request of a replica.
const timeout = 5 * time.Second

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until done returns true.
func eventually(ctx context.Context, done func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	for !done() {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(5 * time.Millisecond):
		}
	}
	return true
}
