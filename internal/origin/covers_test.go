package origin_test

import (
	"net/url"
	"testing"

	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCovers(t *testing.T) {
	for _, test := range []struct {
		resource, url string
		want          bool
	}{
		{"https://a.example", "https://a.example/mcp", true},
		{"https://a.example/", "https://A.example:443/mcp", true},
		{"https://a.example/mcp", "https://a.example/mcp", true},
		{"https://a.example/mcp/", "https://a.example/mcp", true},
		{"https://a.example/mcp", "https://a.example/mcp/one?q", true},
		{"https://a.example/mcp?q", "https://a.example/mcp?q", true},
		{"https://a.example/mcp", "https://a.example/mcp2", false},
		{"https://a.example/mcp/one", "https://a.example/mcp", false},
		{"https://a.example/mcp?q", "https://a.example/mcp", false},
		{"https://a.example/mcp", "https://a.example/MCP", false},
		{"https://a.example/mcp", "https://a.example.evil.example/mcp", false},
		{"https://a.example/mcp", "https://a.example:8443/mcp", false},
		{"http://a.example/mcp", "https://a.example/mcp", false},
	} {
		resource, err := url.Parse(test.resource)
		require.NoError(t, err)
		u, err := url.Parse(test.url)
		require.NoError(t, err)
		assert.Equal(t, test.want, origin.Covers(resource, u), "%s %s", test.resource, test.url)
	}
}
