package definition_test

import (
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The scopes that are asked for stand in further parameters of token requests.
func TestScopesInTokenRequests(t *testing.T) {
	const document = `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [{"name": "oauth", "type": "OAuth2",
		"grant": {"authorizationCode": {"authUrl": "https://login.example.com/authorize"}}, "tokenUrl": "https://login.example.com/token", "scopes": [{"name": "read", "default": true}, {"name": "write", "default": true}, "admin"],
		"dialect": {"scopeSeparator": ",", "tokenParams": {"scope": ["{scopes}"]}, "refreshParams": {"scope": ["all:{scopes}"]}}}]}`
	for _, test := range []struct {
		scopes     []string
		code, next any
	}{
		{nil, []string{"read,write"}, []string{"all:read,write"}}, {[]string{"admin"}, []string{"admin"}, []string{"all:admin"}},
		{[]string{}, []string(nil), []string{"all:"}},
	} {
		p := &provider{token: map[string]any{"access_token": "T", "token_type": "Bearer", "refresh_token": "R"}}
		c, err := parse(t, document).Connect(definition.Connection{Client: definition.Client{ID: "id", Secret: "s"}, Scopes: test.scopes, HTTPClient: p.client(t)})
		require.NoError(t, err)
		consented(t, c, url.Values{})
		assert.Equal(t, test.code, p.params["scope"])
		require.NoError(t, c.Credential().(*connectorauth.OAuth2).Renew(t.Context()))
		assert.Equal(t, test.next, p.params["scope"])
	}
	assert.Contains(t, mistakes(`{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "headers": {"X": "{scopes}"}, "methods": [{"name": "a", "type": "OAuth2",
		"grant": {"clientCredentials": {}}, "tokenUrl": "https://login.example.com/token", "scopes": ["a"]}]}`), "headers.X: there is no value for {scopes} here")
	// An input with the name stays what it was.
	c, err := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "headers": {"X": "{scopes}"}, "inputs": [{"name": "scopes"}], "methods": [{"name": "a", "type": "OAuth2",
		"grant": {"clientCredentials": {}}, "tokenUrl": "https://login.example.com/token", "scopes": ["a"]}]}`).Connect(definition.Connection{
		Client: definition.Client{ID: "id", Secret: "s"}, Values: values{"scopes": "mine"}, HTTPClient: (&provider{token: map[string]any{"access_token": "T", "token_type": "Bearer"}}).client(t),
	})
	require.NoError(t, err)
	assert.Equal(t, "mine", sent(t, c, "GET", "/", "").Header.Get("X"))
}

// A login asks for the scopes that the program has chosen.
func TestScopesOfALogin(t *testing.T) {
	const document = `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [{"name": "login", "type": "Session", "inputs": [{"name": "password", "secret": true}],
		"login": [{"url": "https://login.example.com", "json": {"password": "{password}", "for": "{scopes}"}, "capture": {"token": "t"}}]`
	for want, scopes := range map[string][]string{`{"for":"read write","password":"p"}`: nil, `{"for":"write","password":"p"}`: {"write"}} {
		var body string
		c, err := parse(t, document+`, "scopes": ["read", "write"]}]}`).Connect(definition.Connection{
			Values: values{"password": "p"}, Scopes: scopes,
			HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
				text, err := io.ReadAll(req.Body)
				body = string(text)
				return fakehttp.Respond(200, `{"t": "S"}`), err
			})},
		})
		require.NoError(t, err)
		sent(t, c, "GET", "/", "")
		assert.Equal(t, want, body)
	}
	assert.Contains(t, mistakes(document+`}]}`), "there is no value for {scopes} at that time")
}
