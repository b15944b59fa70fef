package consent_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/require"
)

const formType = "application/x-www-form-urlencoded"

// post sends a form as another site does: without cookies.
func (a *app) post(address, contentType, body string) response {
	a.t.Helper()
	stranger := a.newBrowser()
	resp, err := stranger.Post(address, contentType, strings.NewReader(body))
	require.NoError(a.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(a.t, err)
	return response{resp, string(text)}
}

// postCallback sends a callback as a form, and returns where the browser goes next.
func (a *app) postCallback(callback *url.URL) (location string) {
	a.t.Helper()
	form := *callback
	form.RawQuery = ""
	got := a.post(form.String(), formType+"; charset=UTF-8", callback.RawQuery)
	require.Equal(a.t, http.StatusSeeOther, got.StatusCode, got.body)
	require.Equal(a.t, "no-store", got.Header.Get("Cache-Control"))
	require.Equal(a.t, "no-referrer", got.Header.Get("Referrer-Policy"))
	require.Empty(a.t, got.Cookies())
	return got.Header.Get("Location")
}

func TestFormPostFinishesTheConsent(t *testing.T) {
	both(t, func(t *testing.T, connector string) {
		a := newApp(t, authtest.Config{TLS: true})
		b := a.newBrowser()
		callback := a.allow(b, "connector="+connector+"&return_to=/settings")
		location := a.postCallback(callback)
		require.True(t, strings.HasPrefix(location, a.config.URL+"/callback/"+connector+"?"), location)
		for name, values := range callback.Query() {
			require.NotContains(t, location, values[0], "%s is in the URL", name)
		}
		require.Zero(t, a.exchanges(), "nothing is finished without the cookie")
		got := b.get(location)
		require.Equal(t, http.StatusSeeOther, got.StatusCode, got.body)
		require.Equal(t, a.server.URL+"/settings", got.Header.Get("Location"))
		require.Equal(t, consent.Result{Connector: connector}, a.last())
		require.Equal(t, 1, a.exchanges())

		require.Equal(t, http.StatusForbidden, b.get(location).StatusCode)
		a.requireFailed(consent.ReasonUnknown)
		require.Equal(t, 1, a.exchanges())
	})
}

func TestFormPostOfARefusal(t *testing.T) {
	both(t, func(t *testing.T, connector string) {
		a := newApp(t, authtest.Config{})
		b := a.newBrowser()
		denied, err := a.provider.Deny(a.start(b, "connector="+connector))
		require.NoError(t, err)
		got := b.get(a.postCallback(denied))
		require.Equal(t, http.StatusForbidden, got.StatusCode)
		a.requireFailed(consent.ReasonDenied)
		require.Equal(t, connector, a.last().Connector)
	})
}

// The form protects nothing less than the query does.
func TestFormPostOfAnotherBrowserIsRefused(t *testing.T) {
	a := newApp(t, authtest.Config{})
	attacker, victim := a.newBrowser(), a.newBrowser()
	a.start(victim, "connector=oauth2")
	location := a.postCallback(a.allow(attacker, "connector=oauth2"))
	require.Equal(t, http.StatusForbidden, victim.get(location).StatusCode)
	a.requireFailed(consent.ReasonUnknown)
	require.Zero(t, a.exchanges())
	require.Equal(t, http.StatusOK, attacker.get(location).StatusCode)
}

func TestFormPostBelongsToItsCallbackURL(t *testing.T) {
	a := newApp(t, authtest.Config{})
	b := a.newBrowser()
	callback := a.allow(b, "connector=oauth2")
	wrong := *callback
	wrong.Path = "/connect/callback/other"
	require.Equal(t, http.StatusBadRequest, b.get(a.postCallback(&wrong)).StatusCode)
	a.requireFailed(consent.ReasonMixUp)

	location := a.postCallback(&wrong)
	for _, moved := range []string{strings.Replace(location, "/callback/other", "/callback/oauth2", 1), location + "A", location[:len(location)-1], a.config.URL + "/callback/oauth2?connectorauth_form="} {
		require.Equal(t, http.StatusBadRequest, b.get(moved).StatusCode)
		a.requireFailed(consent.ReasonInvalid)
	}
	require.Zero(t, a.exchanges())
	require.Equal(t, http.StatusOK, b.get(a.postCallback(callback)).StatusCode)
}

func TestFormsAreBoundedAndAreForms(t *testing.T) {
	a := newApp(t, authtest.Config{})
	callback := a.config.URL + "/callback/oauth2"
	for name, test := range map[string]struct {
		address, contentType, body string
		status                     int
	}{
		"JSON":       {callback, "application/json", `{"code":"c","state":"s"}`, http.StatusUnsupportedMediaType},
		"plain":      {callback, "text/plain", "code=c&state=s", http.StatusUnsupportedMediaType},
		"no type":    {callback, "", "code=c&state=s", http.StatusUnsupportedMediaType},
		"multipart":  {callback, "multipart/form-data; boundary=x", "--x--", http.StatusUnsupportedMediaType},
		"too long":   {callback, formType, "code=" + strings.Repeat("c", 16<<10), http.StatusRequestEntityTooLarge},
		"bad name":   {a.config.URL + "/callback/%0D%0Aa", formType, "code=c&state=s", http.StatusBadRequest},
		"other name": {a.config.URL + "/callback/a%3Fb", formType, "code=c&state=s", http.StatusBadRequest},
		"largest":    {callback, formType, "code=" + strings.Repeat("c", 16<<10-5), http.StatusSeeOther},
		"capitals":   {callback, "Application/X-WWW-Form-Urlencoded", "code=c&state=s", http.StatusSeeOther},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.status, a.post(test.address, test.contentType, test.body).StatusCode)
		})
	}
	// What is in the URL of a form is not part of the callback.
	b := a.newBrowser()
	got := a.post(a.allow(b, "connector=oauth2").String(), formType, "")
	require.Equal(t, http.StatusBadRequest, b.get(got.Header.Get("Location")).StatusCode)
	a.requireFailed(consent.ReasonInvalid)
	require.Zero(t, a.exchanges())
}
