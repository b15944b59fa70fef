package consent_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/require"
)

// A person who has only pressed Cancel must not read that the service refused the
// application: Apple and LinkedIn have codes of their own for it.
func TestDenialsInTheWordsOfProviders(t *testing.T) {
	a := newApp(t, authtest.Config{})
	for _, code := range []string{"access_denied", "user_cancelled_authorize", "user_cancelled_login", "user_denied", "permission_denied"} {
		b := a.newBrowser()
		callback := a.allow(b, "connector=oauth2")
		got := b.get(with(callback, func(q url.Values) { q.Del("code"); q.Set("error", code) }))
		require.Equal(t, http.StatusForbidden, got.StatusCode, code)
		require.Contains(t, got.body, "Access was not allowed")
		a.requireFailed(consent.ReasonDenied)

		got = b.get(a.config.URL + "/callback/oauth2?error=" + code)
		require.Equal(t, http.StatusForbidden, got.StatusCode, code)
		a.requireFailed(consent.ReasonDenied)
	}
}

// The page removes the query from the address. A person who loads the page again must
// not read that no account was connected, and nothing else than before.
func TestPageThatIsLoadedAgain(t *testing.T) {
	both(t, func(t *testing.T, connector string) {
		a := newApp(t, authtest.Config{})
		b := a.newBrowser()
		callback := a.allow(b, "connector="+connector)
		require.Equal(t, http.StatusOK, b.get(callback.String()).StatusCode)
		callback.RawQuery = ""
		got := b.get(callback.String())
		require.Equal(t, http.StatusForbidden, got.StatusCode)
		require.Contains(t, got.body, "The connection may be complete already")
		a.requireFailed(consent.ReasonUnknown)
	})
}

// A provider that does not escape its explanation is understood all the same. A
// semicolon separates nothing (URL Standard, section 5.1).
func TestCallbackWithASemicolon(t *testing.T) {
	a := newApp(t, authtest.Config{})
	b := a.newBrowser()
	callback := a.allow(b, "connector=oauth2")
	denied := *callback
	denied.RawQuery = "error=access_denied&error_description=The+user+declined;state=other;+try+again&state=" + callback.Query().Get("state")
	got := b.get(denied.String())
	require.Equal(t, http.StatusForbidden, got.StatusCode, got.body)
	a.requireFailed(consent.ReasonDenied)
	require.ErrorContains(t, a.last().Err, "The user declined;state=other; try again")

	callback = a.allow(b, "connector=oauth2")
	callback.RawQuery += "&session_state=a;b"
	require.Equal(t, http.StatusOK, b.get(callback.String()).StatusCode)
	callback = a.allow(b, "connector=oauth2")
	callback.RawQuery += "&session_state=a;b"
	require.Equal(t, http.StatusOK, b.get(a.postCallback(callback)).StatusCode)
}
