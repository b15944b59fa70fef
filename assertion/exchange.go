package assertion

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/check"
)

// The types of tokens of RFC 8693 section 3, and of the identity assertion grant.
const (
	TypeAccessToken  = "urn:ietf:params:oauth:token-type:access_token"
	TypeRefreshToken = "urn:ietf:params:oauth:token-type:refresh_token"
	TypeIDToken      = "urn:ietf:params:oauth:token-type:id_token"
	TypeJWT          = "urn:ietf:params:oauth:token-type:jwt"
	TypeSAML1        = "urn:ietf:params:oauth:token-type:saml1"
	TypeSAML2        = "urn:ietf:params:oauth:token-type:saml2"
	TypeIDJAG        = "urn:ietf:params:oauth:token-type:id-jag"
)

// A Token is a token to exchange.
type Token struct {
	Value connectorauth.Secret
	Type  string // such as TypeIDToken
}

// TokenExchangeConfig says what is exchanged for what.
type TokenExchangeConfig struct {
	// Subject returns the token that is exchanged. Subject is called for each token
	// request, so a token that a platform renews is read anew: see [FromFile] and
	// [AsToken]. ctx is bounded. Required.
	Subject func(ctx context.Context) (Token, error)
	// Actor returns the token of the party that acts for the subject. Nil means none.
	Actor func(ctx context.Context) (Token, error)
	// RequestedType is the type of the token to get, such as TypeAccessToken. Empty
	// leaves the choice to the provider.
	RequestedType string
	// Audiences and Resources are where the token is to be used: names, and URLs without
	// a fragment (RFC 8707 section 2). Empty means none.
	Audiences, Resources []string
	// Name tells accounts apart that have different subjects, such as a user name. Name
	// is not sent. Empty means that the client itself is the subject.
	Name string
}

// TokenExchange is the grant of RFC 8693: a token is exchanged for another. Use a
// TokenExchange as Grant of a connectorauth.OAuth2Config. When the token expires, another
// exchange obtains another; a refresh token is used if there is one.
//
// A token that is no access token has the token_type "N_A". A connector takes such a token
// if RequestedType is another type than TypeAccessToken, and [FromConnector] passes the
// token on.
type TokenExchange struct{ config TokenExchangeConfig }

// NewTokenExchange returns the grant.
func NewTokenExchange(config TokenExchangeConfig) (*TokenExchange, error) {
	var problems check.List
	if config.Subject == nil {
		problems.Add("Subject: is nil; give the function that returns the token to exchange")
	}
	for _, resource := range config.Resources {
		if u, err := url.Parse(resource); err != nil || !u.IsAbs() || u.Fragment != "" || u.User != nil {
			problems.Add("Resources: contains a text that is not an absolute URL without user and fragment")
		}
	}
	if slices.Contains(config.Audiences, "") {
		problems.Add("Audiences: contains an empty name")
	}
	if err := problems.Err("TokenExchangeConfig"); err != nil {
		return nil, err
	}
	config.Audiences, config.Resources = slices.Clone(config.Audiences), slices.Clone(config.Resources)
	return &TokenExchange{config}, nil
}

// GrantType returns the name of RFC 8693.
func (*TokenExchange) GrantType() string { return "urn:ietf:params:oauth:grant-type:token-exchange" }

// Parameters adds the tokens and what they are exchanged for.
func (x *TokenExchange) Parameters(ctx context.Context, r *connectorauth.TokenRequest) error {
	for _, party := range []struct {
		name string
		get  func(context.Context) (Token, error)
	}{{"subject", x.config.Subject}, {"actor", x.config.Actor}} {
		if party.get == nil {
			continue
		}
		token, err := party.get(ctx)
		if err != nil {
			return fmt.Errorf("assertion: the token of the %s: %w", party.name, withhold(err, token.Value))
		}
		if err := checkToken(string(token.Value)); err != nil {
			return err
		}
		if token.Type == "" {
			return fmt.Errorf("assertion: the token of the %s has no type, such as TypeIDToken", party.name)
		}
		r.Params.Set(party.name+"_token", string(token.Value))
		r.Params.Set(party.name+"_token_type", token.Type)
	}
	if x.config.RequestedType != "" {
		r.Params.Set("requested_token_type", x.config.RequestedType)
	}
	for name, values := range map[string][]string{"audience": x.config.Audiences, "resource": x.config.Resources} {
		if len(values) > 0 {
			r.Params[name] = slices.Clone(values)
		}
	}
	return nil
}

// Traits names the subject, and where the token is to be used: a token for one place is
// not taken for a token for another. Traits also says what kind of token is wanted.
func (x *TokenExchange) Traits() connectorauth.GrantTraits {
	subject := x.config.Name
	if places := slices.Concat(x.config.Audiences, x.config.Resources); len(places) > 0 {
		subject = strings.TrimPrefix(subject+" at "+strings.Join(places, ", "), " ")
	}
	other := x.config.RequestedType != "" && x.config.RequestedType != TypeAccessToken
	return connectorauth.GrantTraits{Subject: subject, NoAccessToken: other}
}

// String names the type.
func (*TokenExchange) String() string { return "assertion.TokenExchange" }

// GoString is String, for the verb %#v.
func (x *TokenExchange) GoString() string { return x.String() }
