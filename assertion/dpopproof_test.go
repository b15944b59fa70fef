package assertion_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// proofClaims returns the claims of the proof in r.
func proofClaims(t *testing.T, r *http.Request) map[string]any {
	parts := strings.Split(r.Header.Get("DPoP"), ".")
	if !assert.Len(t, parts, 3) {
		return map[string]any{"nonce": "no proof"}
	}
	var claims map[string]any
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	assert.NoError(t, err)
	assert.NoError(t, json.Unmarshal(text, &claims))
	if claims["nonce"] == nil {
		claims["nonce"] = ""
	}
	return claims
}

func TestProofsFollowTheClockOfTheServer(t *testing.T) {
	for _, skew := range []time.Duration{-3 * time.Hour, 3 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			p := authtest.New(authtest.Config{InMemory: true, RequireDPoP: true, ClockSkew: skew})
			defer p.Close()
			c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
				ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Grant: connectorauth.ClientCredentials{},
				Proof: newDPoP(t, assertion.DPoPConfig{}), HTTPClient: p.Client(), Shared: new(connectorauth.Shared),
			}))
			_, err := c.Token(t.Context())
			require.ErrorContains(t, err, "invalid_dpop_proof")
			assert.Equal(t, 1, p.Stats().TokenRequests, "nothing says that the grant was not looked at")
			require.NoError(t, c.Renew(t.Context()))
			get(t, connectorauth.NewClient(c, p.Client()), p.BearerURL)
		})
	}
}

func TestProofSaysWhatRFC9449Wants(t *testing.T) {
	d := newDPoP(t, assertion.DPoPConfig{})
	key := must(d.NewKey())
	jtis := map[string]bool{}
	for _, test := range []struct{ method, url, host, htu string }{
		{"", "https://api.example.com", "", "https://api.example.com/"},
		{"POST", "https://API.example.com:443/a%2Fb/%C3%BC?x=1&y=/#z", "", "https://API.example.com:443/a%2Fb/%C3%BC"},
		{"DELETE", "https://10.0.0.1/a\"b", "api.example.com", "https://api.example.com/a%22b"},
		{"GET", "http://127.0.0.1:8080/<&>", "", "http://127.0.0.1:8080/%3C&%3E"},
	} {
		req := must(http.NewRequest(test.method, test.url, nil))
		req.Method = test.method
		if test.host != "" {
			req.Host = test.host
		}
		req.Header.Set("DPoP", "another")
		req.Header.Set("Authorization", "DPoP Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU")
		require.NoError(t, d.Prove(req, key, "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"))
		require.Len(t, req.Header.Values("DPoP"), 1)
		claims := proofClaims(t, req)
		assert.Equal(t, test.htu, claims["htu"])
		assert.Equal(t, map[bool]string{true: "GET", false: test.method}[test.method == ""], claims["htm"])
		assert.Equal(t, "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo", claims["ath"], "section 7.1")
		jti := claims["jti"].(string)
		assert.False(t, jtis[jti] || len(jti) < 16, "96 bits at least (section 4.2)")
		jtis[jti] = true
		header := strings.Split(req.Header.Get("DPoP"), ".")[0]
		text := string(must(base64.RawURLEncoding.DecodeString(header)))
		assert.Contains(t, text, `"typ":"dpop+jwt"`)
		assert.NotContains(t, text, `"d":`)
	}
}

// The repetition with a nonce has a new assertion too, because a jti serves once.
func TestPushedRequestHasAProof(t *testing.T) {
	p := provider(t, authtest.Config{RequireDPoP: true, DPoPNonce: true, RequirePushed: true}, assertion.ES256)
	key := keyFor(t, assertion.ES256)
	a := &dpopAccount{p, connectorauth.OAuth2Config{
		ClientID: p.ClientID, TokenURL: p.TokenURL, HTTPClient: p.Client(), Store: new(tokenstore.Memory), Account: "alice",
		Grant:      connectorauth.AuthorizationCode{AuthURL: p.AuthURL, PushedAuthorizationRequestURL: p.PushedAuthorizationRequestURL},
		ClientAuth: must(assertion.NewClientAuth(assertion.ClientAuthConfig{Key: key, Claims: assertion.Claims{Audience: p.URL}})),
		Proof:      newDPoP(t, assertion.DPoPConfig{}),
	}}
	c := a.open(t)
	a.connect(t, c)
	assert.Len(t, p.Requests(p.PushedAuthorizationRequestURL), 2, "the first request learns the nonce")
	assert.Equal(t, 1, p.Stats().TokenRequests)
	a.RotateNonces()
	require.NoError(t, c.Renew(t.Context()))
	assert.Equal(t, 3, p.Stats().TokenRequests)
	assert.NotEmpty(t, a.key(t, c))
}
