package connectorauth

import (
	"cmp"
	"crypto"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/clock"
	"github.com/connectorauth/connectorauth/internal/inject"
	rfc5849 "github.com/connectorauth/connectorauth/internal/oauth1"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/pending"
	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/dghubble/oauth1"
)

// OAuth1Config describes a client that is registered with an OAuth 1.0a service
// (RFC 5849), and the account for which the client acts. With the three URLs, the
// account owner consents. With Token and TokenSecret, the service has issued a
// token already. With neither, requests are signed for the client alone.
type OAuth1Config struct {
	// ClientID is the client identifier, also called consumer key. Required.
	ClientID string
	// ClientSecret is the client's shared secret. Required, except with the RSA
	// methods and with Signer.
	ClientSecret Secret

	// RequestTokenURL, AuthorizeURL and AccessTokenURL are the service's endpoints
	// for temporary credentials, consent and tokens (RFC 5849 section 2). All or
	// none; https except on loopback.
	RequestTokenURL, AuthorizeURL, AccessTokenURL string
	// TokenMethod is the method of requests to RequestTokenURL and AccessTokenURL: POST
	// (RFC 5849 sections 2.1 and 2.3), or GET for a service of OAuth Core 1.0 that takes
	// nothing else. Empty means POST. With GET, In cannot be InBody. With InQuery as
	// well, credentials stand in URLs, which servers and proxies write into logs.
	TokenMethod string
	// NoVerifier is for a service of OAuth Core 1.0, before revision A, which knows no
	// oauth_verifier and does not confirm callbacks. Begin and Finish then do without
	// both; a verifier that the callback has is sent. Begin puts the redirect URL into
	// the authorization URL as well, as oauth_callback.
	//
	// The service cannot tell then whether the person who consents is the person who
	// began the consent. An attacker can begin a consent, have somebody else consent at
	// the authorization URL, and so connect the other person's account (session
	// fixation, OAuth Security Advisory 2009.1). Finish still requires the oauth_token
	// and the pending value of the consent. Use NoVerifier only where the service
	// offers nothing else. The default is RFC 5849: a confirmed callback and a verifier.
	NoVerifier bool

	// SignatureMethod is never chosen by the server. Empty means dialect.HMACSHA1.
	SignatureMethod dialect.SignatureMethod
	// PrivateKey is an RSA key. The RSA methods require a key; other methods refuse
	// a key.
	PrivateKey crypto.Signer `json:"-"`
	// Signer signs in place of SignatureMethod and PrivateKey, which must be empty
	// then. Signer must be safe for concurrent use.
	Signer oauth1.Signer

	// In is where the protocol parameters go: dialect.InHeader, InQuery or InBody
	// (RFC 5849 section 3.5). Empty means dialect.InHeader. With InBody, every
	// request must have a form as its body; other requests are refused with
	// ErrBodyNotInjectable.
	In dialect.Location
	// Realm is put into the Authorization header. Empty leaves the realm out.
	Realm string
	// BodyHash signs bodies that are not forms, with oauth_body_hash (OAuth Request
	// Body Hash extension). Forms are always signed.
	BodyHash bool
	// MaxBody limits the bodies that must be held in memory for the signature, in
	// bytes. 0 means 16 MiB.
	MaxBody int64

	// ConsentLifetime is how long the account owner may take from Begin to Finish, at
	// most 24 hours. 0 means ten minutes: see [AuthorizationCode]. The service may end
	// the temporary credentials before.
	ConsentLifetime time.Duration

	// Token and TokenSecret are credentials that the service has issued.
	Token       string
	TokenSecret Secret

	// Store keeps the token of the consent. Empty means that the token lives in
	// memory, as long as the connector.
	Store TokenStore
	// Account is the key in Store, and the name in events. Required with Store.
	// Connectors with the same Store and Account share a token.
	Account string
	// Shared is what this connector has in common with others: see [OAuth2Config].
	Shared *Shared

	// Hosts are the places that may see signed requests: see [APIKeyConfig].
	Hosts []string
	// HTTPClient makes the requests to the three URLs: see [OAuth2Config].
	HTTPClient *http.Client
	// Observe is told what happens to the token: see [OAuth2Config].
	Observe func(Event)
}

// OAuth1 is the [Connector] of OAuth 1.0a services. OAuth1 signs each request
// anew. A request that is sent again, and a redirect on the same origin, get a
// signature of their own.
//
// OAuth1 corrects a wrong clock. When the service refuses a timestamp, or answers
// 401 with a Date more than a minute away from the time here, the request is
// signed once more with the service's time, and so are all later requests.
//
// A token with an oauth_session_handle (OAuth Session extension) is renewed
// before the token expires, and when the service rejects the token.
type OAuth1 struct{ core hidden }

// NewOAuth1 returns a connector for one account. NewOAuth1 makes no request.
func NewOAuth1(config OAuth1Config) (*OAuth1, error) {
	config.In = cmp.Or(config.In, dialect.InHeader)
	config.TokenMethod = cmp.Or(config.TokenMethod, http.MethodPost)
	config.MaxBody = cmp.Or(config.MaxBody, 16<<20)
	var problems check.List
	config.check(&problems)
	for _, url := range []*string{&config.RequestTokenURL, &config.AuthorizeURL, &config.AccessTokenURL} {
		*url = origin.ASCIIURL(*url) // as signatures spell the host
	}
	s := &oauth1Scheme{config: config}
	signer, err := s.newSigner(config.Token, string(config.TokenSecret))
	problems.Join(err)
	hosts := parseHosts(&problems, config.Hosts)
	if err := problems.Err("OAuth1Config"); err != nil {
		return nil, err
	}
	s.open(signer)
	return &OAuth1{newCore(s, hosts)}, nil
}

