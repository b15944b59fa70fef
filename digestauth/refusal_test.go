package digestauth_test

import (
	"cmp"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/digestauth"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWrongPasswordIsTriedOnce(t *testing.T) {
	s := &service{qop: "auth", password: "another"}
	url := s.start(t)
	var events []connectorauth.Event
	client, _ := open(t, func(c *digestauth.Config) {
		c.Account = "alice"
		c.Observe = func(e connectorauth.Event) {
			if e.Kind == connectorauth.EventReauthRequired {
				assert.ErrorContains(t, e.Err, `account "alice"`)
				events = append(events, e)
			}
		}
	})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			_, err := client.Get(url)
			assert.ErrorIs(t, err, connectorauth.ErrReauthRequired)
			assert.ErrorContains(t, err, "refuses user name or password")
			assert.Empty(t, canary.Found(err.Error(), password))
		})
	}
	all.Wait()
	before := s.requests
	for range 10 {
		_, err := client.Get(url)
		require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		require.ErrorContains(t, err, `account "alice"`)
		require.ErrorContains(t, err, "the next attempt is made in 1h0m0s at the earliest")
	}
	assert.Equal(t, 1, s.tried, "over 60 requests")
	assert.Equal(t, before, s.requests, "nothing is sent after the refusal")
	assert.Len(t, events, 1)
}

// bubble runs s without a network, in a synctest bubble.
func bubble(t *testing.T, s *service, test func(t *testing.T, client *http.Client, c *connectorauth.Custom)) {
	s.nonces, s.cnonces, s.algorithms = map[string]*nonce{}, map[string]string{}, []string{"SHA-256"}
	s.password = cmp.Or(s.password, password)
	synctest.Test(t, func(t *testing.T) {
		c, err := digestauth.New(digestauth.Config{Username: user, Password: password, Shared: new(connectorauth.Shared)})
		require.NoError(t, err)
		base := fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			served := req.Clone(req.Context())
			served.RequestURI = req.URL.RequestURI()
			if served.Body == nil {
				served.Body = http.NoBody
			}
			s.ServeHTTP(w, served)
			return w.Result(), nil
		})
		test(t, connectorauth.NewClient(c, &http.Client{Transport: base}), c)
	})
	assert.Empty(t, s.problems)
}

func TestRefusedPasswordIsTriedAgainAfterGrowingPauses(t *testing.T) {
	s := &service{qop: "auth", password: "another"}
	bubble(t, s, func(t *testing.T, client *http.Client, c *connectorauth.Custom) {
		refused := func() {
			t.Helper()
			_, err := client.Get("https://api.example.test/")
			require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		}
		refused()
		for i, pause := range []time.Duration{1, 2, 4, 8, 16, 24, 24} {
			time.Sleep(pause*time.Hour - time.Minute)
			refused()
			require.Equal(t, i+1, s.tried, "before the end of a pause of %d hours", pause)
			time.Sleep(2 * time.Minute)
			refused()
			require.Equal(t, i+2, s.tried, "after a pause of %d hours", pause)
		}
		s.password = password // the account owner has changed the password
		require.NoError(t, c.Renew(t.Context()))
		assert.Equal(t, 200, status(t, client, "https://api.example.test/", ""))

		s.password = "changed" // one try with the former nonce, one with a new nonce
		before := s.tried
		refused()
		assert.Equal(t, before+2, s.tried)
		refused()
		assert.Equal(t, before+2, s.tried)
		s.password = password
		time.Sleep(2 * time.Minute)
		assert.Equal(t, 200, status(t, client, "https://api.example.test/", ""))
	})
}

func TestRequestThatTriesThePasswordDoesNotHoldOthersForEver(t *testing.T) {
	s := &service{qop: "auth"}
	var hang chan struct{}
	s.respond = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/hangs" && r.Header.Get("Authorization") != "" {
			<-hang
		}
		return false
	}
	bubble(t, s, func(t *testing.T, client *http.Client, _ *connectorauth.Custom) {
		hang = make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() { assert.Equal(t, 200, status(t, client, "https://api.example.test/hangs", "")) })
		synctest.Wait()
		began := time.Now()
		all.Go(func() {
			impatient := &http.Client{Transport: client.Transport, Timeout: time.Second}
			_, err := impatient.Get("https://api.example.test/")
			assert.ErrorContains(t, err, "deadline exceeded")
		})
		assert.Equal(t, 200, status(t, client, "https://api.example.test/", ""))
		assert.Equal(t, 10*time.Second, time.Since(began))
		close(hang)
		all.Wait()
	})
}

func TestOverloadedServerSaysNothingOfThePassword(t *testing.T) {
	s := &service{qop: "auth"}
	overloaded := true
	s.respond = func(w http.ResponseWriter, r *http.Request) bool {
		if overloaded && r.Header.Get("Authorization") != "" {
			w.WriteHeader(503)
			return true
		}
		return false
	}
	url := s.start(t)
	client, _ := open(t, nil)
	assert.Equal(t, 503, status(t, client, url, ""))
	overloaded = false
	assert.Equal(t, 200, status(t, client, url, ""))

	s.password, overloaded = "another", true
	client, _ = open(t, nil)
	assert.Equal(t, 503, status(t, client, url, ""))
	overloaded = false
	for range 2 {
		_, err := client.Get(url)
		require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
	}
	assert.Equal(t, 1, s.tried, "the nonce was never accepted")
}

func TestNonceThatIsStaleAtOnceRefusesNothing(t *testing.T) {
	s := &service{qop: "auth"}
	stale := true
	s.respond = func(w http.ResponseWriter, r *http.Request) bool {
		if stale && r.Header.Get("Authorization") != "" {
			s.mu.Lock()
			defer s.mu.Unlock()
			stale = false
			s.challenge(w, true)
			return true
		}
		return false
	}
	url := s.start(t)
	client, _ := open(t, nil)
	assert.Equal(t, 401, status(t, client, url, ""), "a request is sent again once")
	assert.Equal(t, 200, status(t, client, url, ""))
}

// A challenge that was asked for before a refusal does not end the pause.
func TestLateChallengeDoesNotEndAPause(t *testing.T) {
	s := &service{qop: "auth", password: "another"}
	var late chan struct{}
	s.respond = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/late" {
			<-late
		}
		return false
	}
	bubble(t, s, func(t *testing.T, client *http.Client, _ *connectorauth.Custom) {
		late = make(chan struct{})
		var all sync.WaitGroup
		get := func(path string) {
			_, err := client.Get("https://api.example.test" + path)
			assert.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		}
		all.Go(func() { get("/late") })
		synctest.Wait()
		get("/")
		close(late)
		all.Wait()
		get("/")
		assert.Equal(t, 1, s.tried)
	})
}
