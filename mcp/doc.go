// Package mcp connects accounts at servers of the Model Context Protocol (MCP), by the URL of
// the server alone, as the authorization of MCP's revisions 2025-11-25 and 2026-07-28 says.
//
//	account, err := mcp.New(mcp.Config{
//		URL:    "https://mcp.example.com/mcp",
//		Finder: finder, Registrar: registrar, // of package discovery, one for the program
//		OAuth2: connectorauth.OAuth2Config{Store: store, Account: "alice"},
//	})
//	...
//	err = consent.Loopback(ctx, account, consent.LoopbackOptions{}) // or a consent.Handler
//	...
//	connector, err := account.Connector(ctx)
//	...
//	client := connectorauth.NewClient(connector, nil)
//
// An Account is a consent.Flow. Begin asks the server for its challenge, reads the metadata of
// the server and of its authorization server, finds or registers a client, and starts the
// consent. What was found is kept in the Store beside the token, so a renewal reads no
// metadata.
//
// # With the Go SDK of MCP
//
// The client of connectorauth.NewClient serves as the HTTPClient of the SDK's
// StreamableClientTransport. With a Proof, such as DPoP, there is no other way. The account
// must then be connected before the first request.
//
// An Account is also an OAuthHandler of the SDK: the SDK calls Authorize when the server
// refuses a request, and Config.Consent leads the person through the consent:
//
//	transport := &mcp.StreamableClientTransport{Endpoint: url, OAuthHandler: account}
//
// # In package accounts
//
// Kind is the type MCP of definitions, and AnyServer a definition of an MCP server anywhere: an
// account owner types the URL. A Registry of package accounts then keeps accounts at MCP
// servers as a Registry keeps all others:
//
//	server, err := mcp.AnyServer(mcp.KindConfig{Finder: finder, Registrar: registrar})
//	...
//	set, err := definition.NewSet(server) // for accounts.Config.Definitions
//
// # Scopes
//
// A consent asks for the scopes of the challenge; without any, for scopes_supported of the
// server; without these, for none. Config.ScopeFilter may leave some out. The scopes of the
// account's earlier consents at the same authorization server are asked for again, and
// offline_access is, where the authorization server supports that scope.
//
// # What is trusted
//
// The rules of package discovery hold: requests for metadata go through the Finder, which
// reaches public addresses only unless the program says otherwise, and the token requests go
// the same way. In addition:
//
//   - The resource of the metadata is the URL or a parent of the URL, and tokens are asked
//     for that resource (RFC 8707) and sent to the origin of the URL only.
//   - An authorization server must say that it takes code challenges by S256.
//   - What the account has of one authorization server goes to no other. Where the server
//     names another one, the account needs a new consent there, with another client, and the
//     token of the former server is forgotten.
//   - A ClientID or a secret of the program's own goes to Config.Issuer alone.
package mcp
