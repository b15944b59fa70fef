package oidcprovider_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// From the issuer alone to the API: metadata, registration, consent and renewal. Then the
// provider loses the client, and the next consent brings another.
func TestDiscoveryAndRegistration(t *testing.T) {
	base := start(t)
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) { // its issuer has no port
		return new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(base, "http://"))
	}}
	t.Cleanup(transport.CloseIdleConnections)
	finder, err := discovery.New(discovery.Config{HTTPClient: &http.Client{Transport: transport}})
	require.NoError(t, err)
	server, err := finder.Server(t.Context(), issuer)
	require.NoError(t, err)
	assert.Equal(t, issuer+"/token", server.TokenEndpoint)
	assert.True(t, server.IssParameterSupported)
	assert.Equal(t, []string{"S256"}, server.CodeChallengeMethodsSupported)

	store := new(tokenstore.Memory)
	registrar, err := discovery.NewRegistrar(discovery.RegistrarConfig{
		Finder: finder, Store: store, Keys: []tokenstore.Key{{ID: "1", Secret: make([]byte, 32)}},
		Request: discovery.RegistrationRequest{ClientMetadata: discovery.ClientMetadata{ClientName: "Acme", TokenEndpointAuthMethod: connectorauth.ClientSecretBasic}},
	})
	require.NoError(t, err)
	account, err := discovery.NewAccount(discovery.AccountConfig{
		Finder: finder, Registrar: registrar, Issuer: issuer,
		OAuth2: connectorauth.OAuth2Config{
			Store: store, Account: "owner", Scopes: []string{"openid", "offline_access"},
			Grant: connectorauth.AuthorizationCode{Params: map[string][]string{"prompt": {"consent"}}},
		},
	})
	require.NoError(t, err)
	connect := func() *connectorauth.OAuth2 {
		authURL, pending, err := account.Begin(t.Context(), redirectURL)
		require.NoError(t, err)
		callback := consent(t, strings.Replace(authURL, issuer+"/", base+"/", 1))
		require.NoError(t, account.Finish(t.Context(), pending, callback))
		c, err := account.Connector(t.Context())
		require.NoError(t, err)
		resp, err := connectorauth.NewClient(c, nil).Get(base + "/api")
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, 200, resp.StatusCode)
		return c
	}
	c := connect()
	require.NoError(t, c.Renew(t.Context()))

	client, err := registrar.Kept(t.Context(), issuer, redirectURL, "")
	require.NoError(t, err)
	read, err := finder.Read(t.Context(), client)
	require.NoError(t, err)
	assert.Equal(t, client.ClientID, read.ClientID)
	m := read.ClientMetadata
	m.ClientName = "Acme Ltd"
	changed, err := finder.Update(t.Context(), read, m)
	require.NoError(t, err)
	require.NoError(t, finder.Remove(t.Context(), changed))
	require.ErrorIs(t, c.Renew(t.Context()), connectorauth.ErrReauthRequired)
	connect()
	anew, err := registrar.Kept(t.Context(), issuer, redirectURL, "")
	require.NoError(t, err)
	assert.NotEqual(t, client.ClientID, anew.ClientID)
}
