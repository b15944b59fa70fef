package assertion_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// decoded returns the header and the claims of an assertion.
func decoded(t *testing.T, signed string) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(signed, ".")
	require.Len(t, parts, 3)
	for i, into := range []*map[string]any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, into))
	}
	return header, claims
}

// signed returns an assertion of a grant.
func signed(t *testing.T, config assertion.JWTBearerConfig) string {
	t.Helper()
	grant, err := assertion.NewJWTBearer(config)
	require.NoError(t, err)
	r := &connectorauth.TokenRequest{Params: map[string][]string{}}
	require.NoError(t, grant.Parameters(t.Context(), r))
	return r.Params.Get("assertion")
}

func TestClaimsAndHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := float64(time.Now().Unix())
		config := assertion.JWTBearerConfig{
			Key: must(assertion.NewKey(assertion.KeyConfig{Signer: privates["P-256"], ID: "k1", Certificate: certify(t, privates["P-256"])})),
			Claims: assertion.Claims{
				Issuer: "service", Subject: "alice", Audience: "https://login.example.test", Lifetime: time.Minute,
				More: map[string]any{"scope": "a b", "box_sub_type": "user", "n": 7}, Header: map[string]any{"typ": "at+jwt", "extra": true},
			},
		}
		header, claims := decoded(t, signed(t, config))
		assert.Len(t, header["x5t#S256"], 43)
		delete(header, "x5t#S256")
		assert.Equal(t, map[string]any{"alg": "ES256", "typ": "at+jwt", "kid": "k1", "extra": true}, header)
		assert.Len(t, claims["jti"], 26)
		delete(claims, "jti")
		assert.Equal(t, map[string]any{
			"iss": "service", "sub": "alice", "aud": "https://login.example.test", "scope": "a b", "box_sub_type": "user", "n": 7.0,
			"iat": now - 10, "exp": now + 50,
		}, claims)

		config.Key = keyFor(t, assertion.RS256)
		config.Claims = assertion.Claims{Issuer: "i", Audience: "a"}
		header, claims = decoded(t, signed(t, config))
		assert.Equal(t, map[string]any{"alg": "RS256", "typ": "JWT", "kid": "k1"}, header)
		assert.Equal(t, now+170, claims["exp"], "three minutes after iat")
		assert.NotContains(t, claims, "sub")
	})
}

func TestClaimsThatCannotBeAreRefused(t *testing.T) {
	key := keyFor(t, assertion.ES256)
	good := assertion.Claims{Issuer: "i", Audience: "a"}
	with := func(change func(*assertion.Claims)) assertion.JWTBearerConfig {
		claims := good
		change(&claims)
		return assertion.JWTBearerConfig{Key: key, Claims: claims}
	}
	for want, config := range map[string]assertion.JWTBearerConfig{
		"Key: is nil":               {Claims: good},
		"Claims.Issuer: is empty":   with(func(c *assertion.Claims) { c.Issuer = "" }),
		"Claims.Audience: is empty": with(func(c *assertion.Claims) { c.Audience = "" }),
		"Claims.Lifetime: is -1s":   with(func(c *assertion.Claims) { c.Lifetime = -time.Second }),
		"Claims.Lifetime: is 25h":   with(func(c *assertion.Claims) { c.Lifetime = 25 * time.Hour }),
		"Claims.Lifetime: is 10s":   with(func(c *assertion.Claims) { c.Lifetime = 10 * time.Second }),
		`Claims.More: contains "nbf"; an assertion is valid from its iat`: with(func(c *assertion.Claims) { c.More = map[string]any{"nbf": 1} }),
		`Claims.More: contains "exp"; use Claims.Lifetime`:                with(func(c *assertion.Claims) { c.More = map[string]any{"exp": 1} }),
		`Claims.More: contains "aud"`:                                     with(func(c *assertion.Claims) { c.More = map[string]any{"aud": []string{"a"}} }),
		`Claims.Header: contains "alg"`:                                   with(func(c *assertion.Claims) { c.Header = map[string]any{"alg": "none"} }),
		"Claims.More: cannot be written":                                  with(func(c *assertion.Claims) { c.More = map[string]any{"f": func() {}} }),
		"Subject: is for Assertion":                                       {Key: key, Claims: good, Subject: "s"},
		"Key: give either Key or Assertion":                               {Key: key, Claims: good, Assertion: fixedAssertion},
		"Claims: are for a Key":                                           {Claims: good, Assertion: fixedAssertion},
	} {
		_, err := assertion.NewJWTBearer(config)
		assert.ErrorContains(t, err, want)
	}
	_, err := assertion.NewClientAuth(assertion.ClientAuthConfig{Key: key, Claims: good})
	assert.ErrorContains(t, err, "Claims.Issuer: must be empty, as must Claims.Subject")
	_, err = assertion.NewClientAuth(assertion.ClientAuthConfig{Key: key})
	assert.ErrorContains(t, err, "Claims.Audience: is empty")
}

func TestChangedClaimsChangeNoGrant(t *testing.T) {
	more := map[string]any{"scope": "a"}
	grant := must(assertion.NewJWTBearer(assertion.JWTBearerConfig{Key: keyFor(t, assertion.ES256), Claims: assertion.Claims{Issuer: "i", Audience: "a", More: more}}))
	more["scope"] = "b"
	r := &connectorauth.TokenRequest{Params: map[string][]string{}}
	require.NoError(t, grant.Parameters(t.Context(), r))
	_, claims := decoded(t, r.Params.Get("assertion"))
	assert.Equal(t, "a", claims["scope"])
}

// payloadOf returns the claims of an assertion as text.
func payloadOf(t *testing.T, signed string) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(signed, ".")[1])
	require.NoError(t, err)
	return string(text)
}
