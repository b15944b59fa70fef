package replay_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/catalog/internal/facts"
	"github.com/connectorauth/connectorauth/catalog/internal/replay"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// renamed returns another name of each parameter, and parameters with the other names.
func renamed(forms ...string) (map[string]facts.Fact, []string) {
	names, changed := map[string]facts.Fact{}, []string(nil)
	for _, one := range forms {
		q, _ := url.ParseQuery(one)
		other := url.Values{}
		for name, list := range q {
			names[name], other["x_"+name] = *said("x_" + name), list
		}
		changed = append(changed, other.Encode())
	}
	return names, changed
}

// TestEachParameterHasAnotherName leads through a consent and a refresh, and a login by a
// password, at a service that has a name of its own for each parameter.
func TestEachParameterHasAnotherName(t *testing.T) {
	method := consented()
	method.Scopes = said("a")
	authorize, changed := renamed(asks + "&scope=a")
	token, bodies := renamed(exchange, renewal)
	method.AuthorizeNames, method.TokenNames = authorize, token
	server := serve(method)
	assert.Equal(t, "xyz", server.Agree(authorizeURL+"?"+changed[0]).Get("state"))
	for _, body := range bodies {
		status, _ := send(t, server, fill(message{body: body}, ""))
		assert.Equal(t, http.StatusOK, status)
	}
	only(t, server, "a consent")

	names, bodies := renamed("grant_type=password&username=ann&password=open&scope=a&" + client)
	server = serve(facts.Method{Type: "OAuth2", Grant: "password", Token: said(tokenURL), Client: said("body"), Scopes: said("a"), TokenNames: names})
	send(t, server, fill(message{body: bodies[0]}, ""))
	only(t, server, "a password")
}

// TestEmptyIsNotGood sends an empty code and an empty refresh token where there is none.
func TestEmptyIsNotGood(t *testing.T) {
	for body, want := range map[string][]string{
		values(exchange, "code", "") + "&code=": {`token request: want the parameter code once, got ""; methods.m.tokenNames`, `token request: the code "" is not good, or no longer; methods.m.grant`},
		values(renewal, "refresh_token", ""):    {`refresh request: want the parameter refresh_token once, got none; methods.m.tokenNames`, `refresh request: the refresh token "" is not good, or no longer; methods.m.refresh`},
	} {
		server := serve(consented())
		status, _ := send(t, server, fill(message{body: body}, ""))
		assert.Equal(t, http.StatusBadRequest, status, body)
		only(t, server, body, want...)
	}
}

// TestARefreshAsksForNoScopes sends a refresh of a method with scopes.
func TestARefreshAsksForNoScopes(t *testing.T) {
	method := consented()
	method.Grant, method.Scopes = "client_credentials", said("a")
	server := serve(method)
	send(t, server, fill(message{body: machine + "&scope=a"}, ""))
	send(t, server, fill(message{body: renewal}, ""))
	only(t, server, "a refresh")
}

// TestExpiryAsADate reads the date at which a token ends.
func TestExpiryAsADate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := serve(facts.Method{Type: "OAuth2", Grant: "client_credentials", Token: said(tokenURL), Client: said("body"), Expiry: said("expires_at")})
		_, got := send(t, server, fill(message{}, machine))
		assert.Equal(t, map[string]any{"access_token": "access-1", "token_type": "Bearer", "expires_at": time.Now().Add(replay.Lifetime).UTC().Format(time.RFC3339)}, got)
	})
}

// TestOtherFactsOfTheAPI sends good requests to services that differ from acme.
func TestOtherFactsOfTheAPI(t *testing.T) {
	source := &facts.Source{Base: *said("https://api.example.com/"), Test: said("GET https://api.example.com/me"), TestID: said("/id"),
		Headers: map[string]facts.Fact{"X-Site": *said("{site}")},
		Methods: map[string]facts.Method{"m": {Type: "ApiKey", Carries: []facts.Carried{{In: "header", Name: "X-Key", Fact: *said("{token}")}}}}}
	server := replay.New(source, "m", map[string]string{"token": "t1", "site": "eu"})
	status, got := send(t, server, message{verb: http.MethodGet, address: "https://api.example.com" + replay.CallPath, change: with("X-Key", "t1", "X-Site", "eu",
		"Accept", "*/*", "Accept-Encoding", "gzip", "User-Agent", "a", "Content-Length", "0", "Content-Type", text)})
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, map[string]any{"ok": true}, got)
	only(t, server, "a call")

	status, _ = send(t, server, message{verb: http.MethodGet, address: "https://api.example.com/x" + replay.CallPath})
	assert.Equal(t, http.StatusNotFound, status)

	server = serve(facts.Method{Type: "AuthFields", Carries: []facts.Carried{{In: "body", Name: "Key", Fact: *said("{key}")}}})
	send(t, server, message{verb: http.MethodPost, address: "https://api.example.com" + replay.CallPath, media: text, body: `{"Key": "k1"}`, change: with("Key", "k1")})
	only(t, server, "the key in a header too", "api request: has a header Key that the sources do not know; headers")
}

// A broken body fails to be read, or to be closed.
type broken struct{ read, closed error }

func (b broken) Read([]byte) (int, error) { return 0, b.read }
func (b broken) Close() error             { return b.closed }

// TestResponsesOfTheTransport looks at what an http.RoundTripper promises.
func TestResponsesOfTheTransport(t *testing.T) {
	server := serve(consented())
	failed := errors.New("broken")
	for _, body := range []io.ReadCloser{broken{failed, nil}, broken{io.EOF, failed}} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, tokenURL, body)
		require.NoError(t, err)
		_, err = server.RoundTrip(r)
		assert.ErrorIs(t, err, failed)
	}
	only(t, server, "no request has come")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example.com"+replay.CallPath, nil)
	require.NoError(t, err)
	resp, err := server.RoundTrip(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Same(t, r, resp.Request)
	assert.Equal(t, `Bearer error="invalid_token"`, resp.Header.Get("WWW-Authenticate"))
}

// TestTemporaryCredentials reads the response of RFC 5849 section 2.1, at a URL with a query
// and with a further parameter of the consent.
func TestTemporaryCredentials(t *testing.T) {
	method := signed()
	method.Temporary = said("https://id.example.com/temporary?w=1")
	method.AuthorizeParams = map[string]facts.Fact{"name": *said("replay")}
	server := serve(method)
	m := signing{params: url.Values{"oauth_callback": {replay.Callback}}}.sign(t, message{verb: http.MethodPost, address: method.Temporary.Value}, "nonce-1")
	r, err := http.NewRequestWithContext(t.Context(), m.verb, m.address, nil)
	require.NoError(t, err)
	m.change(r)
	resp, err := server.RoundTrip(r)
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, "oauth_callback_confirmed=true&oauth_token=temporary-1&oauth_token_secret=temporary-secret-1", string(body))
	assert.Equal(t, form, resp.Header.Get("Content-Type"))
	assert.NotNil(t, server.Agree(authorizeURL+"?v=1&oauth_token=temporary-1&name=replay"))
	only(t, server, "a consent")
}
