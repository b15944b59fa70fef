package connectorauth

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/connectorauth/connectorauth/internal/oauth1sig"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/dghubble/oauth1"
)

// SignatureMethod is the name of an OAuth1 signature method.
type SignatureMethod string

// The signature methods of RFC 5849 section 3.4, and those with SHA-2 that
// services have added since. The zero value means HMAC-SHA1.
const (
	HMACSHA1   = SignatureMethod(oauth1sig.HMACSHA1)
	HMACSHA256 = SignatureMethod(oauth1sig.HMACSHA256)
	HMACSHA512 = SignatureMethod(oauth1sig.HMACSHA512)
	RSASHA1    = SignatureMethod(oauth1sig.RSASHA1)
	RSASHA256  = SignatureMethod(oauth1sig.RSASHA256)
	RSASHA512  = SignatureMethod(oauth1sig.RSASHA512)
	Plaintext  = SignatureMethod(oauth1sig.Plaintext) // sends the secrets themselves: https or loopback only
)

// OAuth1Config describes a client registered with an OAuth 1.0a service (RFC
// 5849) and the account it acts for, in one of three ways: with the three URLs,
// the account owner consents; with Token and TokenSecret, the service has
// issued them already; with neither, requests are signed for the client alone.
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

	// SignatureMethod is fixed here and never chosen by the server; empty means
	// HMAC-SHA1.
	SignatureMethod SignatureMethod
	// PrivateKey is an RSA key; required by the RSA methods, not allowed with others.
	PrivateKey crypto.Signer `json:"-"`
	// Signer signs in place of SignatureMethod and PrivateKey, which must be empty
	// then. It must be safe for concurrent use.
	Signer oauth1.Signer

	// In is where the protocol parameters go: InHeader, InQuery or InBody (RFC 5849
	// section 3.5). With InBody only form-encoded requests can be made; others are
	// refused with [ErrBodyNotInjectable].
	In Location
	// Realm is put into the Authorization header; empty leaves it out.
	Realm string
	// BodyHash has bodies signed that are no forms, by the oauth_body_hash of the
	// OAuth Request Body Hash extension. A form is always signed.
	BodyHash bool
	// MaxBody limits the bodies that have to be held in memory to be signed, in
	// bytes; 0 means 16 MiB.
	MaxBody int64

	// Token and TokenSecret are credentials that the service has issued.
	Token       string
	TokenSecret Secret

	// Store keeps the token that the account owner's consent brings; empty means
	// that it lives with the connector, in memory.
	Store TokenStore
	// Account is the key in Store, and the name in events. Required with Store;
	// connectors with the same Store and Account share one token.
	Account string

	// Hosts are the places that may see signed requests: see [APIKeyConfig].
	Hosts []string
	// HTTPClient makes the requests to the three URLs: see [OAuth2Config].
	HTTPClient *http.Client
	// Observe is told what happens to the token: see [OAuth2Config].
	Observe func(Event)
}

// OAuth1 is the [Connector] of OAuth 1.0a services. It signs each request anew,
// replays and redirects on the same origin included.
//
// It corrects a clock that is wrong: when the service refuses a timestamp, or a
// request by a 401 whose Date is more than a minute from the time here, the
// request is signed once more, and all later ones, with the service's time.
//
// A token that came with an oauth_session_handle (OAuth Session extension) is
// renewed before it expires, and when the service rejects it.
type OAuth1 struct {
	*guarded
	s *oauth1Scheme
}

// NewOAuth1 returns a connector for one account. It makes no request.
func NewOAuth1(config OAuth1Config) (*OAuth1, error) {
	c, err := newOAuth1(config)
	if err := configError("OAuth1Config", err); err != nil {
		return nil, err
	}
	return c, nil
}

func newOAuth1(config OAuth1Config) (*OAuth1, error) {
	if err := errors.Join(config.problems()...); err != nil {
		return nil, err
	}
	if config.MaxBody == 0 {
		config.MaxBody = 16 << 20
	}
	s := &oauth1Scheme{OAuth1Config: config}
	first, err := s.newToken(config.Token, string(config.TokenSecret))
	if err != nil {
		return nil, err
	}
	if config.RequestTokenURL != "" {
		s.engine = renew.New(s, config.Store, config.Account, 5*time.Minute)
	} else {
		s.fixed = first
	}
	header := ""
	if config.In == InHeader {
		header = "Authorization"
	}
	g, err := newGuarded(s, header, config.Hosts)
	if err != nil {
		return nil, err
	}
	return &OAuth1{g, s}, nil
}

