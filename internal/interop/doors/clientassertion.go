package doors

import (
	"cmp"
	"context"
	"errors"

	"github.com/connectorauth/connectorauth"
)

// PrivateKeyJWT is the client authentication private_key_jwt (RFC 7523 section
// 2.2): the client signs an assertion instead of sending a secret. Use a
// PrivateKeyJWT as ClientAuth of a connectorauth.OAuth2Config, without a
// ClientSecret.
type PrivateKeyJWT struct {
	key      *Key
	audience string
}

// NewPrivateKeyJWT returns the client authentication. audience is the
// authorization server, as the server names itself. Empty means the issuer of
// the grant if there is one, else the token URL.
func NewPrivateKeyJWT(key *Key, audience string) (*PrivateKeyJWT, error) {
	if key == nil {
		return nil, errors.New("doors: NewPrivateKeyJWT: key is nil")
	}
	return &PrivateKeyJWT{key, audience}, nil
}

// Authenticate adds a new assertion to the token request. The library calls
// Authenticate for each request that it sends.
func (p *PrivateKeyJWT) Authenticate(_ context.Context, r *connectorauth.TokenRequest) error {
	signed, err := p.key.assertion(r.ClientID, r.ClientID, cmp.Or(p.audience, r.Issuer, r.Endpoint))
	if err != nil {
		return err
	}
	r.Params.Set("client_id", r.ClientID)
	r.Params.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	r.Params.Set("client_assertion", signed)
	return nil
}
