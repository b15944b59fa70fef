package assertion_test

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// certify returns a certificate of a key that signs for itself.
func certify(t *testing.T, signer crypto.Signer) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	require.NoError(t, err)
	return must(x509.ParseCertificate(der))
}

func TestKeysThatCannotSignAreRefused(t *testing.T) {
	p256 := privates["P-256"]
	jwk := func(alg string) connectorauth.Secret {
		return connectorauth.Secret(`{"kty":"oct","k":"` + strings.Repeat("A", 43) + `","alg":"` + alg + `"}`)
	}
	for name, test := range map[string]struct {
		config assertion.KeyConfig
		want   string
	}{
		"nothing":                {assertion.KeyConfig{}, "Private: is empty"},
		"two sources":            {assertion.KeyConfig{Private: pemOf(p256), Signer: p256}, "Private: give one of"},
		"two other sources":      {assertion.KeyConfig{Signer: p256, Secret: "x"}, "Private: give one of"},
		"a public key":           {assertion.KeyConfig{Private: connectorauth.Secret(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(p256.Public()))}))}, "Private: the key is a public key"},
		"an encrypted key":       {assertion.KeyConfig{Private: "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----"}, "Private: the private key is encrypted"},
		"another kind":           {assertion.KeyConfig{Signer: p256, Algorithm: assertion.RS256}, "Signer: RS256 does not fit"},
		"none":                   {assertion.KeyConfig{Signer: p256, Algorithm: "none"}, `Signer: the algorithm "none" does not sign`},
		"a short secret":         {assertion.KeyConfig{Secret: "client-secret-1a2b"}, "Secret: the secret has 18 bytes"},
		"another alg in the JWK": {assertion.KeyConfig{Private: jwk("HS256"), Algorithm: assertion.HS384}, `Algorithm: is "HS384", and the JSON Web Key is for "HS256"`},
		"a long alg in the JWK":  {assertion.KeyConfig{Private: jwk("HS512")}, "at least 64"},
		"a kid with a break":     {assertion.KeyConfig{Signer: p256, ID: "a\nb"}, "ID: contains a control character"},
		"another certificate":    {assertion.KeyConfig{Signer: p256, Certificate: certify(t, privates["RSA"])}, "Certificate: the certificate belongs to another key"},
	} {
		_, err := assertion.NewKey(test.config)
		assert.ErrorContains(t, err, test.want, name)
		assert.ErrorContains(t, err, "connectorauth: KeyConfig: ", name)
		assert.NotContains(t, err.Error(), "1a2b")
	}
}

func TestPublicHalfOfAKey(t *testing.T) {
	key := must(assertion.NewKey(assertion.KeyConfig{Signer: privates["P-256"], ID: "k1"}))
	var members map[string]string
	require.NoError(t, json.Unmarshal(key.PublicJWK(), &members))
	assert.Equal(t, "ES256", members["alg"])
	assert.Equal(t, "k1", members["kid"])
	assert.Equal(t, "sig", members["use"])
	assert.NotContains(t, members, "d")
	assert.Len(t, key.Thumbprint(), 43)
	assert.Len(t, key.Fingerprint(), 44)
	assert.Equal(t, assertion.ES256, key.Algorithm())

	secret := must(assertion.NewKey(assertion.KeyConfig{Secret: connectorauth.Secret(strings.Repeat("s", 32))}))
	assert.Empty(t, secret.PublicJWK())
	assert.Empty(t, secret.Thumbprint())
	assert.Empty(t, secret.Fingerprint())
}

func TestNothingPrintsAKey(t *testing.T) {
	const secret = "HMAC-SECRET-of-more-than-thirty-two-bytes-7f3a"
	key := must(assertion.NewKey(assertion.KeyConfig{Secret: secret}))
	claims := assertion.Claims{Issuer: "i", Subject: "s", Audience: "a"}
	grant := must(assertion.NewJWTBearer(assertion.JWTBearerConfig{Key: key, Claims: claims}))
	auth := must(assertion.NewClientAuth(assertion.ClientAuthConfig{Key: key, Claims: assertion.Claims{Audience: "a"}}))
	jwt := must(assertion.NewJWT(assertion.JWTConfig{Key: key, Claims: claims}))
	all := []any{key, grant, auth, jwt, assertion.KeyConfig{Secret: secret}, assertion.JWTBearerConfig{Key: key}, assertion.ClientAuthConfig{Key: key}, assertion.JWTConfig{Key: key}, assertion.Token{Value: secret}}
	for _, v := range all {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			assert.Empty(t, canary.Found(fmt.Sprintf(verb, v), secret), "%T by %s", v, verb)
		}
		encoded, _ := json.Marshal(v)
		assert.Empty(t, canary.Found(string(encoded), secret), "%T as JSON", v)
	}
	for _, v := range all[:4] {
		assert.Empty(t, canary.Found(canary.Reached(v), secret), "%T by reflection", v)
	}
}
