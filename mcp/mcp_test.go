package mcp_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/mcp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// What package consent and the Go SDK of MCP ask for, by structure.
var (
	_ consent.Flow = (*mcp.Account)(nil)
	_ interface {
		TokenSource(context.Context) (oauth2.TokenSource, error)
		Authorize(context.Context, *http.Request, *http.Response) error
	} = (*mcp.Account)(nil)
)

// From the URL alone to the server, with a connector in another process.
func TestConsentByTheURL(t *testing.T) {
	w := newWorld(t)
	store := new(tokenstore.Memory)
	account := must(mcp.New(w.config(store)))
	_, err := account.Connector(t.Context())
	require.ErrorIs(t, err, connectorauth.ErrNotConnected)
	require.NoError(t, w.consent(t.Context(), account))

	connector, err := must(mcp.New(w.config(store))).Connector(t.Context())
	require.NoError(t, err)
	resp, err := connectorauth.NewClient(connector, nil).Get(w.URL + "/mcp")
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, 200, resp.StatusCode)
	asked := w.old.Requests(w.old.TokenURL)
	require.Len(t, asked, 1)
	assert.Equal(t, w.URL+"/mcp", must(url.ParseQuery(string(asked[0].Body))).Get("resource"))
	assert.Equal(t, 1, w.old.Stats().Registrations)

	require.NoError(t, account.Forget(t.Context()))
	_, err = must(mcp.New(w.config(store))).Connector(t.Context())
	assert.ErrorIs(t, err, connectorauth.ErrNotConnected)
}

// The SDK asks for a consent once, renews without a person, and shares tokens over processes.
func TestHandlerOfTheSDK(t *testing.T) {
	w := newWorld(t)
	store := new(tokenstore.Memory)
	one, other := must(mcp.New(w.config(store))), must(mcp.New(w.config(store)))
	for _, account := range []*mcp.Account{one, one, other} {
		status, err := w.call(t, account)
		require.NoError(t, err)
		assert.Equal(t, 200, status)
	}
	assert.Equal(t, 1, w.consents)

	w.old.RevokeAccessTokens()
	for _, account := range []*mcp.Account{one, other} {
		status, err := w.call(t, account)
		require.NoError(t, err)
		assert.Equal(t, 200, status)
	}
	assert.Equal(t, 1, w.consents, "a renewal is enough")
	assert.Equal(t, 2, w.old.Stats().TokenRequests, "one for both")

	w.old.RevokeGrants()
	status, err := w.call(t, one)
	require.NoError(t, err)
	assert.Equal(t, 200, status)
	assert.Equal(t, 2, w.consents)
}

// Requests that are refused at the same time lead to one consent.
func TestOneConsentForManyRequests(t *testing.T) {
	w := newWorld(t)
	account := must(mcp.New(w.config(new(tokenstore.Memory))))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			status, err := w.call(t, account)
			assert.NoError(t, err)
			assert.Equal(t, 200, status)
		})
	}
	all.Wait()
	assert.Equal(t, 1, w.consents)
	assert.Equal(t, 1, w.old.Stats().TokenRequests)
}

func TestMoreScopes(t *testing.T) {
	w := newWorld(t)
	account := must(mcp.New(w.config(new(tokenstore.Memory))))
	require.Equal(t, 200, must(w.call(t, account)))
	w.set(func() { w.scope = "write" })
	require.Equal(t, 200, must(w.call(t, account)))
	assert.Equal(t, 2, w.consents)
	w.set(func() { w.scope = "read" })
	assert.Equal(t, 200, must(w.call(t, account)), "the first scope was asked for again")
	assert.Equal(t, 2, w.consents)

	// A server that wants a scope that the consent has asked for asks in vain.
	resp := &http.Response{StatusCode: 403, Body: http.NoBody, Header: http.Header{"Www-Authenticate": {`Bearer error="insufficient_scope", scope="write"`}}}
	req := must(http.NewRequest(http.MethodPost, w.URL+"/mcp", nil))
	token := must(must(account.Connector(t.Context())).Token(t.Context()))
	req.Header.Set("Authorization", "Bearer "+token.AccessToken)
	assert.ErrorIs(t, account.Authorize(t.Context(), req, resp), connectorauth.ErrReauthRequired)
	resp.Header = http.Header{"Www-Authenticate": {`Bearer error="other"`}}
	assert.NoError(t, account.Authorize(t.Context(), req, resp), "no matter of a consent")
	assert.Equal(t, 2, w.consents)
}

