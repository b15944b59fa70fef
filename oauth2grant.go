package connectorauth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/pending"
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

// A ClientAuth authenticates the client at the token endpoint (RFC 6749 section
// 2.3): a [ClientAuthMethod], or a type of your own, as for signed assertions. A
// ClientAuth is immutable and safe for concurrent use.
type ClientAuth interface {
	// Authenticate adds the client's credentials to a token request. Authenticate
	// is called anew for each request that is sent. ctx is bounded and outlives the
	// caller that wanted the token. After an error, nothing is sent.
	Authenticate(ctx context.Context, r *TokenRequest) error
}

// A TokenRequest is a token request before the request is sent, for a [Grant] and
// then a [ClientAuth] to complete. Everything that they add counts as secret and
// shows in no error.
type TokenRequest struct {
	// Endpoint is the URL of the request.
	Endpoint string
	// Issuer is the Issuer of the AuthorizationCode grant, or empty.
	Issuer string
	// ClientID and ClientSecret are from the config.
	ClientID     string
	ClientSecret Secret
	// Params are the parameters by their standard names, without client_id: a
	// ClientAuth that identifies the client in the body sets client_id.
	Params url.Values `json:"-"`
	// Header is the header of the request.
	Header http.Header `json:"-"`

	ahead       int64 // how far the provider's clock is ahead, in seconds
	dated, anew bool  // Now was called; the grant has called Now, or adds nothing
}

// Now returns the time by the provider's clock, for an assertion to carry. When the
// Date of a refusal shows that the clock of this machine is wrong, later requests have
// the provider's time. A request that was refused for its time is sent again once. With
// parameters that are not made by Now, such as a code, a refresh token or a password,
// that needs the error invalid_client (RFC 6749 section 5.2).
func (r *TokenRequest) Now() time.Time {
	r.dated = true
	return time.Now().Add(time.Duration(r.ahead) * time.Second)
}

// Format writes the endpoint alone, for every verb. A TokenRequest prints nothing of
// its credentials.
func (r TokenRequest) Format(f fmt.State, _ rune) {
	io.WriteString(f, "connectorauth.TokenRequest to "+r.Endpoint)
}

// ClientAuthMethod is a [ClientAuth] with the client secret. The values are
// those of token_endpoint_auth_method in RFC 7591 section 2, and two more. A
// client without a secret sends its client_id in the body.
type ClientAuthMethod string

// The methods of client authentication.
const (
	ClientSecretBasic    ClientAuthMethod = "client_secret_basic"     // HTTP Basic, ID and secret form-encoded first
	ClientSecretPost     ClientAuthMethod = "client_secret_post"      // client_id and client_secret in the body
	ClientSecretBasicRaw ClientAuthMethod = "client_secret_basic_raw" // HTTP Basic, ID and secret unchanged, for providers that do not decode them
	ClientSecretUser     ClientAuthMethod = "client_secret_user"      // HTTP Basic, the secret as the user name, no password
	ClientAuthNone       ClientAuthMethod = "none"                    // a public client: client_id in the body

	// The certificate of the connection authenticates the client, whose client_id is in the
	// body (RFC 8705 section 2): HTTPClient presents the certificate.
	ClientAuthTLS           ClientAuthMethod = "tls_client_auth"
	ClientAuthSelfSignedTLS ClientAuthMethod = "self_signed_tls_client_auth"
)

// byCertificate reports whether the connection authenticates the client.
func (m ClientAuthMethod) byCertificate() bool {
	return m == ClientAuthTLS || m == ClientAuthSelfSignedTLS
}

// Authenticate adds the client ID and secret to r.
func (m ClientAuthMethod) Authenticate(_ context.Context, r *TokenRequest) error {
	id, secret := r.ClientID, string(r.ClientSecret)
	switch {
	case m == ClientAuthNone || m.byCertificate() || secret == "":
		r.Params.Set("client_id", id)
	case m == ClientSecretBasic:
		setBasic(r.Header, url.QueryEscape(id), url.QueryEscape(secret))
	case m == ClientSecretPost:
		r.Params.Set("client_id", id)
		r.Params.Set("client_secret", secret)
	case m == ClientSecretBasicRaw:
		setBasic(r.Header, id, secret)
	case m == ClientSecretUser:
		setBasic(r.Header, secret, "")
	default:
		return fmt.Errorf("unknown client authentication %q", string(m))
	}
	return nil
}

func setBasic(h http.Header, user, password string) {
	h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
}

// checkAccess reports whether requests can carry an access token. RFC 6750
// section 2.1 allows the characters of token68 only; real tokens have any
// printable ASCII except characters that would end or quote a header's parameter.
func (s *oauth2Scheme) checkAccess(t *token) error {
	if t.Access == "" {
		return errors.New("the access token is empty")
	}
	for _, c := range []byte(t.Access) {
		if c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == ',' {
			return errors.New("the access token has a character that no Authorization header can carry")
		}
	}
	if err := s.place.Check(s.carried(t)); err != nil {
		return fmt.Errorf("the access token %w", err)
	}
	return nil
}

// checkGrant reports what is wrong with the grant of c.
func checkGrant(c *OAuth2Config) error {
	var problems check.List
	switch grant := c.Grant.(type) {
	case nil:
		problems.Add("Grant: is empty; use AuthorizationCode, ClientCredentials, PasswordCredentials or DeviceCode")
	case *AuthorizationCode, *ClientCredentials, *PasswordCredentials, *DeviceCode:
		problems.Add("Grant: is %T; use the value, not a pointer", grant)
	case AuthorizationCode:
		problems.Field("Grant", check.AuthRequest(grant.AuthURL, grant.Params, c.Dialect.AuthNames, c.client()))
		if grant.PushedAuthorizationRequestURL != "" {
			_, err := origin.Endpoint(grant.PushedAuthorizationRequestURL)
			problems.Field("Grant: PushedAuthorizationRequestURL", err)
			if grant.Params.Has("request_uri") {
				problems.Add("Grant: Params: request_uri cannot be pushed (RFC 9126 section 2.1)")
			}
		}
		problems.Field("Grant: ConsentLifetime", pending.CheckLifetime(grant.ConsentLifetime))
	case DeviceCode:
		problems.Join(grant.check())
	case ClientCredentials:
		if method, ok := c.ClientAuth.(ClientAuthMethod); c.ClientSecret == "" && isMethod(c.ClientAuth) && !(ok && method.byCertificate()) {
			problems.Add("ClientSecret: is empty; the client credentials grant proves nothing without a secret")
		}
	case PasswordCredentials:
		if grant.Username == "" || grant.Password == "" {
			problems.Add("Grant: PasswordCredentials needs Username and Password")
		}
		problems.Field("Grant: Username", check.Text(grant.Username))
		problems.Field("Grant: Password", check.Text(string(grant.Password)))
	default:
		if problems.NilPointer("Grant", grant); !check.IsNil(grant) && grant.GrantType() == "" {
			problems.Add("Grant: GrantType is empty")
		}
	}
	return problems.Joined()
}

// isMethod reports whether a is one of this package's methods of client
// authentication, which use the client secret.
func isMethod(a ClientAuth) bool {
	_, ok := a.(ClientAuthMethod)
	return a == nil || ok
}
