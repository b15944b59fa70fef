package mcp_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/mcp"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// An account of package accounts at an MCP server. For servers whose URLs account owners
// type, AnyServer has the definition.
func ExampleKind() {
	p := authtest.New(authtest.Config{}) // stands for the MCP server and its authorization server
	defer p.Close()
	if err := keepAccount(context.Background(), p); err != nil {
		fmt.Println(err)
	}
	// Output:
	// connecting
	// ok
	// 200 OK
}

func keepAccount(ctx context.Context, p *authtest.Provider) error {
	finder, err := discovery.New(discovery.Config{HTTPClient: p.Client()}) // empty in a program: public addresses only
	if err != nil {
		return err
	}
	store, keys := new(tokenstore.Memory), []tokenstore.Key{{ID: "1", Secret: bytes.Repeat([]byte{7}, 32)}}
	registrar, err := discovery.NewRegistrar(discovery.RegistrarConfig{Finder: finder, Store: store, Keys: keys})
	if err != nil {
		return err
	}
	orders, err := definition.Parse("orders.json", []byte(strings.ReplaceAll(`{
		"connectorauth": 1, "name": "orders", "baseUrl": "URL",
		"methods": [{"name": "consent", "type": "MCP", "url": "URL"}],
		"test": {"request": "GET /me", "label": "{/user}"}}`, "URL", p.BearerURL)), // authtest speaks no MCP, hence the test
		definition.Options{Kinds: []definition.Kind{mcp.Kind(mcp.KindConfig{Finder: finder, Registrar: registrar})}})
	if err != nil {
		return err
	}
	set, err := definition.NewSet(orders)
	if err != nil {
		return err
	}
	registry, err := accounts.New(accounts.Config{
		Definitions: func() *definition.Set { return set }, Index: new(accounts.Memory), Store: store, Keys: keys,
		Connection: func(context.Context, accounts.Account) (definition.Connection, error) {
			return definition.Connection{HTTPClient: p.Client()}, nil
		},
	})
	if err != nil {
		return err
	}
	account, err := registry.Connect(ctx, accounts.Request{Owner: "user-17", Definition: "orders"})
	if err != nil {
		return err
	}
	fmt.Println(account.Status)

	// Packages accounts/pages and consent do these steps, and the browser.
	flow, err := registry.Flow(ctx, account.ID)
	if err != nil {
		return err
	}
	authURL, pending, err := flow.Begin(ctx, "http://127.0.0.1:9/callback")
	if err != nil {
		return err
	}
	callback, err := p.Authorize(authURL)
	if err != nil {
		return err
	}
	if err := flow.Finish(ctx, pending, callback.Query()); err != nil {
		return err
	}
	if account, err = registry.Get(ctx, account.ID); err != nil {
		return err
	}
	fmt.Println(account.Status)

	client, err := registry.Client(ctx, account.ID)
	if err != nil {
		return err
	}
	resp, err := client.Get(p.BearerURL)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	return nil
}
