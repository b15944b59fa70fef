package consent_test

import (
	"bytes"
	"context"
	"errors"
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/require"
)

func TestConsentConnectsTheAccount(t *testing.T) {
	for _, name := range []string{"oauth2", "oauth1"} {
		t.Run(name, func(t *testing.T) {
			store := new(connectorauth.MemoryStore)
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
	a.config.Keys = [][]byte{bytes.Repeat([]byte{8}, 32), testKey}
	a.handler = a.newHandler()
	require.Equal(t, http.StatusOK, b.get(callback).StatusCode)

	callback = a.allow(b, "connector=oauth2").String()
	a.config.Keys = a.config.Keys[1:]
	a.handler = a.newHandler()
	require.Equal(t, http.StatusForbidden, b.get(callback).StatusCode)
	a.requireFailed(consent.ReasonUnknown)
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

// brokenStore is a store that is down for the first Save and for consents.
type brokenStore struct {
	connectorauth.MemoryStore
	saves atomic.Int32
}

var errDown = errors.New("the store is down")

func (s *brokenStore) Save(ctx context.Context, key string, value []byte) error {
	if s.saves.Add(1) == 1 {
		return errDown
	}
	return s.MemoryStore.Save(ctx, key, value)
}

func (s *brokenStore) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	if !strings.HasPrefix(key, "connectorauth-consent-") {
		return s.MemoryStore.CompareAndSwap(ctx, key, old, new)
	}
	return false, errDown
}

func TestFailuresHaveAPageAndAReason(t *testing.T) {
	unavailable := authtest.Answer(503, nil, "busy")
	refusal := authtest.Answer(400, http.Header{"Content-Type": {"application/json"}}, `{"error":"invalid_client"}`)
	for name, test := range map[string]struct {
		connector string
		prepare   func(a *app)
		deny      bool
		status    int
		reason    consent.Reason
		title     string
	}{
		"denied":                    {deny: true, status: 403, reason: consent.ReasonDenied, title: "Access was not allowed"},
		"denied, OAuth1":            {connector: "oauth1", deny: true, status: 403, reason: consent.ReasonDenied, title: "Access was not allowed"},
		"provider down":             {prepare: func(a *app) { a.provider.Inject(a.provider.TokenURL, 1, unavailable) }, status: 502, reason: consent.ReasonProvider, title: "The service did not answer"},
		"provider down, OAuth1":     {connector: "oauth1", prepare: func(a *app) { a.provider.Inject(a.provider.AccessTokenURL, 1, unavailable) }, status: 502, reason: consent.ReasonProvider, title: "The service did not answer"},
		"provider hangs up":         {prepare: func(a *app) { a.provider.Inject(a.provider.TokenURL, 1, authtest.DropAfter()) }, status: 502, reason: consent.ReasonProvider, title: "The service did not answer"},
		"provider refuses":          {prepare: func(a *app) { a.provider.Inject(a.provider.TokenURL, 1, refusal) }, status: 502, reason: consent.ReasonRefused, title: "The service refused the connection"},
		"store of marks down":       {prepare: func(a *app) { a.config.Store = new(brokenStore) }, status: 503, reason: consent.ReasonStore, title: "The connection could not be saved"},
		"store of the tokens down":  {prepare: func(a *app) { a.store = new(brokenStore) }, status: 503, reason: consent.ReasonStore, title: "The connection could not be saved"},
		"store of the tokens, OA 1": {connector: "oauth1", prepare: func(a *app) { a.store = new(brokenStore) }, status: 503, reason: consent.ReasonStore, title: "The connection could not be saved"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.connector == "" {
				test.connector = "oauth2"
			}
			a := newApp(t, authtest.Config{}, func(a *app) {
				if test.prepare != nil {
					test.prepare(a)
				}
			})
			b := a.newBrowser()
			authURL := a.start(b, "connector="+test.connector+"&return_to=/settings")
			press := a.provider.Authorize
			if test.deny {
				press = a.provider.Deny
			}
			callback, err := press(authURL)
			require.NoError(t, err)
			got := b.get(callback.String())
			require.Equal(t, test.status, got.StatusCode)
			require.Contains(t, got.body, test.title)
			require.Contains(t, got.body, `href="`+a.server.URL+`/settings"`)
			a.requireFailed(test.reason)
			require.Equal(t, test.connector, a.last().Connector)
		})
	}
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

func TestConfigIsChecked(t *testing.T) {
	good := consent.Config{URL: "https://app.example/connect", Keys: [][]byte{testKey},
		Flow: func(*http.Request, string) (consent.Flow, error) { return nil, nil }}
	for name, test := range map[string]struct {
		change func(*consent.Config)
		want   string
	}{
		"no URL":        {func(c *consent.Config) { c.URL = "" }, "Config.URL"},
		"query in URL":  {func(c *consent.Config) { c.URL += "?a=b" }, "query"},
		"no keys":       {func(c *consent.Config) { c.Keys = nil }, "Config.Keys: is empty"},
		"short key":     {func(c *consent.Config) { c.Keys = [][]byte{testKey, testKey[:16]} }, "key 1 has 16 bytes"},
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
	require.Equal(t, "https://app.example/connect/callback", h.CallbackURL())
	require.Equal(t, "https://app.example/connect/start?connector=a+b&return_to=%2Fx%3Fy%3Dz", h.StartURL("a b", "/x?y=z"))
	require.Equal(t, "https://app.example/connect/start", h.StartURL("", ""))
}

func TestImportersPage(t *testing.T) {
	page := template.Must(template.New("").Parse(`<title>{{.Title}}</title>{{.Name}}|{{.Reason}}|{{.Back}}{{.Script}}`))
	a := newApp(t, authtest.Config{}, func(a *app) { a.config.Page, a.config.Name = page, "Tom & Co" })
	b := a.newBrowser()
	got := b.get(a.config.URL + "/callback?state=x")
	require.Contains(t, got.body, "<title>Nothing is waiting for this answer</title>Tom &amp; Co|unknown|"+a.server.URL+"/<script nonce=")

	a.config.Page = template.Must(template.New("").Parse(`{{.NoSuchField}}`))
	a.handler = a.newHandler()
	got = b.get(a.config.URL + "/callback?state=x")
	require.Equal(t, http.StatusInternalServerError, got.StatusCode)
	require.Contains(t, got.Header.Get("Content-Type"), "text/plain")
	require.Contains(t, got.body, "Nothing is waiting for this answer")
}

func TestScriptIsServedForRevalidation(t *testing.T) {
	a := newApp(t, authtest.Config{})
	got := a.newBrowser().get(a.config.URL + "/connect.js")
	require.Equal(t, "text/javascript; charset=utf-8", got.Header.Get("Content-Type"))
	require.Equal(t, "nosniff", got.Header.Get("X-Content-Type-Options"))
	r := httptest.NewRequest("GET", a.config.URL+"/connect.js", nil)
	r.Header.Set("If-None-Match", got.Header.Get("ETag"))
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	require.Equal(t, http.StatusNotModified, w.Code)
}

func TestOnlyGetIsServed(t *testing.T) {
	a := newApp(t, authtest.Config{})
	b := a.newBrowser()
	callback := a.allow(b, "connector=oauth2").String()
	for _, method := range []string{"HEAD", "POST"} { // link checkers send HEAD
		r, err := http.NewRequest(method, callback, nil)
		require.NoError(t, err)
		resp, err := b.Do(r)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode)
	}
	require.Equal(t, http.StatusOK, b.get(callback).StatusCode, "the consent was not used up")
}
