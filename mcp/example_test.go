package mcp_test

import (
	"context"
	"net/http"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/mcp"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// A command-line program connects a person's account at an MCP server, and gets a client for
// the HTTPClient of the Go SDK's StreamableClientTransport.
func Example() {
	connect := func(ctx context.Context, serverURL string, store connectorauth.SharedTokenStore, keys []tokenstore.Key) (*http.Client, error) {
		finder, err := discovery.New(discovery.Config{})
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
		account, err := mcp.New(mcp.Config{
			URL: serverURL, Finder: finder, Registrar: registrar,
			OAuth2: connectorauth.OAuth2Config{Store: store, Account: "alice"},
		})
		if err != nil {
			return nil, err
		}
		if err := consent.Loopback(ctx, account, consent.LoopbackOptions{}); err != nil {
			return nil, err
		}
		connector, err := account.Connector(ctx)
		if err != nil {
			return nil, err
		}
		return connectorauth.NewClient(connector, nil), nil
	}
	_ = connect
}