// Another authorization server gets a client, a consent and a token of its own, and sees
// nothing of the former one.
func TestServerMovesToAnotherAuthorizationServer(t *testing.T) {
	w := newWorld(t)
	store := new(tokenstore.Memory)
	account := must(mcp.New(w.config(store)))
	require.Equal(t, 200, must(w.call(t, account)))
	former := must(account.Connector(t.Context()))
	old := must(former.Token(t.Context())).AccessToken

	w.set(func() { w.issuer = w.new })
	status, err := w.call(t, account)
	require.NoError(t, err)
	assert.Equal(t, 200, status)
	assert.Equal(t, 2, w.consents)
	assert.Equal(t, 1, w.new.Stats().Registrations)
	assert.Equal(t, 1, w.old.Stats().TokenRequests, "the former server is not asked for a renewal")
	for _, r := range w.new.Requests(w.new.TokenURL) {
		assert.NotContains(t, string(r.Body), old)
	}
	status2, err := former.Status(t.Context())
	require.NoError(t, err)
	assert.Equal(t, connectorauth.StateNotConnected, status2.State, "the former token is forgotten")
	assert.NotEqual(t, old, must(must(account.Connector(t.Context())).Token(t.Context())).AccessToken)
}

// A web program has no person at hand: Authorize says so, and the next Begin knows what the
// server wants.
func TestRefusalLeadsTheNextConsent(t *testing.T) {
	w := newWorld(t)
	store := new(tokenstore.Memory)
	config := w.config(store)
	config.Consent = nil
	account := must(mcp.New(config))
	w.set(func() { w.scope = "write" })
	_, err := w.call(t, account)
	require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
	w.set(func() { w.bare = true })
	authURL, _, err := must(mcp.New(w.config(store))).Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	assert.Contains(t, authURL, "scope=write&")
	assert.Zero(t, w.consents)
}

func TestScopeFilter(t *testing.T) {
	w := newWorld(t)
	w.set(func() { w.bare = true })
	config := w.config(new(tokenstore.Memory))
	config.ScopeFilter = func(wanted []string) []string {
		assert.Equal(t, []string{"read", "write"}, wanted, "scopes_supported")
		return wanted[:1]
	}
	authURL, _, err := must(mcp.New(config)).Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	assert.Contains(t, authURL, "scope=read&")
}

// A client that one authorization server knows goes to no other.
func TestClientOfTheProgramStaysAtItsIssuer(t *testing.T) {
	w := newWorld(t)
	config := w.config(new(tokenstore.Memory))
	config.Registrar, config.Issuer = nil, w.old.URL
	config.OAuth2.ClientID, config.OAuth2.ClientSecret = w.old.ClientID, connectorauth.Secret(w.old.ClientSecret)
	account := must(mcp.New(config))
	require.Equal(t, 200, must(w.call(t, account)))
	w.set(func() { w.issuer = w.new })
	_, err := w.call(t, account)
	assert.ErrorContains(t, err, "does not name the authorization server")
	assert.Empty(t, w.new.Requests(w.new.TokenURL))

	config.Issuer = ""
	_, err = mcp.New(config)
	assert.ErrorContains(t, err, "Issuer")
}

