package connectorauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/renew"
	"golang.org/x/oauth2"
)

// OAuth2Config describes a client registered with an OAuth2 provider (RFC 6749)
// and the account it acts for.
type OAuth2Config struct {
	// ClientID is the client identifier. Required.
	ClientID string
	// ClientSecret is empty for a public client, which is possible with
	// AuthorizationCode and PasswordCredentials.
	ClientSecret Secret
	// TokenURL is the provider's token endpoint. Required; https except on loopback.
	TokenURL string
	// Scopes are asked for; empty leaves them to the provider.
	Scopes []string
	// Grant is how a token is obtained: AuthorizationCode, ClientCredentials or
	// PasswordCredentials. Required.
	Grant Grant
	// ClientAuth is how the client proves who it is to the token endpoint; empty
	// means ClientAuthBasic. It is never found out by trial.
	ClientAuth ClientAuth
	// Dialect is how the provider departs from the standard; empty means not at all.
	Dialect Dialect

	// Store keeps the account's token; empty means that it lives with the
	// connector, in memory.
	Store TokenStore
	// Account is the key in Store, and the name in events. Required with Store;
	// connectors with the same Store and Account share one token.
	Account string

	// Hosts are the places that may see the access token: see [APIKeyConfig].
	Hosts []string
	// RenewBefore is how long before its expiry a token is renewed in the
	// background, though never more than a fifth of its lifetime; 0 means 5 minutes.
	RenewBefore time.Duration
	// HTTPClient makes the token requests; empty means http.DefaultClient. Only
	// its Transport is used: redirects are not followed, and each request has 30
	// seconds and 1 MiB.
	HTTPClient *http.Client
	// Observe is told what happens to the token; empty means nobody is. It is
	// called from several goroutines, before those who wait for the token go on,
	// so it should return soon and must not use the connector. A panic in it is
	// ignored.
	Observe func(Event)
}

// A Grant is one of OAuth2's ways to obtain a token: [AuthorizationCode],
// [ClientCredentials] or [PasswordCredentials].
type Grant interface{ grantType() string }

// AuthorizationCode sends the account owner to the provider, who returns with a
// code (RFC 6749 section 4.1): see [OAuth2.Begin].
type AuthorizationCode struct {
	// AuthURL is the provider's authorization endpoint. Required; https except on
	// loopback. It may have a query of its own.
	AuthURL string
	// Params are further parameters of the authorization request, such as
	// access_type or prompt.
	Params url.Values
	// Issuer is the provider's issuer identifier, for one that names itself in its
	// callbacks (RFC 9207): a callback must then carry just this iss. Empty means
	// that iss is not looked at.
	Issuer string
	// DisablePKCE leaves out the code challenge of RFC 7636, for the rare provider
	// that refuses it.
	DisablePKCE bool
}

// ClientCredentials obtains a token for the client itself (RFC 6749 section
// 4.4), and a new one in the same way when it expires.
type ClientCredentials struct{}

// PasswordCredentials trades the account owner's password for a token (RFC 6749
// section 4.3). RFC 9700 section 2.4 advises against it; it is here for the
// services that offer nothing else. When no refresh token works, the password
// is sent again.
type PasswordCredentials struct {
	Username string // required
	Password Secret // required
}

func (AuthorizationCode) grantType() string   { return "authorization_code" }
func (ClientCredentials) grantType() string   { return "client_credentials" }
func (PasswordCredentials) grantType() string { return "password" }

// ClientAuth is a way of client authentication at the token endpoint (RFC 6749
// section 2.3.1).
type ClientAuth int

// The ways of client authentication. A client without a secret sends its
// client_id in the body with the first two.
const (
	ClientAuthBasic      ClientAuth = iota // HTTP Basic, ID and secret form-encoded first
	ClientAuthBody                         // client_id and client_secret in the body
	ClientAuthRawBasic                     // HTTP Basic with ID and secret as they are, for providers that do not decode them
	ClientAuthSecretUser                   // HTTP Basic with the secret as the user name and no password
)

// OAuth2 is the [Connector] of OAuth2 services. It renews its token in time,
// and when the API rejects it.
type OAuth2 struct {
	*guarded
	s *oauth2Scheme
}

