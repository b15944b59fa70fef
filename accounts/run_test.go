package accounts_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// inTwoServices runs a test in a world with a second service, globex, of another provider.
func inTwoServices(t *testing.T, test func(t *testing.T, w *world, globex *authtest.Provider)) {
	t.Helper()
	inWorld(t, func(t *testing.T, w *world) {
		p := authtest.New(authtest.Config{InMemory: true})
		defer p.Close()
		var both []*definition.Definition
		for name, of := range map[string]*authtest.Provider{"acme": w.p, "globex": p} {
			text := fmt.Sprintf(`{"connectorauth": 1, "name": %q, "baseUrl": %q,
				"methods": [{"name": "oauth", "type": "OAuth2", "keepAlive": "24h", "tokenUrl": %q, "scopes": ["read"],
					"grant": {"authorizationCode": {"authUrl": %q}}}]}`, name, of.BearerURL, of.TokenURL, of.AuthURL)
			if name == "globex" { // both providers would have one address, and each is reached by any
				text = strings.ReplaceAll(text, of.URL, "http://127.0.0.2")
			}
			d, err := definition.Parse(name+".json", []byte(text), definition.Options{})
			require.NoError(t, err)
			both = append(both, d)
		}
		var err error
		w.set, err = definition.NewSet(both...)
		require.NoError(t, err)
		w.config.Connection = func(_ context.Context, a accounts.Account) (definition.Connection, error) {
			of := map[string]*authtest.Provider{"acme": w.p, "globex": p}[a.Definition]
			return definition.Connection{
				Client: definition.Client{ID: of.ClientID, Secret: connectorauth.Secret(of.ClientSecret)}, HTTPClient: of.Client(),
			}, nil
		}
		test(t, w, p)
	})
}

// imported takes in accounts of a service, which are due after a day.
func (w *world) imported(r *accounts.Registry, p *authtest.Provider, service string, many int) (ids []string) {
	w.Helper()
	for a, err := range r.Import(w.Context(), func(yield func(accounts.Row) bool) {
		for i := range many {
			_, refresh := p.IssueTokens("read")
			row := accounts.Row{
				Request: accounts.Request{ID: fmt.Sprintf("%s-%03d", service, i), Owner: "o1", Definition: service},
				Token:   &oauth2.Token{RefreshToken: refresh},
			}
			if !yield(row) {
				return
			}
		}
	}) {
		require.NoError(w, err)
		ids = append(ids, a.ID)
	}
	return ids
}

// due counts the accounts that are still to be looked at.
func (w *world) due() int {
	w.Helper()
	stats, err := w.index.Stats(w.Context())
	require.NoError(w, err)
	return stats.Due
}

// A provider that hangs holds up its own accounts alone, however many there are and although
// they have waited longer.
func TestProviderThatHangsHoldsUpItsOwnAccountsAlone(t *testing.T) {
	inTwoServices(t, func(t *testing.T, w *world, globex *authtest.Provider) {
		r := w.process()
		hanging := w.imported(r, w.p, "acme", 60)
		time.Sleep(24 * time.Hour) // they have been due for longer
		working := w.imported(r, globex, "globex", 60)
		time.Sleep(24 * time.Hour)
		w.p.Inject(w.p.TokenURL, authtest.Always, authtest.Delay(time.Hour))
		globex.Inject(globex.TokenURL, authtest.Always, authtest.Delay(100*time.Millisecond))

		began := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			swept, err := r.Sweep(t.Context(), 200)
			assert.NoError(t, err)
			assert.Equal(t, accounts.Swept{Claimed: 120, Renewed: 60, Failed: 16, Later: 44}, swept)
			assert.LessOrEqual(t, time.Since(began), 45*time.Second)
		})
		time.Sleep(time.Second)
		assert.Equal(t, len(working), globex.Stats().TokenRequests, "accounts of the other provider wait")
		assert.Equal(t, 16, w.p.Stats().TokenRequests)
		wg.Wait()
		statuses := map[accounts.Status]int{}
		for _, id := range hanging {
			a, err := r.Get(t.Context(), id)
			require.NoError(t, err)
			statuses[a.Status]++
			assert.True(t, a.Due.After(time.Now()))
		}
		assert.Equal(t, map[accounts.Status]int{accounts.StatusOK: 44, accounts.StatusFailing: 16}, statuses, "an account without a turn has failed")
		w.p.ClearFaults()
		w.p.Client().CloseIdleConnections()
	})
}

