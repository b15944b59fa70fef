package pages_test

import (
	"bytes"
	"context"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/accounts/pages"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/connectorauth/connectorauth/mcp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// documents are the definitions of the services, in which NAMEs stand for URLs of the
// authtest.Provider.
var documents = []string{
	`{"connectorauth": 1, "name": "acme", "title": "Acme <Tools>", "was": ["acme-old"],
	"links": [{"title": "Where is my key?", "url": "https://acme.example/help"}],
	"inputs": [{"name": "team", "title": "Team", "optional": true, "pattern": "[a-z-]+", "example": "sales"},
		{"name": "plan", "hidden": true, "default": "free"}],
	"headers": {"X-Plan": "{plan}"},
	"methods": [
		{"name": "key", "title": "API key", "default": true, "type": "ApiKey", "baseUrl": "KEYURL", "key": "{apiKey}", "placement": {"name": "X-Api-Key"},
			"inputs": [{"name": "apiKey", "title": "API key", "help": "Under Settings, API.", "secret": true}]},
		{"name": "oauth", "title": "Sign in at Acme", "type": "OAuth2", "baseUrl": "BEARERURL", "tokenUrl": "TOKENURL", "revokeUrl": "REVOKEURL",
			"scopes": [{"name": "read", "title": "Read your data", "help": "Needed.", "default": true}, {"name": "write", "title": "Change your data"}],
			"grant": {"authorizationCode": {"authUrl": "AUTHURL"}}}
	],
	"test": {"request": "GET /me", "id": "/user", "label": "{/user} by {/auth_type}"}}`,
	`{"connectorauth": 1, "name": "basic", "title": "Basically", "baseUrl": "BASICURL",
	"inputs": [{"name": "region", "title": "Region", "default": "eu", "enum": [{"value": "eu", "title": "Europe"}, "us"]}],
	"methods": [{"name": "password", "default": true, "type": "Basic", "username": "{user}", "password": "{password}",
		"inputs": [{"name": "user", "title": "User"}, {"name": "password", "title": "Password", "secret": true}]},
		{"name": "mail", "type": "Basic", "username": "{user}", "password": "{number}",
		"inputs": [{"name": "user", "title": "Mail", "format": "email"}, {"name": "number", "title": "Number", "format": "integer"}]}]}`,
}

// An app is a program with accounts, and a provider.
type app struct {
	*testing.T
	provider *authtest.Provider
	server   *httptest.Server
	registry *accounts.Registry
	store    *tokenstore.Memory
	index    *failingIndex
	config   pages.Config
	url      string // of the handler
	// connection replaces what the program adds to accounts. Nil means a client of the provider.
	connection func(context.Context, accounts.Account) (definition.Connection, error)

	mu     sync.Mutex
	user   string // whose account each credential of the provider opens
	done   []accounts.Account
	failed []error
	audit  []accounts.Entry
}

// newApp starts a program. Its users are signed in by a cookie with their name.
func newApp(t *testing.T, change ...func(*app)) *app {
	t.Helper()
	return newAppOf(t, documents, change...)
}

// newAppOf starts a program with other definitions.
func newAppOf(t *testing.T, documents []string, change ...func(*app)) *app {
	t.Helper()
	a := &app{T: t, store: new(tokenstore.Memory), index: &failingIndex{Index: new(accounts.Memory)}, user: "ada"}
	var handler http.Handler
	a.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(a.server.Close)
	a.url = a.server.URL + "/my/accounts"
	a.provider = authtest.New(authtest.Config{
		APIKey: "CANARY-key", RedirectURLs: []string{a.url + "/callback/acme"},
	})
	t.Cleanup(a.provider.Close)
	p := a.provider
	identify := authtest.EditAnswer(func(response map[string]any) {
		a.mu.Lock()
		defer a.mu.Unlock()
		response["user"] = a.user
	})
	p.Inject(p.KeyHeaderURL, authtest.Always, identify)
	p.Inject(p.BearerURL, authtest.Always, identify)
	finder, err := discovery.New(discovery.Config{HTTPClient: p.Client()})
	require.NoError(t, err)
	registrar, err := discovery.NewRegistrar(discovery.RegistrarConfig{
		Finder: finder, Store: new(tokenstore.Memory), Keys: []tokenstore.Key{{ID: "k", Secret: []byte(strings.Repeat("s", 32))}},
	})
	require.NoError(t, err)
	options := definition.Options{Kinds: []definition.Kind{mcp.Kind(mcp.KindConfig{Finder: finder, Registrar: registrar})}}
	var list []*definition.Definition
	for _, document := range documents {
		d, err := definition.Parse("acme.json", []byte(strings.NewReplacer(
			"KEYURL", p.KeyHeaderURL, "BEARERURL", p.BearerURL, "TOKENURL", p.TokenURL, "REVOKEURL", p.RevokeURL, "DEVICEURL", p.DeviceURL, "AUTHURL", p.AuthURL, "BASICURL", p.BasicURL,
		).Replace(document)), options)
		require.NoError(t, err)
		list = append(list, d)
	}
	set, err := definition.NewSet(list...)
	require.NoError(t, err)
	a.registry, err = accounts.New(accounts.Config{
		Definitions: func() *definition.Set { return set }, Index: a.index, Store: a.store,
		Keys: []tokenstore.Key{{ID: "k", Secret: []byte(strings.Repeat("s", 32))}}, Shared: new(connectorauth.Shared),
		Audit: func(e accounts.Entry) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.audit = append(a.audit, e)
		},
		Connection: func(ctx context.Context, account accounts.Account) (definition.Connection, error) {
			if a.connection != nil {
				return a.connection(ctx, account)
			}
			return definition.Connection{Client: definition.Client{ID: p.ClientID, Secret: connectorauth.Secret(p.ClientSecret)}, HTTPClient: p.Client()}, nil
		},
	})
	require.NoError(t, err)
	a.config = pages.Config{
		URL: a.url, Keys: []connectorauth.Secret{connectorauth.Secret(strings.Repeat("k", 32))}, Registry: a.registry,
		Owner: func(r *http.Request) (string, error) {
			cookie, err := r.Cookie("user")
			if err != nil {
				return "", consent.ErrNotAllowed
			}
			return cookie.Value, nil
		},
		Done: func(_ *http.Request, account accounts.Account) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.done = append(a.done, account)
		},
		Failed: func(_ *http.Request, err error) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.failed = append(a.failed, err)
		},
	}
	for _, f := range change {
		f(a)
	}
	handler, err = pages.New(a.config)
	require.NoError(t, err)
	return a
}

