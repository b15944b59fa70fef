package mcp_test

import (
	"context"
	"fmt"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/mcp"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// An account at an MCP server, by the URL alone, and a client for the HTTPClient of the Go
// SDK's StreamableClientTransport.
func Example() {
	p := authtest.New(authtest.Config{}) // stands for the MCP server and its authorization server
	defer p.Close()
	if err := connect(context.Background(), p); err != nil {
		fmt.Println(err)
	}
	// Output: 200 OK
}

func connect(ctx context.Context, p *authtest.Provider) error {
	finder, err := discovery.New(discovery.Config{HTTPClient: p.Client()}) // empty in a program: public addresses only
	if err != nil {
		return err
	}
	store := new(tokenstore.Memory)
	registrar, err := discovery.NewRegistrar(discovery.RegistrarConfig{
		Finder: finder, Store: store, Keys: []tokenstore.Key{{ID: "1", Secret: []byte("0123456789abcdef0123456789abcdef")}},
		Request: discovery.RegistrationRequest{ClientMetadata: discovery.ClientMetadata{ClientName: "Acme"}},
	})
	if err != nil {
		return err
	}
	account, err := mcp.New(mcp.Config{
		URL: p.BearerURL, Finder: finder, Registrar: registrar,
		OAuth2: connectorauth.OAuth2Config{Store: store, Account: "alice"},
	})
	if err != nil {
		return err
	}
	authURL, pending, err := account.Begin(ctx, "http://127.0.0.1:9/callback") // consent.Loopback does the three steps
	if err != nil {
		return err
	}
	callback, err := p.Authorize(authURL) // the browser does
	if err != nil {
		return err
	}
	if err := account.Finish(ctx, pending, callback.Query()); err != nil {
		return err
	}
	connector, err := account.Connector(ctx)
	if err != nil {
		return err
	}
	resp, err := connectorauth.NewClient(connector, p.Client()).Get(p.BearerURL)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	return nil
}