// check lists what is wrong with the config, except with its signing and Hosts.
func (c *OAuth1Config) check(problems *check.List) {
	urls := 0
	for _, endpoint := range []struct{ field, url string }{
		{"RequestTokenURL", c.RequestTokenURL}, {"AuthorizeURL", c.AuthorizeURL}, {"AccessTokenURL", c.AccessTokenURL},
	} {
		if endpoint.url != "" {
			urls++
			_, err := origin.Endpoint(endpoint.url)
			problems.Field(endpoint.field, err)
		}
	}
	if c.ClientSecret == "" && c.PrivateKey == nil && c.Signer == nil && !strings.HasPrefix(string(c.SignatureMethod), "RSA-") {
		problems.Add("ClientSecret: is empty")
	}
	switch c.In {
	case dialect.InHeader:
	case dialect.InQuery, dialect.InBody:
		if c.Realm != "" {
			problems.Add("Realm: belongs in the header only; remove Realm, or leave In empty")
		}
	default:
		problems.Add("In: is %q; OAuth1 parameters go into the header, the query or the body", c.In)
	}
	problems.Field("ConsentLifetime", pending.CheckLifetime(c.ConsentLifetime))
	if c.MaxBody < 0 {
		problems.Add("MaxBody: is negative; 0 means 16 MiB")
	}
	switch {
	case urls != 0 && urls != 3:
		problems.Add("RequestTokenURL, AuthorizeURL, AccessTokenURL: give all three, or none")
	case urls == 3 && c.Token != "":
		problems.Add("Token: is for a service that has issued a token already; remove the three URLs, or the token")
	case urls == 0 && c.Store != nil:
		problems.Add("Store: has nothing to keep without the three URLs; leave Store out, or give the URLs of a consent")
	case urls == 0 && (c.NoVerifier || c.TokenMethod != http.MethodPost):
		problems.Add("NoVerifier, TokenMethod: are about a consent; give the three URLs, or remove the setting")
	}
	switch {
	case c.TokenMethod != http.MethodPost && c.TokenMethod != http.MethodGet:
		problems.Add("TokenMethod: is %q; use POST or GET", c.TokenMethod)
	case c.TokenMethod == http.MethodGet && c.In == dialect.InBody:
		problems.Add("TokenMethod: a GET has no body; use POST, or another In")
	}
	problems.NilPointer("Signer", c.Signer)
	problems.Store(c.Store, c.Account, "token")
}

// AuthType returns AuthTypeOAuth1.
func (*OAuth1) AuthType() AuthType { return AuthTypeOAuth1 }

// String names the type. A connector prints nothing of its credentials.
func (*OAuth1) String() string { return "connectorauth.OAuth1" }

// Wrap returns a RoundTripper that signs requests and sends through base. A nil
// base means http.DefaultTransport.
func (c *OAuth1) Wrap(base http.RoundTripper) http.RoundTripper { return c.core.wrap(base) }

func (c *OAuth1) inner() *core             { return c.core.get() }
func (*OAuth1) with(inner *core) Connector { return &OAuth1{inner.hide()} }

func (c *OAuth1) scheme() *oauth1Scheme { return c.core.get().scheme.(*oauth1Scheme) }

// oauth1Scheme signs requests with the credentials of the client and the token.
type oauth1Scheme struct {
	constant
	config OAuth1Config
	place  rfc5849.Place
	last   atomic.Pointer[oauth1Signer] // of the present token
	engine *renew.Reader[oauth1Token]   // keeps the token of a consent; nil without the three URLs
	clock  clock.Clock
}

// oauth1Signer signs with one generation of the token.
type oauth1Signer struct {
	*rfc5849.Signer
	from *renew.Generation[oauth1Token] // nil for a token that never changes
}

func (s *oauth1Scheme) places() places {
	p := places{others: oauth1Places, stage: stageSign}
	if s.config.In == dialect.InHeader {
		p.header = "Authorization"
	}
	return p
}

func (s *oauth1Scheme) authenticate(req *http.Request, room room) (credential, error) {
	signer := s.last.Load()
	if s.engine != nil {
		g, err := s.engine.Get(req.Context(), s)
		if err != nil {
			return nil, err
		}
		if signer == nil || signer.from != g {
			made, err := s.newSigner(g.Value.Token, g.Value.Secret)
			if err != nil {
				return nil, err
			}
			signer = &oauth1Signer{made, g}
			s.last.Store(signer)
		}
	}
	out := room.signed
	if out == nil {
		out = new(signed)
	}
	out.s, out.ahead, out.from = s, s.clock.Ahead(), signer.from
	if err := s.place.Put(req, signer.Signer, out.ahead, inject.Room{Value: room.Value, Body: &out.body}); err != nil {
		secret := string(s.config.TokenSecret)
		if out.from != nil {
			secret = out.from.Value.Secret
		}
		return nil, withhold(err, string(s.config.ClientSecret), secret) // a signer of the program may quote them
	}
	return out, nil
}
