package mcp_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/mcp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A program that gives two servers the same Account and Store mixes up two accounts. The token
// of one server goes to no other all the same, not even where both trust the same authorization
// server.
func TestTokenOfAnotherServerIsNotUsed(t *testing.T) {
	w := newWorld(t)
	other := newWorld(t)
	other.set(func() { other.issuer = w.old })
	store := new(tokenstore.Memory)
	require.NoError(t, w.consent(t.Context(), must(mcp.New(w.config(store)))))
	config := other.config(store)
	account := must(mcp.New(config))
	_, err := account.Connector(t.Context())
	require.ErrorContains(t, err, "another MCP server")
	assert.NotErrorIs(t, err, connectorauth.ErrNotConnected)
	assert.ErrorContains(t, err, w.URL+"/mcp")
	_, err = account.TokenSource(t.Context())
	assert.Error(t, err)
	_, _, err = account.Begin(t.Context(), callbackURL)
	assert.Error(t, err)

	// Forget makes room for the other server.
	require.NoError(t, account.Forget(t.Context()))
	_, err = must(mcp.New(w.config(store))).Connector(t.Context())
	assert.ErrorIs(t, err, connectorauth.ErrNotConnected)
}

// Without a consent too, the token of one server goes to no other.
func TestGrantWithoutConsentServesOneServer(t *testing.T) {
	w := newWorld(t)
	other := newWorld(t)
	other.set(func() { other.issuer = w.old })
	store := new(tokenstore.Memory)
	require.NotNil(t, must(must(mcp.New(w.machine(w, store))).TokenSource(t.Context())))
	_, err := must(mcp.New(w.machine(other, store))).TokenSource(t.Context())
	assert.ErrorContains(t, err, "belongs to another MCP server")
	assert.ErrorAs(t, err, new(*storeerror.Foreign))
}

// machine returns the config of a program that needs no person, for a server that w.old issues
// tokens for.
func (w *world) machine(server *world, store connectorauth.SharedTokenStore) mcp.Config {
	config := server.config(store)
	config.Registrar, config.Consent, config.Issuer = nil, nil, w.old.URL
	config.OAuth2.ClientID, config.OAuth2.ClientSecret = w.old.ClientID, connectorauth.Secret(w.old.ClientSecret)
	config.OAuth2.Grant = connectorauth.ClientCredentials{}
	return config
}

// Forget leaves no token behind, whatever the grant.
func TestForgetWithoutConsent(t *testing.T) {
	w := newWorld(t)
	store := new(tokenstore.Memory)
	account := must(mcp.New(w.machine(w, store)))
	require.NotNil(t, must(account.TokenSource(t.Context())))
	connector := must(account.Connector(t.Context()))
	require.Equal(t, connectorauth.StateOK, must(connector.Status(t.Context())).State)
	require.False(t, must(connector.Status(t.Context())).Expiry.IsZero())
	require.NoError(t, account.Forget(t.Context()))
	assert.True(t, must(connector.Status(t.Context())).Expiry.IsZero(), "no token is left")
}

// A response that never ends holds nobody up.
func TestAuthorizeDoesNotWaitForTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		account := must(mcp.New(newConfig("https://mcp.example.com/mcp")))
		began := time.Now()
		r, w := io.Pipe()
		defer w.Close()
		resp := &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Body: r}
		req := must(http.NewRequest(http.MethodGet, "https://mcp.example.com/mcp", nil))
		require.NoError(t, account.Authorize(t.Context(), req, resp))
		assert.Less(t, time.Since(began), time.Second)
		_, err := w.Write([]byte("x"))
		assert.ErrorIs(t, err, io.ErrClosedPipe, "the body is closed")
		resp.Body = nil
		require.NoError(t, account.Authorize(t.Context(), req, resp))
	})
}

// A redirect of the server leads to a host that would like the person to sign in elsewhere.
func TestChallengeOfAnotherHostIsIgnored(t *testing.T) {
	w := newWorld(t)
	account := must(mcp.New(w.config(new(tokenstore.Memory))))
	require.Equal(t, 200, must(w.call(t, account)))
	before := must(must(account.Connector(t.Context())).Token(t.Context())).AccessToken

	evil := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/.well-known/") {
			rw.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(rw, `{"resource": %q, "authorization_servers": [%q]}`, w.URL+"/mcp", w.new.URL)
			return
		}
		rw.Header().Set("WWW-Authenticate", `Bearer resource_metadata="http://`+r.Host+`/.well-known/oauth-protected-resource"`)
		rw.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(evil.Close)
	req := must(http.NewRequest(http.MethodGet, w.URL+"/mcp", nil))
	req.Header.Set("Authorization", "Bearer "+before)
	resp := must(http.Get(evil.URL)) // as the http.Client of the SDK returns, after the redirect
	err := account.Authorize(t.Context(), req, resp)
	require.ErrorContains(t, err, evil.URL)
	assert.Equal(t, 1, w.consents)
	assert.Equal(t, before, must(must(account.Connector(t.Context())).Token(t.Context())).AccessToken)
	authURL, _, err := account.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(authURL, w.old.URL), authURL)
}

// A consent in one process serves every process, whatever a process knew before.
func TestConnectorFollowsTheConsentOfAnotherProcess(t *testing.T) {
	w := newWorld(t)
	store := new(tokenstore.Memory)
	one, other := must(mcp.New(w.config(store))), must(mcp.New(w.config(store)))
	require.NoError(t, w.consent(t.Context(), one))
	first := must(must(other.Connector(t.Context())).Token(t.Context())).AccessToken
	w.set(func() { w.issuer = w.new })
	require.NoError(t, w.consent(t.Context(), one))
	connector, err := other.Connector(t.Context())
	require.NoError(t, err)
	token, err := connector.Token(t.Context())
	require.NoError(t, err)
	assert.NotEqual(t, first, token.AccessToken)
	resp, err := connectorauth.NewClient(connector, nil).Get(w.URL + "/mcp")
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, 200, resp.StatusCode)
}