// Run gets round to every account although one provider hangs.
func TestRunGoesOnWhileAProviderHangs(t *testing.T) {
	inTwoServices(t, func(t *testing.T, w *world, globex *authtest.Provider) {
		r := w.process()
		w.imported(r, w.p, "acme", 1500) // more than one round, and due for longer
		time.Sleep(24 * time.Hour)
		w.imported(r, globex, "globex", 40)
		time.Sleep(24 * time.Hour)
		w.p.Inject(w.p.TokenURL, authtest.Always, authtest.Delay(time.Hour))
		var wg sync.WaitGroup
		wg.Go(func() { assert.NoError(t, r.Run(t.Context())) })
		time.Sleep(20 * time.Second)
		assert.Equal(t, 40, globex.Stats().TokenRequests)
		require.NoError(t, r.Shutdown(t.Context()))
		wg.Wait()
		w.p.ClearFaults()
	})
}

// A provider that asks for a pause gets one, and no account is said to fail.
func TestRetryAfterPausesAProviderAndBlamesNoAccount(t *testing.T) {
	inTwoServices(t, func(t *testing.T, w *world, globex *authtest.Provider) {
		r := w.process()
		ids := w.imported(r, w.p, "acme", 50)
		w.imported(r, globex, "globex", 50)
		time.Sleep(24 * time.Hour)
		w.p.Inject(w.p.TokenURL, authtest.Always, authtest.Answer(429, http.Header{"Retry-After": {"50"}}, ""))
		swept, err := r.Sweep(t.Context(), 100)
		require.NoError(t, err)
		assert.Equal(t, accounts.Swept{Claimed: 100, Renewed: 50, Later: 50}, swept)
		assert.LessOrEqual(t, w.p.Stats().TokenRequests, 16, "requests during the pause")
		for _, id := range ids {
			a, err := r.Get(t.Context(), id)
			require.NoError(t, err)
			assert.Equal(t, accounts.StatusOK, a.Status)
			assert.True(t, a.Due.After(time.Now().Add(time.Minute)))
		}
		w.p.ClearFaults()
		time.Sleep(2 * time.Minute)
		swept, err = r.Sweep(t.Context(), 100)
		require.NoError(t, err)
		assert.Equal(t, accounts.Swept{Claimed: 50, Renewed: 50}, swept)
	})
}

// Several processes run, and each account is renewed once a day, within seconds.
func TestRunKeepsAccountsAlive(t *testing.T) {
	inTwoServices(t, func(t *testing.T, w *world, globex *authtest.Provider) {
		const many, days = 60, 1
		processes := []*accounts.Registry{w.process(), w.process(), w.process()}
		w.imported(processes[0], w.p, "acme", many)
		var wg sync.WaitGroup
		for _, r := range processes {
			wg.Go(func() { assert.NoError(t, r.Run(t.Context())) })
		}
		for range days * 24 * 60 {
			time.Sleep(time.Minute)
			stats, err := w.index.Stats(t.Context())
			require.NoError(t, err)
			if stats.Due > 0 {
				require.Less(t, time.Since(stats.Oldest), 10*time.Second)
			}
		}
		requests := w.p.Stats().TokenRequests
		assert.InDelta(t, days*many, requests, 0.1*days*many)
		assert.Zero(t, w.p.Stats().ReuseDetected)
		for _, r := range processes {
			require.NoError(t, r.Shutdown(t.Context()))
		}
		wg.Wait()
		time.Sleep(48 * time.Hour) // and nobody runs
		assert.Equal(t, requests, w.p.Stats().TokenRequests, "a Run goes on after Shutdown")
	})
}

