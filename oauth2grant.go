package connectorauth

import (
	"context"
	"fmt"
	"net/url"
	"time"
)

// A Grant is a way to obtain a token (RFC 6749 section 1.3): [AuthorizationCode],
// [DeviceCode], [ClientCredentials], [PasswordCredentials], or a type of your own for an
// extension grant (section 4.5). A Grant is immutable and safe for concurrent
// use.
type Grant interface {
	// GrantType returns the grant_type of the token request.
	GrantType() string
	// Parameters adds the further parameters of a token request to r.Params. The
	// library adds the client authentication, grant_type, and scope unless r.Params has
	// a scope. Parameters is called anew for each request that is sent, so an assertion
	// is never sent twice. ctx ends after 90 seconds and outlives the caller that wanted
	// the token; requests wait no longer, even if Parameters ignores ctx. After an error,
	// nothing is sent. A grant that only the account owner can repeat returns an error
	// that matches ErrReauthRequired.
	Parameters(ctx context.Context, r *TokenRequest) error
	// Traits returns what the library must know about the grant. The traits never
	// change.
	Traits() GrantTraits
}

// GrantTraits describe a [Grant].
type GrantTraits struct {
	// Subject names whom the token stands for, such as a user name or the subject
	// of an assertion. Empty means the client itself. Subject is not a secret.
	// Connectors of one Account with different Subjects share no token in memory; the
	// Account alone tells tokens in a Store apart.
	Subject string
	// NoRefresh says that the connector ignores refresh tokens and obtains each token
	// by the grant. Otherwise a refresh token is used as long as the provider takes
	// it, and Parameters is called again afterwards.
	NoRefresh bool
	// NeedsOwner says that only the account owner can obtain a token again, as with
	// a consent. When a token can no longer be refreshed, the error is
	// ErrReauthRequired, and Parameters is not called. Without a token, Parameters
	// is called: return an error that matches ErrReauthRequired if there is nothing
	// to send. Such an error means ErrNotConnected.
	NeedsOwner bool
	// SingleUse says that a provider may accept the same Parameters only once. When
	// the response to such a request is lost, the request is not repeated while the
	// present token is valid. Refresh tokens always count as single-use.
	SingleUse bool
	// NoAccessToken says that the token is not for an API, but an assertion for another
	// provider, as in RFC 8693: the token_type may be N_A.
	NoAccessToken bool
}

// AuthorizationCode sends the account owner to the provider, who returns with a
// code (RFC 6749 section 4.1): see [OAuth2.Begin].
type AuthorizationCode struct {
	// AuthURL is the provider's authorization endpoint. Required; https except on
	// loopback. AuthURL may have a query. In the query, a plus sign means a space, and
	// %2B a plus sign.
	AuthURL string
	// PushedAuthorizationRequestURL is the provider's endpoint for pushed authorization
	// requests (RFC 9126). With a URL, Begin sends the authorization request there, with the
	// client authentication of token requests, and the browser carries nothing but the client
	// ID and a reference, which providers often take for a minute only. So nobody can read or
	// change the request in the browser. No request goes another way. Empty means that the
	// browser carries the request. https except on loopback.
	PushedAuthorizationRequestURL string
	// Params are further parameters of the authorization request, such as
	// access_type or prompt. Empty means none.
	Params url.Values
	// Issuer is the provider's issuer identifier, for a provider that names itself
	// in its callbacks (RFC 9207): a callback must then carry exactly this iss. Set
	// Issuer wherever the provider is known to send iss. Set Issuer wherever AuthURL
	// and TokenURL were not written down by the program, but read from metadata or
	// given by the account owner: metadata of an attacker can name the AuthURL of an
	// honest provider.
	//
	// Empty means that a callback without iss is accepted, and that the URL in iss
	// must have the origin of AuthURL or of TokenURL. Many providers have begun to
	// send iss without notice, and name themselves by a URL of these origins. Finish
	// refuses any other iss, and the error names the iss.
	Issuer string
	// IssuerOptional accepts a callback without iss beside an Issuer, for a provider whose
	// metadata do not promise iss (RFC 9207 section 2.4). An iss in a callback must still
	// be the Issuer. IssuerOptional means nothing without an Issuer.
	IssuerOptional bool
	// ConsentLifetime is how long the account owner may take from Begin to Finish, at
	// most 24 hours, as when an administrator must approve first. 0 means ten minutes.
	// A longer time gives whoever steals a pending value more time, and costs memory and
	// room in the Store: each finished consent is remembered for ConsentLifetime and ten
	// minutes, in about 80 bytes.
	ConsentLifetime time.Duration
	// DisablePKCE leaves out the code challenge of RFC 7636, for the rare provider
	// that refuses the challenge.
	DisablePKCE bool
}

// GrantType returns "authorization_code".
func (AuthorizationCode) GrantType() string { return "authorization_code" }

// Parameters returns an error: the parameters come from Finish.
func (AuthorizationCode) Parameters(context.Context, *TokenRequest) error {
	return fmt.Errorf("%w: use Begin and Finish, or SetToken", ErrNotConnected)
}

// Traits says that the grant needs the account owner.
func (AuthorizationCode) Traits() GrantTraits { return GrantTraits{NeedsOwner: true, SingleUse: true} }

// ClientCredentials obtains a token for the client itself (RFC 6749 section
// 4.4), and a new token in the same way when the token expires.
type ClientCredentials struct{}

// GrantType returns "client_credentials".
func (ClientCredentials) GrantType() string { return "client_credentials" }

// Parameters adds none: the client authentication is enough.
func (ClientCredentials) Parameters(context.Context, *TokenRequest) error { return nil }

// Traits says that refresh tokens are not used (RFC 6749 section 4.4.3).
func (ClientCredentials) Traits() GrantTraits { return GrantTraits{NoRefresh: true} }

// PasswordCredentials exchanges the account owner's password for a token (RFC
// 6749 section 4.3). RFC 9700 section 2.4 advises against this grant; use it for
// services that offer nothing else. When no refresh token works, the password is
// sent again.
type PasswordCredentials struct {
	Username string // required; any text without control characters
	Password Secret // required; any text without control characters
}

// GrantType returns "password".
func (PasswordCredentials) GrantType() string { return "password" }

// Parameters adds user name and password.
func (p PasswordCredentials) Parameters(_ context.Context, r *TokenRequest) error {
	r.Params.Set("username", p.Username)
	r.Params.Set("password", string(p.Password))
	return nil
}

// Traits names the user.
func (p PasswordCredentials) Traits() GrantTraits { return GrantTraits{Subject: p.Username} }