// A server wants more scopes than a URL carries, and more with each refusal.
func TestScopesDoNotGrowWithoutEnd(t *testing.T) {
	w := newWorld(t)
	account := must(mcp.New(w.config(new(tokenstore.Memory))))
	require.Equal(t, 200, must(w.call(t, account)))
	var all []string
	for i := range 3000 {
		all = append(all, fmt.Sprint("scope-", i))
	}
	for i, fine := range []bool{true, false} {
		req := must(http.NewRequest(http.MethodGet, w.URL+"/mcp", nil))
		req.Header.Set("Authorization", "Bearer "+must(must(account.Connector(t.Context())).Token(t.Context())).AccessToken)
		challenge := `Bearer error="insufficient_scope", scope="` + strings.Join(all[700*i:700*(i+1)], " ") + `"`
		resp := &http.Response{StatusCode: 403, Body: http.NoBody, Header: http.Header{"Www-Authenticate": {challenge}}}
		if err := account.Authorize(t.Context(), req, resp); fine {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, "more scopes")
		}
	}
	assert.Equal(t, 2, w.consents)
	w.set(func() { w.supported = all; w.bare = true })
	config := w.config(new(tokenstore.Memory))
	_, _, err := must(mcp.New(config)).Begin(t.Context(), callbackURL)
	require.ErrorContains(t, err, "ScopeFilter")
	assert.Less(t, len(err.Error()), 300)
	config.ScopeFilter = func(wanted []string) []string { return wanted[:2] }
	_, _, err = must(mcp.New(config)).Begin(t.Context(), callbackURL)
	assert.NoError(t, err)
}

// A consent that begins while another one is finished can be finished too.
func TestConsentsSideBySide(t *testing.T) {
	w := newWorld(t)
	store := new(tokenstore.Memory)
	account := must(mcp.New(w.config(store)))
	authURL, pending, err := account.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	callback := must(w.old.Authorize(authURL))
	var authURL2 string
	var pending2 connectorauth.Secret
	w.old.Inject(w.old.TokenURL, 1, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			w.set(func() { w.issuer = w.new })
			authURL2, pending2, err = must(mcp.New(w.config(store))).Begin(t.Context(), callbackURL)
			assert.NoError(t, err)
			next.ServeHTTP(rw, r)
		})
	})
	account.Finish(t.Context(), pending, callback.Query())
	callback = must(w.new.Authorize(authURL2))
	assert.NoError(t, account.Finish(t.Context(), pending2, callback.Query()))
}

// A malicious authorization server names the endpoints of an honest one, but for its own token
// endpoint. The honest server says who it is (RFC 9207), and the code stays here.
func TestEndpointsOfAnotherAuthorizationServer(t *testing.T) {
	w := newWorld(t)
	w.old = authtest.New(authtest.Config{SendIssuer: true})
	t.Cleanup(w.old.Close)
	w.set(func() { w.issuer = w.new }) // the malicious one
	config := w.config(new(tokenstore.Memory))
	config.Finder = must(discovery.New(discovery.Config{HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		if "http://"+req.URL.Host == w.new.URL && strings.HasPrefix(req.URL.Path, "/.well-known/") {
			return respond(http.StatusOK, fmt.Sprintf(`{"issuer": %q, "authorization_endpoint": %q, "registration_endpoint": %q, "token_endpoint": %q,
				"code_challenge_methods_supported": ["S256"]}`, w.new.URL, w.old.AuthURL, w.old.URL+"/oauth2/register", w.new.TokenURL)), nil
		}
		return w.Client().Transport.RoundTrip(req)
	})}}))
	config.Registrar = must(discovery.NewRegistrar(discovery.RegistrarConfig{
		Finder: config.Finder, Store: new(tokenstore.Memory), Keys: []tokenstore.Key{{ID: "1", Secret: []byte("0123456789abcdef0123456789abcdef")}},
	}))
	account := must(mcp.New(config))
	authURL, pending, err := account.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(authURL, w.old.AuthURL))
	callback := must(w.old.Authorize(authURL))
	require.NotEmpty(t, callback.Query().Get("code"))
	require.Equal(t, w.old.URL, callback.Query().Get("iss"))
	err = account.Finish(t.Context(), pending, callback.Query())
	require.ErrorContains(t, err, "RFC 9207")
	assert.Empty(t, w.new.Requests(w.new.TokenURL))
}

// A value of an account owner leads to no server that the definition does not declare.
func TestURLOfADefinitionLeadsNowhereElse(t *testing.T) {
	kind := mcp.Kind(mcp.KindConfig{Finder: must(discovery.New(discovery.Config{}))})
	for _, members := range []string{
		`"url": "https://{tenant}.example.com/mcp"`, `"url": "{tenant}"`,
		`"url": "https://api.example.com", "issuer": "https://{tenant}.example.com"`,
	} {
		_, err := definition.Parse("acme.json", []byte(`{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com",
			"inputs": [{"name": "tenant"}], "methods": [{"name": "a", "type": "MCP", `+members+`}]}`), definition.Options{AnyHost: true, Kinds: []definition.Kind{kind}})
		assert.Error(t, err, members)
	}
}
