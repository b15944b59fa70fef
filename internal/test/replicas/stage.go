package replicas

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// A stage is a provider, a store with accounts, and the replicas that use both.
type stage struct {
	size
	*ledger
	Site
	store tokenstore.SharedStore // as the replicas have it; nil before fill
	open  Open
	role  role
	row   row

	replicas []*replica
	slack    time.Duration // the time of the renewals themselves, on a slow machine
	cut      []string      // accounts whose token request was certainly cut off
	waiting  int           // accounts in doubt that are not given up so far
}

// replica is a child process.
type replica struct {
	*child.Process
	number int
	ready  bool      // has begun
	ended  bool      // ended by a signal
	killed bool      // ended without a report
	since  time.Time // when all accounts should be usable for the replica, but for the pause after a death; zero: never
	until  time.Time // the replica should have used each account later than that
}

// An ending ends a replica.
type ending func(t *testing.T, r *replica)

// kill ends a replica at once.
func kill(t *testing.T, r *replica) {
	t.Helper()
	check(t, r.Kill())
	r.killed = true
}

// prepare starts a provider with the accounts of a cell, and saves the first token
// of each account. The provider has replaced the account's refresh token before, if
// the provider does so at all. The access tokens have expired. The records come
// from a process whose clock is ahead by the time given.
func prepare(t *testing.T, s Store, z size, c string, site Site, config authtest.Config, accounts int, ahead time.Duration) *stage {
	t.Helper()
	p := authtest.New(config)
	t.Cleanup(p.Close)
	st := &stage{
		size: z, Site: site, open: s.Open,
		role: role{
			Place: site.Place, Lease: z.lease, Client: p.ClientID, Secret: plain(p.ClientSecret),
			AuthURL: p.AuthURL, TokenURL: p.TokenURL, APIURL: p.BearerURL, Accounts: accounts,
			Pause: z.pause,
		},
		row: row{store: s.Name, cell: c, accounts: accounts},
	}
	st.fill(t, p, ahead)
	st.ledger = keep(p, z.token, !config.NoRotation)
	return st
}

// fill makes the accounts in memory, where that is quick, and copies the records to
// the store.
func (s *stage) fill(t *testing.T, p *authtest.Provider, ahead time.Duration) {
	t.Helper()
	p.Inject(p.TokenURL, authtest.Always, authtest.EditAnswer(func(response map[string]any) { response["expires_in"] = 1 }))
	defer p.ClearFaults()
	memory := new(tokenstore.Memory)
	if ahead != 0 {
		s.beginElsewhere(t, p, memory, ahead)
	} else {
		base, shared := p.Client().Transport, new(connectorauth.Shared)
		s.each(t, func(ctx context.Context, i int) error { return s.begin(ctx, p, memory, shared, base, i) })
	}
	s.copy(t, memory)
}

// begin gives the i-th account its first token, and renews the token.
func (s *stage) begin(ctx context.Context, p *authtest.Provider, store connectorauth.TokenStore, shared *connectorauth.Shared, base http.RoundTripper, i int) error {
	c, err := s.role.connector(store, shared, base, i)
	if err != nil {
		return err
	}
	_, refresh := p.IssueTokens(name(i))
	if err := c.SetToken(ctx, &oauth2.Token{RefreshToken: refresh}); err != nil {
		return err
	}
	_, err = c.Token(ctx)
	return err
}

// copy saves the records of all accounts in the store.
func (s *stage) copy(t *testing.T, memory *tokenstore.Memory) {
	t.Helper()
	store, err := s.open.sealed(s.Place, s.lease)
	check(t, err)
	s.store = store
	s.each(t, func(ctx context.Context, i int) error {
		value, _, err := memory.Load(ctx, name(i))
		if err != nil {
			return err
		}
		return s.store.Save(ctx, name(i), value)
	})
	time.Sleep(time.Second) // the life of the access tokens
}

// each calls do for all accounts, for many at a time.
func (s *stage) each(t *testing.T, do func(ctx context.Context, i int) error) {
	t.Helper()
	var mu sync.Mutex
	var first error
	var workers sync.WaitGroup
	for w := range s.parallel {
		workers.Go(func() {
			for i := w; i < s.role.Accounts; i += s.parallel {
				if err := do(t.Context(), i); err != nil {
					mu.Lock()
					first = err
					mu.Unlock()
					return
				}
			}
		})
	}
	workers.Wait()
	check(t, first)
}

