package connectorauth

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/pending"
	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/connectorauth/connectorauth/internal/wire"
	"github.com/connectorauth/connectorauth/internal/words"
)

// check lists everything that is wrong with the config, except with Hosts.
func (c *OAuth2Config) check(problems *check.List) {
	if c.ClientID == "" {
		problems.Add("ClientID: is empty")
	}
	problems.Field("ClientID", check.Printable(c.ClientID))
	problems.Field("ClientSecret", check.Printable(string(c.ClientSecret)))
	if u, err := origin.Endpoint(c.TokenURL); err != nil {
		problems.Field("TokenURL", err)
	} else if u.RawQuery != "" && (u.Query().Has("client_secret") || u.Query().Has("client_id")) {
		problems.Add("TokenURL: the query contains client credentials, which RFC 6749 section 2.3.1 forbids; use ClientID and ClientSecret")
	}
	for _, endpoint := range []struct{ field, url string }{{"FormerTokenURL", c.FormerTokenURL}, {"RevokeURL", c.RevokeURL}} {
		if endpoint.url != "" {
			_, err := origin.Endpoint(endpoint.url)
			problems.Field(endpoint.field, err)
		}
	}
	for _, scope := range c.Scopes {
		if err := check.Scope(scope); err != nil {
			problems.Add("Scopes: %q %w", scope, err)
		}
	}
	for _, resource := range c.Resources {
		u, err := url.Parse(resource)
		if err != nil || !u.IsAbs() || strings.Contains(resource, "#") || check.Printable(resource) != nil || strings.Contains(resource, " ") {
			problems.Add("Resources: %q is no absolute URI without a fragment (RFC 8707 section 2)", scrub.Text(resource, 100))
		}
	}
	problems.Field("ClientAuth", c.checkClientAuth())
	problems.Store(c.Store, c.Account, "token")
	if c.RenewBefore < 0 {
		problems.Add("RenewBefore: is negative; 0 means 5 minutes")
	}
	if c.RefreshLifetime < 0 || c.RefreshIdle < 0 {
		problems.Add("RefreshLifetime, RefreshIdle: are not negative; 0 means for ever")
	}
	problems.Join(checkGrant(c))
	problems.Field("Dialect", check.Dialect(&c.Dialect, c.client()))
	if c.Proof != nil && c.Dialect.Placement != (dialect.Placement{}) {
		problems.Add("Proof: sets the Authorization header itself; remove Dialect.Placement")
	}
	if problems.NilPointer("Proof", c.Proof); !check.IsNil(c.Proof) {
		types := c.Proof.TokenTypes()
		if i := slices.IndexFunc(types, func(t string) bool { return !wire.IsToken(t) }); i >= 0 || len(types) == 0 {
			problems.Add("Proof: TokenTypes are %q; a token_type is a word such as DPoP, or Bearer for tokens that are not bound to a key", types)
		}
	}
}

// checkClientAuth reports what is wrong with the client authentication.
func (c *OAuth2Config) checkClientAuth() error {
	method, ok := c.ClientAuth.(ClientAuthMethod)
	if _, pointer := c.ClientAuth.(*ClientAuthMethod); pointer || c.ClientAuth != nil && check.IsNil(c.ClientAuth) {
		return fmt.Errorf("is %T; use a value, and no nil pointer", c.ClientAuth)
	}
	if !ok {
		return nil
	}
	raw := method == ClientSecretBasicRaw
	switch method {
	case ClientSecretBasic, ClientSecretPost, ClientAuthNone:
		return nil
	case ClientAuthTLS, ClientAuthSelfSignedTLS:
		switch {
		case c.ClientSecret != "":
			return fmt.Errorf("%s sends no ClientSecret; remove the ClientSecret", string(method))
		case c.HTTPClient == nil || c.HTTPClient.Transport == nil:
			return fmt.Errorf("%s needs an HTTPClient whose Transport presents the certificate, such as assertion.NewCertificateTransport", string(method))
		}
		return nil
	case ClientSecretBasicRaw, ClientSecretUser:
	default:
		return fmt.Errorf("unknown value %q: use %s", string(method), words.Either(check.ClientAuthMethods))
	}
	switch id, secret := c.ClientID, string(c.ClientSecret); {
	case secret == "":
		return errors.New("needs a ClientSecret; leave ClientAuth empty for a public client")
	case raw && strings.Contains(id, ":") || !raw && strings.Contains(secret, ":"):
		return errors.New("unencoded Basic carries no colon in the user name; use ClientSecretBasic")
	}
	return nil
}

// client returns what a dialect must fit. Without a grant, nothing is known to
// contradict the dialect.
func (c *OAuth2Config) client() check.Client {
	client := check.Client{TokenURL: c.TokenURL, Scopes: c.Scopes, Resources: len(c.Resources) > 0, Consent: true, Refreshes: true}
	switch grant := c.Grant.(type) {
	case AuthorizationCode:
		client.PKCE = !grant.DisablePKCE
	case PasswordCredentials:
		client.Consent, client.Params = false, []string{"username", "password"}
	case DeviceCode:
		client.Consent, client.Params = false, []string{"device_code"}
	default:
		if !check.IsNil(grant) {
			client.Consent, client.Refreshes = false, !grant.Traits().NoRefresh
		}
	}
	method := isMethod(c.ClientAuth)
	switch {
	case method && (c.ClientSecret == "" || c.ClientAuth == ClientAuthNone):
		client.Auth = []string{"client_id"}
	case !method, c.ClientAuth == ClientSecretPost: // a type of the program may send the same
		client.Auth = []string{"client_id", "client_secret"}
	default:
		client.Header = true
	}
	return client
}

// checkGrant reports what is wrong with the grant of c.
func checkGrant(c *OAuth2Config) error {
	var problems check.List
	switch grant := c.Grant.(type) {
	case nil:
		problems.Add("Grant: is empty; use AuthorizationCode, ClientCredentials, PasswordCredentials or DeviceCode")
	case *AuthorizationCode, *ClientCredentials, *PasswordCredentials, *DeviceCode:
		problems.Add("Grant: is %T; use the value, not a pointer", grant)
	case AuthorizationCode:
		problems.Field("Grant", check.AuthRequest(grant.AuthURL, grant.Params, c.Dialect.AuthNames, c.client()))
		if grant.PushedAuthorizationRequestURL != "" {
			_, err := origin.Endpoint(grant.PushedAuthorizationRequestURL)
			problems.Field("Grant: PushedAuthorizationRequestURL", err)
			if grant.Params.Has("request_uri") {
				problems.Add("Grant: Params: request_uri cannot be pushed (RFC 9126 section 2.1)")
			}
		}
		problems.Field("Grant: ConsentLifetime", pending.CheckLifetime(grant.ConsentLifetime))
	case DeviceCode:
		problems.Join(grant.check())
	case ClientCredentials:
		if method, ok := c.ClientAuth.(ClientAuthMethod); c.ClientSecret == "" && isMethod(c.ClientAuth) && !(ok && method.byCertificate()) {
			problems.Add("ClientSecret: is empty; the client credentials grant proves nothing without a secret")
		}
	case PasswordCredentials:
		if grant.Username == "" || grant.Password == "" {
			problems.Add("Grant: PasswordCredentials needs Username and Password")
		}
		problems.Field("Grant: Username", check.Text(grant.Username))
		problems.Field("Grant: Password", check.Text(string(grant.Password)))
	default:
		if problems.NilPointer("Grant", grant); !check.IsNil(grant) && grant.GrantType() == "" {
			problems.Add("Grant: GrantType is empty")
		}
	}
	return problems.Joined()
}
