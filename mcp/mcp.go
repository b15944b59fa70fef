package mcp

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"sync"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/origin"
)

// Config describes an [Account].
type Config struct {
	// URL is the URL of the MCP server. https, or http on loopback if the Finder has a client
	// that reaches loopback. Required.
	URL string
	// Finder reads the metadata of the server and of the authorization server. Required.
	Finder *discovery.Finder
	// Registrar registers the client. Empty means that OAuth2 has a ClientID.
	Registrar *discovery.Registrar
	// Issuer is the only authorization server that the account uses. Required with a ClientID
	// that is no [discovery.ClientDocument], with a ClientSecret or ClientAuth, and with a
	// Grant other than AuthorizationCode, because these are for one authorization server.
	// Empty means the first authorization server that the MCP server names.
	Issuer string
	// OAuth2 is the config of the connector. Store and Account are required, and the fields
	// that metadata can fill may be empty. Scopes and Resources take the place of what the
	// MCP server says. With a Grant other than AuthorizationCode, the account needs no
	// consent, and Authorize obtains a token at once.
	OAuth2 connectorauth.OAuth2Config
	// ScopeFilter returns the scopes to ask for, of those that the MCP server wants.
	// ScopeFilter must not modify its argument. Nil means all.
	ScopeFilter func(wanted []string) []string
	// Consent leads the person through the consent of the account when the SDK calls
	// [Account.Authorize], as with consent.Loopback. ctx is that of the request. Nil means
	// that Authorize returns an error that matches connectorauth.ErrReauthRequired, and the
	// program begins a consent elsewhere.
	Consent func(ctx context.Context, a *Account) error
	// Legacy accepts servers of the revision 2025-03-26 without metadata: the origin of the
	// URL is then the issuer, and a server without metadata of an issuer either has the
	// endpoints /authorize, /token and /register there. Such a server does not say whether it
	// takes code challenges.
	Legacy bool
}

// An Account is an account at an MCP server. An Account is safe for concurrent use.
type Account struct {
	config *Config // a pointer, so that no print of a copy shows the client's secret

	mu      sync.Mutex
	present *connectorauth.OAuth2 // of a grant without a consent; nil: not known
	tried   string                // identifies the token that a renewal for Authorize has brought
	one     chan struct{}         // has room for the caller of Authorize that is at work
}

// New returns an Account. New makes no request.
func New(config Config) (*Account, error) {
	var problems check.List
	if config.Finder == nil {
		problems.Add("Finder: is nil")
	}
	_, err := origin.Endpoint(config.URL)
	problems.Field("URL", err)
	c := &config.OAuth2
	if check.IsNil(c.Store) || c.Account == "" {
		problems.Add("OAuth2: Store and Account are required")
	}
	if c.Grant == nil {
		c.Grant = connectorauth.AuthorizationCode{}
	}
	u, err := url.Parse(c.ClientID)
	own := c.ClientID != "" && (err != nil || u.Scheme != "https") || c.ClientSecret != "" || c.ClientAuth != nil || !config.consents()
	if own && config.Issuer == "" {
		problems.Add("Issuer: is missing: the client of the config is for one authorization server; name the server")
	}
	if c.ClientID == "" && config.Registrar == nil {
		problems.Add("Registrar: is nil, and OAuth2 has no ClientID; give either")
	}
	if err := problems.Err("mcp.Config"); err != nil {
		return nil, err
	}
	c.Scopes, c.Resources, c.Hosts = slices.Clone(c.Scopes), slices.Clone(c.Resources), slices.Clone(c.Hosts)
	return &Account{config: &config, one: make(chan struct{}, 1)}, nil
}

// Format writes the type alone, for every verb.
func (*Account) Format(f fmt.State, _ rune) { io.WriteString(f, "mcp.Account") }

// consents reports whether the account needs a consent.
func (c *Config) consents() bool {
	_, ok := c.OAuth2.Grant.(connectorauth.AuthorizationCode)
	return ok
}

// know keeps the connector of a grant without a consent; nil: Connector looks for the connector
// anew. The connector of a consent is not kept, because another process may have another consent.
func (a *Account) know(c *connectorauth.OAuth2) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.present = c
}

// known returns the connector that know has kept, or nil.
func (a *Account) known() *connectorauth.OAuth2 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.present
}