// start starts a replica with the role of the stage.
func (s *stage) start(t *testing.T) *replica {
	t.Helper()
	r := s.role
	r.Replica = len(s.replicas) + 1
	argument, err := json.Marshal(r)
	check(t, err)
	started := &replica{Process: child.Start(t, job, string(argument)), number: r.Replica}
	s.replicas = append(s.replicas, started)
	return started
}

// ready is what a program prints that has begun, and that a signal ends in order.
const ready = "ready"

// ready waits until all replicas have begun.
func (s *stage) ready(t *testing.T) {
	t.Helper()
	for _, r := range s.replicas {
		if !r.ready {
			if line := r.Line(t); line != ready {
				t.Fatalf("replica %d printed %q", r.number, line)
			}
			r.ready = true
		}
	}
}

// read waits for the end of a replica, and adds its report to the row. A replica
// that was killed has no report.
func (s *stage) read(t *testing.T, r *replica) {
	t.Helper()
	lines := r.Rest()
	if r.killed {
		return
	}
	if len(lines) != s.role.Accounts+1 {
		t.Fatalf("replica %d printed %d lines", r.number, len(lines))
	}
	accepted, unusable := 0, 0
	for _, line := range lines[:s.role.Accounts] {
		var one seen
		check(t, json.Unmarshal([]byte(line), &one))
		accepted += one.Accepted
		s.row.failed += one.Failed
		switch {
		case r.since.IsZero() || one.Lost:
		case !one.Broken && one.Last.After(r.until):
			s.row.usable = max(s.row.usable, one.Usable.Sub(r.since))
		case !s.state(t, name(one.Account)).cutOff():
			if unusable++; unusable <= 3 {
				t.Logf("replica %d: %s was not usable at the end; last error: %s", r.number, name(one.Account), one.Error)
			}
		}
	}
	if unusable > 0 {
		s.late(t, "replica %d: %d accounts were not usable at the end", r.number, unusable)
	}
	s.row.accepted += accepted
	var last report
	check(t, json.Unmarshal([]byte(lines[s.role.Accounts]), &last))
	if last.Shutdown != "" {
		t.Errorf("replica %d: Shutdown: %s", r.number, last.Shutdown)
	}
	t.Logf("replica %d: %d requests accepted; Shutdown took %v", r.number, accepted, last.Took.Round(time.Millisecond))
}

// state is what the store knows of an account.
type state struct {
	Doubt *struct{}
	Dead  *struct{ Code string }
}

// cutOff reports whether a token request of the account was cut off.
func (s state) cutOff() bool { return s.Doubt != nil || s.Dead != nil && s.Dead.Code == "in_doubt" }

func (s *stage) state(t *testing.T, account string) (is state) {
	t.Helper()
	value, ok, err := s.store.Load(t.Context(), account)
	check(t, err)
	if !ok {
		t.Fatalf("%s is not in the store", account)
	}
	check(t, json.Unmarshal(value, &is))
	return is
}

// judge completes the row, and checks what must be so in every cell: no refresh
// token came twice, nothing is lost that was not cut off, and all other accounts
// were usable soon.
func (s *stage) judge(t *testing.T) {
	t.Helper()
	for i := range s.role.Accounts {
		switch is := s.state(t, name(i)); {
		case is.cutOff():
			s.row.inDoubt++
			if is.Dead == nil {
				s.waiting++
			}
		case is.Dead != nil:
			s.row.lost++
		}
	}
	for _, account := range s.cut {
		if s.tokens != nil && !s.state(t, account).cutOff() {
			t.Errorf("a token request of %s was cut off, and the store does not say so", account)
		}
	}
	s.row.twice = s.twice()
	stats := s.Stats()
	s.row.renewed = stats.Issued["refresh_token"] - s.role.Accounts // the first renewal comes from fill
	s.row.log(t)
	if s.row.twice > 0 || stats.ReuseDetected > 0 {
		t.Errorf("%d refresh tokens came twice", s.row.twice)
	}
	if s.row.lost > 0 || stats.RevokedGrants > 0 {
		t.Errorf("%d accounts are lost, %d grants were revoked", s.row.lost, stats.RevokedGrants)
	}
	if s.row.usable > within+s.slack {
		s.late(t, "an account was usable again after %v", s.row.usable.Round(time.Millisecond))
	}
}

// late reports what took too long. Small cells run beside all other tests, with the
// race detector, and have little time; their accounts are judged by what was lost or
// sent twice alone.
func (s *stage) late(t *testing.T, format string, args ...any) {
	t.Helper()
	if !isFull() {
		t.Logf(format, args...)
		return
	}
	t.Errorf(format, args...)
}
