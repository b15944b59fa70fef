package connectorauth

import (
	"net/http"
	"net/url"
	"time"

	"github.com/connectorauth/connectorauth/internal/tokenhttp"
)

// A Dialect says how a provider departs from the standards. The zero value is
// plain RFC 6749 with tokens as in RFC 6750, and each field concerns one
// departure: set those that the provider's documentation asks for. Further
// parameters of the authorization request are in [AuthorizationCode].
type Dialect struct {
	// ScopeSeparator comes between the scopes of a request, such as ","; empty
	// means a space.
	ScopeSeparator string
	// AuthNames are what the provider calls parameters of the authorization
	// request, by their standard names: {"scope": "user_scope"}. The name ""
	// leaves a parameter out. Empty means the standard names.
	AuthNames map[string]string
	// CodeName is the name of the code in the callback; empty means "code".
	CodeName string
	// CallbackValues are the names of further parameters of the callback to keep
	// with the token, such as "realmId": [OAuth2.Token] has them as Extra. Mind
	// that the account owner's browser brings them. Empty means none.
	CallbackValues []string

	// TokenEncoding is how the parameters of token requests travel; empty means
	// TokenForm.
	TokenEncoding TokenEncoding
	// TokenNames are what the provider calls parameters of token requests, refresh
	// requests included, by their standard names: {"client_id": "client_key"}. The
	// name "" leaves a parameter out. Empty means the standard names.
	TokenNames map[string]string
	// TokenHeader is set on all token requests; empty means that nothing is added.
	TokenHeader http.Header
	// TokenParams are further parameters of the request that obtains the first
	// token. They cannot replace those that the library sends: see TokenNames.
	TokenParams url.Values
	// GrantType replaces the grant_type of that request; empty means that of the
	// Grant.
	GrantType string
	// RepeatState sends the state of the consent along with its code.
	RepeatState bool
	// LongLived trades the access token that the code brought for one that lives
	// longer, before it is ever used. Empty means that it is good as it is.
	LongLived Swap

	// RefreshURL is where refresh requests go; empty means TokenURL.
	RefreshURL string
	// RefreshParams are further parameters of refresh requests, such as scope or
	// redirect_uri, which are not part of them otherwise.
	RefreshParams url.Values
	// KeepRefreshToken goes on with the refresh token of the consent, whatever a
	// refresh answers.
	KeepRefreshToken bool
	// Extend renews by the access token itself, where the provider has no refresh
	// tokens. It must not have expired by then, so RenewBefore should be days.
	// Empty means that tokens are renewed by their refresh token.
	Extend Swap

	// Answer says how to read the answers to token requests.
	Answer TokenAnswer
	// DeadGrantCodes are the error codes of those answers that mean, as
	// invalid_grant does, that the account owner must authorize again.
	DeadGrantCodes []string

	// Placement is where the access token goes in requests to the API; empty means
	// the header "Authorization: Bearer TOKEN".
	Placement Placement
	// Rejections are the answers of the API that mean, as 401 does, that the access
	// token is no longer good. Empty means that there are no others.
	Rejections []Rejection
}

// A Placement is a place for a value in requests.
type Placement struct {
	// In is the part of the request; empty means InHeader.
	In Location
	// Name of the header, query parameter or cookie. Empty means Authorization
	// for a header; it is required elsewhere.
	Name string
	// Prefix comes before the value, such as "token "; empty means none.
	Prefix string
}

// TokenEncoding is the way the parameters of token requests travel.
type TokenEncoding int

// The encodings. With the last two, URLs have secrets in them, which proxies and
// servers like to log; choose them only where the provider takes nothing else.
const (
	TokenForm  TokenEncoding = TokenEncoding(tokenhttp.Form)  // POST with a form
	TokenJSON  TokenEncoding = TokenEncoding(tokenhttp.JSON)  // POST with a JSON object
	TokenQuery TokenEncoding = TokenEncoding(tokenhttp.Query) // POST with a query and no body
	TokenGet   TokenEncoding = TokenEncoding(tokenhttp.Get)   // GET with a query
)

// TokenAnswer says where the members of an answer are. Each is a path: a name,
// or names joined by dots for a member within another, such as
// "data.access_token". Empty means the place in RFC 6749, which is also read if
// the answer to a refresh has no access token at its path.
type TokenAnswer struct {
	AccessToken      string
	RefreshToken     string
	Scope            string
	Error            string // a code; 0 and false mean none
	ErrorDescription string
	Expiry           string

	// ExpiryFormat is what Expiry is written in; empty means ExpirySeconds.
	ExpiryFormat ExpiryFormat
	// Lifetime is that of a token whose answer does not tell; 0 means until the
	// API rejects it.
	Lifetime time.Duration
	// AnyTokenType takes access tokens whatever their token_type. It is for
	// providers that write "user" or "User Access Token" where RFC 6750 has Bearer.
	AnyTokenType bool
}

// ExpiryFormat is the way an answer tells when its token expires.
type ExpiryFormat int

// The formats.
const (
	ExpirySeconds      ExpiryFormat = ExpiryFormat(tokenhttp.Seconds)      // seconds from now
	ExpiryMilliseconds ExpiryFormat = ExpiryFormat(tokenhttp.Milliseconds) // milliseconds from now
	ExpiryUnix         ExpiryFormat = ExpiryFormat(tokenhttp.Unix)         // seconds or milliseconds since 1970
	ExpiryRFC3339      ExpiryFormat = ExpiryFormat(tokenhttp.RFC3339)      // a date such as 2030-01-02T15:04:05Z
)

// A Swap is a token request that trades an access token for another one. It is
// sent by GET, as the providers want it that have such requests.
type Swap struct {
	// GrantType is its grant_type. Required.
	GrantType string
	// Name is the parameter with the present access token; empty means
	// access_token.
	Name string
	// URL is where it goes; empty means TokenURL.
	URL string
}

// A Rejection describes responses of an API. All that is set must hold.
//
// The body counts only if it is JSON, XML or text of no more than 64 KiB; to the
// caller it is whole all the same. It is looked at before the caller gets the
// response, so set Status as well for an API that streams such responses.
type Rejection struct {
	// Status is the status code; 0 means any.
	Status int
	// Header must be there and, unless HeaderValue is empty, contain that.
	Header, HeaderValue string
	// Path is that of a member of a JSON body, as in [TokenAnswer]; in a list, a
	// number counts from 0. It must be there and, unless Value is empty, be that.
	Path, Value string
	// Body is some text of the body.
	Body string
}
