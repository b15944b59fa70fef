package consent_test

import (
	"encoding/base64"
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/require"
)

func TestStateIsLongAndFresh(t *testing.T) {
	a := newApp(t, authtest.Config{})
	seen := map[string]bool{}
	for range 50 {
		u, err := url.Parse(a.start(a.newBrowser(), "connector=oauth2"))
		require.NoError(t, err)
		state, err := base64.RawURLEncoding.DecodeString(u.Query().Get("state"))
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(state), 20)
		require.False(t, seen[string(state)])
		seen[string(state)] = true
	}
}

func TestStartIgnoresStateInItsQuery(t *testing.T) {
	a := newApp(t, authtest.Config{})
	u, err := url.Parse(a.start(a.newBrowser(), "connector=oauth2&state=attacker&redirect_uri=https://evil.example"))
	require.NoError(t, err)
	require.NotEqual(t, "attacker", u.Query().Get("state"))
	require.Equal(t, a.config.URL+"/callback/oauth2", u.Query().Get("redirect_uri"))
}

func TestTokenRequestRepeatsTheRedirectURI(t *testing.T) {
	a := newApp(t, authtest.Config{}, func(a *app) { a.config.URL += "/A%2EB//c/" })
	b := a.newBrowser()
	authURL, err := url.Parse(a.start(b, "connector=oauth2"))
	require.NoError(t, err)
	callback, err := a.provider.Authorize(authURL.String())
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, b.get(callback.String()).StatusCode)
	form, err := url.ParseQuery(string(a.provider.Requests(a.provider.TokenURL)[0].Body))
	require.NoError(t, err)
	require.Equal(t, authURL.Query().Get("redirect_uri"), form.Get("redirect_uri"))
	require.True(t, strings.HasSuffix(form.Get("redirect_uri"), "/connect/A%2EB//c/callback/oauth2"), form.Get("redirect_uri"))
}

func TestRedirectURIIsHTTPSExceptOnLoopback(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://app.example": true, "http://127.0.0.1:8080": true, "http://[::1]:8080": true, "http://localhost": true,
		"http://app.example": false, "ftp://127.0.0.1": false, "//app.example": false, "http://127.0.0.1.evil.example": false,
		"https://user@app.example": false, "https://app.example/#x": false,
	} {
		_, err := consent.New(consent.Config{URL: address, Keys: []connectorauth.Secret{testKey},
			Flow: func(*http.Request, string) (consent.Flow, error) { return nil, nil }})
		require.Equal(t, ok, err == nil, "%s: %v", address, err)
	}
}

func TestReturnToIsAPathOfTheApplication(t *testing.T) {
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

func TestStartFromAnotherSiteMustBeConfirmed(t *testing.T) {
	a := newApp(t, authtest.Config{})
	ask := func(site string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", a.config.URL+"/start?connector=oauth2&popup=0a", nil)
		r.Header.Set("Sec-Fetch-Site", site)
		w := httptest.NewRecorder()
		a.handler.ServeHTTP(w, r)
		return w
	}
	for _, site := range []string{"cross-site", "same-site"} {
		w := ask(site)
		require.Equal(t, http.StatusOK, w.Code)
		require.Contains(t, w.Body.String(), "Do you want to connect an account?")
		require.Contains(t, w.Body.String(), template.HTMLEscapeString(a.config.URL+"/start?connector=oauth2&popup=0a"))
		require.Empty(t, w.Result().Cookies())
	}
	for _, site := range []string{"same-origin", "none"} {
		require.Equal(t, http.StatusSeeOther, ask(site).Code)
	}
	a.config.Origin = "https://elsewhere.example" // whose pages open the popup from there
	a.handler = a.newHandler()
	require.Equal(t, http.StatusSeeOther, ask("cross-site").Code)
}

func TestStartFailures(t *testing.T) {
	a := newApp(t, authtest.Config{})
	b := a.newBrowser()
	got := b.get(a.config.URL + "/start?connector=nobody's")
	require.Equal(t, http.StatusForbidden, got.StatusCode)
	a.requireFailed(consent.ReasonNotAllowed)
	require.ErrorIs(t, a.last().Err, consent.ErrNotAllowed)

	a.provider.Inject(a.provider.RequestTokenURL, 1, authtest.Answer(503, nil, ""))
	got = b.get(a.config.URL + "/start?connector=oauth1")
	require.Equal(t, http.StatusBadGateway, got.StatusCode)
	a.requireFailed(consent.ReasonProvider)
	require.Contains(t, got.body, `href="`+a.config.URL+`/start?connector=oauth1"`, "a way to try again")

	a.config.Flow = func(*http.Request, string) (consent.Flow, error) { return nil, errDown }
	a.handler = a.newHandler()
	got = b.get(a.config.URL + "/start")
	require.Equal(t, http.StatusInternalServerError, got.StatusCode)
	require.NotContains(t, got.body, errDown.Error())
	a.requireFailed(consent.ReasonInternal)
	require.ErrorIs(t, a.last().Err, errDown)
}

// A popup ends with the page that tells its opener, and the opener goes to return_to.
func TestPopupIsNotSentToReturnTo(t *testing.T) {
	a := newApp(t, authtest.Config{})
	b := a.newBrowser()
	got := b.get(a.allow(b, "connector=oauth2&popup=0a&return_to=/settings").String())
	require.Equal(t, http.StatusOK, got.StatusCode)
	require.Contains(t, got.body, `data-popup="0a"`)
	got = b.get(a.allow(b, "connector=oauth2&return_to=/settings").String())
	require.Equal(t, http.StatusSeeOther, got.StatusCode)
}
