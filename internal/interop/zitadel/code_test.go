package zitadel_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// code is the config of a client for consents.
func (p *provider) code(client string) connectorauth.OAuth2Config {
	config := p.config(connectorauth.AuthorizationCode{AuthURL: p.issuer + "auth"}, "openid", "offline_access")
	if config.ClientID = client; client == nativeClient {
		config.ClientSecret, config.ClientAuth = "", connectorauth.ClientAuthNone
	}
	return config
}

// status calls userinfo with an access token, and returns the status.
func (p *provider) status(t *testing.T, access string) int {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, p.issuer+"userinfo", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+access)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	return resp.StatusCode
}

func TestAuthorizationCodeWithPKCE(t *testing.T) {
	each(t, func(t *testing.T, p *provider) {
		for _, client := range []string{webClient, nativeClient} {
			t.Run(client, func(t *testing.T) {
				before := len(p.sent("refresh_token", "refresh_token"))
				c := p.connect(t, p.code(client))
				assert.Equal(t, admin, p.whoami(t, c))
				verifiers := p.sent("authorization_code", "code_verifier")
				assert.Len(t, verifiers[len(verifiers)-1], 43)
				for range 3 {
					require.NoError(t, c.Renew(t.Context()))
					assert.Equal(t, admin, p.whoami(t, c))
				}
				requireNew(t, p.sent("refresh_token", "refresh_token")[before:], 3)
			})
		}
	})
}

// The attacker's code goes into the victim's consent, under the victim's state.
func TestVerifierOfAnotherConsentIsRefused(t *testing.T) {
	each(t, func(t *testing.T, p *provider) {
		c := newOAuth2(t, p.code(nativeClient))
		theirs, _, err := c.Begin(t.Context(), redirectURL)
		require.NoError(t, err)
		ours, pending, err := c.Begin(t.Context(), redirectURL)
		require.NoError(t, err)
		callback := consent(t, ours)
		callback.Set("code", consent(t, theirs).Get("code"))
		var refused *connectorauth.TokenError
		require.ErrorAs(t, c.Finish(t.Context(), pending, callback), &refused)
		assert.Equal(t, "invalid_grant", refused.Code)
		assert.Len(t, p.sent("authorization_code", "code"), 1)
	})
}

// A refresh token that zitadel has replaced ends the account, and is sent once.
func TestReplacedRefreshTokenEndsTheAccount(t *testing.T) {
	each(t, func(t *testing.T, p *provider) {
		c := p.connect(t, p.code(webClient))
		require.NoError(t, c.Renew(t.Context()))
		replaced := p.sent("refresh_token", "refresh_token")[0]
		require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{RefreshToken: replaced}))
		for range 3 {
			_, err := c.Token(t.Context())
			assert.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		}
		assert.Equal(t, []string{replaced, replaced}, p.sent("refresh_token", "refresh_token"))
	})
}

// Revoke ends both tokens. Somebody who has kept the record has nothing.
func TestRevokedTokensAreDeadAtZitadel(t *testing.T) {
	each(t, func(t *testing.T, p *provider) {
		for _, client := range []string{webClient, nativeClient} {
			t.Run(client, func(t *testing.T) {
				store := new(tokenstore.Memory)
				config := p.code(client)
				config.Store, config.Account = store, "account"
				c := p.connect(t, config)
				kept, _, err := store.Load(t.Context(), "account")
				require.NoError(t, err)
				token, err := c.Token(t.Context())
				require.NoError(t, err)
				require.Equal(t, http.StatusOK, p.status(t, token.AccessToken))
				require.NoError(t, c.Revoke(t.Context()))
				assert.NotEqual(t, http.StatusOK, p.status(t, token.AccessToken))
				_, err = c.Token(t.Context())
				assert.ErrorIs(t, err, connectorauth.ErrNotConnected)

				config.Store, config.Shared = new(tokenstore.Memory), new(connectorauth.Shared)
				require.NoError(t, config.Store.Save(t.Context(), "account", kept))
				before := len(p.sent("refresh_token", "refresh_token"))
				assert.ErrorIs(t, newOAuth2(t, config).Renew(t.Context()), connectorauth.ErrReauthRequired)
				assert.Len(t, p.sent("refresh_token", "refresh_token"), before+1)
			})
		}
	})
}

// From the issuer alone to the API, and to the end of the grant.
func TestAccountByIssuerAlone(t *testing.T) {
	each(t, func(t *testing.T, p *provider) {
		finder, err := discovery.New(discovery.Config{HTTPClient: &http.Client{Transport: http.DefaultTransport}})
		require.NoError(t, err)
		account, err := discovery.NewAccount(discovery.AccountConfig{Finder: finder, Issuer: p.issuer, OAuth2: connectorauth.OAuth2Config{
			ClientID: nativeClient, Scopes: []string{"openid", "offline_access"}, Store: new(tokenstore.Memory), Account: "account",
		}})
		require.NoError(t, err)
		authURL, pending, err := account.Begin(t.Context(), redirectURL)
		require.NoError(t, err)
		require.NoError(t, account.Finish(t.Context(), pending, consent(t, authURL)))
		c, err := account.Connector(t.Context())
		require.NoError(t, err)
		assert.Equal(t, admin, p.whoami(t, c))
		require.NoError(t, c.Renew(t.Context()))
		assert.Equal(t, admin, p.whoami(t, c))
		requireNew(t, p.sent("refresh_token", "refresh_token"), 1)
		require.NoError(t, c.Revoke(t.Context()))
		_, err = c.Token(t.Context())
		assert.ErrorIs(t, err, connectorauth.ErrNotConnected)
	})
}

// The owner's refusal comes back as the code of RFC 6749 section 4.1.2.1.
func TestRefusalOfZitadel(t *testing.T) {
	each(t, func(t *testing.T, p *provider) {
		config := p.code(webClient)
		config.Grant = connectorauth.AuthorizationCode{AuthURL: p.issuer + "auth", Params: url.Values{"prompt": {"none"}}}
		c := newOAuth2(t, config)
		authURL, pending, err := c.Begin(t.Context(), redirectURL)
		require.NoError(t, err)
		browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		resp, err := browser.Get(authURL)
		require.NoError(t, err)
		resp.Body.Close()
		callback, err := resp.Location()
		require.NoError(t, err)
		var refused *connectorauth.TokenError
		require.ErrorAs(t, c.Finish(t.Context(), pending, callback.Query()), &refused)
		assert.Equal(t, "login_required", refused.Code)
		assert.Empty(t, p.sent("authorization_code", "code"))
	})
}
