package cli_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

// Who names an MCP server by its URL has given no --values, so a mistake is one of the URL.
func TestAMistakeInTheURLOfAnMCPServerIsNoAnswer(t *testing.T) {
	w := newWorld(t)
	for _, address := range []string{"https://", "http://127.0.0.1:1/mcp", "https://127.0.0.1:1/mcp", "https://MCP.example.com/mcp"} {
		code, _, err := w.run("", "connect", address)
		assert.Equal(t, exit.Usage, code, address)
		assert.Contains(t, err, `connectorauth: "`+address+`" is no URL of an MCP server: give an address such as`)
		assert.Contains(t, err, "needs a definition of the type MCP with its url, which connectorauth import adds")
		assert.NotContains(t, err, "--values")
	}
}

// The advice for a private network is a flag of this program, and no field of a package.
func TestAPrivateNetworkIsAllowedByAFlag(t *testing.T) {
	w := newWorld(t)
	w.define("orders", w.p.BearerURL, `"methods": [{"name": "consent", "type": "MCP", "url": "`+w.p.BearerURL+`"}]`)
	code, _, err := w.run("{}", "connect", "orders", "--values", "-", "--no-browser")
	assert.Equal(t, exit.Refused, code)
	assert.Contains(t, err, `the host "127.0.0.1" leads to a loopback address (RFC 1122); to reach a host of your own, connect with --allow 127.0.0.1`)
	assert.NotContains(t, err, "egress")
}
