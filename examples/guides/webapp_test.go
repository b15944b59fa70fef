package guides

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/accounts/pages"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/catalog"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// services returns what the dialog offers.
func services(folder fs.FS) (*definition.Set, error) {
	own, err := definition.Load(folder, definition.Options{}, "*.json")
	if err != nil {
		return nil, err // every mistake, with file, line and column
	}
	stripe, err := catalog.Find("stripe", catalog.Options{})
	if err != nil {
		return nil, err
	}
	return definition.NewSet(append(own.Definitions(), stripe)...)
}

// secret reads 32 bytes from the environment, in base64: openssl rand -base64 32
func secret(name string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(os.Getenv(name))
}

// webApp is the handler of a program at origin, such as https://app.example. clients are the
// registrations of the program, by the names of definitions.
func webApp(origin string, services *definition.Set, store connectorauth.SharedTokenStore, index accounts.Index, clients map[string]definition.Client, httpClient *http.Client) (http.Handler, error) {
	storeKey, err := secret("STORE_KEY")
	if err != nil {
		return nil, err
	}
	cookieKey, err := secret("COOKIE_KEY")
	if err != nil {
		return nil, err
	}
	registry, err := accounts.New(accounts.Config{
		Definitions: func() *definition.Set { return services },
		Index:       index,
		Store:       store,
		Keys:        []tokenstore.Key{{ID: "2026", Secret: storeKey}},
		Connection: func(_ context.Context, a accounts.Account) (definition.Connection, error) {
			return definition.Connection{Client: clients[a.Definition], HTTPClient: httpClient}, nil
		},
	})
	if err != nil {
		return nil, err // names each field that is missing or wrong
	}
	handler, err := pages.New(pages.Config{
		URL:      origin + "/accounts",
		Keys:     []connectorauth.Secret{connectorauth.Secret(cookieKey)},
		Registry: registry,
		Owner: func(r *http.Request) (string, error) {
			if user := signedIn(r); user != "" {
				return user, nil
			}
			return "", consent.ErrNotAllowed
		},
		Failed: func(r *http.Request, err error) { slog.ErrorContext(r.Context(), "accounts", "error", err) },
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/accounts/", handler) // the path of URL, without http.StripPrefix
	mux.HandleFunc("GET /orders/{account}", func(w http.ResponseWriter, r *http.Request) {
		account, err := registry.Get(r.Context(), r.PathValue("account"))
		if err != nil || account.Owner != signedIn(r) {
			http.NotFound(w, r)
			return
		}
		resp, err := ordersOf(r.Context(), registry, account.ID)
		if err != nil {
			http.Error(w, "The service does not respond.", http.StatusBadGateway) // status.md says what to show to whom
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
		io.Copy(w, resp.Body)
	})
	return mux, nil
}

// ordersOf asks the service of an account for its orders.
func ordersOf(ctx context.Context, registry *accounts.Registry, id string) (*http.Response, error) {
	connected, err := registry.Connected(ctx, id)
	if err != nil {
		return nil, err
	}
	baseURL, err := connected.BaseURL(ctx, "")
	if err != nil {
		return nil, err
	}
	client, err := registry.Client(ctx, id)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, baseURL+"/orders", nil)
	if err != nil {
		return nil, err
	}
	return client.Do(req)
}

// signedIn returns who is signed in. Here the cookie has the name in plain text.
func signedIn(r *http.Request) string {
	cookie, err := r.Cookie("user")
	if err != nil {
		return ""
	}
	return cookie.Value
}

// standIn leads the requests to a host to an endpoint of a provider.
type standIn map[string]string // by host

func (s standIn) RoundTrip(r *http.Request) (*http.Response, error) {
	endpoint, ok := s[r.URL.Host]
	if !ok {
		return http.DefaultTransport.RoundTrip(r)
	}
	to, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	to = to.JoinPath(r.URL.Path)
	to.RawQuery = r.URL.RawQuery
	r = r.Clone(r.Context())
	r.URL, r.Host = to, to.Host
	return http.DefaultTransport.RoundTrip(r)
}

// A visitor is a browser without scripts.
type visitor struct {
	*testing.T
	client *http.Client
	origin string
}

// do returns the status and the body of the page at which the browser arrives.
func (v visitor) do(method, path string, form url.Values) (int, string) {
	v.Helper()
	req := must(http.NewRequestWithContext(v.Context(), method, v.origin+path, strings.NewReader(form.Encode())))
	req.Header.Set("Origin", v.origin)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp := must(v.client.Do(req))
	defer resp.Body.Close()
	return resp.StatusCode, string(must(io.ReadAll(resp.Body)))
}

// hidden matches the hidden fields of a form.
var hidden = regexp.MustCompile(`type="hidden" name="([^"]*)" value="([^"]*)"`)

// connect fills in the form of a service, and returns the page that follows.
func (v visitor) connect(service, key string) string {
	v.Helper()
	_, page := v.do(http.MethodGet, "/accounts/connect?service="+service, nil)
	form := url.Values{}
	if key != "" {
		form.Set("v.apiKey", key)
	}
	for _, field := range hidden.FindAllStringSubmatch(page, -1) {
		form.Add(field[1], html.UnescapeString(field[2]))
	}
	_, page = v.do(http.MethodPost, "/accounts/connect", form)
	return page
}

func TestWebApp(t *testing.T) {
	p := authtest.New(authtest.Config{Owners: []authtest.Owner{{Username: "ada@example.com", ID: "17"}}})
	defer p.Close()
	set, err := services(fstest.MapFS{"weather.json": {Data: fmt.Appendf(nil, `{
		"connectorauth": 1, "name": "weather", "title": "Weather", "baseUrl": %q,
		"methods": [{"name": "key", "type": "ApiKey", "key": "{apiKey}", "placement": {"name": "X-Api-Key"},
			"inputs": [{"name": "apiKey", "title": "API key", "secret": true}]}],
		"test": {"request": "GET /me", "id": "/user"}}`, p.KeyHeaderURL)}, "shop.json": {Data: fmt.Appendf(nil, `{
		"connectorauth": 1, "name": "shop", "title": "Shop", "baseUrl": %q,
		"methods": [{"name": "oauth", "type": "OAuth2", "tokenUrl": %q, "revokeUrl": %q, "grant": {"authorizationCode": {"authUrl": %q}}}],
		"test": {"request": "GET /me", "id": "/user"}}`, p.BearerURL, p.TokenURL, p.RevokeURL, p.AuthURL)}})
	require.NoError(t, err)
	require.NoError(t, inDatabase(t.Context(), t.TempDir()+"/app.db", func(_ *sql.DB, store *tokenstore.SQL, index accounts.Index) error {
		var handler http.Handler
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
		defer server.Close()
		clients := map[string]definition.Client{"shop": {ID: p.ClientID, Secret: connectorauth.Secret(p.ClientSecret)}}
		httpClient := &http.Client{Transport: standIn{"api.stripe.com": p.KeyAuthorizationURL}}

		_, err := webApp(server.URL, set, store, index, clients, nil)
		require.ErrorContains(t, err, "not 32", "the environment has no key")
		key := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
		t.Setenv("STORE_KEY", key)
		t.Setenv("COOKIE_KEY", key)
		handler, err = webApp(server.URL, set, store, index, clients, httpClient)
		require.NoError(t, err)

		v := visitor{t, server.Client(), server.URL}
		v.client.Jar = must(cookiejar.New(nil))
		status, _ := v.do(http.MethodGet, "/accounts/", nil)
		assert.Equal(t, http.StatusForbidden, status, "nobody is signed in")
		v.client.Jar.SetCookies(must(url.Parse(server.URL)), []*http.Cookie{{Name: "user", Value: "ada"}})

		_, page := v.do(http.MethodGet, "/accounts/connect?service=stripe", nil)
		assert.NotContains(t, page, "OAuth", "the dialog does not offer what cannot work")
		assert.Contains(t, v.connect("weather", p.APIKey), "The account is connected.")
		assert.Contains(t, v.connect("stripe", p.APIKey), "The account is connected.")
		page = v.connect("shop", "")
		start := html.UnescapeString(regexp.MustCompile(`id="continue" href="([^"]*)"`).FindStringSubmatch(page)[1])
		v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		resp := must(v.client.Get(start))
		resp.Body.Close()
		v.client.CheckRedirect = nil
		callback := must(p.Authorize(resp.Header.Get("Location")))
		_, page = v.do(http.MethodGet, callback.RequestURI(), nil)
		assert.Contains(t, page, "The account is connected.")

		list := must(index.List(t.Context(), accounts.Filter{Owner: "ada"}, "", 10))
		require.Len(t, list, 3)
		for _, account := range list {
			status, _ = v.do(http.MethodGet, "/orders/"+account.ID, nil)
			assert.Equal(t, http.StatusOK, status, account.Definition)
			_, page = v.do(http.MethodPost, "/accounts/disconnect", url.Values{"id": {account.ID}})
			assert.Contains(t, page, "The account is disconnected")
			status, _ = v.do(http.MethodGet, "/orders/"+account.ID, nil)
			assert.Equal(t, http.StatusNotFound, status, "the account is gone")
		}
		return nil
	}))
}
