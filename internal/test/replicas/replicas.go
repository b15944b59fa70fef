// Package replicas tests a token store in the way a large service uses the store:
// several processes share the token of a single account, and each process may
// renew the token. The provider revokes the grant when a refresh token is used
// twice. A replica is a child process: see package child.
package replicas

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/test/child"
)

const (
	processes  = 8
	goroutines = 50              // in each process
	lifetime   = 2 * time.Second // of an access token
	account    = "one account"

	job              = "replica"
	durationVariable = "CONNECTORAUTH_TEST_REPLICA_SECONDS"
)

// role is the argument of a replica: which store, provider and API to use, and
// for how long.
type role struct {
	Place    string // of the store, for Open
	Client   string
	Secret   plain
	AuthURL  string
	TokenURL string
	APIURL   string
	Seconds  float64
	Workers  int // goroutines that call the API
}

// plain is a client secret for a child process. JSON shows a plain, but hides a
// connectorauth.Secret.
type plain string

// tally counts the results of a replica's API requests.
type tally struct {
	Accepted, Refused, Failed int    // responses with status 200, other responses, errors
	Reauthorize               int    // errors that match ErrReauthRequired; part of Failed
	FirstError                string `json:",omitempty"`
}

// Open opens the store at a place. Every replica opens the store anew.
type Open func(place string) (connectorauth.TokenStore, error)

// Jobs returns the jobs of a replica. The test binary must pass the jobs to
// child.Main.
func Jobs(open Open) child.Jobs {
	return child.Jobs{job: func(argument string) error {
		var r role
		if err := json.Unmarshal([]byte(argument), &r); err != nil {
			return err
		}
		return r.play(open)
	}, consentJob: func(argument string) error {
		var f finishing
		if err := json.Unmarshal([]byte(argument), &f); err != nil {
			return err
		}
		return f.finish(open)
	}}
}

// connector returns the connector of the account. All replicas have equal
// connectors.
func (r role) connector(store connectorauth.TokenStore) (*connectorauth.OAuth2, error) {
	return connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: r.Client, ClientSecret: connectorauth.Secret(r.Secret), TokenURL: r.TokenURL,
		Grant: connectorauth.AuthorizationCode{AuthURL: r.AuthURL},
		Store: store, Account: account,
	})
}

// play calls the API until the replica's time is over, and prints the tally.
func (r role) play(open Open) error {
	store, err := open(r.Place)
	if err != nil {
		return err
	}
	c, err := r.connector(store)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(r.Seconds*float64(time.Second)))
	defer cancel()
	client := connectorauth.NewClient(c, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: r.Workers}, Timeout: time.Minute})
	var mu sync.Mutex
	var seen tally
	var all sync.WaitGroup
	for range r.Workers {
		all.Go(func() {
			for ctx.Err() == nil {
				status, err := get(client, r.APIURL)
				mu.Lock()
				seen.count(status, err)
				mu.Unlock()
				select {
				case <-ctx.Done():
				case <-time.After(200 * time.Millisecond):
				}
			}
		})
	}
	all.Wait()
	return json.NewEncoder(os.Stdout).Encode(seen)
}

func get(client *http.Client, url string) (status int, err error) {
	resp, err := client.Get(url)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, nil
}

func (s *tally) count(status int, err error) {
	switch {
	case err != nil:
		s.Failed++
		if errors.Is(err, connectorauth.ErrReauthRequired) {
			s.Reauthorize++
		}
		if s.FirstError == "" {
			s.FirstError = err.Error()
		}
	case status == http.StatusOK:
		s.Accepted++
	default:
		s.Refused++
	}
}

// stage is a provider, and the role of all replicas. The store of the role has a
// token of the account.
type stage struct {
	provider *authtest.Provider
	role     role
}

