package consent_test

// The rows of the security checklist about what people are shown and where they
// are sent: A14 to A19.

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/require"
)

func TestA14ReturnToIsAPathOfTheApplication(t *testing.T) {
	a := newApp(t, authtest.Config{}, func(a *app) { a.config.Origin = "https://app.example" })
	for returnTo, ok := range map[string]bool{
		"/": true, "/settings?tab=2&x=%2F%2F": true, "/a//b": true, "/@user": true, "/a#b": true,
		"//evil.example": false, `/\evil.example`: false, `\\evil.example`: false, `/a\b`: false,
		"https://evil.example": false, "https:evil.example": false, "javascript:alert(1)": false, "evil": false, "@evil.example": false,
		"https://app.example@evil.example": false, "/\t/evil.example": false, "/\r\nSet-Cookie: a=b": false, "/a b": false,
		"/\u2028": false, "/%zz": false, "/" + strings.Repeat("a", 2000): false,
	} {
		b := a.newBrowser()
		start := a.config.URL + "/start?connector=oauth2&return_to=" + url.QueryEscape(returnTo)
		got := b.get(start)
		if !ok {
			require.Equal(t, http.StatusBadRequest, got.StatusCode, returnTo)
			a.requireFailed(consent.ReasonInvalid)
			continue
		}
		callback, err := a.provider.Authorize(got.Header.Get("Location"))
		require.NoError(t, err)
		got = b.get(callback.String())
		require.Equal(t, http.StatusSeeOther, got.StatusCode)
		require.Equal(t, "https://app.example"+returnTo, got.Header.Get("Location"))
	}
}

func TestA15PagesLeakNothingAndRunNothingForeign(t *testing.T) {
	a := newApp(t, authtest.Config{})
	b := a.newBrowser()
	callback := a.allow(b, "connector=oauth2")
	pages := []answer{
		b.get(callback.String()),
		b.get(a.config.URL + "/callback"),
		b.get(a.config.URL + "/start?connector=nobody's"),
	}
	nonces := map[string]bool{}
	for _, page := range pages {
		header := page.Header
		require.Equal(t, "no-referrer", header.Get("Referrer-Policy"))
		require.Equal(t, "no-store", header.Get("Cache-Control"))
		require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"))
		require.Equal(t, "unsafe-none", header.Get("Cross-Origin-Opener-Policy"))
		policy := header.Get("Content-Security-Policy")
		_, rest, _ := strings.Cut(policy, "script-src 'nonce-")
		nonce, _, _ := strings.Cut(rest, "'")
		require.Equal(t, fmt.Sprintf("default-src 'none'; style-src 'nonce-%[1]s'; script-src 'nonce-%[1]s'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", nonce), policy)
		require.False(t, nonces[nonce])
		nonces[nonce] = true
		require.Equal(t, 1, strings.Count(page.body, "<script"))
		require.Contains(t, page.body, `<script nonce="`+nonce+`"`)
		require.NotContains(t, page.body, "src=")
	}
	require.NotContains(t, pages[0].body, callback.Query().Get("code"))
	got := b.get(a.config.URL + "/start?connector=oauth2")
	require.Equal(t, "no-referrer", got.Header.Get("Referrer-Policy"))
	require.Equal(t, "no-store", got.Header.Get("Cache-Control"))
}

func TestA16NothingOfTheCallbackIsEchoed(t *testing.T) {
	const canary = "<script>alert(1)</script>\r\nX-Canary: 1\x00\u202e"
	a := newApp(t, authtest.Config{})
	b := a.newBrowser()
	state := func() string {
		u, err := url.Parse(a.start(b, "connector=oauth2"))
		require.NoError(t, err)
		return u.Query().Get("state")
	}
	for _, query := range []url.Values{
		{"state": {canary}, "error": {canary}},
		{"state": {state()}, "error": {canary}, "error_description": {canary}, "error_uri": {canary}},
		{"state": {state()}, "error": {"access_denied"}, "error_description": {canary}},
		{"state": {state()}, canary: {canary}},
	} {
		got := b.get(a.config.URL + "/callback?" + query.Encode())
		require.NotContains(t, got.body, "alert(1)")
		require.NotContains(t, got.body, "\u202e")
		require.Empty(t, got.Header.Get("X-Canary"))
		require.NotContains(t, a.last().Err.Error(), "\n")
		require.NotContains(t, a.last().Err.Error(), "\x00")
	}
}

func TestA17MalformedCallbacksAreRefused(t *testing.T) {
	a := newApp(t, authtest.Config{})
	for _, query := range []string{"state=%zz", "state=a;b", "state=" + strings.Repeat("a", 20<<10), "%00=%00&state=%ff"} {
		r := httptest.NewRequest("GET", a.config.URL+"/callback", nil)
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		a.handler.ServeHTTP(w, r)
		require.Contains(t, []int{http.StatusBadRequest, http.StatusForbidden}, w.Code)
	}
}

func TestA19RedirectsAre303(t *testing.T) {
	a := newApp(t, authtest.Config{})
	b := a.newBrowser()
	callback := a.allow(b, "connector=oauth2&return_to=/done") // checks the start's
	require.Equal(t, http.StatusSeeOther, b.get(callback.String()).StatusCode)
}
