package assertion

import (
	"cmp"
	"context"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/check"
)

// JWTBearerConfig says what the assertions of a [JWTBearer] are.
type JWTBearerConfig struct {
	// Key signs the assertions. Required without Assertion.
	Key *Key
	// Claims are what the assertions say. Issuer and Audience are required with Key.
	// Subject is whom the access token will stand for; RFC 7523 section 3 requires a
	// Subject, and some providers, such as Google, do not. A Lifetime of 0 means 3
	// minutes.
	Claims Claims
	// Assertion returns an assertion from elsewhere, such as a file that a platform
	// renews: see [FromFile]. Assertion is called for each token request. ctx is bounded.
	// Nil means that Key signs.
	Assertion func(ctx context.Context) (connectorauth.Secret, error)
	// Subject names whom the assertions of the function Assertion stand for, so
	// accounts are told apart. With Key, Subject is Claims.Subject or Claims.Issuer.
	Subject string
}

// JWTBearer is the grant of RFC 7523 section 2.1: an assertion is exchanged for an
// access token. Use a JWTBearer as Grant of a connectorauth.OAuth2Config. No person is
// needed: when the access token expires, another assertion obtains another.
//
// Some providers, such as DocuSign, want the consent of the user once. Their refusal, such
// as consent_required, matches connectorauth.ErrReauthRequired, and Status shows
// connectorauth.StateReauthRequired. Renew of the connector tries at once when the user has
// consented; without Renew, the next attempt is made after an hour, growing to a day.
//
// A client without a secret may have to leave out its identity: see [NoClientAuth].
type JWTBearer struct {
	source  source
	subject string
}

// NewJWTBearer returns the grant.
func NewJWTBearer(config JWTBearerConfig) (*JWTBearer, error) {
	var problems check.List
	b := &JWTBearer{newSource(&problems, config.Key, config.Claims, config.Assertion), config.Subject}
	if config.Key != nil {
		needsAudience(&problems, config.Claims)
		if config.Claims.Issuer == "" {
			problems.Add("Claims.Issuer: is empty")
		}
		if config.Subject != "" {
			problems.Add("Subject: is for Assertion; use Claims.Subject")
		}
		b.subject = cmp.Or(config.Claims.Subject, config.Claims.Issuer)
	}
	if err := problems.Err("JWTBearerConfig"); err != nil {
		return nil, err
	}
	return b, nil
}

// needsAudience reports an audience that is empty.
func needsAudience(problems *check.List, claims Claims) {
	if claims.Audience == "" {
		problems.Add("Claims.Audience: is empty; use the provider's issuer identifier or token URL, as the provider's documentation says")
	}
}

// GrantType returns the name of RFC 7523.
func (*JWTBearer) GrantType() string { return "urn:ietf:params:oauth:grant-type:jwt-bearer" }

// Parameters adds a new assertion.
func (b *JWTBearer) Parameters(ctx context.Context, r *connectorauth.TokenRequest) error {
	signed, err := b.source.assertion(ctx, r)
	if err != nil {
		return err
	}
	r.Params.Set("assertion", signed)
	return nil
}

// Traits names the subject. A refresh token is rare, and is used if there is one.
func (b *JWTBearer) Traits() connectorauth.GrantTraits {
	return connectorauth.GrantTraits{Subject: b.subject}
}

// String names the type. A JWTBearer prints nothing of its key.
func (*JWTBearer) String() string { return "assertion.JWTBearer" }

// GoString is String, for the verb %#v.
func (b *JWTBearer) GoString() string { return b.String() }