// prepare starts a provider with access tokens that are valid for life. prepare
// also stores the account's first token, from a consent.
func prepare(t *testing.T, open Open, place string, life time.Duration) stage {
	t.Helper()
	p := authtest.New(authtest.Config{TokenLifetime: life})
	t.Cleanup(p.Close)
	r := role{
		Place: place, Client: p.ClientID, Secret: plain(p.ClientSecret),
		AuthURL: p.AuthURL, TokenURL: p.TokenURL, APIURL: p.BearerURL,
	}
	store, err := open(place)
	check(t, err)
	c, err := r.connector(store)
	check(t, err)
	authURL, pending, err := c.Begin(t.Context(), "http://127.0.0.1/callback")
	check(t, err)
	callback, err := p.Authorize(authURL)
	check(t, err)
	check(t, c.Finish(t.Context(), pending, callback.Query()))
	return stage{p, r}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// start starts a replica.
func (s stage) start(t *testing.T, seconds float64, workers int) *child.Process {
	t.Helper()
	r := s.role
	r.Seconds, r.Workers = seconds, workers
	argument, err := json.Marshal(r)
	check(t, err)
	return child.Start(t, job, string(argument))
}

// finish waits for the end of a replica and returns the replica's tally.
func finish(t *testing.T, replica *child.Process) (seen tally) {
	t.Helper()
	check(t, json.Unmarshal([]byte(replica.Line(t)), &seen))
	check(t, replica.Wait())
	return seen
}

// seconds returns for how long the replicas of a race run. The environment
// variable says the time, in seconds. Empty means 6.
func seconds() float64 {
	if s, err := strconv.ParseFloat(os.Getenv(durationVariable), 64); err == nil {
		return s
	}
	return 6
}

// Test runs the tests of this package with the store at place.
func Test(t *testing.T, open Open, place string) {
	t.Run("race", func(t *testing.T) { race(t, open, place) })
	t.Run("one consent", func(t *testing.T) { finishOnce(t, open, place) })
	t.Run("killed before the response", func(t *testing.T) { killBeforeResponse(t, open, place) })
	t.Run("killed after the response", func(t *testing.T) { killAfterResponse(t, open, place) })
}

// race runs many replicas at the same time, with access tokens that expire soon.
// The API must accept every request. No refresh token may be used twice. The
// replicas must make no more token requests than the expiries need.
func race(t *testing.T, open Open, place string) {
	s := prepare(t, open, place, lifetime)
	var running []*child.Process
	for range processes {
		running = append(running, s.start(t, seconds(), goroutines))
	}
	var sum tally
	for _, r := range running {
		seen := finish(t, r)
		sum.Accepted += seen.Accepted
		sum.Refused += seen.Refused
		sum.Failed += seen.Failed
		if sum.FirstError == "" {
			sum.FirstError = seen.FirstError
		}
	}
	stats := s.provider.Stats()
	t.Logf("%d processes x %d goroutines for %v s: %d requests accepted, %d refused, %d failed; %d renewals, %d token requests, %d refresh tokens reused, %d grants revoked",
		processes, goroutines, seconds(), sum.Accepted, sum.Refused, sum.Failed,
		stats.Issued["refresh_token"], stats.TokenRequests, stats.ReuseDetected, stats.RevokedGrants)
	if sum.Failed > 0 || sum.Refused > 0 || sum.Accepted == 0 {
		t.Errorf("not all requests were accepted; first error: %s", sum.FirstError)
	}
	if stats.ReuseDetected > 0 || stats.RevokedGrants > 0 {
		t.Error("a refresh token was used twice")
	}
	// A connector renews an access token after four fifths of the token's lifetime.
	// The consent made another token request.
	expiries := seconds() / (0.8 * lifetime.Seconds())
	if renewals := float64(stats.TokenRequests - 1); renewals > 1.1*expiries+1 || renewals < 0.5*expiries {
		t.Errorf("%v token requests for about %.1f expiries", renewals, expiries)
	}
}

// killBeforeResponse kills a replica in a renewal, before the provider replaces
// the refresh token. The next replica must renew with the same refresh token.
func killBeforeResponse(t *testing.T, open Open, place string) {
	s := prepare(t, open, place, time.Hour)
	seen := s.killInRenewal(t, func(http.Handler, *http.Request) {})
	reused := s.provider.Stats().ReuseDetected
	t.Logf("killed before the response: %+v", seen)
	if seen.Accepted == 0 || seen.Failed+seen.Refused > 0 || reused > 0 {
		t.Errorf("the account did not survive: %+v, %d refresh tokens reused", seen, reused)
	}
}

// killAfterResponse kills a replica in a renewal, after the provider has replaced
// the refresh token and before the replica saves the new refresh token. Nobody
// has the new refresh token then, so the next replica must report
// ErrReauthRequired and no other error.
func killAfterResponse(t *testing.T, open Open, place string) {
	s := prepare(t, open, place, time.Hour)
	seen := s.killInRenewal(t, func(endpoint http.Handler, r *http.Request) {
		endpoint.ServeHTTP(httptest.NewRecorder(), r)
	})
	t.Logf("killed after the response: %+v", seen)
	if seen.Reauthorize == 0 || seen.Reauthorize != seen.Failed || seen.Refused > 0 {
		t.Errorf("want nothing but ErrReauthRequired: %+v", seen)
	}
}

// killInRenewal kills a replica that waits for the response to a token request,
// and returns the tally of another replica. serve gets the token endpoint and
// the request of the killed replica, which never gets a response.
func (s stage) killInRenewal(t *testing.T, serve func(endpoint http.Handler, r *http.Request)) tally {
	t.Helper()
	s.provider.ExpireAccessTokens()
	served := make(chan struct{}, 1)
	s.provider.Inject(s.provider.TokenURL, 1, func(endpoint http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			serve(endpoint, r)
			served <- struct{}{}
			<-r.Context().Done() // ends with the replica's connection
			panic(http.ErrAbortHandler)
		})
	})
	victim := s.start(t, 60, 1)
	<-served
	check(t, victim.Kill())
	victim.Wait()
	return finish(t, s.start(t, 1, 1))
}
