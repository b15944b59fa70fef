package connectorauth

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/connectorauth/connectorauth/internal/scrub"
)

// AuthType names how a connector authenticates. Connector catalogues use the same
// words.
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
	AuthTypeJoined     AuthType = "Joined" // several connectors: see Join
)

// A Connector authenticates requests to one service with one account's
// credentials. Connectors are immutable and safe for concurrent use.
//
// Most programs pass a Connector to [NewClient] and never call its methods.
type Connector interface {
	// AuthType returns how the connector authenticates.
	AuthType() AuthType
	// Wrap returns a RoundTripper that adds the credentials to each request,
	// renews expired credentials, and sends through base. A nil base means
	// http.DefaultTransport.
	Wrap(base http.RoundTripper) http.RoundTripper
}

// NewClient returns an HTTP client that authenticates with c. The client is a
// copy of base with a wrapped Transport: timeout, cookie jar and redirect policy
// stay the same. NewClient does not change base. A nil base means
// http.DefaultClient. Token requests do not use base: see OAuth2Config.HTTPClient.
func NewClient(c Connector, base *http.Client) *http.Client {
	if base == nil {
		base = http.DefaultClient
	}
	client := *base
	client.Transport = c.Wrap(base.Transport)
	return &client
}

// None is the [Connector] of a service without credentials. Requests pass
// through unchanged, to any host.
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

// Secret is a string that never prints itself. Every fmt verb, log/slog, JSON and
// text encoding give "[redacted]" instead, or "" for an empty Secret, so a
// missing value is visible. The exception is %p, which go vet refuses for a
// string: fmt calls no method there. string(s) is the value.
//
// A Secret decodes from JSON as an ordinary string and encodes as "[redacted]".
// Package gob refuses a Secret. So keep credentials in a store of your own, not in a
// marshalled config.
//
// A Secret is a string, so a program that walks memory by reflection, and calls no
// methods, prints the value. Such a program is the diff of testify's assert.Equal: in
// tests, compare Secrets, and configs with Secrets, by assert.True(t, a == b).
// Connectors, clients, errors and the stores of this library keep their credentials
// where reflection does not reach.
type Secret string

// String returns "[redacted]", or "" for an empty Secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return scrub.Redacted
}

// GoString returns the quoted String, for the verb %#v.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.String()) }

// Format writes the redacted form for every verb.
func (s Secret) Format(f fmt.State, verb rune) {
	if verb == 'q' || verb == 'v' && f.Flag('#') {
		io.WriteString(f, s.GoString())
		return
	}
	io.WriteString(f, s.String())
}

// LogValue redacts the Secret in log/slog output.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText encodes the redacted form.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// GobEncode returns an error: package gob would write the value.
func (Secret) GobEncode() ([]byte, error) {
	return nil, errors.New("connectorauth: a Secret is not for package gob; use string(s)")
}

// MarshalJSON encodes the redacted form as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }
