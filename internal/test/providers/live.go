package providers

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An Account is an account of a provider, and how requests reach the fake of the
// provider.
type Account struct {
	Connector  connectorauth.Connector // of requests to the API
	Credential *connectorauth.OAuth2
	Scopes     []string                    // those that a consent asks for
	Client     *http.Client                // reaches the API
	API        func() string               // the URL of the API, once there is a token
	Consent    func(authURL string) string // the URL where fake asks for the consent
	Revokes    bool                        // there is a RevokeURL
}

// Run runs test in a synctest bubble, with a fake that behaves as the provider does, and
// checks what arrives.
func (p *Provider) Run(t *testing.T, test func(t *testing.T, fake *authtest.Provider)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		config := authtest.Config{ClientSecret: p.Config.ClientSecret, NoRotation: p.KeepsRefreshTokens, InMemory: true}
		if p.extends() {
			config.TokenLifetime = 60 * 24 * time.Hour
		}
		fake := authtest.New(config)
		defer fake.Close()
		p.bend(t, fake)
		test(t, fake)
		for _, want := range p.TokenRequests {
			assert.True(t, want.used, "no token request was of the grant %q", want.Grant)
		}
		time.Sleep(15 * time.Minute) // whatever saves in the background comes to its end
	})
}

// extends reports whether access tokens renew themselves.
func (p *Provider) extends() bool {
	var d struct{ Extend *struct{} }
	return json.Unmarshal(p.Config.Dialect, &d) == nil && d.Extend != nil
}

// byOwner reports whether there is a consent.
func (p *Provider) byOwner() bool { return p.Config.Grant == "authorization_code" }

// Live leads an account through consent, calls, renewals after a rejection and after the
// expiry, the end of the grant, another consent, and revocation.
func (p *Provider) Live(t *testing.T, fake *authtest.Provider, a Account) {
	p.scopes = strings.Join(a.Scopes, " ")
	p.consent(t, fake, a)
	p.requireCall(t, a)
	tokens := fake.Stats().TokenRequests
	if !p.NoRenewal && !p.extends() {
		fake.ExpireAccessTokens()
		p.requireCall(t, a)
		tokens++
		require.Equal(t, tokens, fake.Stats().TokenRequests, "token requests of the renewal after a rejection")
	}
	if !p.NoRenewal && p.Lifetime != "unknown" {
		p.expire(t, a)
		refused := fake.Stats().APIRefused
		p.requireCall(t, a)
		tokens++
		require.Equal(t, tokens, fake.Stats().TokenRequests, "token requests of the renewal after the expiry")
		require.Equal(t, refused, fake.Stats().APIRefused, "a token that has expired is not sent")
	}
	if p.byOwner() {
		fake.RevokeGrants()
		fake.ExpireAccessTokens()
		_, err := connectorauth.NewClient(a.Connector, a.Client).Get(a.API())
		require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		assert.ErrorContains(t, err, p.Error)
		p.consent(t, fake, a)
		p.requireCall(t, a)
	}
	if require.Equal(t, p.Revokes, a.Revokes); a.Revokes {
		p.revoke(t, fake, a)
	}
}

// consent leads the account owner through a consent.
func (p *Provider) consent(t *testing.T, fake *authtest.Provider, a Account) {
	if !p.byOwner() {
		return
	}
	authURL, pending, err := a.Credential.Begin(t.Context(), "http://127.0.0.1/callback")
	require.NoError(t, err)
	callback, err := fake.Authorize(a.Consent(authURL))
	require.NoError(t, err)
	require.NoError(t, a.Credential.Finish(t.Context(), pending, callback.Query()))
}

// expire waits until the token is to be renewed: until its end, or, where the token
// renews itself, until a day before.
func (p *Provider) expire(t *testing.T, a Account) {
	token, err := a.Credential.Token(t.Context())
	require.NoError(t, err)
	wait := time.Until(token.Expiry) + time.Second
	if p.extends() {
		wait -= 24 * time.Hour
	}
	time.Sleep(wait)
}

// requireCall calls the API and looks at the token.
func (p *Provider) requireCall(t *testing.T, a Account) {
	t.Helper()
	resp, err := connectorauth.NewClient(a.Connector, a.Client).Get(a.API())
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, 200, resp.StatusCode, string(body))
	var who authtest.Identity
	require.NoError(t, json.Unmarshal(body, &who))
	require.Equal(t, "OAuth2", who.AuthType)
	synctest.Wait() // for a renewal in the background
	token, err := a.Credential.Token(t.Context())
	require.NoError(t, err)
	if p.Lifetime == "unknown" {
		assert.Zero(t, token.Expiry)
	} else {
		lifetime, err := time.ParseDuration(cmp.Or(p.Lifetime, "1h"))
		require.NoError(t, err)
		assert.WithinDuration(t, time.Now().Add(lifetime), token.Expiry, time.Minute)
	}
	for name, value := range p.Extra {
		if value == "$scope" {
			value = p.scopes
		}
		assert.Equal(t, value, token.Extra(name), name)
	}
}

// revoke disconnects the account: the token is worth nothing afterwards, for nobody.
func (p *Provider) revoke(t *testing.T, fake *authtest.Provider, a Account) {
	token, err := a.Credential.Token(t.Context())
	require.NoError(t, err)
	require.NoError(t, a.Credential.Revoke(t.Context()))
	require.False(t, works(fake, token.AccessToken), "the token still works")
}