// A browser is that of a person. Redirects are not followed.
type browser struct {
	*app
	client *http.Client
}

// browser returns the browser of somebody who is signed in. An empty user is not.
func (a *app) browser(user string) *browser {
	a.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(a, err)
	u, err := url.Parse(a.server.URL)
	require.NoError(a, err)
	if user != "" {
		jar.SetCookies(u, []*http.Cookie{{Name: "user", Value: user, Path: "/"}})
	}
	return &browser{a, &http.Client{Jar: jar, Transport: a.server.Client().Transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}}
}

// A response is a response with its whole body.
type response struct {
	*http.Response
	body string
}

// do sends a request as the pages of the handler do.
func (b *browser) do(method, address, media, body string, header ...string) response {
	b.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.server.URL + address
	}
	r, err := http.NewRequestWithContext(b.Context(), method, address, strings.NewReader(body))
	require.NoError(b, err)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Accept-Language", "en")
	if method != "GET" {
		r.Header.Set("Origin", b.server.URL)
	}
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i+1] == "" {
			r.Header.Del(header[i])
		}
	}
	resp, err := b.client.Do(r)
	require.NoError(b, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(b, err)
	return response{resp, string(text)}
}

// get loads a page of the handler, by its path below the handler's or as a link has it.
func (b *browser) get(path string, header ...string) response {
	b.Helper()
	if !strings.HasPrefix(path, "/my/") && !strings.Contains(path, "://") {
		path = b.url + "/" + path
	}
	return b.do("GET", path, "", "", header...)
}

