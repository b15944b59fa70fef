package assertion_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// connector returns a connector with a grant and a client authentication.
func connector(t *testing.T, p *authtest.Provider, grant connectorauth.Grant, auth connectorauth.ClientAuth) *connectorauth.OAuth2 {
	t.Helper()
	c, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, TokenURL: p.TokenURL, RevokeURL: p.RevokeURL, Grant: grant, ClientAuth: auth,
		HTTPClient: p.Client(), Shared: new(connectorauth.Shared),
	})
	require.NoError(t, err)
	return c
}

func bearer(t *testing.T, p *authtest.Provider, key *assertion.Key) *assertion.JWTBearer {
	t.Helper()
	grant, err := assertion.NewJWTBearer(assertion.JWTBearerConfig{
		Key: key, Claims: assertion.Claims{Issuer: "service", Subject: "alice", Audience: p.URL},
	})
	require.NoError(t, err)
	return grant
}

func TestJWTBearerWithEachAlgorithm(t *testing.T) {
	for _, a := range algorithms {
		t.Run(string(a), func(t *testing.T) {
			p := provider(t, authtest.Config{}, a)
			c := connector(t, p, bearer(t, p, keyFor(t, a)), assertion.NoClientAuth{})
			client := connectorauth.NewClient(c, p.Client())
			assert.JSONEq(t, `{"auth_type":"OAuth2","client":"client","user":"alice","grant":"urn:ietf:params:oauth:grant-type:jwt-bearer"}`, get(t, client, p.BearerURL))
			get(t, client, p.BearerURL)
			assert.Equal(t, 1, p.Stats().TokenRequests)

			p.ExpireAccessTokens()
			get(t, client, p.BearerURL)
			assert.Equal(t, 2, p.Stats().TokenRequests, "another assertion renews")
		})
	}
}

func TestAssertionIsMadeAnewForEachAttempt(t *testing.T) {
	p := provider(t, authtest.Config{}, assertion.ES256)
	c := connector(t, p, bearer(t, p, keyFor(t, assertion.ES256)), assertion.NoClientAuth{})
	p.Inject(p.TokenURL, 1, authtest.DropAfter())
	_, err := c.Token(t.Context())
	require.Error(t, err)
	require.NoError(t, c.Renew(t.Context()), "authtest refuses an assertion that comes twice")
	assert.Equal(t, 2, p.Stats().TokenRequests)
}

func TestAssertionsFollowTheProvidersClock(t *testing.T) {
	for _, skew := range []time.Duration{-time.Hour, -20 * time.Second, 10 * time.Minute} {
		p := provider(t, authtest.Config{ClockSkew: skew}, assertion.ES256)
		key := keyFor(t, assertion.ES256)
		c := connector(t, p, bearer(t, p, key), assertion.NoClientAuth{})
		get(t, connectorauth.NewClient(c, p.Client()), p.BearerURL)
		assert.Equal(t, 2, p.Stats().TokenRequests, skew)

		p = provider(t, authtest.Config{ClockSkew: skew}, assertion.ES256)
		auth, err := assertion.NewClientAuth(assertion.ClientAuthConfig{Key: key, Claims: assertion.Claims{Audience: p.URL}})
		require.NoError(t, err)
		get(t, connectorauth.NewClient(connector(t, p, connectorauth.ClientCredentials{}, auth), p.Client()), p.BearerURL)
		assert.Equal(t, 2, p.Stats().TokenRequests, skew)

		jwt, err := assertion.NewJWT(assertion.JWTConfig{Key: key, Claims: assertion.Claims{Issuer: "i", Audience: p.URL, Lifetime: 3 * time.Minute}})
		require.NoError(t, err)
		get(t, connectorauth.NewClient(jwt, p.Client()), p.AssertionURL)
	}
}

func TestAssertionFromElsewhereIsReadAnew(t *testing.T) {
	p := provider(t, authtest.Config{}, assertion.ES256)
	key, reads := keyFor(t, assertion.ES256), 0
	own := bearer(t, p, key)
	read := func(ctx context.Context) (connectorauth.Secret, error) {
		reads++
		r := &connectorauth.TokenRequest{Params: map[string][]string{}}
		err := own.Parameters(ctx, r)
		return connectorauth.Secret(r.Params.Get("assertion")), err
	}
	grant, err := assertion.NewJWTBearer(assertion.JWTBearerConfig{Assertion: read, Subject: "pod"})
	require.NoError(t, err)
	c := connector(t, p, grant, assertion.NoClientAuth{})
	for range 3 {
		require.NoError(t, c.Renew(t.Context()))
	}
	assert.Equal(t, 3, reads)
	assert.Equal(t, "pod", grant.Traits().Subject)
}

func TestTokensFromElsewhereAreChecked(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "empty token",
		"secret.word\n":               "control character, such as the line break at the end of a file",
		string(make([]byte, 300<<10)): "at most",
	} {
		get := func(context.Context) (connectorauth.Secret, error) { return connectorauth.Secret(text), nil }
		grant, err := assertion.NewJWTBearer(assertion.JWTBearerConfig{Assertion: get})
		require.NoError(t, err)
		auth, err := assertion.NewClientAuth(assertion.ClientAuthConfig{Assertion: get})
		require.NoError(t, err)
		r := &connectorauth.TokenRequest{Params: map[string][]string{}, Header: http.Header{}}
		assert.ErrorContains(t, grant.Parameters(t.Context(), r), want)
		assert.ErrorContains(t, auth.Authenticate(t.Context(), r), want)
		assert.Empty(t, r.Params)
	}
}

func TestProviderOfTestsNamesAKidThatIsUnknown(t *testing.T) {
	p := provider(t, authtest.Config{}, assertion.ES256)
	key := must(assertion.NewKey(assertion.KeyConfig{Signer: privates["P-256"], ID: "k2"}))
	_, err := connector(t, p, bearer(t, p, key), assertion.NoClientAuth{}).Token(t.Context())
	require.ErrorContains(t, err, `no key of AssertionKeys has the kid "k2"`)
}