// A grant without a consent needs no person.
func TestClientCredentials(t *testing.T) {
	w := newWorld(t)
	config := w.config(new(tokenstore.Memory))
	config.Registrar, config.Consent, config.Issuer = nil, nil, w.old.URL
	config.OAuth2.ClientID, config.OAuth2.ClientSecret = w.old.ClientID, connectorauth.Secret(w.old.ClientSecret)
	config.OAuth2.Grant = connectorauth.ClientCredentials{}
	account := must(mcp.New(config))
	require.Equal(t, 200, must(w.call(t, account)))
	w.old.RevokeAccessTokens()
	require.Equal(t, 200, must(w.call(t, account)))
	assert.Equal(t, 2, w.old.Stats().TokenRequests)

	// A tool that wants more scopes takes none of those before.
	w.set(func() { w.scope = "write" })
	require.Equal(t, 200, must(w.call(t, account)))
	assert.Equal(t, 3, w.old.Stats().TokenRequests)
	for _, scope := range []string{"read", "write"} {
		w.set(func() { w.scope = scope })
		assert.Equal(t, 200, must(w.call(t, must(mcp.New(config)))), "another process, and the scope %s", scope)
	}
	assert.Equal(t, 3, w.old.Stats().TokenRequests)

	// A server that wants another scope each time makes no request longer and longer.
	for i := range 4 {
		resp := &http.Response{StatusCode: 403, Body: http.NoBody, Header: http.Header{"Www-Authenticate": {`Bearer error="insufficient_scope", scope="` + strings.Repeat(fmt.Sprint(i), 5000) + `"`}}}
		account.Authorize(t.Context(), must(http.NewRequest(http.MethodPost, w.URL+"/mcp", nil)), resp) // an error: there is no such scope
	}
	for _, r := range w.old.Requests(w.old.TokenURL) {
		assert.LessOrEqual(t, len(r.Body), 9<<10)
	}

	for range 2 { // by the process that uses the account, and by another
		require.NoError(t, account.Forget(t.Context()))
		w.set(func() { w.scope = "read" })
		before := w.old.Stats().TokenRequests
		config.OAuth2.Shared = new(connectorauth.Shared)
		require.Equal(t, 200, must(w.call(t, must(mcp.New(config)))))
		assert.Equal(t, before+1, w.old.Stats().TokenRequests, "the token is forgotten, and the scopes are")
		assert.Equal(t, "read", must(url.ParseQuery(string(w.old.Requests(w.old.TokenURL)[before].Body))).Get("scope"))
		config.OAuth2.Shared = new(connectorauth.Shared)
		account = must(mcp.New(config))
	}
}

// The endpoints of the revision 2025-03-26 serve only where the program says so.
func TestLegacy(t *testing.T) {
	w := newWorld(t)
	base := fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		if strings.HasPrefix(req.URL.Path, "/.well-known/") {
			return respond(http.StatusNotFound, ""), nil
		}
		if req.URL.Path == "/register" {
			return respond(http.StatusCreated, `{"client_id": "c", "token_endpoint_auth_method": "none"}`), nil
		}
		return respond(http.StatusMethodNotAllowed, ""), nil
	})
	for _, legacy := range []bool{false, true} {
		config := w.config(new(tokenstore.Memory))
		config.Finder = must(discovery.New(discovery.Config{HTTPClient: &http.Client{Transport: base}}))
		config.Registrar = must(discovery.NewRegistrar(discovery.RegistrarConfig{
			Finder: config.Finder, Store: new(tokenstore.Memory), Keys: []tokenstore.Key{{ID: "1", Secret: []byte("0123456789abcdef0123456789abcdef")}},
		}))
		config.Legacy = legacy
		authURL, _, err := must(mcp.New(config)).Begin(t.Context(), callbackURL)
		if !legacy {
			require.Error(t, err)
			continue
		}
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(authURL, w.URL+"/authorize?"), authURL)
		assert.Contains(t, authURL, "code_challenge_method=S256")
	}
}

// An OAuthHandler would send a token without the proof.
func TestHandlerRefusesProofs(t *testing.T) {
	w := newWorld(t)
	config := w.config(new(tokenstore.Memory))
	config.OAuth2.Proof = must(assertion.NewDPoP(assertion.DPoPConfig{}))
	_, err := must(mcp.New(config)).TokenSource(t.Context())
	assert.ErrorContains(t, err, "NewClient")
}

func TestConfigIsChecked(t *testing.T) {
	_, err := mcp.New(mcp.Config{})
	require.Error(t, err)
	for _, field := range []string{"Finder", "URL", "Store and Account", "Registrar"} {
		assert.ErrorContains(t, err, field)
	}
}

// respond makes a response of JSON.
func respond(status int, body string) *http.Response {
	resp := fakehttp.Respond(status, body)
	resp.Header.Set("Content-Type", "application/json")
	return resp
}
