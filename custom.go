package connectorauth

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/challenge"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/pending"
	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// CustomConfig is a way of authenticating, written in Go, for what no other connector does.
type CustomConfig struct {
	// Places are where values of the credential go. A value replaces what the caller's
	// request has in the place. Join refuses two credentials for the same place. Empty means
	// that Authenticate or Transport does all.
	Places []CustomPlace
	// Authenticate adds the credential to a request, after Places. Required, unless Places
	// or Transport authenticate. value is what Obtain returned last; the zero value without
	// Obtain. The request is a copy: its URL and header may be changed. To change the body,
	// replace the body together with ContentLength and GetBody, and close the former
	// body. A changed URL must stay on the origin of the request, or within Hosts.
	// Authenticate is called for each send, by several goroutines.
	Authenticate func(req *http.Request, value CustomCredential) error
	// Obtain returns the credential that follows old. old is the zero value if there
	// is no credential yet, and, with Login, if the API has rejected the credential without
	// ever having accepted it. rejection is the API's response that Rejected recognized,
	// without the body, with a copy of the request as the request was sent; nil if old
	// expires, does not exist, or was rejected by a hook alone. However many requests need
	// a credential, Obtain is called once, and the credential is saved before use. ctx is
	// bounded and outlives the caller that wanted the credential.
	//
	// After an error, Obtain is called again with growing pauses, over all processes
	// with the same Store. After an error that matches ErrReauthRequired or
	// ErrNotConnected, Obtain is called again after a minute; until then, requests fail
	// with this error. With Login, see there. A stored credential that is damaged is
	// replaced: Obtain gets the zero value. Empty means that the credential never changes.
	Obtain func(ctx context.Context, old CustomCredential, rejection *http.Response) (CustomCredential, error)
	// Challenge is called for a rejection in place of Obtain, for credentials that answer
	// what the response asks for, as HTTP Digest does. response is what Rejected or a hook
	// recognized, without the body, with a copy of the request as the request was sent.
	// After nil, the request is sent once more, and Authenticate answers. After an error,
	// the caller gets the response, and RenewalError returns the error; an error that
	// matches ErrReauthRequired takes the place of the response. Each rejection counts: no
	// failure, and no second rejection, delays the next call. Several goroutines call
	// Challenge. Empty means Obtain.
	Challenge func(ctx context.Context, response *http.Response) error
	// Rejected reports whether a response says that the credential is no longer
	// valid. Rejected sees a copy of each response, without the body, with a copy of the
	// request as the request was sent. Where the body tells, as in an error with status
	// 200, Rejections look into the body, or Hooks.AfterResponse returns
	// ErrCredentialRejected. A panic counts as no. Empty means status 401. Without
	// Obtain and Challenge, Rejected is not used.
	Rejected func(*http.Response) bool
	// Rejections describe, as data, further responses that say that the credential is no
	// longer valid. A Rejection may look into the body. Empty means none.
	Rejections []dialect.Rejection
	// Login is what the account owner has given for Obtain to send, such as a user name and
	// a password. With Login, an error of Obtain that matches ErrReauthRequired, and not
	// ErrNotConnected, is a refusal of Login. A refusal is recorded in Store: no process
	// calls Obtain again by itself for an hour, growing to a day, so nobody's account
	// is locked. [Custom.Renew], or a connector with another Login, tries at once. The
	// record has a salted hash of Login, and no connector with another Login uses the
	// credential in the record. Some services accept a login with a wrong password, and
	// reject each credential afterwards: two credentials in a row that the API has rejected,
	// and never accepted, count as a refusal too. Empty means that nobody types anything.
	Login Secret
	// Endpoint is the URL to which Obtain sends its requests. Shared limits the requests to
	// an Endpoint, and errors name the Endpoint without a query. A record in Store belongs
	// to the origin of the Endpoint. https except on loopback. Empty means unknown, and no
	// limit.
	Endpoint string
	// Idle is how long a credential stays valid without a request. After a longer pause of
	// the requests of this process, Obtain is called before the next request. 0 means for
	// ever.
	Idle time.Duration
	// Revoke tells the service that the credential is not needed any more, as a logout
	// does: see [Custom.Revoke]. ctx is bounded, and outlives the caller. Empty means that
	// there is no way to tell.
	Revoke func(ctx context.Context, value CustomCredential) error
	// Transport sends the requests that carry the credential, in place of the base
	// RoundTripper, for a credential that belongs to the connection, such as a client
	// certificate. Many clients share the Transport and its connections. A request
	// without the credential, as after a redirect to another origin, goes through the
	// base. Empty means the base.
	Transport http.RoundTripper
	// Header is the name of the header that Authenticate sets, such as
	// "Authorization". The header of the caller's request is removed before, in any
	// spelling, and Join refuses another credential for the same header. Empty means
	// that Authenticate sets no header of this kind.
	Header string
	// Signs tells that Authenticate signs the request. In a Join, Authenticate is then
	// called after all other connectors, so the signature covers what they add. Of
	// several signatures, the later connector is called last.
	Signs bool

	// Store keeps the credential. Empty means that the credential lives in memory,
	// as long as the connector. Without Obtain, Store must be empty.
	Store TokenStore
	// Account is the key in Store, and the name in events. Required with Store.
	// Connectors with the same Store and Account share a credential.
	Account string
	// Identity names the owner of the credential, such as a user name; not a secret. A
	// stored credential of another Identity is an error. Empty means that Account is enough.
	Identity string
	// Shared is what this connector has in common with others: see [OAuth2Config].
	Shared *Shared
	// Hosts are the places that may see the credential: see [APIKeyConfig].
	Hosts []string
	// RenewBefore is how long before its expiry a credential is renewed in the
	// background, at most a fifth of its lifetime. 0 means 5 minutes.
	RenewBefore time.Duration
	// Observe is told what happens to the credential: see [OAuth2Config].
	Observe func(Event)
}

