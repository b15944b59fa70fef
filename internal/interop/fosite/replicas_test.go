package fosite_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/tokenstore"
)

const (
	processes  = 4
	goroutines = 10
	lifetime   = 6 * time.Second
	renewals   = 3 // that the race waits for
)

var replicas = child.Jobs{"replica": func(text string) error {
	var r role
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return err
	}
	return r.play()
}}

// role is what a child process is told.
type role struct{ Dir, ClientID, ClientSecret, URL string }

// tally is what a child process has seen.
type tally struct {
	Accepted, Refused, Failed int
	Slow                      int // refused after so long a time that the token of the second try may have ended
	FirstError                string
}

// connector returns the connector that all replicas have.
func (r role) connector() (*connectorauth.OAuth2, error) {
	store, err := tokenstore.NewFile(r.Dir)
	if err != nil {
		return nil, err
	}
	return connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: r.ClientID, ClientSecret: connectorauth.Secret(r.ClientSecret), TokenURL: r.URL + "/token",
		Scopes: []string{"offline", "orders"}, Grant: connectorauth.AuthorizationCode{AuthURL: r.URL + "/authorize"},
		Store: store, Account: "one account",
	})
}

// play calls the API until the test ends the pause, and prints the tally.
func (r role) play() error {
	c, err := r.connector()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		child.Pause()
		cancel()
	}()
	client := connectorauth.NewClient(c, &http.Client{Timeout: time.Minute})
	var seen tally
	var mu sync.Mutex
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			pause := time.NewTicker(50 * time.Millisecond)
			defer pause.Stop()
			for ctx.Err() == nil {
				began := time.Now()
				status, err := get(client, r.URL+"/api/orders")
				took := time.Since(began)
				mu.Lock()
				switch {
				case err != nil:
					seen.Failed++
					seen.FirstError = err.Error()
				case status == http.StatusOK:
					seen.Accepted++
				case took > lifetime/4:
					seen.Slow++
				default:
					seen.Refused++
				}
				mu.Unlock()
				select {
				case <-ctx.Done():
				case <-pause.C:
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
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// Several processes share one account by a directory, and fosite, which revokes
// a grant whose refresh token comes twice, sees each of them once.
func TestProcessesNeverUseARefreshTokenTwice(t *testing.T) {
	s := newServer(t, settings{lifetime: lifetime})
	r := role{Dir: filepath.Join(t.TempDir(), "tokens"), ClientID: s.clientID, ClientSecret: s.clientSecret, URL: s.URL}
	c, err := r.connector()
	require.NoError(t, err)
	s.connect(t, c)

	text, err := json.Marshal(r)
	require.NoError(t, err)
	began := time.Now()
	var running []*child.Process
	for range processes {
		running = append(running, child.Start(t, "replica", string(text)))
	}
	refreshed := func() int { return len(s.sent("refresh_token", "refresh_token")) }
	require.Eventually(t, func() bool { return refreshed() >= renewals }, 5*time.Minute, 50*time.Millisecond)
	for _, replica := range running {
		replica.EndPause(t)
	}
	for i, replica := range running {
		var seen tally
		require.NoError(t, json.Unmarshal([]byte(replica.Line(t)), &seen))
		require.NoError(t, replica.Wait())
		t.Logf("process %d: %+v", i, seen)
		assert.Positive(t, seen.Accepted)
		assert.Zero(t, seen.Refused)
		assert.Zero(t, seen.Failed, seen.FirstError)
	}
	refreshes, took := refreshed(), time.Since(began)
	// With the refresh token, fosite also ends the access token that it came with,
	// for the requests under way, which have to be mended.
	t.Logf("%d refreshes in %v; %d requests refused by the API on their first try", refreshes, took, len(s.refusals()))
	// A token is renewed when four fifths of its life are over, of which fosite's
	// rounding to the full second may have taken a half.
	assert.LessOrEqual(t, refreshes, int(took/(lifetime/2*8/10))+1)
	requireUsedOnce(t, s, refreshes)
}
