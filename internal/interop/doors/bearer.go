package doors

import (
	"context"
	"errors"

	"github.com/connectorauth/connectorauth"
)

// JWTBearer is the grant of RFC 7523 section 2.1: a signed assertion stands for
// a user or a service account, and is exchanged for an access token. Use a
// JWTBearer as Grant of a connectorauth.OAuth2Config.
type JWTBearer struct{ config JWTBearerConfig }

// JWTBearerConfig says what the assertions claim.
type JWTBearerConfig struct {
	// Key signs the assertions. Required.
	Key *Key
	// Issuer is who signs, such as the client ID. Required.
	Issuer string
	// Subject is whom the token will stand for. Required.
	Subject string
	// Audience is the authorization server, as the server names itself: often the
	// token URL. Required: a Grant does not learn the token URL.
	Audience string
}

// NewJWTBearer returns the grant.
func NewJWTBearer(config JWTBearerConfig) (*JWTBearer, error) {
	var problems []error
	if config.Key == nil {
		problems = append(problems, errors.New("doors: JWTBearerConfig: Key: is empty"))
	}
	for _, field := range []struct{ name, value string }{
		{"Issuer", config.Issuer}, {"Subject", config.Subject}, {"Audience", config.Audience},
	} {
		if field.value == "" {
			problems = append(problems, errors.New("doors: JWTBearerConfig: "+field.name+": is empty"))
		}
	}
	if problems != nil {
		return nil, errors.Join(problems...)
	}
	return &JWTBearer{config}, nil
}

// GrantType returns the name of RFC 7523.
func (*JWTBearer) GrantType() string { return "urn:ietf:params:oauth:grant-type:jwt-bearer" }

// Parameters adds a new assertion. The library calls Parameters for each
// request that it sends, so no assertion is sent twice.
func (b *JWTBearer) Parameters(_ context.Context, r *connectorauth.TokenRequest) error {
	signed, err := b.config.Key.assertion(b.config.Issuer, b.config.Subject, b.config.Audience)
	if err != nil {
		return err
	}
	r.Params.Set("assertion", signed)
	return nil
}

// Traits names the subject: two connectors with different subjects are different
// accounts. An assertion serves once. No person is needed: the connector obtains
// another token whenever it needs one.
func (b *JWTBearer) Traits() connectorauth.GrantTraits {
	return connectorauth.GrantTraits{Subject: b.config.Subject, SingleUse: true}
}
