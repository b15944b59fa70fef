package dialect

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// OAuth2 says how a provider departs from the standards. The zero value is RFC
// 6749 with access tokens as in RFC 6750. Each field concerns a single
// departure: set the fields for which the provider's documentation asks. Further
// parameters of the authorization request are a field of
// connectorauth.AuthorizationCode.
type OAuth2 struct {
	// ScopeSeparator comes between the scopes of a request, such as ",". Empty
	// means a space.
	ScopeSeparator string `json:"scopeSeparator,omitempty"`
	// AuthNames are the provider's names for parameters of the authorization
	// request, by their standard names: {"scope": "user_scope"}. The name ""
	// leaves a parameter out. Empty means the standard names.
	AuthNames map[string]string `json:"authNames,omitempty"`
	// CodeName is the name of the code in the callback. Empty means "code".
	CodeName string `json:"codeName,omitempty"`
	// CallbackValues are the names of further callback parameters to keep with
	// the token, such as "realmId". OAuth2.Token returns them as Extra. The
	// account owner's browser brings these values, so a program must not trust
	// them. Empty means none.
	CallbackValues []string `json:"callbackValues,omitempty"`

	// TokenEncoding says how the parameters of token requests travel. Empty means
	// EncodeForm.
	TokenEncoding Encoding `json:"tokenEncoding,omitempty"`
	// TokenNames are the provider's names for parameters of token requests,
	// refresh requests included, by their standard names: {"client_id":
	// "client_key"}. The name "" leaves a parameter out. Empty means the standard
	// names.
	TokenNames map[string]string `json:"tokenNames,omitempty"`
	// TokenHeader is set on all token requests. Empty adds nothing.
	TokenHeader http.Header `json:"tokenHeader,omitempty"`
	// TokenParams are further parameters of the request that obtains the first
	// token. TokenParams cannot replace a parameter that the library sends in the same
	// request: see TokenNames. A parameter of another grant or of another client
	// authentication is allowed, such as client_id beside client_secret_basic.
	TokenParams url.Values `json:"tokenParams,omitempty"`
	// GrantType replaces the grant_type of the request that obtains the first
	// token. Empty means the grant_type of the Grant.
	GrantType string `json:"grantType,omitempty"`
	// RepeatState sends the state of the consent along with the code.
	RepeatState bool `json:"repeatState,omitempty"`
	// LongLived exchanges the access token that the code brought for a token with
	// a longer life, before any request carries the token. Empty means no
	// exchange.
	LongLived TokenExchange `json:"longLived,omitzero"`

	// Regions say how the provider tells an account's region, and where the token
	// endpoints of the regions are. Empty means one token endpoint for all accounts.
	Regions Regions `json:"regions,omitzero"`

	// RefreshURL is the endpoint of refresh requests. Empty means the token URL.
	RefreshURL string `json:"refreshUrl,omitempty"`
	// RefreshParams are further parameters of refresh requests, such as scope or
	// redirect_uri.
	RefreshParams url.Values `json:"refreshParams,omitempty"`
	// KeepRefreshToken keeps the refresh token of the consent, even if the
	// response to a refresh brings another.
	KeepRefreshToken bool `json:"keepRefreshToken,omitempty"`
	// RefreshGrace: the provider takes a refresh token again for a short time after
	// its use. So a refresh token is sent again, once, after a response was lost.
	RefreshGrace bool `json:"refreshGrace,omitempty"`
	// Extend renews an access token by the access token itself, for a provider
	// without refresh tokens. The access token must not have expired by then, so
	// RenewBefore should be days. Empty means renewal by refresh token.
	Extend TokenExchange `json:"extend,omitzero"`

	// Response says how to read the responses to token requests.
	Response Response `json:"response,omitzero"`
	// InvalidGrantCodes are further error codes of token responses with the
	// meaning of invalid_grant: the account owner must authorize again. Empty means
	// the codes of RFC 6749 section 5.2 and of OpenID Connect Core section 3.1.2.6,
	// such as interaction_required, which need no mention. With an assertion for a user,
	// only the codes of OpenID Connect mean that the user must act.
	InvalidGrantCodes []string `json:"invalidGrantCodes,omitempty"`

	// Placement says where requests to the API carry the access token. Empty means
	// the header "Authorization: Bearer TOKEN".
	Placement Placement `json:"placement,omitzero"`
	// Rejections describe the API responses that mean, as status 401 does, that
	// the access token is no longer valid. Empty means status 401 alone.
	Rejections []Rejection `json:"rejections,omitempty"`
}

// Clone returns a copy of d that shares no memory with d.
func (d OAuth2) Clone() OAuth2 {
	d.AuthNames, d.TokenNames = maps.Clone(d.AuthNames), maps.Clone(d.TokenNames)
	d.CallbackValues, d.InvalidGrantCodes = slices.Clone(d.CallbackValues), slices.Clone(d.InvalidGrantCodes)
	d.Rejections = slices.Clone(d.Rejections)
	d.TokenHeader = d.TokenHeader.Clone()
	d.TokenParams, d.RefreshParams = cloneValues(d.TokenParams), cloneValues(d.RefreshParams)
	d.Regions.Origins = maps.Clone(d.Regions.Origins)
	return d
}

func cloneValues(v url.Values) url.Values { return url.Values(http.Header(v).Clone()) }

// A TokenExchange is a token request that exchanges an access token for another
// access token. The request is a GET: providers with such an exchange want a GET.
type TokenExchange struct {
	// GrantType is the grant_type of the request. Required.
	GrantType string `json:"grantType"`
	// Name is the name of the parameter with the present access token. Empty
	// means access_token.
	Name string `json:"name,omitempty"`
	// URL is the endpoint of the request. Empty means the token URL.
	URL string `json:"url,omitempty"`
}

// A Rejection describes API responses that reject the access token. Every field
// that is set must match.
//
// The body is read only if the body is JSON, XML, a form, a script or text of at most
// 64 KiB, or has no Content-Type and looks like text. A byte order mark does not
// matter, and gzip and deflate are undone for the look. The caller still gets the whole
// body as the server sent the body. The body is read before the caller gets the
// response, for at most 2 seconds, so set Status as well for an API that streams such
// responses.
type Rejection struct {
	// Status is the status code. 0 means any.
	Status int `json:"status,omitempty"`
	// Header must be present.
	Header string `json:"header,omitempty"`
	// HeaderValue must be part of the Header's value. Empty means any value.
	HeaderValue string `json:"headerValue,omitempty"`
	// Path is the path of a member of a JSON body that must be present, and not null:
	// see [Response].
	Path string `json:"path,omitempty"`
	// Value is the value of the member at Path: a string, true or false, or a number as
	// the service spells the number. Empty means any value, also 0 and false: set Value
	// for a service that writes {"code": 0} into good responses.
	Value string `json:"value,omitempty"`
	// Body is text that the body must contain.
	Body string `json:"body,omitempty"`
}
