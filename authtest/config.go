package authtest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Config says how a [Provider] differs from the default provider. The zero
// value is ready to use.
type Config struct {
	// TLS serves https. Only [Provider.Client] trusts the certificate.
	TLS bool
	// InMemory opens no socket. [Provider.Client] reaches the provider through
	// memory, with any host in the URL. The provider can run inside a
	// [testing/synctest] bubble.
	InMemory bool

	// ClientID and ClientSecret identify the registered application, for OAuth2
	// and OAuth1. Empty means "client" and a random secret.
	ClientID, ClientSecret string
	// PublicClient registers an application without a secret, such as a
	// command-line program. ClientSecret must be empty. At the token endpoint,
	// client_id alone identifies the application. PKCE is required.
	PublicClient bool

	// Username and Password are the credentials of the account owner, for the
	// consent page, the password grant and Basic. Empty means "user@example.com"
	// and a random password. Username must not contain a colon (RFC 7617).
	Username, Password string
	// APIKey is the account owner's key for the API key endpoints. Empty means a random
	// key.
	APIKey string
	// Owners are the account owners, where there are several. Empty means the one of
	// Username, Password and APIKey, which must be empty otherwise.
	Owners []Owner
	// Domain is the domain below which the first label of a host names a tenant, where
	// Owners have a Tenant. Empty means "localhost", as in acme.localhost. With TLS, the
	// certificate is valid for the hosts right below "example.com".
	Domain string
	// Fields are the values that FieldsURL requires in the request body, by name.
	// A value is a string, int, float64 or bool. A JSON body must have the same
	// type; a form has the value as text. Nil means "user_token" (a random
	// string), "company_id" (4711) and "sandbox" (true).
	Fields map[string]any

	// RedirectURLs are further allowed callbacks, compared byte for byte, such as
	// "com.example.app:/callback". Loopback URLs are always allowed, with any port and
	// path. After "urn:ietf:wg:oauth:2.0:oob", and the same with ":auto", a page shows
	// the code for the account owner to copy.
	RedirectURLs []string
	// SendIssuer adds the parameter iss (RFC 9207) to the responses of AuthURL.
	// The value of iss is the provider's URL.
	SendIssuer bool
	// RegistrationToken is the initial access token that RegisterURL requires (RFC 7591
	// section 3). Empty means that anybody may register an application.
	RegistrationToken string
	// SecretLifetime is how long the secret of an application that registered itself is
	// valid. 0 means for ever.
	SecretLifetime time.Duration

	// TokenLifetime is how long an OAuth2 access token is valid. 0 means an hour.
	// expires_in in responses is rounded up to whole seconds.
	TokenLifetime time.Duration
	// JWTAccessTokens makes OAuth2 access tokens JWTs (RFC 9068), which the key at KeysURL
	// verifies. The subject is the ID of the account owner, or the Username if there is no
	// ID.
	JWTAccessTokens bool
	// RefreshGrants are the grant types whose responses have a refresh token. Nil
	// means authorization_code, password and the device grant. An empty slice means none.
	RefreshGrants []string
	// NoRotation keeps a refresh token valid after use. The response to a refresh
	// then has no refresh_token.
	NoRotation bool

	// RequireDPoP refuses token requests without a proof (RFC 9449). Otherwise the tokens
	// of a token request with a proof are bound to the key, and the tokens of a request
	// without a proof are Bearer tokens. The time of a proof may be a minute away from the
	// provider's clock.
	RequireDPoP bool
	// DPoPNonce makes proofs carry the nonce of the provider (RFC 9449 sections 8 and 9),
	// which all responses to requests with proofs have in the header DPoP-Nonce. With a
	// nonce, the time of a proof does not count.
	DPoPNonce bool

	// Resources are the resource indicators (RFC 8707) that the provider knows. Others are
	// refused with invalid_target. A token request may ask for those of the consent alone.
	// Nil means that the provider ignores resource indicators.
	Resources []string
	// RequirePushed makes AuthURL refuse requests that were not pushed (RFC 9126).
	RequirePushed bool

	// SessionLifetime is how long a session is valid. 0 means an hour.
	SessionLifetime time.Duration
	// LockAfter is how many wrong passwords in a row lock an account at the login
	// endpoints, for LockFor. 0 means 5, and half an hour.
	LockAfter int
	LockFor   time.Duration

	// OAuth1Lifetime is how long an OAuth1 access token from AccessTokenURL is
	// valid. 0 means for ever. With a lifetime, the response has an
	// oauth_session_handle, which renews the token at AccessTokenURL (OAuth
	// Session extension). OAuth1Session is the time from the consent until the
	// session handle is no longer valid; 0 means for ever.
	OAuth1Lifetime, OAuth1Session time.Duration
	// OAuth10 makes the provider one of OAuth Core 1.0, before revision A. An
	// oauth_callback goes into the query of AuthorizeURL, is never confirmed, and is
	// ignored at RequestTokenURL. There is no oauth_verifier.
	OAuth10 bool
	// OAuth1Get makes RequestTokenURL and AccessTokenURL take GET, and refuse POST.
	OAuth1Get bool
	// RSAPublicKey verifies signatures by RSA-SHA1, RSA-SHA256 and RSA-SHA512. Nil
	// means that the provider refuses these methods.
	RSAPublicKey *rsa.PublicKey
	// AssertionKeys are the public keys that verify assertions (RFC 7523), by kid; the
	// key without a name is for assertions without a kid. A key is an *rsa.PublicKey,
	// *ecdsa.PublicKey or ed25519.PublicKey. HS256, HS384 and HS512 are verified with
	// ClientSecret. An assertion has iss, sub, one aud (the provider's URL or token URL),
	// iat, exp at most ten minutes later, and at the token endpoint a new jti.
	AssertionKeys map[string]crypto.PublicKey
	// ClockSkew is how far the provider's clock is ahead of this machine's clock;
	// negative means behind. The provider checks OAuth1 timestamps and the
	// times of assertions by the provider's clock. OAuth1 refusals, and all responses to
	// assertions, have the clock's time in their Date header.
	ClockSkew time.Duration
}

