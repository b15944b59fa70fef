package doors_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/doors"
	"github.com/connectorauth/connectorauth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sessionsInMemory starts a service with sessions in a bubble.
func sessionsInMemory(t *testing.T) (*sessions, *http.Client) {
	var s *sessions
	w := door{"session", func(w *world) http.Handler { s = newSessionServer(w); return s }}.openInMemory(t)
	return s, connectorauth.NewClient(w.open(t, nil), &http.Client{Transport: w.transport})
}

func TestRefusedLoginNeedsTheOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, client := sessionsInMemory(t)
		s.Password = "another"
		for range 10 {
			_, err := client.Get(s.API)
			require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
			assertNoSecret(t, s.world, err)
		}
		assert.Equal(t, 1, s.arrived(), "a wrong password is not repeated at once")
	})
}

func TestLoginWaitsAsLongAsTheServiceAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, client := sessionsInMemory(t)
		s.answer = func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Retry-After", "600")
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		for range 10 {
			_, err := client.Get(s.API)
			var failed *connectorauth.TokenError
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, 503, failed.StatusCode)
			time.Sleep(59 * time.Second)
		}
		assert.Equal(t, 1, s.arrived())
		s.answer = nil
		time.Sleep(10 * time.Second)
		assert.Equal(t, 200, post(t, client, s.API, ""))
	})
}

func TestResponseToALoginMustHaveAToken(t *testing.T) {
	for _, body := range []string{"", "{}", "[]", `{"token":"a b"}`, `{"token":"line\nbreak"}`, `{"token":"t","expires":"soon"}`, `{"token":"cut o`} {
		synctest.Test(t, func(t *testing.T) {
			s, client := sessionsInMemory(t)
			s.answer = func(w http.ResponseWriter, _ *http.Request) bool { w.Write([]byte(body)); return true }
			_, err := client.Get(s.API)
			require.ErrorContains(t, err, "the response to the login", body)
			assert.NotContains(t, err.Error(), "cut o")
		})
	}
}

func TestLoginFollowsNoRedirect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, client := sessionsInMemory(t)
		s.answer = func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "https://evil.example.test/obtain", http.StatusTemporaryRedirect)
			return true
		}
		_, err := client.Get(s.API)
		require.Error(t, err)
		assert.Equal(t, 1, s.arrived(), "the password goes nowhere else")
	})
}

func TestConfigsOfCustomDoorsAreChecked(t *testing.T) {
	for _, loginURL := range []string{"", "/login", "http://example.com/login", "https://user@example.com/login", "ftp://127.0.0.1/", "://"} {
		_, err := doors.NewSession(doors.SessionConfig{LoginURL: loginURL, Username: "u", Password: "p"})
		assert.ErrorContains(t, err, "LoginURL", loginURL)
	}
	_, err := doors.NewSession(doors.SessionConfig{LoginURL: "https://example.com", Hosts: []string{"*"}})
	assert.ErrorContains(t, err, "Password")
	assert.ErrorContains(t, err, "Hosts")
	for _, config := range []doors.DigestConfig{{}, {Username: "u"}, {Username: "a:b", Password: "p"}, {Username: "u", Password: "p", Hosts: []string{"*"}}} {
		_, err := doors.NewDigest(config)
		assert.Error(t, err)
	}
}

// digestService starts an API with Digest authentication.
func digestService(t *testing.T) (*digests, *http.Client) {
	var s *digests
	w := door{"digest SHA-256", func(w *world) http.Handler { s = newDigestServer(w); return s }}.open(t)
	return s, newClient(w.open(t, nil))
}

func TestNonceCountsItsRequests(t *testing.T) {
	s, client := digestService(t)
	for range 5 {
		require.Equal(t, 1, accepted(client, s.API, 1))
	}
	require.Equal(t, 100, accepted(client, s.API, 100))
	assert.Equal(t, 106, s.arrived(), "one request without authentication; the counter of the others goes on")
	assert.Equal(t, 1, s.obtained())
}

func TestStaleNonceIsReplaced(t *testing.T) {
	s, client := digestService(t)
	s.uses = 3
	for range 10 {
		require.Equal(t, 1, accepted(client, s.API, 1))
	}
	assert.Equal(t, 4, s.obtained(), "three requests a nonce")
	assert.Equal(t, 14, s.arrived())
	assert.Empty(t, s.broken())
}

func TestWrongPasswordOfDigestNeedsTheOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := door{"digest MD5", newDigest}.openInMemory(t)
		client := connectorauth.NewClient(w.open(t, nil), &http.Client{Transport: w.transport})
		w.Password = "another"
		assert.Equal(t, 401, post(t, client, w.API, ""), "the replay with the first nonce is refused")
		time.Sleep(time.Minute) // until then, no rejection of that nonce is looked at
		_, err := client.Get(w.API)
		require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		assertNoSecret(t, w, err)
	})
}

func TestChallengeThatDigestCannotAnswer(t *testing.T) {
	for _, header := range []string{
		`Basic realm="x"`,
		`Digest realm="x", algorithm=SHA-512, qop="auth", %s`,
		`Digest realm="x", algorithm=MD5, qop="auth-int", %s`,
		`Digest realm="x", %s`,
		`Digest realm="x", qop="auth"`,
	} {
		s, client := digestService(t)
		s.header = strings.ReplaceAll(header, "%s", "%[1]s")
		resp, err := client.Get(s.API)
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, 401, resp.StatusCode, header)
		assert.Equal(t, 1, s.arrived())
	}
}

func TestRequestThatNetHTTPRepeatsGetsAnotherNonce(t *testing.T) {
	s, client := digestService(t)
	require.Equal(t, 1, accepted(client, s.API, 1))
	s.loseAt("/api")
	require.Equal(t, 1, accepted(client, s.API, 1))
	assert.Equal(t, []string{"a repeated nonce count"}, s.broken(), "net/http sends a GET again by itself")
}

func TestAuthorizationOfTheCallerIsNotSent(t *testing.T) {
	s, client := digestService(t)
	req, err := http.NewRequest(http.MethodGet, s.API, nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Basic Zm9v")
	resp, err := client.Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, 200, resp.StatusCode)
	assert.Empty(t, s.broken())
}