// NewOAuth2 returns a connector for one account. It makes no request: a token
// is loaded or obtained when the first request needs it.
func NewOAuth2(config OAuth2Config) (*OAuth2, error) {
	err := configError("OAuth2Config", config.problems()...)
	if err != nil {
		return nil, err
	}
	if code, ok := config.Grant.(AuthorizationCode); ok && code.Params != nil {
		code.Params = cloneValues(code.Params)
		config.Grant = code
	}
	s := &oauth2Scheme{
		clientID: config.ClientID, clientSecret: config.ClientSecret, clientAuth: config.ClientAuth,
		tokenURL: config.TokenURL, grant: config.Grant, dialect: &standard,
		scope:   strings.Join(config.Scopes, cmp.Or(config.Dialect.ScopeSeparator, " ")),
		account: config.Account, httpClient: config.HTTPClient, observer: config.Observe,
	}
	if !reflect.ValueOf(config.Dialect).IsZero() {
		s.dialect = config.Dialect.clone()
	}
	s.placement, _ = s.dialect.place() // checked above
	s.engine = renew.New(s, config.Store, config.Account, cmp.Or(config.RenewBefore, 5*time.Minute))
	g, err := newGuarded(s, s.placement.header(), config.Hosts)
	if err := configError("OAuth2Config", err); err != nil {
		return nil, err
	}
	return &OAuth2{g, s}, nil
}

// problems lists what is wrong with the config.
func (c *OAuth2Config) problems() (list []error) {
	add := func(format string, args ...any) { list = append(list, fmt.Errorf(format, args...)) }
	if c.ClientID == "" {
		add("ClientID: is empty")
	}
	if u, err := origin.Endpoint(c.TokenURL); err != nil {
		add("TokenURL: %w", err)
	} else if query := u.Query(); query.Has("client_secret") || query.Has("client_id") {
		add("TokenURL: its query carries client credentials; RFC 6749 section 2.3.1 forbids that, use ClientID and ClientSecret")
	}
	for _, scope := range c.Scopes {
		if scope == "" || strings.ContainsFunc(scope, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' || r == '\\' }) {
			add("Scopes: %q is not one scope; give each its own element", scope)
		}
	}
	switch raw := c.ClientID + ":" + string(c.ClientSecret); {
	case c.ClientAuth < ClientAuthBasic || c.ClientAuth > ClientAuthSecretUser:
		add("ClientAuth: unknown value %d", c.ClientAuth)
	case c.ClientAuth < ClientAuthRawBasic:
	case c.ClientSecret == "":
		add("ClientAuth: it needs a ClientSecret; leave it empty for a public client")
	case hasControl(raw) || c.ClientAuth == ClientAuthRawBasic && strings.Contains(c.ClientID, ":") ||
		c.ClientAuth == ClientAuthSecretUser && strings.Contains(string(c.ClientSecret), ":"):
		add("ClientAuth: Basic cannot carry a control character, nor a colon in its user name, as they are; use ClientAuthBasic")
	}
	if c.Store != nil && c.Account == "" {
		add("Account: is empty; name the token that Store keeps")
	}
	if c.RenewBefore < 0 {
		add("RenewBefore: is negative; 0 means 5 minutes")
	}
	switch grant := c.Grant.(type) {
	case AuthorizationCode:
		list = append(list, grant.problems(c.Dialect.AuthNames)...)
	case ClientCredentials:
		if c.ClientSecret == "" {
			add("ClientSecret: is empty; the client credentials grant has nothing else to go by")
		}
	case PasswordCredentials:
		if grant.Username == "" || grant.Password == "" {
			add("Grant: PasswordCredentials needs Username and Password")
		}
	default:
		add("Grant: is %T; want AuthorizationCode, ClientCredentials or PasswordCredentials, as a value", c.Grant)
	}
	return append(list, c.Dialect.problems(c)...)
}

// problems lists what is wrong with the grant; names are the Dialect's AuthNames.
func (a AuthorizationCode) problems(names map[string]string) (list []error) {
	query := url.Values{}
	if u, err := origin.Endpoint(a.AuthURL); err != nil {
		list = append(list, fmt.Errorf("Grant: AuthURL: %w", err))
	} else {
		query = u.Query()
	}
	for _, name := range sentNames(authParams, names) {
		if query.Has(name) || a.Params.Has(name) {
			list = append(list, fmt.Errorf("Grant: AuthURL, Params: %s is set by the library; remove it", name))
		}
	}
	return list
}

