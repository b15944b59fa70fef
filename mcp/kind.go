package mcp

import (
	"context"
	_ "embed"
	"errors"
	"net/http"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/egress"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// KindConfig describes the type MCP of definitions: see [Kind].
type KindConfig struct {
	// Finder and ScopeFilter are as in [Config]. A Finder is required. Where account owners
	// type URLs, the Transport of the Finder must be one of package egress.
	Finder      *discovery.Finder
	ScopeFilter func(wanted []string) []string
	// Registrar registers the client, once for all accounts at an authorization server and a
	// callback URL. Empty means that definition.Connection.Client has the client: the URL of
	// a [discovery.ClientDocument], or a client that the authorization server of the member
	// issuer knows. With a Registrar, another Client is left out of account.
	Registrar *discovery.Registrar
	// Legacy is as in [Config].
	Legacy bool
}

// Kind is the type MCP of definitions, for definition.Options and for package accounts. The
// members of a method are url, which is the URL of the MCP server, and issuer: see
// [Config.Issuer]. url should be the base URL, too. Scopes of definition.Connection are those
// of a consent; nil means those that the server wants.
//
// The test of an account asks the server for its name, which is the Label. The ID is the URL
// of the server, because MCP has no word for the person: an owner has one account at each
// server, unless the program allows more.
func Kind(config KindConfig) definition.Kind {
	return definition.Kind{
		Name:    "MCP",
		Members: []definition.Member{{Name: "url", Required: true, URL: true}, {Name: "issuer", URL: true, Client: true}},
		Consent: func(texts map[string]connectorauth.Secret, hosts []string, c definition.Connection) (definition.Consent, error) {
			if config.Finder != nil && c.HTTPClient != nil && egress.Guards(c.HTTPClient.Transport) && !config.Finder.Guarded() {
				return nil, errors.New("connectorauth: mcp: KindConfig: Finder: has no transport of package egress, and an account owner may type any URL")
			}
			if c.Store == nil { // definition.Parse tries the config
				c.Store, c.Account, c.Client = new(tokenstore.Memory), "sample", definition.Client{ID: "https://client.example.com/sample"}
			}
			if config.Registrar != nil && texts["issuer"] == "" && !strings.HasPrefix(c.Client.ID, "https://") {
				c.Client = definition.Client{} // of another service
			}
			account, err := New(Config{
				URL: string(texts["url"]), Issuer: string(texts["issuer"]), Finder: config.Finder, Registrar: config.Registrar,
				ScopeFilter: config.ScopeFilter, Legacy: config.Legacy,
				OAuth2: connectorauth.OAuth2Config{
					ClientID: c.Client.ID, ClientSecret: c.Client.Secret, Scopes: c.Scopes, Hosts: hosts,
					Store: c.Store, Account: c.Account, Shared: c.Shared, RenewBefore: c.RenewBefore, HTTPClient: c.HTTPClient, Observe: c.Observe,
				},
			})
			if err != nil {
				return nil, err
			}
			return account, nil
		},
		Check: func(ctx context.Context, texts map[string]connectorauth.Secret, send func(*http.Request) (*http.Response, error)) (definition.Identity, error) {
			return identify(ctx, string(texts["url"]), send)
		},
	}
}

//go:embed any.json
var anyServer []byte

// AnyServer returns the definition "mcp" of an MCP server anywhere: the account owner types the
// URL. All requests of an account go through package egress: see definition.Limits.
func AnyServer(config KindConfig) (*definition.Definition, error) {
	return definition.Parse("mcp.json", anyServer, definition.Options{AnyHost: true, Kinds: []definition.Kind{Kind(config)}})
}
