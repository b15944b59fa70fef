package mcp_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/mcp"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// keys seal what a program keeps: 32 random bytes from the program's secrets.
var keys = []tokenstore.Key{{ID: "2026", Secret: bytes.Repeat([]byte{7}, 32)}}

// find returns what a program has once, for all accounts: see package discovery.
func find(p *authtest.Provider, store connectorauth.SharedTokenStore) (*discovery.Finder, *discovery.Registrar, error) {
	finder, err := discovery.New(discovery.Config{HTTPClient: p.Client()}) // empty in a program: public addresses only
	if err != nil {
		return nil, nil, err
	}
	registrar, err := discovery.NewRegistrar(discovery.RegistrarConfig{
		Finder: finder, Store: store, Keys: keys,
		Request: discovery.RegistrationRequest{ClientMetadata: discovery.ClientMetadata{ClientName: "Acme"}},
	})
	return finder, registrar, err
}

// leadConsent does what consent.Loopback, or package consent in a web application, and a
// browser do.
func leadConsent(ctx context.Context, p *authtest.Provider, flow consent.Flow) error {
	authURL, pending, err := flow.Begin(ctx, "http://127.0.0.1:9/callback")
	if err != nil {
		return err
	}
	callback, err := p.Authorize(authURL)
	if err != nil {
		return err
	}
	return flow.Finish(ctx, pending, callback.Query())
}

// An account at an MCP server, by the URL alone, and a client for the HTTPClient of the Go
// SDK's StreamableClientTransport.
func ExampleNew() {
	ctx := context.Background()
	p := authtest.New(authtest.Config{}) // stands for the MCP server and its authorization server
	defer p.Close()
	store := new(tokenstore.Memory)
	finder, registrar, err := find(p, store) // one of each in a program: see package discovery
	if err != nil {
		log.Fatal(err)
	}
	account, err := mcp.New(mcp.Config{
		URL: p.BearerURL, Finder: finder, Registrar: registrar,
		OAuth2: connectorauth.OAuth2Config{Store: store, Account: "alice"},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := leadConsent(ctx, p, account); err != nil { // consent.Loopback in a terminal
		log.Fatal(err)
	}
	connector, err := account.Connector(ctx)
	if err != nil {
		log.Fatal(err)
	}
	resp, err := connectorauth.NewClient(connector, p.Client()).Get(p.BearerURL)
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	fmt.Println(resp.Status)
	// Output: 200 OK
}

// A definition of an MCP server, for package accounts. For servers whose URLs account
// owners type, AnyServer has the definition.
func ExampleKind() {
	p := authtest.New(authtest.Config{}) // stands for the MCP server and its authorization server
	defer p.Close()
	finder, registrar, err := find(p, new(tokenstore.Memory)) // one of each in a program: see package discovery
	if err != nil {
		log.Fatal(err)
	}
	orders, err := definition.Parse("orders.json", []byte(strings.ReplaceAll(`{
		"connectorauth": 1, "name": "orders", "baseUrl": "URL",
		"methods": [{"name": "consent", "type": "MCP", "url": "URL"}],
		"test": {"request": "GET /me", "label": "{/user}"}}`, "URL", p.BearerURL)), // authtest speaks no MCP, hence the test
		definition.Options{Kinds: []definition.Kind{mcp.Kind(mcp.KindConfig{Finder: finder, Registrar: registrar})}})
	if err != nil {
		log.Fatal(err)
	}
	registry, err := newRegistry(orders) // see package accounts
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	account, err := registry.Connect(ctx, accounts.Request{Owner: "user-17", Definition: "orders"})
	fmt.Println(account.Status, err)
	flow, err := registry.Flow(ctx, account.ID)
	if err != nil {
		log.Fatal(err)
	}
	if err := leadConsent(ctx, p, flow); err != nil { // package accounts/pages in a web application
		log.Fatal(err)
	}
	account, err = registry.Get(ctx, account.ID)
	fmt.Println(account.Status, err)
	// Output:
	// connecting <nil>
	// ok <nil>
}

// newRegistry returns a registry for one service.
func newRegistry(d *definition.Definition) (*accounts.Registry, error) {
	set, err := definition.NewSet(d)
	if err != nil {
		return nil, err
	}
	return accounts.New(accounts.Config{
		Definitions: func() *definition.Set { return set }, Index: new(accounts.Memory), Store: new(tokenstore.Memory), Keys: keys,
	})
}

// Account owners type the URL of any MCP server. The requests to a host of their choice go
// through package egress.
func ExampleAnyServer() {
	finder, err := discovery.New(discovery.Config{})
	if err != nil {
		log.Fatal(err)
	}
	server, err := mcp.AnyServer(mcp.KindConfig{Finder: finder}) // for the Definitions of an accounts.Registry
	if err != nil {
		log.Fatal(err)
	}
	fields, err := server.Form("", nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, field := range fields {
		fmt.Println(server.Name, field.Name, field.Title)
	}
	// Output: mcp server URL of the server
}
