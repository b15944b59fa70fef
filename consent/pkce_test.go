package consent_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/require"
)

func TestEveryConsentHasAFreshPKCEChallengeAndAState(t *testing.T) {
	a := newApp(t, authtest.Config{PublicClient: true})
	seen := map[string]bool{}
	for range 10 {
		b := a.newBrowser()
		authURL, err := url.Parse(a.start(b, "connector=oauth2"))
		require.NoError(t, err)
		q := authURL.Query()
		require.Equal(t, "S256", q.Get("code_challenge_method"))
		require.Len(t, q.Get("code_challenge"), 43)
		require.NotEmpty(t, q.Get("state"))
		callback, err := a.provider.Authorize(authURL.String())
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, b.get(callback.String()).StatusCode)
	}
	for _, r := range a.provider.Requests(a.provider.TokenURL) {
		form, err := url.ParseQuery(string(r.Body))
		require.NoError(t, err)
		verifier := form.Get("code_verifier")
		require.Regexp(t, regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`), verifier)
		require.False(t, seen[verifier])
		seen[verifier] = true
	}
	require.Len(t, seen, 10)
}

func TestPKCEIsNotDowngradedAfterAnError(t *testing.T) {
	a := newApp(t, authtest.Config{})
	b := a.newBrowser()
	authURL, err := url.Parse(a.start(b, "connector=oauth2"))
	require.NoError(t, err)
	got := b.get(a.config.URL + "/callback/oauth2?error=invalid_request&error_description=S256+is+not+supported&state=" + authURL.Query().Get("state"))
	require.Equal(t, http.StatusBadGateway, got.StatusCode)
	a.requireFailed(consent.ReasonRefused)
	require.Zero(t, a.exchanges())
	again, err := url.Parse(a.start(b, "connector=oauth2"))
	require.NoError(t, err)
	require.Equal(t, "S256", again.Query().Get("code_challenge_method"))
}

func TestVerifierReachesOnlyTheTokenEndpoint(t *testing.T) {
	a := newApp(t, authtest.Config{})
	b := a.newBrowser()
	started := b.get(a.config.URL + "/start?connector=oauth2")
	callback, err := a.provider.Authorize(started.Header.Get("Location"))
	require.NoError(t, err)
	finished := b.get(callback.String())
	form, err := url.ParseQuery(string(a.provider.Requests(a.provider.TokenURL)[0].Body))
	require.NoError(t, err)
	for _, resp := range []response{started, finished} {
		require.NotContains(t, fmt.Sprint(resp.Header, resp.body), form.Get("code_verifier"))
	}
	require.Len(t, finished.Cookies(), 1)
	require.Negative(t, finished.Cookies()[0].MaxAge, "deleted with its consent")
}