// withDefaults returns c with every empty field filled in. Generated secrets
// contain characters that a client must encode, so a missing encoding
// shows.
func (c Config) withDefaults() Config {
	switch {
	case c.PublicClient && c.ClientSecret != "":
		panic("authtest: a public client has no secret: set Config.PublicClient or Config.ClientSecret, not both")
	case c.TokenLifetime < 0 || c.OAuth1Lifetime < 0 || c.OAuth1Session < 0 || c.SessionLifetime < 0 || c.LockFor < 0:
		panic("authtest: a lifetime in Config is negative: use ExpireAccessTokens to expire tokens")
	}
	setDefault(&c.ClientID, "client")
	if !c.PublicClient {
		setDefault(&c.ClientSecret, "client secret+/%:&=~ "+rand.Text())
	}
	c = c.withOwners()
	setDefault(&c.Domain, "localhost")
	if c.TokenLifetime == 0 {
		c.TokenLifetime = time.Hour
	}
	if c.SessionLifetime == 0 {
		c.SessionLifetime = time.Hour
	}
	if c.LockAfter == 0 {
		c.LockAfter = 5
	}
	if c.LockFor == 0 {
		c.LockFor = 30 * time.Minute
	}
	if c.RefreshGrants == nil {
		c.RefreshGrants = []string{"authorization_code", "password", deviceCode}
	}
	if c.Fields == nil {
		c.Fields = map[string]any{"user_token": "token+/%:&=" + rand.Text(), "company_id": 4711, "sandbox": true}
	}
	for _, callback := range c.RedirectURLs {
		if u, err := url.Parse(callback); err != nil || !u.IsAbs() || strings.Contains(callback, "#") {
			panic("authtest: Config.RedirectURLs must be absolute URLs without a fragment (RFC 6749 section 3.1.2)")
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
	c.AssertionKeys = maps.Clone(c.AssertionKeys)
	c.RedirectURLs = slices.Clone(c.RedirectURLs)
	c.RefreshGrants = slices.Clone(c.RefreshGrants)
	return c
}

func setDefault(s *string, value string) {
	if *s == "" {
		*s = value
	}
}