// AuthType returns AuthTypeOAuth2.
func (*OAuth2) AuthType() AuthType { return AuthTypeOAuth2 }

var errNoConsent = errors.New("connectorauth: only the AuthorizationCode grant has a consent to begin and to finish")

// Begin starts the account owner's consent. Send the browser to authURL; the
// provider will send it on to redirectURL, which must be registered there. Keep
// pending where only that browser can bring it back (an encrypted cookie or the
// session: it holds the PKCE verifier), for [OAuth2.Finish]. It makes no request.
func (c *OAuth2) Begin(ctx context.Context, redirectURL string) (authURL string, pending Secret, err error) {
	grant, ok := c.s.grant.(AuthorizationCode)
	if !ok {
		return "", "", errNoConsent
	}
	if err := checkRedirect(redirectURL); err != nil {
		return "", "", err
	}
	authURL, pending, err = c.s.begin(grant, redirectURL)
	if err == nil && c.hooks != nil {
		authURL, err = c.authorizeHooks(ctx, authURL)
	}
	if err != nil {
		return "", "", err
	}
	return authURL, pending, nil
}

// Finish ends the consent that Begin started: it checks the query of the
// callback, swaps its code for a token and saves that. pending is Begin's; it
// serves once and for ten minutes. A code that was sent is not sent again, and
// the token is saved even if ctx ends meanwhile.
//
// A provider's refusal, such as access_denied, is a [*TokenError] with that
// Code. If the token was obtained but could not be saved, Finish says so and
// the connector goes on with the token in memory, trying to save it.
func (c *OAuth2) Finish(ctx context.Context, pending Secret, callback url.Values) error {
	grant, ok := c.s.grant.(AuthorizationCode)
	if !ok {
		return errNoConsent
	}
	return c.s.finish(c.s.withHooks(ctx, c.hooks), grant, pending, callback)
}

// Token returns the present access token, renewed if need be. It has no refresh
// token: whoever used that behind the connector's back would break its grant.
// What else the provider answered is there as Extra; an id_token among it has not
// been verified.
func (c *OAuth2) Token(ctx context.Context) (*oauth2.Token, error) {
	g, err := c.s.engine.Get(c.s.withHooks(ctx, c.hooks))
	if err != nil {
		return nil, err
	}
	t := g.Value
	token := &oauth2.Token{AccessToken: t.Access, TokenType: "Bearer", Expiry: t.Expiry.Round(0)}
	extra := make(map[string]any, len(t.Extra)+1)
	maps.Copy(extra, t.Extra)
	if t.Scope != "" {
		extra["scope"] = t.Scope
	}
	return token.WithExtra(extra), nil
}

// TokenSource returns Token as a source, for clients that take one. Its calls
// end when ctx does.
//
// Most programs use [NewClient] instead: an oauth2.Transport over this source
// would send the token along on redirects to other hosts.
func (c *OAuth2) TokenSource(ctx context.Context) oauth2.TokenSource {
	return tokenSource{ctx, c}
}

type tokenSource struct {
	ctx context.Context
	c   *OAuth2
}

func (s tokenSource) Token() (*oauth2.Token, error) { return s.c.Token(s.ctx) }

// SetToken makes t the account's token and saves it, as when accounts move in
// from elsewhere. t needs an access token or, to be renewed at once, a refresh
// token. A zero Expiry means that the token is good until it is rejected. The
// strings of t.Extra cannot be listed and are left behind.
func (c *OAuth2) SetToken(ctx context.Context, t *oauth2.Token) error {
	if t == nil || t.AccessToken == "" && t.RefreshToken == "" {
		return errors.New("connectorauth: SetToken: the token has neither an access token nor a refresh token")
	}
	value := &token{Access: t.AccessToken, Refresh: t.RefreshToken, Issued: time.Now(), Expiry: t.Expiry}
	if t.AccessToken == "" {
		value.Expiry = value.Issued // nothing to serve: renew it first
	} else if err := c.s.checkType(t.TokenType); err != nil {
		return fmt.Errorf("connectorauth: SetToken: %w", err)
	} else if err := c.s.ready(value); err != nil {
		return fmt.Errorf("connectorauth: SetToken: %w", err)
	}
	return c.s.engine.Set(ctx, value)
}
