package connectorauth

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/connectorauth/connectorauth/internal/oauth1sig"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/renew"
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
	// methods.
	ClientSecret Secret

	// RequestTokenURL, AuthorizeURL and AccessTokenURL are the service's endpoints
	// for temporary credentials, consent and tokens (RFC 5849 section 2). All or
	// none; https except on loopback.
	RequestTokenURL, AuthorizeURL, AccessTokenURL string

	// SignatureMethod is fixed here and never chosen by the server; empty means
	// HMAC-SHA1.
	SignatureMethod SignatureMethod
	// PrivateKey is an RSA key; required by the RSA methods, not allowed with others.
	PrivateKey crypto.Signer
	// Realm is put into the Authorization header; empty leaves it out.
	Realm string

	// Token and TokenSecret are credentials that the service has issued.
	Token       string
	TokenSecret Secret

	// Store keeps the token that the account owner's consent brings; empty means
	// that it lives with the connector, in memory.
	Store TokenStore
	// Account is the key in Store. Required with Store.
	Account string

	// Hosts are the places that may see signed requests: see [APIKeyConfig].
	Hosts []string
	// HTTPClient makes the requests to the three URLs: see [OAuth2Config].
	HTTPClient *http.Client
}

// OAuth1 is the [Connector] of OAuth 1.0a services. It signs each request anew,
// replays and redirects on the same origin included.
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
	s := &oauth1Scheme{OAuth1Config: config}
	first, err := s.newToken(config.Token, string(config.TokenSecret))
	if err != nil {
		return nil, err
	}
	if err := config.problem(); err != nil {
		return nil, err
	}
	var add scheme = s
	if config.RequestTokenURL != "" {
		s.engine = renew.New(s, config.Store, config.Account, 0)
		add = storedOAuth1{s}
	} else {
		s.fixed = first
	}
	g, err := newGuarded(add, "Authorization", config.Hosts)
	if err != nil {
		return nil, err
	}
	return &OAuth1{g, s}, nil
}

// problem returns what is wrong with the config, other than its signing.
func (c *OAuth1Config) problem() error {
	urls := 0
	for _, endpoint := range []struct{ field, url string }{
		{"RequestTokenURL", c.RequestTokenURL}, {"AuthorizeURL", c.AuthorizeURL}, {"AccessTokenURL", c.AccessTokenURL},
	} {
		if endpoint.url == "" {
			continue
		}
		urls++
		if _, err := origin.Endpoint(endpoint.url); err != nil {
			return fmt.Errorf("%s: %w", endpoint.field, err)
		}
	}
	switch {
	case c.ClientSecret == "" && c.PrivateKey == nil:
		return errors.New("ClientSecret: is empty")
	case urls != 0 && urls != 3:
		return errors.New("RequestTokenURL, AuthorizeURL, AccessTokenURL: give all three, or none")
	case urls == 3 && c.Token != "":
		return errors.New("Token: is for a service that has issued it already; leave out the three URLs, or the token")
	case urls == 0 && c.Store != nil:
		return errors.New("Store: there is nothing to keep without the three URLs")
	case c.Store != nil && c.Account == "":
		return errors.New("Account: is empty; name the token that Store keeps")
	}
	return nil
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
func (c *OAuth1) Finish(ctx context.Context, pending Secret, callback url.Values) error {
	if c.s.engine == nil {
		return errNoHandshake
	}
	return c.s.finish(ctx, pending, callback)
}

var errNoHandshake = errors.New("connectorauth: only an OAuth1Config with the three URLs has a consent to begin and to finish")
