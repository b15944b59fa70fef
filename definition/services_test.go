package definition_test

import (
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/internal/test/providers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// service reads the definition of a service.
func service(t testing.TB, name string) *definition.Definition {
	t.Helper()
	file := filepath.Join("testdata", "services", name+".json")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	d, err := definition.Parse(file, text, definition.Options{})
	require.NoError(t, err)
	require.Equal(t, name, d.Name)
	return d
}

// Each method of each file of testdata/services runs against a fake of the service, and
// each provider of package providers has a file.
func TestServices(t *testing.T) {
	runs := map[string]func(*testing.T, *definition.Definition){"tableau/token": tableau, "trello/oauth1": trello}
	for name, row := range rows {
		method := row.method
		if method == "" {
			method = service(t, name).Methods[0].Name
		}
		runs[name+"/"+method] = func(t *testing.T, d *definition.Definition) {
			p := providers.Read(t, name)
			p.Run(t, func(t *testing.T, fake *authtest.Provider) { row.live(t, d, p, fake) })
		}
	}
	for key, f := range fixedRuns {
		_, method, _ := strings.Cut(key, "/")
		runs[key] = func(t *testing.T, d *definition.Definition) { f.run(t, d, method) }
	}
	for _, name := range providers.Names(t) {
		assert.Contains(t, rows, name, "a provider has no definition")
	}
	files, err := filepath.Glob("testdata/services/*.json")
	require.NoError(t, err)
	for _, file := range files {
		d := service(t, strings.TrimSuffix(filepath.Base(file), ".json"))
		for _, m := range d.Methods {
			key := d.Name + "/" + m.Name
			run := runs[key]
			delete(runs, key)
			if assert.NotNil(t, run, "%s has no run", key) {
				t.Run(key, func(t *testing.T) {
					t.Parallel()
					run(t, d)
				})
			}
		}
	}
	assert.Empty(t, runs, "runs without a method")
}

// A fixedRun is an account whose credentials are those that the account owner gives.
type fixedRun struct {
	values    values
	path, url string            // what is asked, and how the request goes out
	header    map[string]string // an empty value means that the header is absent
	body, out string            // what is sent, and how the body goes out
}

// fixedRuns are accounts by service and method.
var fixedRuns = map[string]fixedRun{
	"shopify/key": {
		values: values{"subdomain": "my-store", "token": "t"}, path: "/admin/shop.json", url: "https://my-store.myshopify.com/admin/shop.json",
		header: map[string]string{"X-Shopify-Access-Token": "t", "Authorization": ""},
	},
	"zendesk/token": {
		values: values{"subdomain": "a", "email": "ada@example.com", "token": "t"}, path: "/api/v2", url: "https://a.zendesk.com/api/v2",
		header: map[string]string{"Authorization": "Basic YWRhQGV4YW1wbGUuY29tL3Rva2VuOnQ="},
	},
	"stripe/key": {
		values: values{"apiKey": "sk_test_1", "version": "2026-01"}, path: "/v1/account", url: "https://api.stripe.com/v1/account",
		header: map[string]string{"Authorization": "Bearer sk_test_1", "Stripe-Version": "2026-01"},
	},
	"trello/key": {values: values{"key": "k", "token": "t"}, path: "/members/me", url: "https://api.trello.com/1/members/me?key=k&token=t"},
	"twilio/token": {
		values: values{"account": "AC00000000000000000000000000000000", "token": "t"}, path: "/x", url: "https://api.twilio.com/2010-04-01/x",
		header: map[string]string{"Authorization": "Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDp0"},
	},
	"pipedrive/key": {values: values{"token": "t"}, path: "/users/me", url: "https://api.pipedrive.com/users/me?api_token=t"},
	"datadog/keys": {
		values: values{"apiKey": "a", "appKey": "b", "region": "us3.datadoghq.com"}, path: "/api/v1", url: "https://api.us3.datadoghq.com/api/v1",
		header: map[string]string{"Dd-Api-Key": "a", "Dd-Application-Key": "b"},
	},
	"telegram-bot/bot": {values: values{"bot": "1:a"}, path: "/getMe", url: "https://api.telegram.org/bot1:a/getMe"},
	"pushover/fields": {
		values: values{"app": "a", "user": "u"}, path: "/messages.json", url: "https://api.pushover.net/1/messages.json",
		body: `{"message":"hello"}`, out: `{"message":"hello","token":"a","user":"u"}`,
	},
}

// run makes requests that the service accepts, and rejects.
func (f *fixedRun) run(t *testing.T, d *definition.Definition, method string) {
	c, err := d.Connect(definition.Connection{Method: method, Values: f.values})
	require.NoError(t, err)
	base, err := c.BaseURL(t.Context(), "")
	require.NoError(t, err)
	for _, status := range []int{200, 401} {
		network := &fakehttp.Base{Answer: fakehttp.Status(status)}
		client := connectorauth.NewClient(c.Connector(), &http.Client{Transport: network})
		req, err := http.NewRequestWithContext(t.Context(), map[bool]string{true: "POST", false: "GET"}[f.body != ""], base+f.path, strings.NewReader(f.body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		resp, err := client.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, status, resp.StatusCode)
		require.Len(t, network.Requests(), 1)
		sent := network.Requests()[0]
		assert.Equal(t, f.url, sent.URL.String())
		for name, value := range f.header {
			assert.Equal(t, value, sent.Header.Get(name), name)
		}
		if f.out != "" {
			assert.JSONEq(t, f.out, sent.Body)
		}
		_, err = client.Get("https://evil.example/")
		assert.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
	}
	_, err = d.Connect(definition.Connection{Method: method})
	var missing *definition.InputError
	assert.ErrorAs(t, err, &missing)
}

// tableau logs in, logs in again when the session has ended, and is refused.
func tableau(t *testing.T, d *definition.Definition) {
	const server = "https://10ax.online.tableau.com/api/3.26"
	synctest.Test(t, func(t *testing.T) {
		fake := authtest.New(authtest.Config{InMemory: true, SessionLifetime: 2 * time.Hour})
		defer fake.Close()
		fake.Inject(fake.LoginXMLURL, authtest.Always, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				text, err := io.ReadAll(r.Body)
				assert.NoError(t, err)
				assert.Contains(t, string(text), `<site contentUrl="marketing"/>`)
				names := strings.NewReplacer("personalAccessTokenName", "name", "personalAccessTokenSecret", "password")
				r.Body = io.NopCloser(strings.NewReader(names.Replace(string(text))))
				next.ServeHTTP(w, r)
			})
		})
		fake.Inject(fake.SessionURL, authtest.Always, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.Header.Set("X-Session", r.Header.Get("X-Tableau-Auth"))
				next.ServeHTTP(w, r)
			})
		})
		w := &world{fake: fake, to: map[string]string{server + "/auth/signin": fake.LoginXMLURL, server + "/sites": fake.SessionURL}}
		given := values{"server": "10ax.online.tableau.com", "site": "marketing", "name": connectorauth.Secret(fake.Username), "secret": connectorauth.Secret(fake.Password)}
		connection := definition.Connection{Values: given, HTTPClient: w.client(), Shared: new(connectorauth.Shared)}
		c, err := d.Connect(connection)
		require.NoError(t, err)
		get := func() (*http.Response, error) {
			return connectorauth.NewClient(c.Connector(), w.client()).Get(server + "/sites")
		}
		for logins, end := range []func(){func() {}, fake.EndSessions, func() { time.Sleep(2*time.Hour + time.Second) }} {
			end()
			resp, err := get()
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			assert.Equal(t, 200, resp.StatusCode)
			assert.Equal(t, logins+1, fake.Stats().Logins)
		}
		connection.Values = maps.Clone(given)
		connection.Values["secret"] = "wrong"
		c, err = d.Connect(connection)
		require.NoError(t, err)
		_, err = get()
		assert.ErrorIs(t, err, connectorauth.ErrReauthRequired)
	})
}