// More accounts are due than one round claims: the next round follows at once.
func TestRunGoesOnAtOnceWhileMoreAreDue(t *testing.T) {
	inTwoServices(t, func(t *testing.T, w *world, globex *authtest.Provider) {
		r := w.process()
		for i := range 2500 { // whose values are lost, which takes no request to see
			_, err := w.index.Put(t.Context(), accounts.Account{ID: fmt.Sprint(i), Definition: "acme", Current: 1, Last: 1, Due: time.Now().Add(-time.Hour)})
			require.NoError(t, err)
		}
		require.Equal(t, 2500, w.due())
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { assert.ErrorIs(t, r.Run(ctx), context.Canceled) })
		time.Sleep(time.Second)
		assert.Zero(t, w.due())
		cancel()
		wg.Wait()
	})
}

// An Index that is out is told, and does not end Run.
func TestRunOutlivesTheIndex(t *testing.T) {
	inTwoServices(t, func(t *testing.T, w *world, globex *authtest.Provider) {
		w.imported(w.process(), w.p, "acme", 1)
		var logs bytes.Buffer
		index := &failingIndex{Index: w.index, err: errors.New("the database is down")}
		w.config.Index, w.config.Logger = index, slog.New(slog.NewTextHandler(&logs, nil))
		r := w.process()
		var wg sync.WaitGroup
		wg.Go(func() { assert.NoError(t, r.Run(t.Context())) })
		time.Sleep(25 * time.Hour)
		synctest.Wait()
		times := strings.Count(logs.String(), "the database is down")
		assert.InDelta(t, 25*60/0.75, times, 25*60/4, "one line in a minute or so")
		assert.Zero(t, w.p.Stats().TokenRequests)
		index.set(nil)
		time.Sleep(time.Minute + 10*time.Second)
		assert.Equal(t, 1, w.p.Stats().TokenRequests)
		assert.Equal(t, times, strings.Count(logs.String(), "level="))
		require.NoError(t, r.Shutdown(t.Context()))
		wg.Wait()
	})
}

// A failingIndex claims nothing while err is set.
type failingIndex struct {
	accounts.Index
	mu  sync.Mutex
	err error
}

func (i *failingIndex) set(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.err = err
}

func (i *failingIndex) Claim(ctx context.Context, limit int, lease time.Duration) ([]accounts.Account, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err != nil {
		return nil, i.err
	}
	return i.Index.Claim(ctx, limit, lease)
}

// Shutdown ends Run, waits for the renewal that is under way and for the Index, and gives
// accounts back that wait for a turn.
func TestShutdownWaitsForRunAndGivesAccountsBack(t *testing.T) {
	inTwoServices(t, func(t *testing.T, w *world, globex *authtest.Provider) {
		r := w.process()
		w.imported(r, w.p, "acme", 40)
		time.Sleep(24 * time.Hour)
		w.p.Inject(w.p.TokenURL, authtest.Always, authtest.Delay(5*time.Second))
		var wg sync.WaitGroup
		wg.Go(func() { assert.NoError(t, r.Run(t.Context())) })
		time.Sleep(time.Second)
		began := time.Now()
		require.NoError(t, r.Shutdown(t.Context()))
		assert.InDelta(t, 4, time.Since(began).Seconds(), 0.5)
		wg.Wait()
		assert.Equal(t, 16, w.p.Stats().TokenRequests)
		assert.Equal(t, 24, w.due(), "16 accounts are renewed, and the Index knows")
		w.p.ClearFaults()
		swept, err := w.process().Sweep(t.Context(), 100)
		require.NoError(t, err)
		assert.Equal(t, accounts.Swept{Claimed: 24, Renewed: 24}, swept, "accounts without a turn are claimed still")
	})
}

func TestSweepRefusesItsLimit(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, limit := range []int{-1, 0, 1001} {
			_, err := w.process().Sweep(t.Context(), limit)
			assert.ErrorContains(t, err, "not 1 to 1,000")
		}
	})
}