// problems lists what is wrong with the config, other than its signing.
func (c *OAuth1Config) problems() (list []error) {
	add := func(format string, args ...any) { list = append(list, fmt.Errorf(format, args...)) }
	urls := 0
	for _, endpoint := range []struct{ field, url string }{
		{"RequestTokenURL", c.RequestTokenURL}, {"AuthorizeURL", c.AuthorizeURL}, {"AccessTokenURL", c.AccessTokenURL},
	} {
		if endpoint.url == "" {
			continue
		}
		urls++
		if _, err := origin.Endpoint(endpoint.url); err != nil {
			add("%s: %w", endpoint.field, err)
		}
	}
	if c.ClientSecret == "" && c.PrivateKey == nil && c.Signer == nil {
		add("ClientSecret: is empty")
	}
	switch c.In {
	case InHeader:
	case InQuery, InBody:
		if c.Realm != "" {
			add("Realm: has its place in the header only; remove it, or leave In empty")
		}
	default:
		add("In: OAuth1 parameters go into the header, the query or a form body")
	}
	if c.MaxBody < 0 {
		add("MaxBody: is negative; 0 means 16 MiB")
	}
	switch {
	case urls != 0 && urls != 3:
		add("RequestTokenURL, AuthorizeURL, AccessTokenURL: give all three, or none")
	case urls == 3 && c.Token != "":
		add("Token: is for a service that has issued it already; leave out the three URLs, or the token")
	case urls == 0 && c.Store != nil:
		add("Store: there is nothing to keep without the three URLs")
	case c.Store != nil && c.Account == "":
		add("Account: is empty; name the token that Store keeps")
	}
	return list
}

// AuthType returns AuthTypeOAuth1.
func (*OAuth1) AuthType() AuthType { return AuthTypeOAuth1 }

// Begin starts the account owner's consent: it asks the service for temporary
// credentials. Send the browser to authURL; the service will send it on to
// redirectURL, or show the owner a verifier if that is "oob". Keep pending where
// only that browser can bring it back (an encrypted cookie or the session: it
// holds a secret), for [OAuth1.Finish].
func (c *OAuth1) Begin(ctx context.Context, redirectURL string) (authURL string, pending Secret, err error) {
	if c.s.engine == nil {
		return "", "", errNoHandshake
	}
	if redirectURL != "oob" {
		if err := checkRedirect(redirectURL); err != nil {
			return "", "", err
		}
	}
	return c.s.begin(ctx, redirectURL)
}

// Finish ends the consent that Begin started: it checks the query of the
// callback (of which an owner who was shown a verifier brings oauth_verifier
// alone), swaps the temporary credentials for a token and saves that. pending is
// Begin's; it serves once and for ten minutes. The token is saved even if ctx
// ends meanwhile.
//
// A refusal is a [*TokenError]; its Code is the service's oauth_problem, or
// access_denied. If the token was obtained but could not be saved, Finish says
// so and the connector goes on with the token in memory, trying to save it.
func (c *OAuth1) Finish(ctx context.Context, pending Secret, callback url.Values) error {
	if c.s.engine == nil {
		return errNoHandshake
	}
	return c.s.finish(ctx, pending, callback)
}

// Extra returns what else the service answered when it gave the token, such as
// user_id or screen_name, and oauth_session_handle, which is a secret. It is nil
// for a connector without the three URLs.
func (c *OAuth1) Extra(ctx context.Context) (map[string]string, error) {
	if c.s.engine == nil {
		return nil, nil
	}
	g, err := c.s.engine.Get(ctx)
	if err != nil {
		return nil, err
	}
	return maps.Clone(g.Value.Extra), nil
}

var errNoHandshake = errors.New("connectorauth: only an OAuth1Config with the three URLs has a consent to begin and to finish")
