package accounts_test

import (
	"bytes"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/mcp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const guideServer = `{
  "connectorauth": 1,
  "name": "orders",
  "baseUrl": "https://mcp.example.com/mcp",
  "methods": [{"name": "consent", "type": "MCP", "url": "https://mcp.example.com/mcp", "keepAlive": "24h"}]
}
`

func servers(store connectorauth.SharedTokenStore, keys []tokenstore.Key, others ...*definition.Definition) (*definition.Set, error) {
	finder, err := discovery.New(discovery.Config{}) // reaches public addresses only
	if err != nil {
		return nil, err
	}
	registrar, err := discovery.NewRegistrar(discovery.RegistrarConfig{
		Finder: finder, Store: store, Keys: keys,
		Request: discovery.RegistrationRequest{ClientMetadata: discovery.ClientMetadata{ClientName: "Acme"}},
	})
	if err != nil {
		return nil, err
	}
	server, err := mcp.AnyServer(mcp.KindConfig{Finder: finder, Registrar: registrar})
	if err != nil {
		return nil, err
	}
	return definition.NewSet(append(others, server)...) // for Config.Definitions
}

func TestGuideOfMCPServers(t *testing.T) {
	set, err := servers(new(tokenstore.Memory), []tokenstore.Key{{ID: "k", Secret: bytes.Repeat([]byte{7}, 32)}})
	require.NoError(t, err)
	d, err := set.Lookup("mcp")
	require.NoError(t, err)
	form, err := d.Form("", nil)
	require.NoError(t, err)
	require.Len(t, form, 1)
	assert.Equal(t, "server", form[0].Name)

	finder, err := discovery.New(discovery.Config{})
	require.NoError(t, err)
	kinds := []definition.Kind{mcp.Kind(mcp.KindConfig{Finder: finder})}
	_, err = definition.Parse("orders.json", []byte(guideServer), definition.Options{Kinds: kinds})
	require.NoError(t, err)
}
