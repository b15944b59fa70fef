package mcp_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/mcp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The token is for the server, whatever the program requests first.
func TestTokenGoesToTheServerOnly(t *testing.T) {
	w := newWorld(t)
	account := must(mcp.New(w.config(new(tokenstore.Memory))))
	require.NoError(t, w.consent(t.Context(), account))
	sent := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { sent++ }))
	t.Cleanup(other.Close)
	client := connectorauth.NewClient(must(account.Connector(t.Context())), nil)
	_, err := client.Get(other.URL)
	assert.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
	assert.Zero(t, sent)
}

// over returns a Finder whose requests respond answers, by a part of the URL.
func (w *world) over(respondTo func(req *http.Request) *http.Response) *discovery.Finder {
	return must(discovery.New(discovery.Config{HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		if resp := respondTo(req); resp != nil {
			return resp, nil
		}
		return w.Client().Transport.RoundTrip(req)
	})}}))
}

// A server that takes other code challenges only is refused by name.
func TestPlainCodeChallengesAreRefused(t *testing.T) {
	w := newWorld(t)
	config := w.config(new(tokenstore.Memory))
	config.Finder = w.over(func(req *http.Request) *http.Response {
		if "http://"+req.URL.Host != w.old.URL {
			return nil
		}
		return respond(http.StatusOK, fmt.Sprintf(`{"issuer": %q, "authorization_endpoint": %q, "token_endpoint": %q, "code_challenge_methods_supported": ["plain"]}`,
			w.old.URL, w.old.AuthURL, w.old.TokenURL))
	})
	_, _, err := must(mcp.New(config)).Begin(t.Context(), callbackURL)
	assert.ErrorContains(t, err, "MCP clients must refuse")
}

// Legacy is for a server without metadata: not for one whose challenge points to metadata that are
// missing, and not for an authorization server elsewhere.
func TestLegacyIsNoWayAroundMetadata(t *testing.T) {
	w := newWorld(t)
	config := w.config(new(tokenstore.Memory))
	config.Legacy = true
	config.Finder = w.over(func(req *http.Request) *http.Response {
		if strings.Contains(req.URL.Path, "/oauth-protected-resource") {
			return respond(http.StatusNotFound, "")
		}
		return nil
	})
	_, _, err := must(mcp.New(config)).Begin(t.Context(), callbackURL)
	require.ErrorContains(t, err, "oauth-protected-resource/mcp: status 404")
	config.Finder = w.over(func(req *http.Request) *http.Response {
		if "http://"+req.URL.Host == w.old.URL {
			return respond(http.StatusNotFound, "")
		}
		return nil
	})
	_, _, err = must(mcp.New(config)).Begin(t.Context(), callbackURL)
	require.ErrorContains(t, err, w.old.URL+"/.well-known/oauth-authorization-server: status 404")
}

// Two tabs of the browser have the same consent, and both are finished.
func TestTwoConsentsOfOneKind(t *testing.T) {
	w := newWorld(t)
	account := must(mcp.New(w.config(new(tokenstore.Memory))))
	first, firstPending, err := account.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	second, secondPending, err := account.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	require.NoError(t, account.Finish(t.Context(), firstPending, must(w.old.Authorize(first)).Query()))
	assert.NoError(t, account.Finish(t.Context(), secondPending, must(w.old.Authorize(second)).Query()))
}

// recordKey is the key of the record of the account alice, beside those of the tokens.
const recordKey = "alice#mcp"

// A process dies after the token is saved and before the record is.
func TestProcessDiesAfterTheToken(t *testing.T) {
	w := newWorld(t)
	store := new(tokenstore.Memory)
	account := must(mcp.New(w.config(store)))
	authURL, pending, err := account.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	before, ok, err := store.Load(t.Context(), recordKey)
	require.NoError(t, err)
	require.True(t, ok)
	require.NoError(t, account.Finish(t.Context(), pending, must(w.old.Authorize(authURL)).Query()))
	require.NoError(t, store.Save(t.Context(), recordKey, before))
	assert.Equal(t, 200, must(w.call(t, must(mcp.New(w.config(store))))))
	assert.Zero(t, w.consents)
}

