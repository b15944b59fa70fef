package assertion

import (
	"context"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/check"
)

// ClientAuthConfig says what the assertions of a [ClientAuth] are.
type ClientAuthConfig struct {
	// Key signs the assertions. Required without Assertion.
	Key *Key
	// Claims are what the assertions say. Audience is required with Key: the provider's
	// issuer identifier for most, the token URL for some (RFC 7523 section 3). Issuer and
	// Subject must be empty: both are the ClientID of the connector. A Lifetime of 0
	// means 3 minutes.
	Claims Claims
	// Assertion returns an assertion from elsewhere, such as the token that a cloud
	// platform gives its workloads: see [FromFile]. Assertion is called for each token
	// request. ctx is bounded. Nil means that Key signs.
	Assertion func(ctx context.Context) (connectorauth.Secret, error)
}

// ClientAuth is the client authentication of RFC 7523 section 2.2: private_key_jwt, or
// client_secret_jwt if the key is a secret. Use a ClientAuth as ClientAuth of a
// connectorauth.OAuth2Config, without a ClientSecret, which would not be sent. Every
// request to the provider, a revocation too, gets an assertion of its own.
type ClientAuth struct{ source source }

// NewClientAuth returns the client authentication.
func NewClientAuth(config ClientAuthConfig) (*ClientAuth, error) {
	var problems check.List
	a := &ClientAuth{newSource(&problems, config.Key, config.Claims, config.Assertion)}
	if config.Key != nil {
		needsAudience(&problems, config.Claims)
		if config.Claims.Issuer+config.Claims.Subject != "" {
			problems.Add("Claims.Issuer: must be empty, as must Claims.Subject: the assertions name the ClientID of the connector")
		}
	}
	if err := problems.Err("ClientAuthConfig"); err != nil {
		return nil, err
	}
	return a, nil
}

// Authenticate adds a new assertion to the token request.
func (a *ClientAuth) Authenticate(ctx context.Context, r *connectorauth.TokenRequest) error {
	s := a.source
	s.claims.Issuer, s.claims.Subject = r.ClientID, r.ClientID
	signed, err := s.assertion(ctx, r)
	if err != nil {
		return err
	}
	r.Params.Set("client_id", r.ClientID)
	r.Params.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	r.Params.Set("client_assertion", signed)
	return nil
}

// String names the type. A ClientAuth prints nothing of its key.
func (*ClientAuth) String() string { return "assertion.ClientAuth" }

// GoString is String, for the verb %#v.
func (a *ClientAuth) GoString() string { return a.String() }

// NoClientAuth is the client authentication of a request whose grant says it all: the
// request names no client. Providers such as Google want that of a [JWTBearer] (RFC 7523
// section 3.1 makes the client authentication optional). The ClientID of the connector
// then only tells accounts apart.
type NoClientAuth struct{}

// Authenticate adds nothing.
func (NoClientAuth) Authenticate(context.Context, *connectorauth.TokenRequest) error { return nil }
