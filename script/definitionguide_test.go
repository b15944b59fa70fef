package script_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/script"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// signed is the block of "With a definition".
func signed(d *definition.Definition, compiled *script.Script, connection definition.Connection) (*http.Client, error) {
	account, err := d.Connect(connection)
	if err != nil {
		return nil, err
	}
	connector, err := script.Wrap(account.Connector(), compiled, script.Options{})
	if err != nil {
		return nil, err
	}
	return connectorauth.NewClient(connector, connection.HTTPClient), nil
}

// A script signs a body with the key of an account, and with the token of a session.
func TestGuideOfADefinitionWithAScript(t *testing.T) {
	p := authtest.NewProvider(t)
	d, err := definition.Parse("brixly.json", []byte(`{
		"connectorauth": 1, "name": "brixly", "baseUrl": "`+p.URL+`",
		"methods": [
			{"name": "key", "type": "ApiKey", "key": "{accessKey}", "placement": {"in": "query", "name": "api_key"},
				"inputs": [{"name": "accessKey", "secret": true}]},
			{"name": "login", "type": "Session", "inputs": [{"name": "user"}, {"name": "password", "secret": true}],
				"login": [{"url": "`+p.LoginJSONURL+`", "json": {"username": "{user}", "password": "{password}"}, "capture": {"token": "session.token"}}],
				"places": [{"name": "X-Session"}]}]}`), definition.Options{})
	require.NoError(t, err)
	compiled, err := script.Compile(`function before_action() {
		method_request_headers['X-Signature'] = sign('HMAC-SHA256', method_auth_value, method_request_content);
	}`)
	require.NoError(t, err)
	for method, values := range map[string]map[string]connectorauth.Secret{
		"key":   {"accessKey": connectorauth.Secret(p.APIKey)},
		"login": {"user": connectorauth.Secret(p.Username), "password": connectorauth.Secret(p.Password)},
	} {
		client, err := signed(d, compiled, definition.Connection{Method: method, Values: values, HTTPClient: p.Client(), Shared: new(connectorauth.Shared)})
		require.NoError(t, err)
		endpoint := map[string]string{"key": p.KeyQueryURL, "login": p.SessionURL}[method]
		resp, err := client.Post(endpoint, "application/json", strings.NewReader(`{"id": 1.0}`))
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusOK, resp.StatusCode, method)
		sent := p.Requests(endpoint)[0]
		credential := p.APIKey
		if method == "login" {
			credential = sent.Header.Get("X-Session")
		}
		assert.Equal(t, hexHMAC(credential, `{"id": 1.0}`), sent.Header.Get("X-Signature"), method)
	}
}
