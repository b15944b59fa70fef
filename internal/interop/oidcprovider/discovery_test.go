package oidcprovider_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
)

// From the issuer alone to the API: metadata, registration, consent and renewal. Then the
// provider loses the client, and the next consent brings another.
func TestDiscoveryAndRegistration(t *testing.T) {
	s := start(t)
	a, registrar, finder, err := s.site(t).account(named("register"))
	require.NoError(t, err)
	server, err := finder.Server(t.Context(), s.issuer)
	require.NoError(t, err)
	assert.Equal(t, s.issuer+"/token", server.TokenEndpoint)
	assert.True(t, server.IssParameterSupported)
	assert.Equal(t, []string{"S256"}, server.CodeChallengeMethodsSupported)

	connect := func() *connectorauth.OAuth2 {
		authURL, pending, err := a.Begin(t.Context(), redirectURL)
		require.NoError(t, err)
		require.NoError(t, a.Finish(t.Context(), pending, s.consent(t, newOwner(t), authURL).Query()))
		c, err := a.Connector(t.Context())
		require.NoError(t, err)
		s.use(t, c, named("register"))
		return c
	}
	c := connect()
	require.NoError(t, c.Renew(t.Context()))

	client, err := registrar.Kept(t.Context(), s.issuer, redirectURL, "")
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
	anew, err := registrar.Kept(t.Context(), s.issuer, redirectURL, "")
	require.NoError(t, err)
	assert.NotEqual(t, client.ClientID, anew.ClientID)
}
