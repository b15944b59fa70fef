package pages_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/accounts/pages"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A request names an account, by {id}.
type request struct{ path, media, body string }

// requests has a request for each route: what a person does with an account.
var requests = map[string]request{
	"GET /{$}":                          {path: ""},
	"GET /connect":                      {path: "connect?service=acme"},
	"POST /connect":                     {path: "connect", media: form, body: "key={key}&service=acme&v.apiKey=CANARY-key&duplicate=yes"},
	"GET /account":                      {path: "account?id={id}"},
	"POST /test":                        {path: "test", media: form, body: "id={id}"},
	"GET /reconnect":                    {path: "reconnect?id={id}"},
	"POST /reconnect":                   {path: "reconnect", media: form, body: "id={id}&v.apiKey=CANARY-key"},
	"GET /disconnect":                   {path: "disconnect?id={id}"},
	"POST /disconnect":                  {path: "disconnect", media: form, body: "id={id}"},
	"GET /api/services":                 {path: "api/services"},
	"GET /api/services/{service}":       {path: "api/services/acme"},
	"GET /api/accounts":                 {path: "api/accounts"},
	"POST /api/accounts":                {path: "api/accounts", media: "application/json", body: `{"key": "{key}", "service": "acme", "values": {"apiKey": "CANARY-key"}, "duplicate": true}`},
	"GET /api/accounts/{id}":            {path: "api/accounts/{id}"},
	"DELETE /api/accounts/{id}":         {path: "api/accounts/{id}"},
	"GET /api/accounts/{id}/form":       {path: "api/accounts/{id}/form"},
	"POST /api/accounts/{id}/reconnect": {path: "api/accounts/{id}/reconnect", media: "application/json", body: `{"values": {"apiKey": "CANARY-key"}}`},
	"POST /api/accounts/{id}/test":      {path: "api/accounts/{id}/test", media: "application/json", body: "{}"},
}

const form = "application/x-www-form-urlencoded"

// ofNobody are the routes that name no account.
var ofNobody = map[string]bool{
	"GET /{$}": true, "GET /connect": true, "POST /connect": true, "GET /api/services": true, "GET /api/services/{service}": true,
	"GET /api/accounts": true, "POST /api/accounts": true,
}

// send makes the request of a route.
func (b *browser) send(pattern, id string, header ...string) response {
	b.Helper()
	r, known := requests[pattern]
	require.True(b, known, "%s has no request in the table", pattern)
	fill := strings.NewReplacer("{id}", id, "{key}", accounts.NewID()).Replace
	method, _, _ := strings.Cut(pattern, " ")
	return b.do(method, b.url+"/"+fill(r.path), r.media, fill(r.body), header...)
}

// No route shows or changes anything of an account of somebody else, and no route tells
// such an account from one that is not there.
func TestNoRouteReachesAccountsOfOthers(t *testing.T) {
	for _, pattern := range pages.Patterns() {
		t.Run(strings.ReplaceAll(pattern, "/", "_"), func(t *testing.T) {
			a := newApp(t)
			owner := a.browser("o1")
			require.Less(t, owner.send(pattern, owner.withKey().ID).StatusCode, 400, "the request is one that the owner can make")
			a = newApp(t)
			account, other := a.browser("o1").withKey(), a.browser("o2")
			tests := len(a.provider.Requests(a.provider.KeyHeaderURL))

			got := other.send(pattern, account.ID)
			missing := other.send(pattern, "0190a0a0-0000-8000-8000-000000000000")
			if !ofNobody[pattern] {
				assert.Equal(t, http.StatusNotFound, got.StatusCode)
				assert.Len(t, a.provider.Requests(a.provider.KeyHeaderURL), tests, "the service was asked")
				nonce := regexp.MustCompile(`nonce="[A-Z0-9]+"`)
				assert.Equal(t, nonce.ReplaceAllString(missing.body, ""), nonce.ReplaceAllString(got.body, ""))
			}
			assert.NotContains(t, got.body, account.ID)
			now, err := a.registry.Get(t.Context(), account.ID)
			require.NoError(t, err)
			assert.Equal(t, account, now)
		})
	}
}

