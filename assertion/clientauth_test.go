package assertion_test

import (
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestClientAuthWithEachAlgorithm(t *testing.T) {
	const secret = "a client secret of more than sixty-four bytes, for HS512 as well as HS256"
	for _, a := range append(algorithms, assertion.HS256, assertion.HS384, assertion.HS512) {
		t.Run(string(a), func(t *testing.T) {
			p := provider(t, authtest.Config{ClientSecret: secret}, a)
			var key *assertion.Key
			if a[0] == 'H' {
				key = must(assertion.NewKey(assertion.KeyConfig{Secret: secret, Algorithm: a}))
			} else {
				key = keyFor(t, a)
			}
			auth, err := assertion.NewClientAuth(assertion.ClientAuthConfig{Key: key, Claims: assertion.Claims{Audience: p.URL}})
			require.NoError(t, err)
			c := connector(t, p, connectorauth.ClientCredentials{}, auth)
			get(t, connectorauth.NewClient(c, p.Client()), p.BearerURL)
			require.NoError(t, c.Renew(t.Context()))
			assert.Equal(t, 2, p.Stats().TokenRequests)
		})
	}
}

func TestClientAuthOnEachRequestOfAConsent(t *testing.T) {
	p := provider(t, authtest.Config{}, assertion.PS256)
	auth, err := assertion.NewClientAuth(assertion.ClientAuthConfig{Key: keyFor(t, assertion.PS256), Claims: assertion.Claims{Audience: p.TokenURL}})
	require.NoError(t, err)
	c := connector(t, p, connectorauth.AuthorizationCode{AuthURL: p.AuthURL}, auth)
	authURL, pending, err := c.Begin(t.Context(), "http://127.0.0.1:1/callback")
	require.NoError(t, err)
	callback, err := p.Authorize(authURL)
	require.NoError(t, err)
	require.NoError(t, c.Finish(t.Context(), pending, callback.Query()))
	require.NoError(t, c.Renew(t.Context()), "by the refresh token")
	require.NoError(t, c.Revoke(t.Context()))

	seen := map[string]bool{}
	for _, url := range []string{p.TokenURL, p.RevokeURL} {
		for _, r := range p.Requests(url) {
			signed := string(r.Body)
			assert.False(t, seen[signed], "an assertion came twice")
			assert.NotContains(t, signed, "client_secret")
			seen[signed] = true
		}
	}
	assert.Len(t, seen, 4)
}
