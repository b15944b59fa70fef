package definition_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const keys = `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com",
	"inputs": [{"name": "user", "title": "User"}, {"name": "key", "title": "Private key", "format": "key", "secret": true}],
	"methods": [
		{"name": "bearer", "type": "OAuth2", "default": true, "tokenUrl": "https://login.example.com/token", "clientAuth": "none", "clientId": "c",
			"grant": {"jwtBearer": {"private": "{key}", "keyId": "k1", "claims": {"issuer": "c", "subject": "{user}", "audience": "https://login.example.com", "more": {"scope": "read:{user}"}}}}},
		{"name": "client", "type": "OAuth2", "tokenUrl": "https://login.example.com/token",
			"grant": {"clientCredentials": {}}, "clientAssertion": {"private": "{key}", "claims": {"audience": "https://login.example.com", "lifetime": "1m"}}},
		{"name": "jwt", "type": "JWT", "private": "{key}", "algorithm": "ES256", "claims": {"issuer": "{user}", "audience": "api"}}]}`

// claims returns the header and the claims of a JWT.
func claims(t *testing.T, token string) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	require.Len(t, parts, 3, token)
	for i, to := range []*map[string]any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, to))
	}
	return header, claims
}

func TestKeysOfAnAccount(t *testing.T) {
	generated, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(generated)
	require.NoError(t, err)
	given := values{"user": "ada", "key": connectorauth.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))}
	for method, want := range map[string]map[string]any{
		"bearer": {"iss": "c", "sub": "ada", "aud": "https://login.example.com", "scope": "read:ada"},
		"client": {"iss": "id", "sub": "id", "aud": "https://login.example.com"},
		"jwt":    {"iss": "ada", "aud": "api"},
	} {
		p := &provider{token: map[string]any{"access_token": "T", "token_type": "Bearer"}}
		c, err := parse(t, keys).Connect(definition.Connection{Method: method, Values: given, Client: definition.Client{ID: "id"}, HTTPClient: p.client(t)})
		require.NoError(t, err, method)
		token := strings.TrimPrefix(sent(t, c, "GET", "/", "").Header.Get("Authorization"), "Bearer ")
		if method != "jwt" {
			require.Equal(t, "T", token)
			token = p.params.Get(map[string]string{"bearer": "assertion", "client": "client_assertion"}[method])
		}
		header, got := claims(t, token)
		assert.Equal(t, "ES256", header["alg"])
		for name, value := range want {
			assert.Equal(t, value, got[name], "%s: %s", method, name)
		}
	}
}

func TestKeysThatAreNone(t *testing.T) {
	generated, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	for key, want := range map[string]string{
		"SECRET": "key: the key is neither PEM",
		string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(generated)})): "key: ES256 does not fit the key, which is of the kind RSA",
	} {
		_, err := parse(t, keys).Connect(definition.Connection{Method: "jwt", Values: values{"user": "ada", "key": connectorauth.Secret(key)}})
		var failed *definition.InputError
		assert.ErrorAs(t, err, &failed)
		assert.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "nil")
		assert.NotContains(t, err.Error(), "SECRET")
	}
	assert.Contains(t, mistakes(strings.Replace(keys, `"private": "{key}", "algorithm"`, `"algorithm"`, 1)), "methods[2]: give one of private and secret")
	assert.Contains(t, mistakes(strings.Replace(keys, `"issuer": "{user}", "audience": "api"`, `"issuer": "{key}", "audience": "api"`, 1)), "methods[2].claims.issuer: {key} is a secret")
}
