package oidcprovider_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
)

// macSecret is a client secret that is long enough for HS512.
const macSecret = "a secret of sixty-four bytes or more, which is what HS512 asks for."

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// profiles are prefixes of client IDs, by the profile of the clients.
var profiles = map[string]string{"default": "", "FAPI 2.0": "fapi-"}

// signing are a key for each algorithm, and the clients that the keys belong to: the name
// of a client is its profile and its algorithm.
type signing struct {
	keys    map[assertion.Algorithm]*assertion.Key
	clients []map[string]any
}

var signers = sync.OnceValue(func() signing {
	s := signing{keys: map[assertion.Algorithm]*assertion.Key{}}
	rsaKey := must(rsa.GenerateKey(rand.Reader, 2048))
	_, edwards, _ := ed25519.GenerateKey(rand.Reader)
	for algorithm, signer := range map[assertion.Algorithm]crypto.Signer{
		assertion.RS256: rsaKey, assertion.RS384: rsaKey, assertion.RS512: rsaKey,
		assertion.PS256: rsaKey, assertion.PS384: rsaKey, assertion.PS512: rsaKey,
		assertion.ES256: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)),
		assertion.ES384: must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)),
		assertion.ES512: must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)),
		assertion.EdDSA: edwards,
		assertion.HS256: nil, assertion.HS384: nil, assertion.HS512: nil,
	} {
		config := assertion.KeyConfig{Signer: signer, Algorithm: algorithm, ID: "k1"}
		if signer == nil {
			config = assertion.KeyConfig{Secret: macSecret, Algorithm: algorithm}
		}
		key := must(assertion.NewKey(config))
		s.keys[algorithm] = key
		for _, prefix := range profiles {
			client := map[string]any{
				"client_id": prefix + string(algorithm), "token_endpoint_auth_signing_alg": algorithm,
				"grant_types":   []string{"authorization_code", "refresh_token", "client_credentials"},
				"redirect_uris": []string{redirectURL},
			}
			if signer == nil {
				client["token_endpoint_auth_method"], client["client_secret"] = "client_secret_jwt", macSecret
			} else {
				client["token_endpoint_auth_method"] = privateKeyJWT
				client["jwks"] = map[string]any{"keys": []json.RawMessage{key.PublicJWK()}}
			}
			s.clients = append(s.clients, client)
		}
	}
	return s
})

// signed is the config of a client that authenticates with a key.
func signed(t *testing.T, base, audience, id string, key *assertion.Key, grant connectorauth.Grant) connectorauth.OAuth2Config {
	t.Helper()
	auth, err := assertion.NewClientAuth(assertion.ClientAuthConfig{Key: key, Claims: assertion.Claims{Audience: audience}})
	require.NoError(t, err)
	return connectorauth.OAuth2Config{
		ClientID: id, ClientAuth: auth, TokenURL: base + "/token", RevokeURL: base + "/token/revocation", Grant: grant,
	}
}

func TestAssertionsAuthenticateTheClient(t *testing.T) {
	s := start(t)
	base := s.issuer
	for name, prefix := range profiles {
		for algorithm, key := range signers().keys {
			t.Run(name+"/"+string(algorithm), func(t *testing.T) {
				id := prefix + string(algorithm)
				machine, err := connectorauth.NewOAuth2(signed(t, base, base, id, key, connectorauth.ClientCredentials{}))
				require.NoError(t, err)
				status, _ := s.call(t, machine)
				assert.Equal(t, http.StatusOK, status)
				s.expire(t, machine)
				status, _ = s.call(t, machine)
				assert.Equal(t, http.StatusOK, status, "another assertion renews")

				person := s.connected(t, signed(t, base, base, id, key, s.code()))
				for range 2 {
					s.expire(t, person)
					status, _ = s.call(t, person)
					assert.Equal(t, http.StatusOK, status, "by the refresh token")
				}
				token, err := person.Token(t.Context())
				require.NoError(t, err)
				require.NoError(t, person.Revoke(t.Context()))
				assert.Equal(t, http.StatusUnauthorized, bearer(t, base+"/api", "Bearer", token.AccessToken), "the revocation was authenticated too")
			})
		}
	}
}

func TestAssertionsOfAnotherKeyOrForAnotherAudienceAreRefused(t *testing.T) {
	base, keys := start(t).issuer, signers().keys
	stranger := must(assertion.NewKey(assertion.KeyConfig{Signer: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), ID: "k1"}))
	for name, config := range map[string]connectorauth.OAuth2Config{
		"key":                               signed(t, base, base, "ES256", stranger, connectorauth.ClientCredentials{}),
		"audience":                          signed(t, base, "https://another.example", "ES256", keys[assertion.ES256], connectorauth.ClientCredentials{}),
		"token URL as audience in FAPI 2.0": signed(t, base, base+"/token", "fapi-ES256", keys[assertion.ES256], connectorauth.ClientCredentials{}),
		"client":                            signed(t, base, base, "ES384", keys[assertion.ES256], connectorauth.ClientCredentials{}),
	} {
		t.Run(name, func(t *testing.T) {
			c, err := connectorauth.NewOAuth2(config)
			require.NoError(t, err)
			_, err = c.Token(t.Context())
			var refused *connectorauth.TokenError
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, "invalid_client", refused.Code)
		})
	}
}