// Where metadata are missing, the SDK sends a request, whose challenge leads to them.
func TestMetadataAreWhereTheChallengeSays(t *testing.T) {
	w := newWorld(t)
	config := w.machine(w, new(tokenstore.Memory))
	config.Finder = w.over(func(req *http.Request) *http.Response {
		switch {
		case "http://"+req.URL.Host != w.URL:
			return nil
		case req.URL.Path == "/mcp": // the server wants no token for this request
			return respond(http.StatusMethodNotAllowed, "")
		case req.URL.Path == "/.well-known/oauth-protected-resource/mcp" && req.URL.RawQuery == "":
			return respond(http.StatusNotFound, "")
		}
		return nil
	})
	account := must(mcp.New(config))
	source, err := account.TokenSource(t.Context())
	require.NoError(t, err)
	assert.Nil(t, source)
}

// What is the program's own goes to an authorization server that the program names.
func TestCredentialsOfTheProgramNeedAnIssuer(t *testing.T) {
	own := must(assertion.NewClientAuth(assertion.ClientAuthConfig{Assertion: assertion.FromFile("token")}))
	for name, change := range map[string]func(*mcp.Config){
		"client ID":             func(c *mcp.Config) { c.OAuth2.ClientID = "client" },
		"plain URL":             func(c *mcp.Config) { c.OAuth2.ClientID = "http://app.example/client.json" },
		"client authentication": func(c *mcp.Config) { c.OAuth2.ClientAuth = own },
		"secret":                func(c *mcp.Config) { c.OAuth2.ClientSecret = "secret" },
		"grant":                 func(c *mcp.Config) { c.OAuth2.Grant = connectorauth.ClientCredentials{} },
		"document":              nil,
	} {
		config := newConfig("https://mcp.example.com/mcp")
		config.Issuer, config.OAuth2.ClientID = "", "https://app.example/client.json"
		if change == nil {
			_, err := mcp.New(config)
			assert.NoError(t, err, name)
			continue
		}
		change(&config)
		_, err := mcp.New(config)
		assert.ErrorContains(t, err, "Issuer", name)
		config.Issuer = "https://login.example.com"
		_, err = mcp.New(config)
		assert.NoError(t, err, name)
	}
}

// The record of an account keeps 8 KiB of challenges.
func TestLongChallengesAreNotKept(t *testing.T) {
	w := newWorld(t)
	store := new(tokenstore.Memory)
	config := w.config(store)
	config.Consent = nil
	header := http.Header{"Www-Authenticate": {`Bearer realm="` + strings.Repeat("x", 9<<10) + `"`, `Bearer scope="write"`}}
	resp := &http.Response{StatusCode: 401, Body: http.NoBody, Header: header}
	req := must(http.NewRequest(http.MethodGet, w.URL+"/mcp", nil))
	require.ErrorIs(t, must(mcp.New(config)).Authorize(t.Context(), req, resp), connectorauth.ErrReauthRequired)
	kept, ok, err := store.Load(t.Context(), recordKey)
	require.NoError(t, err)
	require.True(t, ok)
	assert.Less(t, len(kept), 8<<10)
}

// A refusal without a challenge says all that the server says: the server is not asked again.
func TestRefusalWithoutAChallengeIsNoReasonToAsk(t *testing.T) {
	w := newWorld(t)
	config := w.config(new(tokenstore.Memory))
	config.Finder = must(discovery.New(discovery.Config{HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		assert.NotEqual(t, "/mcp", req.URL.Path)
		return w.Client().Transport.RoundTrip(req)
	})}}))
	config.Consent = nil
	resp := &http.Response{StatusCode: 401, Body: http.NoBody, Header: http.Header{}}
	req := must(http.NewRequest(http.MethodGet, w.URL+"/mcp", nil))
	require.ErrorIs(t, must(mcp.New(config)).Authorize(t.Context(), req, resp), connectorauth.ErrReauthRequired)
}

// An outage of the server's metadata is no sign of a server without metadata.
func TestLegacyServerHasAnOutage(t *testing.T) {
	w := newWorld(t)
	config := w.config(new(tokenstore.Memory))
	config.Legacy = true
	config.Finder = must(discovery.New(discovery.Config{HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		switch {
		case strings.Contains(req.URL.Path, "/oauth-protected-resource"):
			return respond(http.StatusServiceUnavailable, ""), nil
		case strings.HasPrefix(req.URL.Path, "/.well-known/"):
			return respond(http.StatusNotFound, ""), nil
		}
		return respond(http.StatusUnauthorized, ""), nil
	})}}))
	_, _, err := must(mcp.New(config)).Begin(t.Context(), callbackURL)
	require.ErrorContains(t, err, "status 503")
}
