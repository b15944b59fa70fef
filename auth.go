// Package connectorauth turns a connector, which is one account's way into one
// service, into an ordinary *http.Client that is authenticated, stays
// authenticated, and never hands its credentials to anyone else.
//
// Make a connector, wrap a client, use it:
//
//	connector, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{
//		Key:    "the key",
//		Prefix: "Bearer ",
//		Hosts:  []string{"api.example.com"},
//	})
//	if err != nil {
//		return err
//	}
//	client := connectorauth.NewClient(connector, http.DefaultClient)
//	resp, err := client.Get("https://api.example.com/v1/orders")
//
// # Choosing a connector
//
// The service's documentation tells which one it is. A key or token that you
// were given and that goes into a header, the query, a cookie or the body:
// [NewAPIKey]. A user name and password: [NewBasic]. A client ID and secret with
// a token URL: [NewOAuth2], with the grant that fits: [ClientCredentials] where
// the program acts for itself, [AuthorizationCode] where it acts for an account
// owner, [PasswordCredentials] where nothing else is offered. A consumer key and
// requests that are signed: [NewOAuth1]. Fields inside each message:
// [NewAuthFields]. Nothing: [None]. Something else: [NewCustom].
//
// # Consent
//
// OAuth1 and OAuth2's authorization code send the account owner to the provider
// and get them back with a callback: Begin returns where to send the browser and
// a pending value to keep for it, Finish takes both back. Package consent does
// this for a web application, with a popup, and for a command-line program.
//
// # Keeping tokens
//
// Without a [TokenStore] a token lives and dies with its connector. With one,
// tokens survive, and connectors with the same Store and Account share a token.
// Providers that rotate refresh tokens revoke the account's grant when one is
// used twice, so a store that several processes use must be a
// [SharedTokenStore]: its lock lets one of them renew while the others wait for
// the outcome. [MemoryStore] serves one process; package tokenstore has files for
// one host, SQL databases for many, and encryption over any of them.
//
// A token is renewed in the background some time before it expires, or when the
// API answers 401. However many requests wait for it, there is one token
// request, and it goes on when they give up. What it brings is saved before it
// is used.
//
// # Where credentials are sent
//
// To the Hosts of the config. Without Hosts: to the origin (scheme, host and
// port) of whatever you request, so give Hosts to a connector that is used with
// URLs from elsewhere. A redirect away from there is followed without
// credentials, and so is the rest of its chain, even back home; a direct request
// elsewhere fails with [ErrHostNotAllowed]. Plain http is refused, except to
// loopback and to origins that Hosts lists as http.
//
// Requests are never modified: credentials go into a copy, in place of any that
// the request already has in the same place, and the response's Request is the
// original.
//
// # Errors
//
// Constructors check their config and make no request. Errors of requests come
// wrapped in a *url.Error by http.Client; errors.Is and errors.As see through it.
// [ErrReauthRequired] means that only the account owner can help. A [*TokenError]
// says what the token endpoint answered, and whether trying later may help. A
// 401 that could not be mended for now is returned as it is. No error, event or
// formatted value holds a credential.
package connectorauth

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/connectorauth/connectorauth/internal/origin"
)

// AuthType names a connector's way of authenticating. The values are the words
// that connector catalogues use.
type AuthType string

// The auth types.
const (
	AuthTypeAPIKey     AuthType = "ApiKey"
	AuthTypeBasic      AuthType = "Basic"
	AuthTypeOAuth1     AuthType = "OAuth1"
	AuthTypeOAuth2     AuthType = "OAuth2"
	AuthTypeAuthFields AuthType = "AuthFields"
	AuthTypeNone       AuthType = "None"
	AuthTypeCustom     AuthType = "Custom"
)

// A Connector authenticates requests to one service with one account's
// credentials. Connectors are immutable and safe for concurrent use.
//
// Most programs pass a Connector to [NewClient] and never call its methods.
type Connector interface {
	// AuthType returns the connector's way of authenticating.
	AuthType() AuthType
	// Wrap returns a RoundTripper that adds the credentials to each request,
	// renews them when they expire, and sends through base. A nil base means
	// http.DefaultTransport.
	Wrap(base http.RoundTripper) http.RoundTripper
}

// NewClient returns an HTTP client that authenticates with c. It is a copy of
// base with its Transport wrapped: timeout, cookie jar and redirect policy are
// kept, and base itself stays as it is. A nil base means http.DefaultClient.
func NewClient(c Connector, base *http.Client) *http.Client {
	if base == nil {
		base = http.DefaultClient
	}
	client := *base
	client.Transport = c.Wrap(base.Transport)
	return &client
}

// None is the [Connector] of a service that asks for no credentials. Requests
// pass through as they are, to any host.
type None struct{}

// AuthType returns AuthTypeNone.
func (None) AuthType() AuthType { return AuthTypeNone }

// Wrap returns base, or http.DefaultTransport if base is nil.
func (None) Wrap(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		return http.DefaultTransport
	}
	return base
}

// guarded is the part that all connectors with credentials have in common: what
// the credentials are, and where they may go. It is behind a pointer in each of
// them, so that fmt does not reach what is in it.
type guarded struct {
	scheme   scheme
	renewal  renewable // the scheme again if it can replace a rejected credential, else nil
	receiver receiver  // the scheme again if it wants to see responses, else nil
	hosts    origin.Set
	header   string // the canonical name of the header that scheme sets, or empty
	auth     Secret // what hooks are told the credential is, where it never changes
	hooks    []Hooks
}

// newGuarded reads the Hosts list of a config.
func newGuarded(s scheme, header string, hosts []string) (*guarded, error) {
	set, err := origin.Parse(hosts)
	if err != nil {
		return nil, fmt.Errorf("Hosts: %w", err)
	}
	g := &guarded{scheme: s, hosts: set, header: header}
	g.renewal, _ = s.(renewable)
	g.receiver, _ = s.(receiver)
	return g, nil
}

// newFixed is newGuarded for a credential that never changes.
func newFixed(s scheme, header string, hosts []string, auth Secret) (*guarded, error) {
	g, err := newGuarded(s, header, hosts)
	if err == nil {
		g.auth = auth
	}
	return g, err
}

// Wrap returns a RoundTripper that adds the credentials and sends through base.
// A nil base means http.DefaultTransport.
func (g *guarded) Wrap(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return &transport{guarded: g, base: base}
}

// Format prints the same for every verb. Without it, fmt would look behind two
// pointers for one that does not fit, such as %s.
func (*guarded) Format(f fmt.State, _ rune) {
	io.WriteString(f, "connectorauth: "+redacted)
}

// configError joins what is wrong with a config; nil if nothing is.
func configError(config string, problems ...error) error {
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("connectorauth: %s: %w", config, err)
	}
	return nil
}
