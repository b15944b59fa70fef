package replicas

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/test/child"
)

const startJob = "start"

// A starting is the argument of a program that starts, and wants the tokens of all
// accounts at once.
type starting struct {
	role
	Ordered bool // the program asks for the accounts in the order of their numbers, as all others do
	Bare    bool // no accounts, but as many token requests without the library, 16 at a time
}

// started is the report of a program that has all tokens.
type started struct {
	Ended  time.Time
	Failed int
	Error  string `json:",omitempty"` // the last
}

// play prints that the program is ready, waits for the end of the pause, and prints
// a report.
func (s starting) play(open Open) error {
	want, err := s.want(open)
	if err != nil {
		return err
	}
	order := rand.Perm(s.Accounts)
	fmt.Println(ready)
	child.Pause()
	at := make(chan struct{}, s.Workers)
	ctx, cancel := context.WithTimeout(context.Background(), s.Patience)
	defer cancel()
	var report started
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range s.Accounts {
		if !s.Ordered {
			i = order[i]
		}
		at <- struct{}{}
		all.Go(func() {
			defer func() { <-at }()
			if err := want(ctx, i); err != nil {
				mu.Lock()
				defer mu.Unlock()
				report.Failed++
				report.Error = err.Error()
			}
		})
	}
	all.Wait()
	report.Ended = time.Now()
	line, err := json.Marshal(report)
	fmt.Println(string(line))
	return err
}

// want returns a function that gets the token of the i-th account.
func (s starting) want(open Open) (func(ctx context.Context, i int) error, error) {
	base := &http.Transport{MaxIdleConnsPerHost: 64}
	if s.Bare {
		return func(ctx context.Context, _ int) error { return s.obtain(ctx, base) }, nil
	}
	store, err := open.sealed(s.Place, s.Lease)
	if err != nil {
		return nil, err
	}
	shared := new(connectorauth.Shared)
	connectors := make([]*connectorauth.OAuth2, s.Accounts)
	for i := range connectors {
		if connectors[i], err = s.connector(store, shared, base, i); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context, i int) error {
		_, err := connectors[i].Token(ctx)
		return err
	}, nil
}

// obtain makes a token request without the library.
func (s starting) obtain(ctx context.Context, base http.RoundTripper) error {
	form := url.Values{"grant_type": {"client_credentials"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(s.Client), url.QueryEscape(string(s.Secret)))
	resp, err := base.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the token endpoint responds with %s", resp.Status)
	}
	return nil
}

// A gauge counts the token requests under way.
type gauge struct {
	mu        sync.Mutex // guards the fields below
	now, most int
}

// count is a fault that changes nothing.
func (g *gauge) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.add(1)
		defer g.add(-1)
		next.ServeHTTP(w, r)
	})
}

func (g *gauge) add(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now += n
	g.most = max(g.most, g.now)
}

// atOnce is how many token requests one program makes at a time, by default.
const atOnce = 16

// Start lets programs start whose accounts all have expired tokens, and measures how
// long the programs need for all tokens. A token request takes 50 ms. Each program
// wants all accounts. No refresh token may come twice, and the programs must not
// make more token requests at a time than they may.
func Start(t *testing.T, s Store) {
	accounts, processes := 160, []int{1, 2}
	if isFull() {
		accounts, processes = 10_000, []int{1, 4, 8}
	}
	var one time.Duration
	for _, ordered := range []bool{false, true} {
		for _, n := range processes {
			order := "each program in another order"
			if ordered {
				order = "all programs in one order"
			}
			if ordered && n == 1 {
				continue // as in another order
			}
			t.Run(fmt.Sprintf("%d processes, %s", n, order), func(t *testing.T) {
				bare := start(t, s, starting{Bare: true}, accounts, n)
				took := start(t, s, starting{Ordered: ordered}, accounts, n)
				t.Logf("| %s | %d | %d | %s | %.1f | %.1f |", s.Name, accounts, n, order, took.Seconds(), bare.Seconds())
				switch {
				case n == 1:
					one = took
				case n == 4 && 2*took > one && one > 0:
					t.Errorf("4 processes need %v, and one process %v", took, one)
				}
			})
		}
	}
}

// start lets n programs start, and returns when the last program has all tokens.
func start(t *testing.T, s Store, what starting, accounts, n int) time.Duration {
	t.Helper()
	z := full
	z.token = 50 * time.Millisecond
	stocked := accounts
	if what.Bare {
		stocked = 1
	}
	st := prepare(t, s, z, "start", s.New(t), authtest.Config{}, stocked, 0)
	var g gauge
	st.Inject(st.TokenURL, authtest.Always, g.count)
	what.role = st.role
	what.Accounts, what.Workers, what.Patience = accounts, accounts, 5*time.Minute
	if what.Bare {
		what.Accounts, what.Workers = accounts/n, atOnce
	}
	programs := make([]*child.Process, n)
	for i := range programs {
		what.Replica = i + 1
		argument, err := json.Marshal(what)
		check(t, err)
		programs[i] = child.Start(t, startJob, string(argument))
	}
	for _, p := range programs {
		if line := p.Line(t); line != ready {
			t.Fatalf("a program printed %q", line)
		}
	}
	before, began := st.Stats().Issued["refresh_token"], time.Now()
	for _, p := range programs {
		p.EndPause(t)
	}
	var ended time.Time
	for _, p := range programs {
		var report started
		check(t, json.Unmarshal([]byte(p.Line(t)), &report))
		check(t, p.Wait())
		if report.Failed > 0 {
			t.Errorf("a program did not get %d tokens; last error: %s", report.Failed, report.Error)
		}
		if report.Ended.After(ended) {
			ended = report.Ended
		}
	}
	if g.most > n*atOnce {
		t.Errorf("there were %d token requests at a time", g.most)
	}
	if what.Bare {
		return ended.Sub(began)
	}
	stats := st.Stats()
	if renewed := stats.Issued["refresh_token"] - before; renewed != accounts {
		t.Errorf("%d tokens were renewed, of %d accounts", renewed, accounts)
	}
	if twice := st.twice(); twice > 0 || stats.ReuseDetected > 0 {
		t.Errorf("%d refresh tokens came twice", twice)
	}
	t.Logf("%d processes: at most %d token requests at a time", n, g.most)
	return ended.Sub(began)
}