// post sends a form.
func (b *browser) post(path string, form url.Values, header ...string) response {
	b.Helper()
	return b.do("POST", b.url+"/"+path, "application/x-www-form-urlencoded", form.Encode(), header...)
}

// follow loads the page to which a response leads.
func (b *browser) follow(r response) response {
	b.Helper()
	require.Equal(b, http.StatusSeeOther, r.StatusCode, r.body)
	return b.get(r.Header.Get("Location"))
}

// json sends a request to the JSON API and reads the response.
func (b *browser) json(method, path string, body any, header ...string) (status int, object map[string]any) {
	b.Helper()
	text, media := "", ""
	if body != nil {
		encoded, err := json.Marshal(body)
		require.NoError(b, err)
		text, media = string(encoded), "application/json"
	}
	r := b.do(method, b.url+"/api/"+path, media, text, header...)
	require.Equal(b, "application/json", r.Header.Get("Content-Type"), r.body)
	decoder := json.NewDecoder(bytes.NewReader([]byte(r.body)))
	require.NoError(b, decoder.Decode(&object), r.body)
	return r.StatusCode, object
}

// fields are the fields of the form of a page that is sent by POST, as the browser has them.
func fields(t *testing.T, page string) url.Values {
	t.Helper()
	values := url.Values{}
	for _, tag := range regexp.MustCompile(`<input[^>]*>`).FindAllString(page, -1) {
		name, value := attribute(tag, "name"), attribute(tag, "value")
		if strings.Contains(tag, `type="checkbox"`) && !strings.Contains(tag, " checked") {
			continue
		}
		values.Add(name, value)
	}
	return values
}

// attribute returns an attribute of a tag.
func attribute(tag, name string) string {
	match := regexp.MustCompile(` ` + name + `="([^"]*)"`).FindStringSubmatch(tag)
	if match == nil {
		return ""
	}
	return strings.NewReplacer("&amp;", "&", "&#43;", "+", "&lt;", "<", "&gt;", ">", "&#34;", `"`).Replace(match[1])
}

// with returns form with other values.
func with(form url.Values, pairs ...string) url.Values {
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// all returns the accounts of an owner.
func (a *app) all(owner string) []accounts.Account {
	a.Helper()
	list, err := a.registry.List(a.Context(), accounts.Filter{Owner: owner}, "", 100)
	require.NoError(a, err)
	return list
}

// one returns the only account of an owner.
func (a *app) one(owner string) accounts.Account {
	a.Helper()
	list := a.all(owner)
	require.Len(a, list, 1)
	return list[0]
}

// withKey connects an account of the person by the pages.
func (b *browser) withKey() accounts.Account {
	b.Helper()
	form := fields(b.T, b.get("connect?service=acme").body)
	r := b.post("connect", with(form, "v.apiKey", "CANARY-key"))
	require.Equal(b, http.StatusSeeOther, r.StatusCode, r.body)
	u, err := url.Parse(r.Header.Get("Location"))
	require.NoError(b, err)
	a, err := b.registry.Get(b.Context(), u.Query().Get("id"))
	require.NoError(b, err)
	return a
}

// withConsent connects an account of the person by a consent.
func (b *browser) withConsent() accounts.Account {
	b.Helper()
	waiting := b.follow(b.post("connect", fields(b.T, b.get("connect?service=acme&method=oauth").body)))
	callback, err := b.provider.Authorize(b.get(html.UnescapeString(attribute(waiting.body, "data-go"))).Header.Get("Location"))
	require.NoError(b, err)
	u, err := url.Parse(b.get(callback.String()).Header.Get("Location"))
	require.NoError(b, err)
	a, err := b.registry.Get(b.Context(), u.Query().Get("id"))
	require.NoError(b, err)
	return a
}
