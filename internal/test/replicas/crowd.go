package replicas

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// A Crowd is many connectors of one account, each made anew for a request, that
// want a token while another program renews the token.
type Crowd struct {
	Connectors int           // 0: only the other program is at work
	Programs   int           // values of Shared that the connectors have between them
	Renewal    time.Duration // how long the token request takes
	Vanish     bool          // the other program saves the token, and never unlocks
	Within     time.Duration // the goal: how long after the save the last connector has the token
}

// Run lets the crowd wait for a token. All connectors must get the one new token.
func (c Crowd) Run(t *testing.T, s Store) {
	t.Helper()
	st := prepare(t, s, small, "crowd", s.New(t), authtest.Config{}, 1, 0)
	before := st.Stats().TokenRequests
	st.Inject(st.TokenURL, authtest.Always, authtest.Delay(c.Renewal))

	renewing, err := st.open.sealed(st.Place, 0)
	check(t, err)
	other := &renewer{SharedStore: renewing, vanish: c.Vanish}
	t.Cleanup(other.cleanUp)
	base := st.Client().Transport
	first, err := st.role.connector(other, new(connectorauth.Shared), base, 0)
	check(t, err)
	renewed := make(chan error, 1)
	go func() {
		_, err := first.Token(t.Context())
		renewed <- err
	}()
	if !eventually(t.Context(), func() bool { return st.Stats().TokenRequests > before }) {
		t.Fatal("nobody renews the token")
	}
	tokens, through := c.want(t, st, base)
	check(t, <-renewed)
	value, err := first.Token(t.Context())
	check(t, err)
	for _, token := range tokens {
		if token != value.AccessToken {
			t.Fatal("a connector has another token")
		}
	}
	if n := st.Stats().TokenRequests - before; n != 1 {
		t.Errorf("there were %d token requests", n)
	}
	if c.Connectors == 0 {
		return // the other program alone, for comparison
	}
	last := through.Sub(other.lastSave())
	t.Logf("%d connectors, %d values of Shared: the last one through %v after the save", c.Connectors, c.Programs, last.Round(time.Millisecond))
	if last > c.Within && isFull() { // otherwise, other tests use the processor
		t.Errorf("the last connector had the token %v after the save; the goal is %v", last, c.Within)
	}
}

// want lets all connectors of the crowd ask for a token at once, and returns the
// tokens, and the time when the last connector had a token.
func (c Crowd) want(t *testing.T, st *stage, base http.RoundTripper) (tokens []string, last time.Time) {
	t.Helper()
	store, err := st.open.sealed(st.Place, 0)
	check(t, err)
	programs := make([]connectorauth.Shared, c.Programs)
	tokens = make([]string, c.Connectors)
	failures := make([]error, c.Connectors)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var all sync.WaitGroup
	var mu sync.Mutex
	for i := range c.Connectors {
		all.Go(func() {
			connector, err := st.role.connector(store, &programs[i%c.Programs], base, 0)
			if err != nil {
				failures[i] = err
				return
			}
			token, err := connector.Token(ctx)
			if err != nil {
				failures[i] = err
				return
			}
			tokens[i] = token.AccessToken
			mu.Lock()
			defer mu.Unlock()
			last = time.Now()
		})
	}
	all.Wait()
	check(t, errors.Join(slices.Compact(failures)...))
	return tokens, last
}

// A renewer is the store of the program that renews the token.
type renewer struct {
	tokenstore.SharedStore
	vanish bool // leases stay, as those of a program that was cut off

	mu     sync.Mutex // guards the fields below
	saved  time.Time
	leases []tokenstore.Lease
}

// Lock is the store's Lock, without the Unlock of a program that has vanished.
func (r *renewer) Lock(ctx context.Context, key string) (tokenstore.Lease, error) {
	lease, err := r.SharedStore.Lock(ctx, key)
	if err != nil || !r.vanish {
		return lease, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leases = append(r.leases, lease)
	return abandoned{lease}, nil
}

// CompareAndSwap is the store's CompareAndSwap, and notes the time.
func (r *renewer) CompareAndSwap(ctx context.Context, key string, old, new []byte) (swapped bool, err error) {
	swapped, err = r.SharedStore.CompareAndSwap(ctx, key, old, new)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.saved = time.Now()
	return swapped, err
}

func (r *renewer) lastSave() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.saved
}

func (r *renewer) cleanUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, lease := range r.leases {
		lease.Unlock()
	}
}

// abandoned is a lease that its holder never unlocks.
type abandoned struct{ tokenstore.Lease }

// Unlock does nothing.
func (abandoned) Unlock() {}