// trello leads an account through the handshake of OAuth1.
func trello(t *testing.T, d *definition.Definition) {
	synctest.Test(t, func(t *testing.T) {
		fake := authtest.New(authtest.Config{InMemory: true})
		defer fake.Close()
		w := &world{fake: fake, signed: true, to: map[string]string{
			"https://trello.com/1/OAuthGetRequestToken": fake.RequestTokenURL, "https://trello.com/1/OAuthAuthorizeToken": fake.AuthorizeURL,
			"https://trello.com/1/OAuthGetAccessToken": fake.AccessTokenURL, "https://api.trello.com/1/members/me": fake.OAuth1URL,
		}}
		c, err := d.Connect(definition.Connection{
			Method: "oauth1", Client: definition.Client{ID: fake.ClientID, Secret: connectorauth.Secret(fake.ClientSecret)},
			HTTPClient: w.client(), Shared: new(connectorauth.Shared),
		})
		require.NoError(t, err)
		handshake(t, fake, c, w.consent(t))
		base, err := c.BaseURL(t.Context(), "")
		require.NoError(t, err)
		resp, err := connectorauth.NewClient(c.Connector(), w.client()).Get(base + "/members/me?fields=all")
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, 200, resp.StatusCode)
		w.requireAsked(t)
	})
}

// handshake leads an account owner through a consent of OAuth1. at says where fake has a
// URL of the service.
func handshake(t *testing.T, fake *authtest.Provider, c *definition.Connected, at func(string) string) {
	t.Helper()
	account := c.Credential().(*connectorauth.OAuth1)
	authURL, pending, err := account.Begin(t.Context(), "http://127.0.0.1/callback")
	require.NoError(t, err)
	callback, err := fake.Authorize(at(authURL))
	require.NoError(t, err)
	require.NoError(t, account.Finish(t.Context(), pending, callback.Query()))
}
