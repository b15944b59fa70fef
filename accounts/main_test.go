package accounts_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

type values = map[string]connectorauth.Secret

// A world is a service, and what the processes of a program have in common.
type world struct {
	*testing.T
	p      *authtest.Provider
	user   string // whose account each credential opens
	set    *definition.Set
	index  *accounts.Memory
	store  *tokenstore.Memory
	config accounts.Config
}

// document is the definition of the service. NAME is a name of the authtest.Provider.
const document = `{"connectorauth": 1, "name": "acme", "was": ["acme-old"],
	"inputs": [{"name": "team", "optional": true}],
	"methods": [
		{"name": "key", "default": true, "type": "ApiKey", "baseUrl": "KEYURL", "key": "{apiKey}", "placement": {"name": "X-Api-Key"},
			"inputs": [{"name": "apiKey", "title": "API key", "secret": true}]},
		{"name": "oauth", "type": "OAuth2", "baseUrl": "BEARERURL", "tokenUrl": "TOKENURL", "revokeUrl": "REVOKEURL", "scopes": ["read", "write"],
			"grant": {"authorizationCode": {"authUrl": "AUTHURL"}}},
		{"name": "app", "type": "OAuth2", "baseUrl": "BEARERURL", "tokenUrl": "TOKENURL", "grant": {"clientCredentials": {}}},
		{"name": "login", "type": "Session", "baseUrl": "SESSIONURL", "places": [{"name": "X-Session"}],
			"inputs": [{"name": "username"}, {"name": "password", "secret": true}],
			"login": [{"url": "LOGINURL", "json": {"username": "{username}", "password": "{password}"}, "capture": {"token": "session.token"}}],
			"logout": {"method": "DELETE", "url": "LOGOUTURL", "header": {"X-Session": "{token}"}}}
	],
	"test": {"request": "GET /me", "id": "/user", "label": "{/user} by {/auth_type}"}}`

// inWorld runs a test in a bubble, with a provider in memory.
func inWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true, APIKey: "CANARY-key", RedirectURLs: []string{"https://app.example/connect/callback/acme"}})
		defer p.Close()
		w := &world{T: t, p: p, user: "ada", index: new(accounts.Memory), store: new(tokenstore.Memory)}
		identify := authtest.EditAnswer(func(response map[string]any) { response["user"] = w.user })
		p.Inject(p.KeyHeaderURL, authtest.Always, identify)
		p.Inject(p.BearerURL, authtest.Always, identify)
		w.define(document)
		w.config = accounts.Config{
			Definitions: func() *definition.Set { return w.set },
			Index:       w.index, Store: w.store,
			Keys: []tokenstore.Key{{ID: "k", Secret: []byte(strings.Repeat("s", 32))}},
			Connection: func(context.Context, accounts.Account) (definition.Connection, error) {
				return definition.Connection{
					Client: definition.Client{ID: p.ClientID, Secret: connectorauth.Secret(p.ClientSecret)}, HTTPClient: p.Client(),
				}, nil
			},
		}
		test(t, w)
	})
}

// define replaces the definition of the service.
func (w *world) define(document string) {
	w.Helper()
	d, err := definition.Parse("acme.json", []byte(strings.NewReplacer(
		"KEYURL", w.p.KeyHeaderURL, "BEARERURL", w.p.BearerURL, "TOKENURL", w.p.TokenURL, "REVOKEURL", w.p.RevokeURL, "AUTHURL", w.p.AuthURL,
		"ISSUER", w.p.URL, "SESSIONURL", w.p.SessionURL, "LOGINURL", w.p.LoginJSONURL, "LOGOUTURL", w.p.LogoutURL,
	).Replace(document)), definition.Options{})
	require.NoError(w, err)
	w.set, err = definition.NewSet(d)
	require.NoError(w, err)
}

// process returns the Registry of another process, with a memory of its own.
func (w *world) process() *accounts.Registry {
	w.Helper()
	config := w.config
	config.Shared = new(connectorauth.Shared)
	r, err := accounts.New(config)
	require.NoError(w, err)
	return r
}

// withKey connects an account by its API key.
func (w *world) withKey(r *accounts.Registry) accounts.Account {
	w.Helper()
	a, err := r.Connect(w.Context(), accounts.Request{Owner: "o1", Definition: "acme", Values: values{"apiKey": "CANARY-key", "team": "sales"}, Duplicate: true})
	require.NoError(w, err)
	return a
}

// withConsent connects an account by a consent.
func (w *world) withConsent(r *accounts.Registry) accounts.Account {
	w.Helper()
	a, err := r.Connect(w.Context(), accounts.Request{Owner: "o1", Definition: "acme", Method: "oauth", Duplicate: true})
	require.NoError(w, err)
	require.Equal(w, accounts.StatusConnecting, a.Status)
	require.NoError(w, w.consent(r, a.ID))
	a, err = r.Get(w.Context(), a.ID)
	require.NoError(w, err)
	return a
}

// consent leads the account owner through the consent.
func (w *world) consent(r *accounts.Registry, id string) error {
	w.Helper()
	finish, err := w.consented(r, id)
	require.NoError(w, err)
	return finish(r)
}

// consented leads the account owner to the callback. finish gives the callback to a process.
func (w *world) consented(r *accounts.Registry, id string) (finish func(*accounts.Registry) error, err error) {
	w.Helper()
	flow, err := r.Flow(w.Context(), id)
	if err != nil {
		return nil, err
	}
	authURL, pending, err := flow.Begin(w.Context(), "http://127.0.0.1/callback")
	require.NoError(w, err)
	callback, err := w.p.Authorize(authURL)
	require.NoError(w, err)
	return func(r *accounts.Registry) error {
		flow, err := r.Flow(w.Context(), id)
		if err != nil {
			return err
		}
		return flow.Finish(w.Context(), pending, callback.Query())
	}, nil
}

// status makes a request to the API, and returns the status of the response.
func (w *world) status(r *accounts.Registry, id string) int {
	w.Helper()
	client, err := r.Client(w.Context(), id)
	require.NoError(w, err)
	c, err := r.Connected(w.Context(), id)
	require.NoError(w, err)
	base, err := c.BaseURL(w.Context(), "")
	require.NoError(w, err)
	resp, err := client.Get(base + "/items")
	require.NoError(w, err)
	require.NoError(w, resp.Body.Close())
	return resp.StatusCode
}

// empty requires that the Index has no account.
func (w *world) empty() {
	w.Helper()
	page, err := w.index.List(w.Context(), accounts.Filter{}, "", 10)
	require.NoError(w, err)
	assert.Empty(w, page)
}

// stored reports whether the Store has values and tokens of a generation.
func (w *world) stored(key string) (values, token bool) {
	w.Helper()
	_, values, err := w.store.Load(w.Context(), key+"/values")
	require.NoError(w, err)
	_, token, err = w.store.Load(w.Context(), key)
	require.NoError(w, err)
	return values, token
}

// fail makes the next request to an endpoint fail.
func (w *world) fail(endpoint string, status int) {
	w.p.Inject(endpoint, 1, authtest.Answer(status, nil, ""))
}
