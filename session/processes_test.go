package session_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/session"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A worker is a process that uses an account for some time.
type worker struct {
	Dir, LoginURL, APIURL string
	User, Password        string
	For                   time.Duration // 0: five requests
	Lifetime              time.Duration // of a session; 0: longer than the test
}

// worked is what a worker has seen.
type worked struct {
	Accepted, Reauth, Failed int
	Slow                     int    // refused after a large part of the session's lifetime
	Error                    string // the last
}

var jobs = child.Jobs{"worker": func(argument string) error {
	var w worker
	if err := json.Unmarshal([]byte(argument), &w); err != nil {
		return err
	}
	return w.work()
}}

// work waits for the end of the pause, and makes requests.
func (w worker) work() error {
	store, err := tokenstore.NewFile(w.Dir)
	if err != nil {
		return err
	}
	c, err := session.New(session.Config{
		Login: []session.Request{{
			URL: w.LoginURL, JSON: map[string]string{"username": "{user}", "password": "{password}"},
			Capture: map[string]string{"token": "session.token", "expires": "expires_in"},
		}},
		Values:   map[string]connectorauth.Secret{"user": connectorauth.Secret(w.User), "password": connectorauth.Secret(w.Password)},
		Lifetime: session.Lifetime{Expiry: "expires"}, Store: store, Account: "a",
	})
	if err != nil {
		return err
	}
	client := connectorauth.NewClient(c, http.DefaultClient)
	fmt.Println("ready")
	child.Pause()
	var seen worked
	end := time.Now().Add(w.For)
	for n, last := 1, false; !last; n++ {
		last = n >= 5 && !time.Now().Before(end) // one request comes after the end, however long each takes
		began := time.Now()
		resp, err := client.Get(w.APIURL)
		switch {
		case errors.Is(err, connectorauth.ErrReauthRequired):
			seen.Reauth++
		case err != nil:
			seen.Failed++
			seen.Error = err.Error()
		default:
			resp.Body.Close()
			switch {
			case resp.StatusCode == http.StatusOK:
				seen.Accepted++
			case w.Lifetime > 0 && time.Since(began) > w.Lifetime/4: // the session of the second try may have ended
				seen.Slow++
			default:
				seen.Failed++
				seen.Error = resp.Status
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	line, err := json.Marshal(seen)
	fmt.Println(string(line))
	return err
}

// work lets n processes use the account at the same time.
func work(t *testing.T, n int, w worker) (all []worked) {
	t.Helper()
	argument, err := json.Marshal(w)
	require.NoError(t, err)
	processes := make([]*child.Process, n)
	for i := range processes {
		processes[i] = child.Start(t, "worker", string(argument))
	}
	for _, p := range processes {
		require.Equal(t, "ready", p.Line(t))
	}
	for _, p := range processes {
		p.EndPause(t)
	}
	for _, p := range processes {
		var seen worked
		require.NoError(t, json.Unmarshal([]byte(p.Line(t)), &seen))
		require.NoError(t, p.Wait())
		all = append(all, seen)
	}
	return all
}

func TestEightProcessesMakeOneLoginPerLifetime(t *testing.T) {
	const lifetime, long = 3 * time.Second, 7 * time.Second
	p := authtest.New(authtest.Config{SessionLifetime: lifetime})
	t.Cleanup(p.Close)
	began := time.Now()
	for _, seen := range work(t, 8, worker{filepath.Join(t.TempDir(), "store"), p.LoginJSONURL, p.SessionURL, p.Username, p.Password, long, lifetime}) {
		assert.Zero(t, seen.Failed, seen.Error)
		assert.Zero(t, seen.Reauth)
		assert.Positive(t, seen.Accepted)
	}
	logins, took := p.Stats().Logins, time.Since(began)
	// A refused request is sent again with the next session. On a quiet machine none is.
	t.Logf("%d logins in %v, %d requests accepted, %d refused at first", logins, took, p.Stats().APIAccepted, p.Stats().APIRefused)
	assert.GreaterOrEqual(t, logins, 2)
	assert.LessOrEqual(t, logins, 1+int(took/(lifetime*3/5))) // renewed a fifth before the end, at the earliest, and another fifth by rounding
}

func TestWrongPasswordCostsOneLoginOverEightProcesses(t *testing.T) {
	p := authtest.NewProvider(t)
	dir := filepath.Join(t.TempDir(), "store")
	for _, seen := range work(t, 8, worker{dir, p.LoginJSONURL, p.SessionURL, p.Username, "wrong password", 0, 0}) {
		assert.Equal(t, worked{Reauth: 5}, seen)
	}
	assert.Equal(t, 1, p.Stats().LoginsRefused)
	for _, seen := range work(t, 2, worker{dir, p.LoginJSONURL, p.SessionURL, p.Username, p.Password, 0, 0}) {
		assert.Equal(t, worked{Accepted: 5}, seen)
	}
	assert.Equal(t, 1, p.Stats().Logins)
	assert.Equal(t, 1, p.Stats().LoginsRefused)
}
