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

// signing returns a key for each algorithm, and the clients that the keys belong to: the
// name of a client is its algorithm.
func signing(t *testing.T) (keys map[assertion.Algorithm]*assertion.Key, clients string) {
	t.Helper()
	rsaKey := must(rsa.GenerateKey(rand.Reader, 2048))
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	keys = map[assertion.Algorithm]*assertion.Key{}
	var list []map[string]any
	for algorithm, signer := range map[assertion.Algorithm]crypto.Signer{
		assertion.RS256: rsaKey, assertion.RS384: rsaKey, assertion.RS512: rsaKey,
		assertion.PS256: rsaKey, assertion.PS384: rsaKey, assertion.PS512: rsaKey,
		assertion.ES256: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)),
		assertion.ES384: must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)),
		assertion.ES512: must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)),
		assertion.EdDSA: edwards,
		assertion.HS256: nil, assertion.HS384: nil, assertion.HS512: nil,
	} {
		client := map[string]any{"client_id": algorithm, "token_endpoint_auth_signing_alg": algorithm}
		config := assertion.KeyConfig{Signer: signer, Algorithm: algorithm, ID: "k1"}
		if signer == nil {
			config = assertion.KeyConfig{Secret: macSecret, Algorithm: algorithm}
		}
		key, err := assertion.NewKey(config)
		require.NoError(t, err)
		if signer == nil {
			client["token_endpoint_auth_method"], client["client_secret"] = "client_secret_jwt", macSecret
		} else {
			client["token_endpoint_auth_method"] = "private_key_jwt"
			client["jwks"] = map[string]any{"keys": []json.RawMessage{key.PublicJWK()}}
		}
		keys[algorithm], list = key, append(list, client)
	}
	return keys, string(must(json.Marshal(list)))
}

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
	keys, clients := signing(t)
	for name, further := range map[string][]string{"default": {clients}, "FAPI 2.0": {clients, "2.0"}} {
		base := start(t, further...)
		for algorithm, key := range keys {
			t.Run(name+"/"+string(algorithm), func(t *testing.T) {
				machine, err := connectorauth.NewOAuth2(signed(t, base, issuer, string(algorithm), key, connectorauth.ClientCredentials{}))
				require.NoError(t, err)
				status, _ := call(t, machine, base)
				assert.Equal(t, http.StatusOK, status)
				expire(t, machine, base)
				status, _ = call(t, machine, base)
				assert.Equal(t, http.StatusOK, status, "another assertion renews")

				person := connected(t, signed(t, base, issuer, string(algorithm), key, code(base)))
				for range 2 {
					expire(t, person, base)
					status, _ = call(t, person, base)
					assert.Equal(t, http.StatusOK, status, "by the refresh token")
				}
				token, err := person.Token(t.Context())
				require.NoError(t, err)
				require.NoError(t, person.Revoke(t.Context()))
				req, err := http.NewRequest(http.MethodGet, base+"/api", nil)
				require.NoError(t, err)
				req.Header.Set("Authorization", "Bearer "+token.AccessToken)
				resp, err := http.DefaultClient.Do(req)
				require.NoError(t, err)
				resp.Body.Close()
				assert.Equal(t, http.StatusUnauthorized, resp.StatusCode, "the revocation was authenticated too")
			})
		}
	}
}

func TestAssertionsOfAnotherKeyOrForAnotherAudienceAreRefused(t *testing.T) {
	keys, clients := signing(t)
	base := start(t, clients)
	stranger := must(assertion.NewKey(assertion.KeyConfig{Signer: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), ID: "k1"}))
	for name, config := range map[string]connectorauth.OAuth2Config{
		"key":      signed(t, base, issuer, "ES256", stranger, connectorauth.ClientCredentials{}),
		"audience": signed(t, base, "https://another.example", "ES256", keys[assertion.ES256], connectorauth.ClientCredentials{}),
		"client":   signed(t, base, issuer, "ES384", keys[assertion.ES256], connectorauth.ClientCredentials{}),
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
