package assertion_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// privates are private keys of each kind.
var privates = map[string]crypto.Signer{
	"RSA":     must(rsa.GenerateKey(rand.Reader, 2048)),
	"P-256":   must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)),
	"P-384":   must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)),
	"P-521":   must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)),
	"Ed25519": ed25519.NewKeyFromSeed([]byte("a seed of thirty-two bytes, fixed")[:32]),
}

func pemOf(signer crypto.Signer) connectorauth.Secret {
	der := must(x509.MarshalPKCS8PrivateKey(signer))
	return connectorauth.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// kindOf returns the kind of key that an algorithm needs.
func kindOf(a assertion.Algorithm) string {
	switch {
	case a == assertion.EdDSA:
		return "Ed25519"
	case a[0] == 'R' || a[0] == 'P':
		return "RSA"
	}
	return map[assertion.Algorithm]string{assertion.ES256: "P-256", assertion.ES384: "P-384", assertion.ES512: "P-521"}[a]
}

// algorithms are those with a private key.
var algorithms = []assertion.Algorithm{
	assertion.RS256, assertion.RS384, assertion.RS512, assertion.PS256, assertion.PS384, assertion.PS512,
	assertion.ES256, assertion.ES384, assertion.ES512, assertion.EdDSA,
}

// keyFor returns a key for an algorithm.
func keyFor(t *testing.T, a assertion.Algorithm) *assertion.Key {
	t.Helper()
	key, err := assertion.NewKey(assertion.KeyConfig{Private: pemOf(privates[kindOf(a)]), Algorithm: a, ID: "k1"})
	require.NoError(t, err)
	return key
}

// provider starts a provider that knows the public keys.
func provider(t *testing.T, config authtest.Config, a assertion.Algorithm) *authtest.Provider {
	t.Helper()
	config.AssertionKeys = map[string]crypto.PublicKey{}
	if kind := kindOf(a); kind != "" {
		config.AssertionKeys["k1"] = privates[kind].Public()
	}
	p := authtest.New(config)
	t.Cleanup(p.Close)
	return p
}

// get requires that client may use url, and returns the identity.
func get(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	resp, err := client.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, "%s", body)
	return string(body)
}
