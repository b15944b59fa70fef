package cli_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

func TestAnOAuth1AccountIsConnectedAndHasNoToken(t *testing.T) {
	w := newWorld(t)
	w.define("hooli", w.p.OAuth1URL, `"methods": [{"name": "signed", "type": "OAuth1", "requestTokenUrl": "`+w.p.RequestTokenURL+`",
		"authorizeUrl": "`+w.p.AuthorizeURL+`", "accessTokenUrl": "`+w.p.AccessTokenURL+`"}]`)
	code, out, err := w.consenting(`(http://127\S+/\S+\?\S+)`, w.allow, w.client(), "connect", "hooli", "--values", "-", "--no-browser")
	require.Equal(t, exit.OK, code, "%s\n%s", out, err)
	assert.Contains(t, out, "Connected hooli-1")
	assert.Contains(t, w.ok("", "call", "hooli", "GET", "/me?q=1"), w.p.Username)
	code, out, err = w.run("", "token", "hooli")
	assert.Equal(t, exit.Usage, code)
	assert.Empty(t, out)
	assert.Contains(t, err, "accounts of hooli have no access token")
}

func TestAnApplicationWithoutAPersonIsConnected(t *testing.T) {
	w := newWorld(t)
	w.ok(`{"connectorauth": 1, "name": "umbrella", "baseUrl": "`+w.p.BearerURL+`", "test": {"request": "GET /me"},
		"methods": [{"name": "app", "type": "OAuth2", "grant": {"clientCredentials": {}}, "tokenUrl": "`+w.p.TokenURL+`"}]}`, "import", "-")
	out := w.ok(w.client(), "connect", "umbrella", "--values", "-")
	assert.Contains(t, out, "Connected umbrella-1")
	first := w.ok("", "token", "umbrella")
	w.p.ExpireAccessTokens()
	assert.Contains(t, w.ok("", "test", "umbrella"), ": ok")
	assert.NotEqual(t, first, w.ok("", "token", "umbrella"))

	code, _, err := w.run(values("client_id", w.p.ClientID, "client_secret", "wrong-secret"), "connect", "umbrella", "--values", "-")
	assert.NotEqual(t, exit.OK, code)
	assert.Contains(t, err, "invalid_client")
	assert.NotContains(t, err, "wrong-secret")
}

func TestUserNameAndPasswordAreSent(t *testing.T) {
	w := newWorld(t)
	w.define("stark", w.p.BasicURL, `"inputs": [{"name": "user"}, {"name": "password", "secret": true}],
		"methods": [{"name": "basic", "type": "Basic", "username": "{user}", "password": "{password}"}]`)
	assert.Contains(t, w.ok(values("user", w.p.Username, "password", w.p.Password), "connect", "stark", "--values", "-"), "Connected stark-1")
	assert.Contains(t, w.ok("", "call", "stark", "GET", "/me"), w.p.Username)
}
