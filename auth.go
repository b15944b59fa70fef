package connectorauth

import (
	"errors"
	"fmt"
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
	renewal  renewal  // the scheme again if it can replace a rejected credential, else nil
	receiver receiver // the scheme again if it wants to see responses, else nil
	hosts    origin.Set
	header   string // the canonical name of the header that scheme sets, or empty
}

// newGuarded reads the Hosts list of a config.
func newGuarded(s scheme, header string, hosts []string) (*guarded, error) {
	set, err := origin.Parse(hosts)
	if err != nil {
		return nil, fmt.Errorf("Hosts: %w", err)
	}
	g := &guarded{scheme: s, hosts: set, header: header}
	g.renewal, _ = s.(renewal)
	g.receiver, _ = s.(receiver)
	return g, nil
}

// Wrap returns a RoundTripper that adds the credentials and sends through base.
// A nil base means http.DefaultTransport.
func (g *guarded) Wrap(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return &transport{guarded: g, base: base}
}

// configError joins what is wrong with a config; nil if nothing is.
func configError(config string, problems ...error) error {
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("connectorauth: %s: %w", config, err)
	}
	return nil
}
