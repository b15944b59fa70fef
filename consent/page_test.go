package consent_test

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/require"
)

// brokenStore is a store with a fault: the first token is not saved, or no claim of a
// consent.
type brokenStore struct {
	tokenstore.Memory
	saves  atomic.Int32
	claims bool // claims fail
}

var errDown = errors.New("the store is down")

func (s *brokenStore) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	claim := strings.HasPrefix(key, "connectorauth-consents-")
	if s.claims && claim || !s.claims && !claim && s.saves.Add(1) == 1 {
		return false, errDown
	}
	return s.Memory.CompareAndSwap(ctx, key, old, new)
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
		"provider down":             {prepare: func(a *app) { a.provider.Inject(a.provider.TokenURL, 1, unavailable) }, status: 502, reason: consent.ReasonProvider, title: "The service is not available"},
		"provider down, OAuth1":     {connector: "oauth1", prepare: func(a *app) { a.provider.Inject(a.provider.AccessTokenURL, 1, unavailable) }, status: 502, reason: consent.ReasonProvider, title: "The service is not available"},
		"provider hangs up":         {prepare: func(a *app) { a.provider.Inject(a.provider.TokenURL, 1, authtest.DropAfter()) }, status: 502, reason: consent.ReasonProvider, title: "The service is not available"},
		"provider refuses":          {prepare: func(a *app) { a.provider.Inject(a.provider.TokenURL, 1, refusal) }, status: 502, reason: consent.ReasonRefused, title: "The service refused the connection"},
		"claims down":               {prepare: func(a *app) { a.store = &brokenStore{claims: true} }, status: 503, reason: consent.ReasonStore, title: "The connection could not be saved"},
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

func TestPagesLeakNothingAndLoadNothing(t *testing.T) {
	a := newApp(t, authtest.Config{})
	b := a.newBrowser()
	callback := a.allow(b, "connector=oauth2")
	pages := []response{
		b.get(callback.String()),
		b.get(a.config.URL + "/callback/oauth2"),
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
		require.Equal(t, fmt.Sprintf("default-src 'none'; img-src data:; style-src 'nonce-%[1]s'; script-src 'nonce-%[1]s'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", nonce), policy)
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

func TestCallbackIsNotEchoed(t *testing.T) {
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
		got := b.get(a.config.URL + "/callback/oauth2?" + query.Encode())
		require.NotContains(t, got.body, "alert(1)")
		require.NotContains(t, got.body, "\u202e")
		require.Empty(t, got.Header.Get("X-Canary"))
		require.NotContains(t, a.last().Err.Error(), "\n")
		require.NotContains(t, a.last().Err.Error(), "\x00")
	}
}

func TestRedirectsHaveStatus303(t *testing.T) {
	a := newApp(t, authtest.Config{})
	b := a.newBrowser()
	callback := a.allow(b, "connector=oauth2&return_to=/done") // allow checks the status of the start
	require.Equal(t, http.StatusSeeOther, b.get(callback.String()).StatusCode)
}

func TestPageTemplateOfTheApplication(t *testing.T) {
	page := template.Must(template.New("").Parse(`<title>{{.Title}}</title>{{.Name}}|{{.Reason}}|{{.Back}}|{{.BackText}}|{{.Language}} {{.Direction}}|{{.Accent}} {{.OnAccent}}|{{.Service}}{{.Script}}`))
	a := newApp(t, authtest.Config{}, func(a *app) { a.config.Pages = consent.Pages{Template: page, Name: "Tom & Co"} })
	b := a.newBrowser()
	got := b.get(a.config.URL + "/callback/oauth2?state=x")
	require.Contains(t, got.body, "<title>There is no connection to complete</title>Tom &amp; Co|unknown|"+a.server.URL+"/|Back to Tom &amp; Co|en ltr|#2b59c3 #ffffff|<script nonce=")

	var failing atomic.Bool
	a.config.Pages.Template = template.Must(template.New("").Funcs(template.FuncMap{"name": func() (string, error) {
		if failing.Load() {
			return "", errDown
		}
		return "Tom", nil
	}}).Parse(`{{name}}{{.Script}}`))
	a.handler = a.newHandler()
	failing.Store(true)
	got = b.get(a.config.URL + "/callback/oauth2?state=x")
	require.Equal(t, http.StatusInternalServerError, got.StatusCode)
	require.Contains(t, got.Header.Get("Content-Type"), "text/plain")
	require.Contains(t, got.body, "There is no connection to complete")
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
