package consent_test

import (
	"bytes"
	"encoding/base64"
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

func TestCookieIsHostBoundAndSealed(t *testing.T) {
	for _, tls := range []bool{true, false} {
		a := newApp(t, authtest.Config{TLS: tls})
		got := a.newBrowser().get(a.config.URL + "/start?connector=oauth2")
		require.Len(t, got.Cookies(), 1)
		c := got.Cookies()[0]
		require.Equal(t, tls, strings.HasPrefix(c.Name, "__Host-"), c.Name)
		require.Equal(t, tls, c.Secure)
		require.True(t, c.HttpOnly)
		require.Equal(t, http.SameSiteLaxMode, c.SameSite)
		require.Equal(t, "/", c.Path)
		require.Empty(t, c.Domain)
		require.Positive(t, c.MaxAge)
	}
}

func TestStateAndCookieAreUnreadableAndUnforgeable(t *testing.T) {
	a := newApp(t, authtest.Config{})
	b := a.newBrowser()
	callback := a.allow(b, "connector=oauth2&return_to=/settings")
	cookie := b.Jar.Cookies(callback)[0]
	sealed, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	require.NoError(t, err)
	state := callback.Query().Get("state")
	for _, word := range []string{"settings", "oauth2", state, "verifier"} {
		require.NotContains(t, string(sealed), word)
		require.NotContains(t, cookie.Name, word)
	}
	require.NotContains(t, state, "settings")
	for i := range sealed {
		forged := bytes.Clone(sealed)
		forged[i] ^= 1
		r := httptest.NewRequest("GET", callback.String(), nil)
		r.AddCookie(&http.Cookie{Name: cookie.Name, Value: base64.RawURLEncoding.EncodeToString(forged)})
		w := httptest.NewRecorder()
		a.handler.ServeHTTP(w, r)
		require.Equal(t, http.StatusForbidden, w.Code)
	}
	other := a.allow(b, "connector=oauth2") // a cookie is of no use for another state
	for _, c := range b.Jar.Cookies(other) {
		if c.Name != cookie.Name {
			r := httptest.NewRequest("GET", other.String(), nil)
			r.AddCookie(&http.Cookie{Name: c.Name, Value: cookie.Value})
			w := httptest.NewRecorder()
			a.handler.ServeHTTP(w, r)
			require.Equal(t, http.StatusForbidden, w.Code)
		}
	}
	require.Zero(t, a.exchanges())
}

func TestConsentsInOneBrowserDoNotCollide(t *testing.T) {
	a := newApp(t, authtest.Config{})
	b := a.newBrowser()
	var callbacks []string
	for range 4 {
		callbacks = append(callbacks, a.allow(b, "connector=oauth2").String(), a.allow(b, "connector=oauth1").String())
	}
	for _, callback := range callbacks {
		require.Equal(t, http.StatusOK, b.get(callback).StatusCode)
	}
	require.Equal(t, 8, a.exchanges())
}

func TestCookiesInOneBrowserAreBounded(t *testing.T) {
	a := newApp(t, authtest.Config{})
	b := a.newBrowser()
	home, err := url.Parse(a.server.URL)
	require.NoError(t, err)
	b.Jar.SetCookies(home, []*http.Cookie{{Name: "session", Value: "kept", Path: "/"}})
	for range 40 {
		a.start(b, "connector=oauth2")
	}
	cookies := b.Jar.Cookies(home)
	require.Len(t, cookies, 9)
	require.Equal(t, "kept", cookies[0].Value)
	last := a.allow(b, "connector=oauth2")
	require.Equal(t, http.StatusOK, b.get(last.String()).StatusCode)
}

func TestKeysRotate(t *testing.T) {
	a := newApp(t, authtest.Config{})
	b := a.newBrowser()
	callback := a.allow(b, "connector=oauth2").String()
	a.config.Keys = []connectorauth.Secret{connectorauth.Secret(bytes.Repeat([]byte{8}, 32)), testKey}
	a.handler = a.newHandler()
	require.Equal(t, http.StatusOK, b.get(callback).StatusCode)

	callback = a.allow(b, "connector=oauth2").String()
	a.config.Keys = a.config.Keys[1:]
	a.handler = a.newHandler()
	require.Equal(t, http.StatusForbidden, b.get(callback).StatusCode)
	a.requireFailed(consent.ReasonUnknown)
}