// CustomCredential is the credential of a [Custom] connector.
type CustomCredential struct {
	// Value is the credential as text. A store keeps the text, which must be UTF-8.
	Value Secret
	// More are further values of the credential, by name, such as a refresh token. A store
	// keeps them too.
	More map[string]Secret
	// Expiry is when the credential expires. Zero means that the credential is valid
	// until the API rejects it.
	Expiry time.Time
	// Note tells Observe about a good credential, for example of an expiry that could not be
	// read. A Note is not kept. nil means nothing.
	Note error
}

// A CustomPlace is a place for a value of a [CustomCredential].
type CustomPlace struct {
	// Placement is the place. Empty means the header "Authorization: Bearer VALUE". The
	// body is no place. Exact is for the first header alone.
	dialect.Placement
	// Value returns the value. Value is called for each request, with the context of the
	// request, by several goroutines, and once for each credential that Obtain returns.
	// Empty means CustomCredential.Value.
	Value func(context.Context, CustomCredential) (Secret, error)
}

// Custom is the [Connector] of functions.
type Custom struct{ core hidden }

// NewCustom returns a connector made of functions. All rules for credentials hold: the
// functions work on a copy of the caller's request, and see no request to a foreign host and
// no redirect away from the origin.
func NewCustom(config CustomConfig) (*Custom, error) {
	var problems check.List
	config.check(&problems)
	s := &customScheme{config: config, placed: placesOfCustom(&problems, config.Places)}
	if slices.ContainsFunc(s.placed, func(p customPlace) bool {
		return config.Header != "" && strings.EqualFold(p.place.Header(), config.Header)
	}) {
		problems.Add("Header: is a place too, whose value Authenticate would replace")
	}
	hosts := parseHosts(&problems, config.Hosts)
	if err := problems.Err("CustomConfig"); err != nil {
		return nil, err
	}
	s.config.RenewBefore = cmp.Or(config.RenewBefore, 5*time.Minute)
	s.config.Rejections, s.config.Endpoint = slices.Clone(config.Rejections), origin.ASCIIURL(config.Endpoint)
	if config.Login != "" {
		s.login = &renew.Login{Secret: string(config.Login)}
	}
	if config.Obtain != nil {
		// As with OAuth2, another Login must not inherit what is known of the failures of the
		// former.
		identity := pending.Identity("custom", s.Identity(), string(config.Login))
		s.engine = renew.Open[customRecord](&config.Shared.orProgram().group, config.Store, config.Account, identity)
	}
	core := newCore(s, hosts)
	if first := s.places().header; first != "" {
		for _, p := range s.placed {
			core.spelled(p.Placement.Name, p.Exact)
		}
	}
	return &Custom{core}, nil
}

// check lists what is wrong with the config, except for Places and Hosts.
func (config *CustomConfig) check(problems *check.List) {
	places := len(config.Places) > 0
	if config.Authenticate == nil && !places && (config.Transport == nil || config.Obtain != nil) {
		problems.Add("Authenticate: is required, or Places, unless Transport alone authenticates")
	}
	problems.NilPointer("Transport", config.Transport)
	if config.Obtain == nil && (config.Login != "" || config.Endpoint != "" || config.Idle != 0 || len(config.Rejections) > 0 && config.Challenge == nil || config.Revoke != nil) {
		problems.Add("Login, Endpoint, Idle, Rejections, Revoke: are for a credential of Obtain; remove them, or set Obtain")
	}
	if config.Store != nil && config.Obtain == nil {
		problems.Add("Store: has nothing to keep without Obtain; leave Store out, or set Obtain")
	}
	problems.Store(config.Store, config.Account, "credential")
	if config.RenewBefore < 0 {
		problems.Add("RenewBefore: is negative; 0 means 5 minutes")
	}
	if config.Header != "" && !wire.IsToken(config.Header) {
		problems.Add("Header: %q is not a header name", config.Header)
	}
	if config.Idle < 0 {
		problems.Add("Idle: is negative; 0 means for ever")
	}
	if config.Endpoint != "" {
		_, err := origin.Endpoint(config.Endpoint)
		problems.Field("Endpoint", err)
	}
	for i, r := range config.Rejections {
		problems.Field(fmt.Sprintf("Rejections[%d]", i), challenge.CheckRejection(r))
	}
}

// AuthType returns AuthTypeCustom.
func (*Custom) AuthType() AuthType { return AuthTypeCustom }

// String names the type. A connector prints nothing of its credentials.
func (*Custom) String() string { return "connectorauth.Custom" }

// Wrap returns a RoundTripper that authenticates as the config says and sends
// through base. A nil base means http.DefaultTransport.
func (c *Custom) Wrap(base http.RoundTripper) http.RoundTripper { return c.core.wrap(base) }

func (c *Custom) inner() *core             { return c.core.get() }
func (*Custom) with(inner *core) Connector { return &Custom{inner.hide()} }
