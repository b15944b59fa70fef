package authtest

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Config says how a [Provider] departs from the usual one. The zero value is
// ready to use.
type Config struct {
	// TLS serves https with a certificate that only [Provider.Client] trusts.
	TLS bool
	// InMemory opens no socket: [Provider.Client] reaches the provider through
	// memory, whatever host it is asked for, and everything the provider does
	// can happen inside a [testing/synctest] bubble.
	InMemory bool

	// ClientID and ClientSecret are the registered application's, for OAuth2
	// and OAuth1 alike. Empty means "client" and a random secret.
	ClientID, ClientSecret string
	// PublicClient registers an application without a secret, such as a
	// command-line program: ClientSecret must be empty, client_id alone
	// identifies it at the token endpoint, and PKCE is required.
	PublicClient bool

	// Username and Password are the account owner's: for the consent page, the
	// password grant and Basic. Empty means "user@example.com" and a random
	// password. A user name cannot contain a colon (RFC 7617).
	Username, Password string
	// APIKey is what the API key endpoints accept; empty means a random key.
	APIKey string
	// Fields are the values that FieldsURL wants in the request body, by name.
	// A value is a string, int, float64 or bool: a form carries its text, a
	// JSON body the matching JSON type. Nil means "user_token" (a random
	// string), "company_id" (4711) and "sandbox" (true).
	Fields map[string]any

	// RedirectURLs are the callbacks accepted besides loopback ones, which are
	// accepted with any port and path. They are compared byte for byte.
	RedirectURLs []string
	// SendIssuer adds iss (RFC 9207), which is the provider's URL, to the
	// answers of AuthURL.
	SendIssuer bool

	// TokenLifetime is how long OAuth2 access tokens are valid; 0 means one
	// hour. The expires_in of the answer is rounded up to whole seconds.
	TokenLifetime time.Duration
	// RefreshGrants are the grant types whose answers carry a refresh token.
	// Nil means authorization_code and password; an empty slice means none.
	RefreshGrants []string
	// NoRotation keeps refresh tokens valid when they are used, and leaves
	// refresh_token out of the answer to a refresh.
	NoRotation bool

	// OAuth1Lifetime is how long OAuth1 access tokens from AccessTokenURL are
	// valid; 0 means for ever. Otherwise they come with an oauth_session_handle,
	// which renews them there (OAuth Session extension) until the OAuth1Session
	// that began with the consent ends; 0 means never.
	OAuth1Lifetime, OAuth1Session time.Duration
	// RSAPublicKey verifies the OAuth1 methods RSA-SHA1, RSA-SHA256 and
	// RSA-SHA512, which are refused when it is nil.
	RSAPublicKey *rsa.PublicKey
	// ClockSkew is how far the provider's clock runs ahead of this machine's
	// (behind, when negative): OAuth1 timestamps are judged by it, and OAuth1
	// refusals carry it in their Date header.
	ClockSkew time.Duration
}

// withDefaults returns the config with every empty field filled in. The
// generated secrets contain characters that show up a missing encoding.
func (c Config) withDefaults() Config {
	switch {
	case c.PublicClient && c.ClientSecret != "":
		panic("authtest: Config.PublicClient has no ClientSecret: set one or the other")
	case strings.Contains(c.Username, ":"):
		panic("authtest: Config.Username cannot contain a colon (RFC 7617 section 2)")
	case c.TokenLifetime < 0 || c.OAuth1Lifetime < 0 || c.OAuth1Session < 0:
		panic("authtest: a lifetime in Config is negative: use ExpireAccessTokens to expire tokens")
	}
	setDefault(&c.ClientID, "client")
	if !c.PublicClient {
		setDefault(&c.ClientSecret, "client secret+/%:&=é"+rand.Text())
	}
	setDefault(&c.Username, "user@example.com")
	setDefault(&c.Password, "pass word+/%:&=é"+rand.Text())
	setDefault(&c.APIKey, "key+/%:&="+rand.Text())
	if c.TokenLifetime == 0 {
		c.TokenLifetime = time.Hour
	}
	if c.RefreshGrants == nil {
		c.RefreshGrants = []string{"authorization_code", "password"}
	}
	if c.Fields == nil {
		c.Fields = map[string]any{"user_token": "token+/%:&=" + rand.Text(), "company_id": 4711, "sandbox": true}
	}
	for _, callback := range c.RedirectURLs {
		if u, err := url.Parse(callback); err != nil || !u.IsAbs() || strings.Contains(callback, "#") {
			panic("authtest: Config.RedirectURLs wants absolute URLs without a fragment (RFC 6749 section 3.1.2)")
		}
	}
	for name, value := range c.Fields {
		switch value.(type) {
		case string, int, float64, bool:
		default:
			panic(fmt.Sprintf("authtest: Config.Fields[%q] is a %T: use string, int, float64 or bool", name, value))
		}
	}
	c.Fields = maps.Clone(c.Fields)
	c.RedirectURLs = slices.Clone(c.RedirectURLs)
	c.RefreshGrants = slices.Clone(c.RefreshGrants)
	return c
}

func setDefault(s *string, value string) {
	if *s == "" {
		*s = value
	}
}
