package cli_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

func TestAnMCPServerIsConnectedByItsMetadataAndARegistration(t *testing.T) {
	w := newWorld(t)
	w.define("orders", w.p.BearerURL, `"methods": [{"name": "consent", "type": "MCP", "url": "`+w.p.BearerURL+`"}]`)
	code, out, err := w.consenting(`(http://127\S+/\S+\?\S+)`, w.allow, "{}", "connect", "orders", "--values", "-", "--no-browser", "--allow", "127.0.0.1")
	require.Equal(t, exit.OK, code, "%s\n%s", out, err)
	assert.Equal(t, 1, w.p.Stats().Registrations)
	assert.Contains(t, w.ok("", "call", "orders", "GET", "/me"), w.p.Username)
	w.p.ExpireAccessTokens()
	assert.Contains(t, w.ok("", "test", "orders"), ": ok")
}

func TestMetadataOfAPrivateNetworkAreNotRead(t *testing.T) {
	w := newWorld(t)
	w.define("orders", w.p.BearerURL, `"methods": [{"name": "consent", "type": "MCP", "url": "`+w.p.BearerURL+`"}]`)
	code, _, err := w.run("{}", "connect", "orders", "--values", "-", "--no-browser")
	assert.Equal(t, exit.Refused, code)
	assert.Contains(t, err, "loopback")
	assert.Empty(t, w.p.Requests(w.p.MetadataURL))
	var all []any
	w.read(&all, "list")
	assert.Empty(t, all)
}

func TestAnAccountThatIsConnectedAgainReachesWhatTheNewListAllows(t *testing.T) {
	w := newWorld(t)
	w.define("orders", w.p.BearerURL, `"methods": [{"name": "consent", "type": "MCP", "url": "`+w.p.BearerURL+`"}]`)
	connect := func(args ...string) (exit.Code, string) {
		code, _, err := w.consenting(`(http://127\S+/\S+\?\S+)`, w.allow, "{}", append([]string{"connect", "--values", "-", "--no-browser"}, args...)...)
		return code, err
	}
	code, err := connect("orders", "--allow", "127.0.0.1")
	require.Equal(t, exit.OK, code, err)
	read := len(w.p.Requests(w.p.MetadataURL))
	code, err = connect("--again", "orders", "--allow", "10.0.0.0/8")
	assert.Equal(t, exit.Refused, code, err)
	assert.Len(t, w.p.Requests(w.p.MetadataURL), read)
	assert.Contains(t, w.ok("", "call", "orders", "GET", "/me"), w.p.Username) // the former list is kept
	code, err = connect("--again", "orders")
	assert.Equal(t, exit.OK, code, err)
}

func TestAnyMCPServerIsNamedByItsURL(t *testing.T) {
	w := newWorld(t)
	for name, row := range map[string]struct {
		in   string
		args []string
	}{
		"as the service": {"", []string{"connect", "https://mcp.localhost:1/mcp", "--no-browser"}},
		"by --values":    {values("url", "https://mcp.localhost:1/mcp"), []string{"connect", "mcp", "--values", "-", "--no-browser"}},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, err := w.run(row.in, row.args...)
			assert.NotEqual(t, exit.OK, code)
			assert.Contains(t, err, "https://mcp.localhost:1/mcp: ") // whose metadata cannot be read: the name leads to no public address
		})
	}
}
