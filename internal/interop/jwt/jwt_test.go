// Package jwt_test checks the assertions of package assertion against golang-jwt and
// go-jose: both accept what is signed, and refuse whatever one bit has changed.
package jwt_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"

	jose "github.com/go-jose/go-jose/v4"
	golangjwt "github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/internal/test/race"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// below returns a random number less than n.
func below(n int) int { return int(must(rand.Int(rand.Reader, big.NewInt(int64(n)))).Int64()) }

func TestOraclesAcceptAndRefuse(t *testing.T) {
	const secret = "a secret of sixty-four bytes or more, which is what HS512 asks for."
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	rsaKey := must(rsa.GenerateKey(rand.Reader, 2048))
	for algorithm, signer := range map[assertion.Algorithm]crypto.Signer{
		assertion.RS256: rsaKey, assertion.RS384: rsaKey, assertion.RS512: rsaKey,
		assertion.PS256: rsaKey, assertion.PS384: rsaKey, assertion.PS512: rsaKey,
		assertion.ES256: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)),
		assertion.ES384: must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)),
		assertion.ES512: must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)),
		assertion.EdDSA: edwards,
		assertion.HS256: nil, assertion.HS384: nil, assertion.HS512: nil,
	} {
		t.Run(string(algorithm), func(t *testing.T) {
			t.Parallel()
			config := assertion.KeyConfig{Signer: signer, Algorithm: algorithm, ID: "k1"}
			var public any = []byte(secret)
			if signer == nil {
				config.Secret = secret
			} else {
				public = signer.Public()
			}
			key, err := assertion.NewKey(config)
			require.NoError(t, err)
			for range race.Fewer(1000, 100) { // RSA is slow with the detector
				claims := assertion.Claims{Issuer: rand.Text(), Subject: rand.Text()[:1+below(20)], Audience: "https://login.example", More: map[string]any{rand.Text(): below(1 << 30)}}
				signed := sign(t, key, claims)
				require.NoError(t, byGolangJWT(signed, algorithm, public))
				require.NoError(t, byGoJose(signed, algorithm, public))
				changed := flip(signed)
				require.Error(t, byGolangJWT(changed, algorithm, public), changed)
				require.Error(t, byGoJose(changed, algorithm, public), changed)
			}
		})
	}
}

// sign returns an assertion.
func sign(t *testing.T, key *assertion.Key, claims assertion.Claims) string {
	grant, err := assertion.NewJWTBearer(assertion.JWTBearerConfig{Key: key, Claims: claims})
	require.NoError(t, err)
	r := &connectorauth.TokenRequest{Params: map[string][]string{}}
	require.NoError(t, grant.Parameters(context.Background(), r))
	return r.Params.Get("assertion")
}

// flip returns signed with one bit of a part changed.
func flip(signed string) string {
	parts := strings.Split(signed, ".")
	i := below(len(parts))
	part := must(base64.RawURLEncoding.DecodeString(parts[i]))
	part[below(len(part))] ^= 1 << below(8)
	parts[i] = base64.RawURLEncoding.EncodeToString(part)
	return strings.Join(parts, ".")
}

func byGolangJWT(signed string, algorithm assertion.Algorithm, public any) error {
	_, err := golangjwt.Parse(signed, func(*golangjwt.Token) (any, error) { return public, nil },
		golangjwt.WithValidMethods([]string{string(algorithm)}), golangjwt.WithExpirationRequired(), golangjwt.WithIssuedAt())
	return err
}

func byGoJose(signed string, algorithm assertion.Algorithm, public any) error {
	parsed, err := jose.ParseSigned(signed, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(algorithm)})
	if err == nil {
		_, err = parsed.Verify(public)
	}
	return err
}