// A consent is that of the account's owner alone, at the start and at the callback.
func TestConsentIsOfTheOwner(t *testing.T) {
	a := newApp(t)
	owner, other := a.browser("o1"), a.browser("o2")
	require.Equal(t, http.StatusSeeOther, owner.post("connect", fields(t, owner.get("connect?service=acme&method=oauth").body)).StatusCode)
	account := a.one("o1")
	start := "start?connector=" + account.ID
	refused := other.get(start)
	assert.Equal(t, http.StatusForbidden, refused.StatusCode)
	assert.NotContains(t, refused.body, "Acme", "not even the service is told")
	assert.Equal(t, http.StatusForbidden, other.get("start?connector=nobody").StatusCode)

	callback, err := a.provider.Authorize(owner.get(start).Header.Get("Location"))
	require.NoError(t, err)
	u, err := url.Parse(a.server.URL)
	require.NoError(t, err)
	owner.client.Jar.SetCookies(u, []*http.Cookie{{Name: "user", Value: "o2", Path: "/"}})
	assert.Equal(t, http.StatusForbidden, owner.get(callback.String()).StatusCode, "somebody else has signed in")
	assert.Zero(t, a.provider.Stats().TokenRequests)
	assert.Empty(t, a.all("o2"))
}

func TestNobodyIsSignedIn(t *testing.T) {
	anybody := func(a *app) {
		a.config.Owner = func(*http.Request) (string, error) { return "", nil } // a mistake of the program
	}
	for name, change := range map[string][]func(*app){"refused": nil, "an empty owner": {anybody}} {
		a := newApp(t, change...)
		b := a.browser("")
		_, err := a.registry.Connect(t.Context(), accounts.Request{ID: "mine", Owner: "o1", Definition: "acme", Values: values{"apiKey": "CANARY-key"}})
		require.NoError(t, err)
		for _, pattern := range pages.Patterns() {
			r := b.send(pattern, "mine")
			assert.Equal(t, http.StatusForbidden, r.StatusCode, "%s, %s", name, pattern)
			assert.Contains(t, r.body, "Sign in first")
			assert.NotContains(t, r.body, "mine")
		}
		assert.Equal(t, http.StatusForbidden, b.get("start?connector=mine").StatusCode)
		assert.Len(t, a.all("o1"), 1)
		assert.Empty(t, a.failed)
	}
}

// A page of another site changes nothing: what browsers send along with such a request is
// enough to refuse it.
func TestRequestsOfOtherSites(t *testing.T) {
	for _, pattern := range pages.Patterns() {
		method, _, _ := strings.Cut(pattern, " ")
		if method == "GET" {
			continue // which changes nothing
		}
		a := newApp(t)
		b := a.browser("o1")
		account := b.withKey()
		for name, header := range map[string][]string{
			"cross-site":               {"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"},
			"same-site":                {"Sec-Fetch-Site", "same-site", "Origin", "https://other.app.example"},
			"a browser of before":      {"Sec-Fetch-Site", "", "Origin", "https://evil.example"},
			"an origin that is hidden": {"Sec-Fetch-Site", "", "Origin", "null"},
		} {
			r := b.send(pattern, account.ID, header...)
			assert.Equal(t, http.StatusForbidden, r.StatusCode, "%s, %s", pattern, name)
			assert.Contains(t, r.body, "another website")
		}
		if requests[pattern].media != "" {
			for _, media := range []string{"text/plain", "multipart/form-data; boundary=x", "", form + "x"} {
				r := b.send(pattern, account.ID, "Content-Type", media)
				assert.Equal(t, http.StatusUnsupportedMediaType, r.StatusCode, "%s, %s", pattern, media)
			}
		}
		assert.Equal(t, account, a.one("o1"))
		assert.Less(t, b.send(pattern, account.ID, "Sec-Fetch-Site", "").StatusCode, 400, "an old browser on this site")
	}
}

// A proxy may give the program another Host than browsers know: the origin of Config.URL counts.
func TestHandlerBehindAProxy(t *testing.T) {
	a := newApp(t)
	h, err := pages.New(a.config)
	require.NoError(t, err)
	for origin, status := range map[string]int{a.server.URL: http.StatusNotFound, "http://internal.example": http.StatusForbidden} {
		r := httptest.NewRequest("POST", "http://internal.example:8080/my/accounts/test", strings.NewReader("id=nobody"))
		r.Header.Set("Content-Type", form)
		r.Header.Set("Origin", origin)
		r.AddCookie(&http.Cookie{Name: "user", Value: "o1"})
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		assert.Equal(t, status, w.Code, origin)
	}
}
