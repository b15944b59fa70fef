package connectorauth_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// A program that offers a browser and a code for another device may use both for one account. The
// record of the other grant is an error that says what helps, and a consent does help.
func TestAConsentReplacesTheRecordOfAnotherGrant(t *testing.T) {
	p := authtest.NewProvider(t)
	store := new(tokenstore.Memory)
	with := func(grant connectorauth.Grant) *connectorauth.OAuth2 {
		c, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Grant: grant,
			HTTPClient: p.Client(), Shared: new(connectorauth.Shared), Store: store, Account: "ada",
		})
		require.NoError(t, err)
		return c
	}
	consent := func(c *connectorauth.OAuth2) {
		t.Helper()
		authURL, pending, err := c.Begin(t.Context(), "http://127.0.0.1/callback")
		require.NoError(t, err)
		callback, err := p.Authorize(authURL)
		require.NoError(t, err)
		require.NoError(t, c.Finish(t.Context(), pending, callback.Query()))
	}
	byBrowser := connectorauth.AuthorizationCode{AuthURL: p.AuthURL}
	byDevice := with(connectorauth.DeviceCode{DeviceURL: p.DeviceURL})
	access, refresh := p.IssueTokens("")
	require.NoError(t, byDevice.SetToken(t.Context(), &oauth2.Token{AccessToken: access, RefreshToken: refresh}))

	_, err := with(byBrowser).Token(t.Context())
	require.ErrorContains(t, err, "lead the account owner through a new consent, which replaces the record")
	consent(with(byBrowser))
	_, err = with(byBrowser).Token(t.Context())
	assert.NoError(t, err)
}
