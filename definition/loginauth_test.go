package definition_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The requests of a login may have a credential as data, which each shows to its own origin.
func TestCredentialOfALogin(t *testing.T) {
	const document = `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "inputs": [{"name": "user"}, {"name": "password", "secret": true}],
		"methods": [{"name": "login", "type": "Session", "auth": AUTH,
			"login": [{"url": "https://login.example.com/a", "form": {"x": "y"}, "capture": {"step": "t"}}, {"url": "https://second.example.com/b?step={step}", "capture": {"token": "t"}}]}]}`
	for auth, want := range map[string]string{
		`{"type": "Basic", "username": "{user}", "password": "{password}"}`:                                                                           "Basic YWRhOnA=",
		`{"type": "ApiKey", "key": "{password}", "placement": {"name": "Authorization", "prefix": "Bearer "}}`:                                        "Bearer p",
		`{"type": "JWT", "secret": "{password}{password}0123456789012345678901234567890123456789", "claims": {"issuer": "{user}", "lifetime": "1m"}}`: "Bearer ey",
	} {
		var seen []string
		c, err := parse(t, strings.Replace(document, "AUTH", auth, 1)).Connect(definition.Connection{
			Values: values{"user": "ada", "password": "p"},
			HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
				seen = append(seen, req.URL.Host)
				assert.Contains(t, req.Header.Get("Authorization"), want)
				return fakehttp.Respond(200, `{"t": "S"}`), nil
			})},
		})
		require.NoError(t, err)
		assert.Equal(t, "Bearer S", sent(t, c, "GET", "/", "").Header.Get("Authorization"))
		assert.Equal(t, []string{"login.example.com", "second.example.com"}, seen)
	}
	for auth, want := range map[string]string{
		`{"type": "OAuth2", "grant": {"clientCredentials": {}}, "tokenUrl": "https://a.example.com"}`: "methods[0].auth.type: a login is authenticated by",
		`{"type": "ApiKey", "key": "{token}"}`:                                                        "methods[0].auth.key: there is no value for {token} here",
		`{"type": "ApiKey"}`:                                                                          "methods[0].auth.key: is empty",
	} {
		assert.Contains(t, mistakes(strings.Replace(document, "AUTH", auth, 1)), want)
	}
}

// A secret in the credential of a login is one in the definition.
func TestLintOfTheCredentialOfALogin(t *testing.T) {
	found, err := definition.Lint("acme.json", []byte(`{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [{"name": "login", "type": "Session",
		"auth": {"type": "ApiKey", "key": "literal"}, "login": [{"url": "https://login.example.com", "capture": {"token": "t"}}]}]}`), definition.Options{})
	require.NoError(t, err)
	var paths []string
	for _, f := range found {
		paths = append(paths, f.Path)
	}
	assert.Contains(t, paths, "methods[0].auth.key")
}
