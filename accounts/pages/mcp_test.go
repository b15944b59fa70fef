package pages_test

import (
	"html"
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mcpServers are accounts at the MCP server that the person chooses.
const mcpServers = `{"connectorauth": 1, "name": "mcp", "title": "MCP server", "baseUrl": "{server}",
	"inputs": [{"name": "server", "title": "Server", "enum": ["BEARERURL"]}],
	"methods": [{"name": "consent", "type": "MCP", "url": "{server}"}], "test": {"request": "GET /me", "id": "/user"}}`

// A person connects an MCP server in the popup, and disconnects the account.
func TestMCPServerInThePopup(t *testing.T) {
	a := newAppOf(t, []string{mcpServers})
	b := a.browser("o1")
	form := fields(t, b.get("connect?service=mcp&popup=0a1b").body)
	waiting := b.follow(b.post("connect", with(form, "v.server", a.provider.BearerURL)))
	authURL := b.get(html.UnescapeString(attribute(waiting.body, "data-go"))).Header.Get("Location")
	require.True(t, strings.HasPrefix(authURL, a.provider.AuthURL), authURL)
	callback, err := a.provider.Authorize(authURL)
	require.NoError(t, err)
	assert.Contains(t, callback.Path, "/callback/mcp-", "the callback URL is that of the server")
	done := b.get(callback.String())
	assert.Equal(t, http.StatusOK, done.StatusCode)
	account := a.one("o1")
	assert.Contains(t, done.body, `data-outcome="connected"`)
	assert.Contains(t, done.body, "Your MCP server account is connected")
	assert.Equal(t, accounts.StatusOK, account.Status)
	assert.Equal(t, "ada", account.Identity)
	assert.Contains(t, b.get("api/services").body, `"consent":true`)

	b.post("disconnect", with(fields(t, b.get("disconnect?id="+account.ID).body), "id", account.ID))
	_, err = a.registry.Get(t.Context(), account.ID)
	assert.ErrorIs(t, err, accounts.ErrNotFound)
	assert.NotEmpty(t, a.provider.Requests(a.provider.RevokeURL))
}
