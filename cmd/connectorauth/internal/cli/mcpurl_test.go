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
		assert.NotContains(t, err, "--values")
	}
}
