package connectorauth_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOAuth2ConfigIsChecked(t *testing.T) {
	good := func() connectorauth.OAuth2Config {
		return connectorauth.OAuth2Config{
			ClientID: "client", ClientSecret: "s3cret", TokenURL: "https://login.example.com/token",
			Grant: connectorauth.AuthorizationCode{AuthURL: "https://login.example.com/authorize"},
		}
	}
	code := func(edit func(*connectorauth.AuthorizationCode)) func(*connectorauth.OAuth2Config) {
		return func(c *connectorauth.OAuth2Config) {
			grant := c.Grant.(connectorauth.AuthorizationCode)
			edit(&grant)
			c.Grant = grant
		}
	}
	for name, test := range map[string]struct {
		edit func(*connectorauth.OAuth2Config)
		says []string // the field and the fix
	}{
		"no client":            {func(c *connectorauth.OAuth2Config) { c.ClientID = "" }, []string{"ClientID", "empty"}},
		"no token URL":         {func(c *connectorauth.OAuth2Config) { c.TokenURL = "" }, []string{"TokenURL", "https://"}},
		"relative token URL":   {func(c *connectorauth.OAuth2Config) { c.TokenURL = "/token" }, []string{"TokenURL", "absolute"}},
		"http token URL":       {func(c *connectorauth.OAuth2Config) { c.TokenURL = "http://login.example.com/token" }, []string{"TokenURL", "use https"}},
		"look-alike loopback":  {func(c *connectorauth.OAuth2Config) { c.TokenURL = "http://127.0.0.1.example.com/" }, []string{"TokenURL", "use https"}},
		"user in token URL":    {func(c *connectorauth.OAuth2Config) { c.TokenURL = "https://u:s3cret@login.example.com/" }, []string{"TokenURL", "password"}},
		"fragment":             {func(c *connectorauth.OAuth2Config) { c.TokenURL += "#x" }, []string{"TokenURL", "fragment"}},
		"secret in token URL":  {func(c *connectorauth.OAuth2Config) { c.TokenURL += "?client_secret=s3cret" }, []string{"TokenURL", "ClientSecret"}},
		"unparsable token URL": {func(c *connectorauth.OAuth2Config) { c.TokenURL = "https://s3cret\x7f/" }, []string{"TokenURL", "a line break or an invisible character"}},
		"scope with a space":   {func(c *connectorauth.OAuth2Config) { c.Scopes = []string{"a b"} }, []string{"Scopes", "its own element"}},
		"empty scope":          {func(c *connectorauth.OAuth2Config) { c.Scopes = []string{"a", ""} }, []string{"Scopes"}},
		"scope with a quote":   {func(c *connectorauth.OAuth2Config) { c.Scopes = []string{`a"`} }, []string{"Scopes"}},
		"scope with CR LF":     {func(c *connectorauth.OAuth2Config) { c.Scopes = []string{"a\r\nb"} }, []string{"Scopes"}},
		"client auth":          {func(c *connectorauth.OAuth2Config) { c.ClientAuth = connectorauth.ClientAuthMethod("mtls") }, []string{"ClientAuth", "mtls"}},
		"store, no account":    {func(c *connectorauth.OAuth2Config) { c.Store = new(tokenstore.Memory) }, []string{"Account", "Store"}},
		"negative lead":        {func(c *connectorauth.OAuth2Config) { c.RenewBefore = -1 }, []string{"RenewBefore", "5 minutes"}},
		"no grant":             {func(c *connectorauth.OAuth2Config) { c.Grant = nil }, []string{"Grant", "ClientCredentials"}},
		"pointer grant":        {func(c *connectorauth.OAuth2Config) { c.Grant = &connectorauth.ClientCredentials{} }, []string{"Grant", "use the value, not a pointer"}},
		"no secret":            {func(c *connectorauth.OAuth2Config) { c.Grant, c.ClientSecret = connectorauth.ClientCredentials{}, "" }, []string{"ClientSecret", "empty"}},
		"no password":          {func(c *connectorauth.OAuth2Config) { c.Grant = connectorauth.PasswordCredentials{Username: "u"} }, []string{"Grant", "Password"}},
		"no user":              {func(c *connectorauth.OAuth2Config) { c.Grant = connectorauth.PasswordCredentials{Password: "s3cret"} }, []string{"Grant", "Username"}},
		"no auth URL":          {code(func(g *connectorauth.AuthorizationCode) { g.AuthURL = "" }), []string{"AuthURL"}},
		"http auth URL":        {code(func(g *connectorauth.AuthorizationCode) { g.AuthURL = "http://login.example.com/" }), []string{"AuthURL", "use https"}},
		"state in auth URL":    {code(func(g *connectorauth.AuthorizationCode) { g.AuthURL += "?state=x" }), []string{"AuthURL", "state", "remove state"}},
		"challenge in params":  {code(func(g *connectorauth.AuthorizationCode) { g.Params = url.Values{"code_challenge": {"x"}} }), []string{"Params", "code_challenge", "remove code_challenge"}},
		"bad host":             {func(c *connectorauth.OAuth2Config) { c.Hosts = []string{"https://a/b"} }, []string{"Hosts", "host name"}},
	} {
		t.Run(name, func(t *testing.T) {
			config := good()
			test.edit(&config)
			c, err := connectorauth.NewOAuth2(config)
			require.Error(t, err)
			assert.Nil(t, c)
			assert.True(t, strings.HasPrefix(err.Error(), "connectorauth: OAuth2Config: "), err)
			for _, says := range test.says {
				assert.ErrorContains(t, err, says)
			}
			assert.NotContains(t, err.Error(), "s3cret")
		})
	}
	_, err := connectorauth.NewOAuth2(good())
	require.NoError(t, err)
	_, err = connectorauth.NewOAuth2(connectorauth.OAuth2Config{})
	for _, field := range []string{"ClientID", "TokenURL", "Grant"} {
		assert.ErrorContains(t, err, field, "all that is wrong at once")
	}
	local := good()
	local.TokenURL, local.Grant = "http://127.0.0.1:1/token", connectorauth.AuthorizationCode{AuthURL: "http://[::1]:1/authorize"}
	_, err = connectorauth.NewOAuth2(local)
	require.NoError(t, err, "loopback may be http")
}

func TestOAuth2ConfigIsCopied(t *testing.T) {
	params, scopes := url.Values{"prompt": {"consent"}}, []string{"read"}
	c, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", TokenURL: "https://login.example.com/token", Scopes: scopes,
		Grant: connectorauth.AuthorizationCode{AuthURL: "https://login.example.com/authorize", Params: params},
	})
	require.NoError(t, err)
	scopes[0], params["prompt"][0] = "write", "none"
	params.Set("state", "evil")
	authURL, _, err := c.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	assert.Contains(t, authURL, "scope=read")
	assert.Contains(t, authURL, "prompt=consent")
	assert.NotContains(t, authURL, "evil")
}
