// Package clients_test puts clients that other people wrote on top of this
// library's: they are given an *http.Client or a RoundTripper and must neither
// notice nor undo what it does.
package clients_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// must returns v; it is for configs that are right.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// secret stands in for all kinds of keys.
const secret = "0123456789-the-secret"

func headerKey(hosts ...string) connectorauth.Connector {
	return must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secret, Prefix: "Bearer ", Hosts: hosts}))
}

// forClient returns a connector that gets its tokens from p for the client itself.
func forClient(p *authtest.Provider, hosts ...string) *connectorauth.OAuth2 {
	return must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL,
		Grant: connectorauth.ClientCredentials{}, Hosts: hosts,
	}))
}

// forOwner returns a connector with a token of p's account owner.
func forOwner(t *testing.T, p *authtest.Provider) *connectorauth.OAuth2 {
	t.Helper()
	c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL,
		Grant: connectorauth.AuthorizationCode{AuthURL: p.AuthURL},
	}))
	authURL, pending, err := c.Begin(t.Context(), "http://127.0.0.1/callback")
	require.NoError(t, err)
	callback, err := p.Authorize(authURL)
	require.NoError(t, err)
	require.NoError(t, c.Finish(t.Context(), pending, callback.Query()))
	return c
}

// An api is a server that records what arrives.
type api struct {
	*httptest.Server

	mu   sync.Mutex
	seen []*http.Request // in order of arrival; bodies have been read
}

func newAPI(t *testing.T, handler http.HandlerFunc) *api {
	t.Helper()
	a := new(api)
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.seen = append(a.seen, r)
		a.mu.Unlock()
		handler(w, r)
	}))
	t.Cleanup(a.Close)
	return a
}

// arrived returns the requests so far.
func (a *api) arrived() []*http.Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]*http.Request(nil), a.seen...)
}

// requireBare checks that a request has no credential in any of the usual places.
func requireBare(t *testing.T, r *http.Request) {
	t.Helper()
	require.Empty(t, r.Header.Values("Authorization"))
	require.Empty(t, r.Header.Values("Cookie"))
	require.NotContains(t, r.RequestURI, secret)
}

// identity reads what authtest's API answers.
func identity(t *testing.T, body io.Reader) (who authtest.Identity) {
	t.Helper()
	require.NoError(t, json.NewDecoder(body).Decode(&who))
	return who
}
