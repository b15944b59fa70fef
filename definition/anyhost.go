package definition

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/egress"
)

// A guard keeps the requests of accounts that may lead to any host away from private
// addresses. The accounts of a definition share a guard, and so its connections.
type guard struct {
	public  http.RoundTripper // reaches public addresses only
	nothing http.RoundTripper // refuses each request
}

var errUnguarded = errors.New("definition: the account may lead to any host, and the transport of the client lets requests reach private addresses; use a transport of egress.New, or none")

func newGuard() *guard {
	public, _ := egress.New(egress.Config{}) // which cannot fail
	refuse := func(context.Context, string, string) (net.Conn, error) { return nil, errUnguarded }
	return &guard{public: public, nothing: &http.Transport{DialContext: refuse}}
}

// base returns what sends the requests of a program with a base.
func (g *guard) base(base http.RoundTripper) http.RoundTripper {
	switch {
	case base == nil:
		return g.public
	case egress.Guards(base):
		return base
	}
	return g.nothing
}

// around returns a connector whose requests are guarded. A nil guard guards nothing.
func (g *guard) around(c connectorauth.Connector) connectorauth.Connector {
	if g == nil {
		return c
	}
	return connectorauth.WithBase(c, g.base)
}

// guard returns the guard of the accounts of a method, or nil if no input leads to any
// host.
func (m *Method) guard(d *Definition) *guard {
	for _, i := range d.inputs(m) {
		if i.AnyHost {
			return d.guard
		}
	}
	return nil
}

// guardClient makes the guard send the requests for tokens and logins, or lists the mistake
// of a client without a guard.
func (b *builder) guardClient(g *guard, m *Method) {
	var transport http.RoundTripper
	if b.c.HTTPClient != nil {
		transport = b.c.HTTPClient.Transport
	}
	switch {
	case g == nil, egress.Guards(transport), transport == nil && m.presentsCertificate():
	case transport == nil:
		b.c.HTTPClient = &http.Client{Transport: g.public}
	default:
		b.mistakes.Field("HTTPClient", errUnguarded)
	}
}

// presentsCertificate reports whether the client of token requests needs a transport with a
// certificate, which no default has.
func (m *Method) presentsCertificate() bool {
	for _, credential := range append([]Credential{m.Credential}, m.And...) {
		s, ok := credential.Scheme.(*OAuth2)
		if ok && (s.ClientAuth == connectorauth.ClientAuthTLS || s.ClientAuth == connectorauth.ClientAuthSelfSignedTLS) {
			return true
		}
	}
	return false
}
