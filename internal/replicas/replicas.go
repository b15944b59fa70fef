// Package replicas tests a token store the way a platform uses it: several
// processes renew one account's token through it, at a provider that revokes
// the grant when a refresh token is used twice. The processes are the test
// binary itself, started again.
package replicas

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
)

const (
	processes  = 8
	goroutines = 50
	lifetime   = 2 * time.Second
	account    = "one account"

	roleVariable     = "CONNECTORAUTH_REPLICA"
	durationVariable = "CONNECTORAUTH_TEST_REPLICA_SECONDS"
)

// role is what a replica is told: where its token and its provider are, and for
// how long to use them.
type role struct {
	Place    string // for open
	Client   string
	Secret   plain
	AuthURL  string
	TokenURL string
	APIURL   string
	Seconds  float64
	Workers  int
}

// plain is a secret on its way to a child process, where a
// connectorauth.Secret would arrive redacted.
type plain string

// tally is what a replica has seen.
type tally struct {
	Accepted, Refused, Failed int
	Reauthorize               int    // of Failed: those that match ErrReauthRequired
	FirstError                string `json:",omitempty"`
}

// Open opens the store that place describes, as each replica does.
type Open func(place string) (connectorauth.TokenStore, error)

// Main runs the test binary as a replica if it was started as one, and exits.
// Call it first in TestMain.
func Main(open Open) {
	text := os.Getenv(roleVariable)
	if text == "" {
		return
	}
	var r role
	err := json.Unmarshal([]byte(text), &r)
	if err == nil {
		err = r.play(open)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "replica:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// connector returns the connector that all replicas have.
func (r role) connector(store connectorauth.TokenStore) (*connectorauth.OAuth2, error) {
	return connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: r.Client, ClientSecret: connectorauth.Secret(r.Secret), TokenURL: r.TokenURL,
		Grant: connectorauth.AuthorizationCode{AuthURL: r.AuthURL},
		Store: store, Account: account,
	})
}

// play calls the API until the time is up and prints the tally.
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

// stage is a provider with one consented account in a store.
type stage struct {
	provider *authtest.Provider
	role     role
}

// prepare starts a provider whose tokens live for a while, and stores a first
// token of its account.
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

// replica is a running child process.
type replica struct {
	command *exec.Cmd
	output  io.Reader
}

func (s stage) start(t *testing.T, seconds float64, workers int) *replica {
	t.Helper()
	r := s.role
	r.Seconds, r.Workers = seconds, workers
	text, err := json.Marshal(r)
	check(t, err)
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), roleVariable+"="+string(text))
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	check(t, err)
	check(t, command.Start())
	t.Cleanup(func() { command.Process.Kill() }) // does nothing once it has ended
	return &replica{command, output}
}

// tally waits for the replica to end by itself and returns what it has seen.
func (r *replica) tally(t *testing.T) (seen tally) {
	t.Helper()
	check(t, json.NewDecoder(r.output).Decode(&seen))
	check(t, r.command.Wait())
	return seen
}

// seconds returns how long the replicas run: 30 seconds where the variable says
// so, less on a developer's machine.
func seconds() float64 {
	if s, err := strconv.ParseFloat(os.Getenv(durationVariable), 64); err == nil {
		return s
	}
	return 6
}

// Test runs the tests of this package against the store at place.
func Test(t *testing.T, open Open, place string) {
	t.Run("race", func(t *testing.T) { race(t, open, place) })
	t.Run("killed before the answer", func(t *testing.T) { kill(t, open, place) })
	t.Run("killed after the answer", func(t *testing.T) { killAfterAnswer(t, open, place) })
}

// race lets 8 processes with 50 goroutines each use one account whose tokens
// live for 2 seconds. Every request must be accepted, no refresh token used
// twice, and no token request made that was not needed.
func race(t *testing.T, open Open, place string) {
	s := prepare(t, open, place, lifetime)
	var running []*replica
	for range processes {
		running = append(running, s.start(t, seconds(), goroutines))
	}
	var sum tally
	for _, r := range running {
		seen := r.tally(t)
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
	// A token is renewed once four fifths of its life are over, and not before;
	// the consent made one token request more.
	expiries := seconds() / (0.8 * lifetime.Seconds())
	if renewals := float64(stats.TokenRequests - 1); renewals > 1.1*expiries+1 || renewals < 0.5*expiries {
		t.Errorf("%v token requests for about %.1f expiries", renewals, expiries)
	}
}

// kill ends a process while it renews, before the provider has answered: once
// its lock is free, the next process renews with the same refresh token.
func kill(t *testing.T, open Open, place string) {
	s := prepare(t, open, place, time.Hour)
	s.provider.ExpireAccessTokens()
	arrived := make(chan struct{}, 1)
	hold := func(http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			arrived <- struct{}{}
			<-r.Context().Done() // until the process is gone
			panic(http.ErrAbortHandler)
		})
	}
	s.provider.Inject(s.provider.TokenURL, 1, hold)
	victim := s.start(t, 60, 1)
	<-arrived
	check(t, victim.command.Process.Kill())
	victim.command.Wait()

	seen := s.start(t, 1, 1).tally(t)
	stats := s.provider.Stats()
	t.Logf("killed before the answer: %+v", seen)
	if seen.Accepted == 0 || seen.Failed+seen.Refused > 0 || stats.ReuseDetected > 0 {
		t.Errorf("the account did not survive: %+v, %d reused", seen, stats.ReuseDetected)
	}
}

// killAfterAnswer ends a process when the provider has rotated the refresh
// token and before it is saved. Nobody can have it any more, and the next
// process must say so rather than fail in some other way.
func killAfterAnswer(t *testing.T, open Open, place string) {
	s := prepare(t, open, place, time.Hour)
	s.provider.ExpireAccessTokens()
	rotated := make(chan struct{}, 1)
	s.provider.Inject(s.provider.TokenURL, 1, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(discard{}, r)
			rotated <- struct{}{}
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		})
	})
	victim := s.start(t, 60, 1)
	<-rotated
	check(t, victim.command.Process.Kill())
	victim.command.Wait()

	seen := s.start(t, 1, 1).tally(t)
	t.Logf("killed after the answer: %+v", seen)
	if seen.Reauthorize == 0 || seen.Reauthorize != seen.Failed || seen.Refused > 0 {
		t.Errorf("want nothing but ErrReauthRequired: %+v", seen)
	}
}

// discard is a ResponseWriter for an answer that nobody gets.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}
