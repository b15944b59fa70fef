package consent_test

import (
	"html/template"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/require"
)

func TestConsentConnectsTheAccount(t *testing.T) {
	for _, name := range []string{"oauth2", "oauth1"} {
		t.Run(name, func(t *testing.T) {
			store := new(tokenstore.Memory)
			a := newApp(t, authtest.Config{TLS: true}, func(a *app) { a.store = store })
			b := a.newBrowser()
			got := b.get(a.allow(b, "connector="+name).String())
			require.Equal(t, http.StatusOK, got.StatusCode, got.body)
			require.Contains(t, got.body, "Your account is connected")
			require.Equal(t, consent.Result{Connector: name}, a.last())
			_, saved, err := store.Load(t.Context(), "alice/"+name)
			require.NoError(t, err)
			require.True(t, saved)
		})
	}
}

func TestHandlerServesUnderAnyMount(t *testing.T) {
	a := newApp(t, authtest.Config{})
	inner := a.handler
	for name, mounted := range map[string]http.Handler{"prefix kept": inner, "prefix stripped": http.StripPrefix("/connect", inner)} {
		t.Run(name, func(t *testing.T) {
			a.handler = mounted
			b := a.newBrowser()
			require.Equal(t, http.StatusOK, b.get(a.allow(b, "connector=oauth2").String()).StatusCode)
			require.Equal(t, http.StatusOK, b.get(a.config.URL+"/connect.js").StatusCode)
			require.Equal(t, http.StatusNotFound, b.get(a.config.URL+"/other").StatusCode)
		})
	}
}

func TestConfigIsChecked(t *testing.T) {
	good := consent.Config{URL: "https://app.example/connect", Keys: []connectorauth.Secret{testKey},
		Flow: func(*http.Request, string) (consent.Flow, error) { return nil, nil }}
	for name, test := range map[string]struct {
		change func(*consent.Config)
		want   string
	}{
		"no URL":       {func(c *consent.Config) { c.URL = "" }, "Config.URL"},
		"query in URL": {func(c *consent.Config) { c.URL += "?a=b" }, "query"},
		"callback":     {func(c *consent.Config) { c.URL = "https://app.example/oauth/callback/" }, `must not end in "callback"`},
		"no keys":      {func(c *consent.Config) { c.Keys = nil }, "Config.Keys: is empty"},
		"short key":    {func(c *consent.Config) { c.Keys = []connectorauth.Secret{testKey, testKey[:16]} }, "key 1 has 16 bytes"},
		"encoded key": {func(c *consent.Config) {
			c.Keys = []connectorauth.Secret{connectorauth.Secret(strings.Repeat("QUFB", 11))}
		}, "key 0 has 44 bytes; want 32 random bytes, without an encoding such as base64"},
		"no flow":       {func(c *consent.Config) { c.Flow = nil }, "Config.Flow"},
		"origin's path": {func(c *consent.Config) { c.Origin = "https://app.example/x" }, "Config.Origin"},
		"any origin":    {func(c *consent.Config) { c.Origin = "*" }, "Config.Origin"},
	} {
		t.Run(name, func(t *testing.T) {
			config := good
			test.change(&config)
			_, err := consent.New(config)
			require.ErrorContains(t, err, test.want)
			require.True(t, strings.HasPrefix(err.Error(), "consent: "))
		})
	}
	good.URL = "https://APP.example:443/connect/"
	h, err := consent.New(good)
	require.NoError(t, err)
	callbackURL, err := h.CallbackURL("google")
	require.NoError(t, err)
	require.Equal(t, "https://app.example/connect/callback/google", callbackURL)
	require.Equal(t, "https://app.example/connect/start?connector=a+b&return_to=%2Fx%3Fy%3Dz", h.StartURL("a b", "/x?y=z"))
	require.Equal(t, "https://app.example/connect/start", h.StartURL("", ""))
}

// Browsers name an origin by the ASCII form of its host, and the script of the page
// compares origins.
func TestInternationalHostHasItsASCIIForm(t *testing.T) {
	for _, raw := range []string{"https://b\u00fccher.example/connect", "https://B\u00dcCHER.example:443/connect", "https://xn--bcher-kva.example/connect"} {
		h, err := consent.New(consent.Config{URL: raw, Origin: "https://L\u00c4DEN.example:443", Keys: []connectorauth.Secret{testKey},
			Flow: func(*http.Request, string) (consent.Flow, error) { return nil, consent.ErrNotAllowed }})
		require.NoError(t, err)
		callbackURL, err := h.CallbackURL("google")
		require.NoError(t, err)
		require.Equal(t, "https://xn--bcher-kva.example/connect/callback/google", callbackURL)
		require.Equal(t, "https://xn--bcher-kva.example/connect/start?connector=google", h.StartURL("google", ""))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, h.StartURL("google", ""), nil))
		require.Contains(t, w.Body.String(), `data-origin="https://xn--lden-loa.example"`)
	}
}

func TestAllMistakesOfAConfigAreReportedAtOnce(t *testing.T) {
	_, err := consent.New(consent.Config{URL: "http://app.example?x", Keys: []connectorauth.Secret{"short", testKey, ""}, Origin: "*",
		Pages: consent.Pages{Template: template.New("empty")}})
	for _, want := range []string{"Config.URL: ", "Config.Origin: ", "Config.Flow: ", "Config.Pages: Template: ", "Config.Keys: key 0 ", "Config.Keys: key 2 "} {
		require.ErrorContains(t, err, want)
	}
	require.NotContains(t, err.Error(), "key 1")
	require.Equal(t, 1, strings.Count(err.Error(), "consent: "))
}

func TestOnlyGetAndFormsAreServed(t *testing.T) {
	a := newApp(t, authtest.Config{})
	b := a.newBrowser()
	callback := a.allow(b, "connector=oauth2").String()
	for _, test := range []struct {
		method, address string
		status          int
		allow           string
	}{
		{"HEAD", callback, http.StatusMethodNotAllowed, "GET, POST"}, // programs that check links send HEAD
		{"PUT", callback, http.StatusMethodNotAllowed, "GET, POST"},
		{"POST", callback, http.StatusUnsupportedMediaType, ""}, // no form
		{"HEAD", a.config.URL + "/start?connector=oauth2", http.StatusMethodNotAllowed, "GET"},
		{"POST", a.config.URL + "/start?connector=oauth2", http.StatusMethodNotAllowed, "GET"},
	} {
		r, err := http.NewRequest(test.method, test.address, nil)
		require.NoError(t, err)
		resp, err := b.Do(r)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, test.status, resp.StatusCode)
		require.Equal(t, test.allow, resp.Header.Get("Allow"))
	}
	require.Equal(t, http.StatusOK, b.get(callback).StatusCode, "the consent was not used up")
}
