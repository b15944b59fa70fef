// Package mcp connects accounts at servers of the Model Context Protocol (MCP), by the URL of
// the server alone, as the authorization of MCP's revisions 2025-11-25 and 2026-07-28 says.
//
//	account, err := mcp.New(mcp.Config{
//		URL:    "https://mcp.example.com/mcp",
//		Finder: finder, Registrar: registrar, // of package discovery, one for the program
//		OAuth2: connectorauth.OAuth2Config{Store: store, Account: "alice"},
//	})
//	...
//	err = consent.Loopback(ctx, account, consent.LoopbackOptions{RedirectURL: "http://127.0.0.1:8976/callback"}) // or a consent.Handler
//	...
//	connector, err := account.Connector(ctx)
//	...
//	client := connectorauth.NewClient(connector, nil)
//
// A client is registered for a redirect URL with its port, because some authorization servers
// compare the port: a program on the person's machine chooses one port, or registers another
// client at each consent.
//
// An [Account] is a consent.Flow. [Account.Begin] asks the server for its challenge, reads the metadata of
// the server and of its authorization server, finds or registers a client, and starts the
// consent. What was found is kept in the Store beside the token, so a renewal reads no
// metadata.
//
// # With the Go SDK of MCP
//
// The client of [connectorauth.NewClient] serves as the HTTPClient of the SDK's
// StreamableClientTransport. With a Proof, such as DPoP, there is no other way. The account
// must then be connected before the first request.
//
// An Account is also an OAuthHandler of the SDK: the SDK calls [Account.Authorize] when the server
// refuses a request, and [Config].Consent leads the person through the consent. Here sdk is the
// import of the SDK, and public a client without credentials:
//
//	transport := &sdk.StreamableClientTransport{Endpoint: serverURL, OAuthHandler: account, HTTPClient: public}
//
// # In package accounts
//
// [Kind] is the type MCP of definitions, and [AnyServer] a definition of an MCP server anywhere: an
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
// server; without these, for none. [Config].ScopeFilter may leave some out. The scopes of the
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
//   - Metadata may name the authorization endpoint of somebody else's server. That server tells by
//     iss in the callback (RFC 9207), and the consent is refused. Where that server sends no iss,
//     nothing tells: the code of a client that is a document, or that the other server has
//     registered, would reach the server that the metadata are of. A [Config].Issuer that the
//     program knows leaves no room for such metadata.
//   - What the account has of one authorization server goes to no other. Where the server
//     names another one, the account needs a new consent there, with another client, and the
//     token of the former server is forgotten.
//   - An account belongs to one server: an Account name that another URL has in the same Store is
//     refused. The refusal of a host that a redirect has led to is no word of the server.
//   - Scopes of the server are 8 KiB at most.
//   - A ClientID or a secret of the program's own goes to [Config].Issuer alone.
package mcp
