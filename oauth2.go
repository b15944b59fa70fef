package connectorauth

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/challenge"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/inject"
	"github.com/connectorauth/connectorauth/internal/renew"
)

// OAuth2Config describes a client that is registered with an OAuth2 provider (RFC
// 6749), and the account for which the client acts.
type OAuth2Config struct {
	// ClientID is the client identifier: printable ASCII (RFC 6749 appendix A.1).
	// Required.
	ClientID string
	// ClientSecret is printable ASCII (RFC 6749 appendix A.2). Empty means a public
	// client. ClientCredentials requires a secret unless ClientAuth is a type of your
	// own. After invalid_client, accounts in a Store pause for a minute, growing to an
	// hour. [OAuth2.Renew] tries a corrected secret at once.
	ClientSecret Secret
	// TokenURL is the provider's token endpoint. Required; https except on loopback.
	TokenURL string
	// FormerTokenURL is the token URL before the provider moved; records made with it
	// are taken over. Empty means none.
	FormerTokenURL string
	// RevokeURL is the provider's revocation endpoint (RFC 7009), for [OAuth2.Revoke].
	// Empty means none. https except on loopback.
	RevokeURL string
	// Scopes are the scopes to ask for. Empty leaves the choice to the provider.
	Scopes []string
	// Resources are where the token is to be used (RFC 8707): absolute URIs without a
	// fragment, as the APIs name themselves. Each is a parameter resource of authorization
	// requests and of token requests, refreshes included. Dialect.AuthNames or
	// Dialect.TokenNames with an empty name for "resource" leaves the parameter out of the
	// one or the other. Empty means none.
	Resources []string
	// Grant is how a token is obtained. Required.
	Grant Grant
	// ClientAuth authenticates the client at the token endpoint. Empty means
	// ClientSecretBasic, or ClientAuthNone without a ClientSecret. The library never tries
	// several.
	ClientAuth ClientAuth
	// Dialect says how the provider departs from the standard. Empty means not at
	// all.
	Dialect dialect.OAuth2
	// Proof proves the possession of a key with each request: see assertion.NewDPoP.
	// Empty means Bearer tokens (RFC 6750). Tokens that an account has from before Proof
	// was set are renewed first.
	Proof Proof

	// Store keeps the account's token. Empty means that the token lives in memory,
	// as long as the connector.
	Store TokenStore
	// Account is the key in Store, and the name in events. Required with Store.
	// Connectors with the same Store and Account share a token.
	Account string
	// Shared is what this connector has in common with others. Empty means the one
	// Shared of the program.
	Shared *Shared

	// Hosts are the places that may see the access token: see [APIKeyConfig].
	Hosts []string
	// RenewBefore is how long before its expiry a token is renewed in the
	// background, at most a fifth of its lifetime. 0 means 5 minutes.
	RenewBefore time.Duration
	// RefreshLifetime is how long a refresh token is valid where no response tells, and
	// RefreshIdle how long a refresh token is valid without a use. Both are for
	// Status.ReauthBy alone: the provider decides when a refresh token has expired. 0 means
	// for ever.
	RefreshLifetime, RefreshIdle time.Duration
	// HTTPClient makes the token requests. Empty means http.DefaultClient. Only its
	// Transport is used: redirects are not followed, and each request is limited to
	// 30 seconds and a response of 1 MiB. No http.Transport sends a token request
	// twice by itself. A Transport of your own must not repeat a request with a copy
	// of the body, and must send the request with the request's context.
	HTTPClient *http.Client
	// Observe is told what happens to the token. Empty means nobody is told.
	// Several goroutines call Observe, before the requests that wait for the token
	// go on. So Observe should return soon and must not use the connector. A panic
	// of Observe is ignored.
	Observe func(Event)
}

// OAuth2 is the [Connector] of OAuth2 services. OAuth2 renews its token before the
// token expires, and when the API rejects the token.
type OAuth2 struct{ core hidden }

// NewOAuth2 returns a connector for one account. NewOAuth2 makes no request: the
// first request of the connector loads or obtains a token.
func NewOAuth2(config OAuth2Config) (*OAuth2, error) {
	var problems check.List
	config.check(&problems)
	hosts := parseHosts(&problems, config.Hosts)
	if err := problems.Err("OAuth2Config"); err != nil {
		return nil, err
	}
	s := newOAuth2Scheme(config, hosts)
	return &OAuth2{newCore(s, s.hosts).spelled(config.Dialect.Placement.Name, config.Dialect.Placement.Exact)}, nil
}

// AuthType returns AuthTypeOAuth2.
func (*OAuth2) AuthType() AuthType { return AuthTypeOAuth2 }

// String names the type. A connector prints nothing of its credentials.
func (*OAuth2) String() string { return "connectorauth.OAuth2" }

// Wrap returns a RoundTripper that adds the access token and sends through base.
// A nil base means http.DefaultTransport.
func (c *OAuth2) Wrap(base http.RoundTripper) http.RoundTripper { return c.core.wrap(base) }

func (c *OAuth2) inner() *core             { return c.core.get() }
func (*OAuth2) with(inner *core) Connector { return &OAuth2{inner.hide()} }

func (c *OAuth2) scheme() *oauth2Scheme { return c.core.get().scheme.(*oauth2Scheme) }

// oauth2Credential is an access token in requests.
type oauth2Credential struct {
	s    *oauth2Scheme
	from *renew.Generation[token]
	sent inject.Encoded // the token with its prefix
}

// authenticate implements scheme. The credential of the present token is made
// once, because all requests can share it.
func (s *oauth2Scheme) authenticate(req *http.Request, room room) (credential, error) {
	g, err := s.engine.Get(req.Context(), s)
	if err != nil {
		return nil, err
	}
	c := s.last.Load()
	if c == nil || c.from != g {
		c = &oauth2Credential{s, g, s.place.Encode(s.carried(g.Value))}
		s.last.Store(c)
	}
	if err := s.place.Put(req, c.sent, room.Room); err != nil {
		return nil, err
	}
	if s.proof == nil {
		return c, nil
	}
	return &provenCredential{oauth2Credential: c}, nil
}

func (c *oauth2Credential) auth(int) Secret { return Secret(c.from.Value.Access) }

// uncured are the errors of challenges that no other token cures: a scope that is too
// small (RFC 6750 section 3.1), and a proof of possession (RFC 9449 sections 7.1 and 9).
var uncured = []string{"insufficient_scope", "use_dpop_nonce", "invalid_dpop_proof"}

// rejected reports the rejections of the dialect and status 401, unless another token
// would be of no use. What refused tells is rejected.
func (c *oauth2Credential) rejected(resp *http.Response) bool {
	rejections := c.s.dialect.Rejections
	if resp.StatusCode/100 == 2 && len(rejections) == 0 { // as nearly all responses
		return false
	}
	if _, steps := stepUp(resp); steps {
		return true
	}
	if resp.StatusCode != http.StatusUnauthorized {
		return len(rejections) > 0 && challenge.Rejects(rejections, resp)
	}
	return !slices.ContainsFunc(challenge.Parse(resp.Header["Www-Authenticate"]), func(c challenge.Challenge) bool {
		return slices.Contains(uncured, c.Params["error"])
	})
}

func (c *oauth2Credential) replace(ctx context.Context) error {
	_, err := c.s.engine.Replace(ctx, c.s, c.from)
	return err
}

func (c *oauth2Credential) replaceLater(ctx context.Context) error {
	return c.s.engine.ReplaceLater(ctx, c.s, c.from)
}

func (c *oauth2Credential) rejectedAgain() error { return c.s.engine.RejectedAgain(c.from) }
