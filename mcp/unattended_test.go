package mcp_test

import (
	"net/url"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/mcp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asked returns a parameter of each token request, in turn.
func asked(p *authtest.Provider, parameter string) (values []string) {
	for _, r := range p.Requests(p.TokenURL) {
		values = append(values, must(url.ParseQuery(string(r.Body))).Get(parameter))
	}
	return values
}

// sent returns the token that the account would send.
func sent(t *testing.T, a *mcp.Account) string {
	t.Helper()
	source, err := a.TokenSource(t.Context())
	require.NoError(t, err)
	require.NotNil(t, source)
	return must(source.Token()).AccessToken
}

// Without a consent, a token serves one authorization server, and the resource that the token was
// asked for.
func TestTokenWithoutConsentIsOfOneIssuerAndResource(t *testing.T) {
	w := newWorld(t)
	store := new(tokenstore.Memory)
	first := sent(t, must(mcp.New(w.machine(w, store))))
	assert.Equal(t, first, sent(t, must(mcp.New(w.machine(w, store)))), "another process")
	assert.Equal(t, []string{w.URL + "/mcp"}, asked(w.old, "resource"))

	w.set(func() { w.resource = w.URL })
	second := sent(t, must(mcp.New(w.machine(w, store))))
	assert.NotEqual(t, first, second, "another resource")
	assert.Equal(t, []string{w.URL + "/mcp", w.URL}, asked(w.old, "resource"))

	w.set(func() { w.issuer = w.new })
	config := w.machine(w, store)
	config.Issuer = w.new.URL
	config.OAuth2.ClientID, config.OAuth2.ClientSecret = w.new.ClientID, connectorauth.Secret(w.new.ClientSecret)
	assert.NotEqual(t, second, sent(t, must(mcp.New(config))), "another authorization server")
	assert.Equal(t, []string{w.URL}, asked(w.new, "resource"))
}

// A process that has made no request forgets the token for the latest resource.
func TestForgetWithoutConsentFollowsTheResource(t *testing.T) {
	w := newWorld(t)
	store := new(tokenstore.Memory)
	sent(t, must(mcp.New(w.machine(w, store))))
	w.set(func() { w.resource = w.URL })
	before := sent(t, must(mcp.New(w.machine(w, store))))
	require.NoError(t, must(mcp.New(w.machine(w, store))).Forget(t.Context()))
	assert.NotEqual(t, before, sent(t, must(mcp.New(w.machine(w, store)))))
}

// Scopes of the server add up over processes, until the account is forgotten.
func TestScopesWithoutConsentAddUp(t *testing.T) {
	w := newWorld(t)
	store := new(tokenstore.Memory)
	var account *mcp.Account
	for _, scope := range []string{"read", "write", "audit"} {
		w.set(func() { w.scope = scope })
		account = must(mcp.New(w.machine(w, store)))
		require.Equal(t, 200, must(w.call(t, account)), scope)
	}
	assert.Equal(t, []string{"read", "read write", "read write audit"}, asked(w.old, "scope"))

	w.set(func() { w.scope = "read" })
	require.NoError(t, account.Forget(t.Context()))
	require.Equal(t, 200, must(w.call(t, account)))
	assert.Equal(t, "read", asked(w.old, "scope")[3])
}
