package connectorauth_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// construct makes a connector from a config with one value that a person has pasted.
type construct func(pasted string) error

// oauth2With returns the constructor of an OAuth2 with one changed field.
func oauth2With(change func(c *config2, pasted string)) construct {
	return func(pasted string) error {
		c := config2{ClientID: "client", ClientSecret: clientSecret, TokenURL: "https://p.example/token", Grant: connectorauth.ClientCredentials{}}
		change(&c, pasted)
		return second(connectorauth.NewOAuth2(c))
	}
}

// oauth1With returns the constructor of an OAuth1 with one changed field.
func oauth1With(change func(c *connectorauth.OAuth1Config, pasted string)) construct {
	return func(pasted string) error {
		c := connectorauth.OAuth1Config{ClientID: "client", ClientSecret: clientSecret}
		change(&c, pasted)
		return second(connectorauth.NewOAuth1(c))
	}
}

// pastedSecrets are the fields of all configs with an identifier, a name or a secret.
var pastedSecrets = map[string]construct{
	"OAuth2Config: ClientID: ":     oauth2With(func(c *config2, s string) { c.ClientID = s }),
	"OAuth2Config: ClientSecret: ": oauth2With(func(c *config2, s string) { c.ClientSecret = connectorauth.Secret(s) }),
	"OAuth2Config: Grant: Username: ": oauth2With(func(c *config2, s string) {
		c.Grant = connectorauth.PasswordCredentials{Username: s, Password: password}
	}),
	"OAuth2Config: Grant: Password: ": oauth2With(func(c *config2, s string) {
		c.Grant = connectorauth.PasswordCredentials{Username: "u", Password: connectorauth.Secret(s)}
	}),
	"OAuth1Config: ClientID: ":     oauth1With(func(c *connectorauth.OAuth1Config, s string) { c.ClientID = s }),
	"OAuth1Config: ClientSecret: ": oauth1With(func(c *connectorauth.OAuth1Config, s string) { c.ClientSecret = connectorauth.Secret(s) }),
	"OAuth1Config: Token: ":        oauth1With(func(c *connectorauth.OAuth1Config, s string) { c.Token = s }),
	"OAuth1Config: TokenSecret: ": oauth1With(func(c *connectorauth.OAuth1Config, s string) {
		c.Token, c.TokenSecret = "t", connectorauth.Secret(s)
	}),
	"BasicConfig: Username: ": func(s string) error {
		return second(connectorauth.NewBasic(connectorauth.BasicConfig{Username: s}))
	},
	"BasicConfig: Password: ": func(s string) error {
		return second(connectorauth.NewBasic(connectorauth.BasicConfig{Password: connectorauth.Secret(s)}))
	},
	"APIKeyConfig: Prefix and Key: ": func(s string) error {
		return second(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: connectorauth.Secret(s)}))
	},
	"APIKeyConfig: Prefix and Key: in the body": func(s string) error {
		return second(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: connectorauth.Secret(s), In: dialect.InBody, Name: "key"}))
	},
	"AuthFieldsConfig: Fields: field \"p\": ": func(s string) error {
		return second(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{
			Fields: []connectorauth.AuthField{{Key: "p", Type: dialect.FieldPassword, Value: connectorauth.Secret(s)}},
		}))
	},
	"AuthFieldsConfig: Fields: field \"t\": ": func(s string) error {
		return second(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{
			Fields: []connectorauth.AuthField{{Key: "t", Value: connectorauth.Secret(s)}},
		}))
	},
}

func TestPastedLineBreaksAreRefusedWithAHint(t *testing.T) {
	for field, construct := range pastedSecrets {
		require.NoError(t, construct("PASTED-1a2b"), field)
		field = strings.TrimSuffix(field, "in the body")
		for _, pasted := range []string{"PASTED-1a2b\n", "PASTED-1a2b\r\n", "\nPASTED-1a2b", "PASTED-1a2b\t", "\x00PASTED-1a2b", "PASTED-1a2b\x7f"} {
			err := construct(pasted)
			require.ErrorContains(t, err, field+"has a control character; look for a line break at its end", "%q", pasted)
			assert.Empty(t, canary.Found(fmt.Sprintf("%v %#v", err, err), "PASTED-1a2b"), field)
			assert.NotContains(t, err.Error(), "\n", "one mistake is one problem")
		}
	}
}

// RFC 6749 appendix A.1 and A.2 allow %x20-7E; a password is any text.
func TestClientIDAndSecretAreASCIIAndAPasswordIsAnyText(t *testing.T) {
	for field, right := range map[string]bool{
		"OAuth2Config: ClientID: ": false, "OAuth2Config: ClientSecret: ": false,
		"OAuth2Config: Grant: Username: ": true, "OAuth2Config: Grant: Password: ": true,
		"BasicConfig: Username: ": true, "BasicConfig: Password: ": true,
	} {
		assert.NoError(t, pastedSecrets[field](` !"#$%&'()*+,-./09;<=>?@AZ[\]^_`+"`az{|}~ "), field)
		err := pastedSecrets[field]("schl\u00fcssel")
		if right {
			assert.NoError(t, err, field)
			assert.ErrorContains(t, pastedSecrets[field]("\xff"), field+"is not valid UTF-8")
			continue
		}
		assert.ErrorContains(t, err, field+"has a character outside of printable ASCII, which RFC 6749 does not allow")
	}
}

// A text inside a message may have several lines, but none that a person pasted by
// mistake.
func TestTextFieldMayHaveSeveralLines(t *testing.T) {
	assert.NoError(t, pastedSecrets[`AuthFieldsConfig: Fields: field "t": `]("one\ntwo"))
	assert.Error(t, pastedSecrets[`AuthFieldsConfig: Fields: field "p": `]("one\ntwo"))
}

// pastedURLs are the fields of all configs with a URL.
var pastedURLs = map[string]construct{
	"TokenURL: ":       oauth2With(func(c *config2, s string) { c.TokenURL = s }),
	"FormerTokenURL: ": oauth2With(func(c *config2, s string) { c.FormerTokenURL = s }),
	"RevokeURL: ":      oauth2With(func(c *config2, s string) { c.RevokeURL = s }),
	"Grant: AuthURL: ": oauth2With(func(c *config2, s string) { c.Grant = connectorauth.AuthorizationCode{AuthURL: s} }),
	"Dialect: RefreshURL: ": oauth2With(func(c *config2, s string) {
		c.Grant, c.Dialect.RefreshURL = connectorauth.AuthorizationCode{AuthURL: "https://p.example/"}, s
	}),
	"Dialect: Extend: URL: ": oauth2With(func(c *config2, s string) {
		c.Grant, c.Dialect.Extend = connectorauth.AuthorizationCode{AuthURL: "https://p.example/"}, dialect.TokenExchange{GrantType: "x", URL: s}
	}),
	"RequestTokenURL: ": oauth1With(func(c *connectorauth.OAuth1Config, s string) {
		c.RequestTokenURL, c.AuthorizeURL, c.AccessTokenURL = s, "https://p.example/a", "https://p.example/t"
	}),
	"AuthorizeURL: ": oauth1With(func(c *connectorauth.OAuth1Config, s string) {
		c.RequestTokenURL, c.AuthorizeURL, c.AccessTokenURL = "https://p.example/r", s, "https://p.example/t"
	}),
	"AccessTokenURL: ": oauth1With(func(c *connectorauth.OAuth1Config, s string) {
		c.RequestTokenURL, c.AuthorizeURL, c.AccessTokenURL = "https://p.example/r", "https://p.example/a", s
	}),
	"redirectURL: ": func(s string) error {
		c := must(connectorauth.NewOAuth2(config2{ClientID: "c", TokenURL: "https://p.example/token", Grant: connectorauth.AuthorizationCode{AuthURL: "https://p.example/"}}))
		_, _, err := c.Begin(context.Background(), s)
		return err
	},
}

func TestPastedURLsHaveAHint(t *testing.T) {
	const url = "https://p.example/x"
	for field, construct := range pastedURLs {
		require.NoError(t, construct(url), field)
		for _, pasted := range []string{url + " ", url + "\n", "\t" + url, " " + url, "https://p.example/a b", url + "\u00a0", "\ufeff" + url, "https://p\u200b.example/x"} {
			require.ErrorContains(t, construct(pasted), field+"has a space, a line break or an invisible character; remove", "%q", pasted)
		}
	}
}

func TestPastedHostsAndScopesHaveAHint(t *testing.T) {
	hosts := oauth2With(func(c *config2, s string) { c.Hosts = []string{s} })
	for _, pasted := range []string{"p.example ", "p.example\n", " p.example", "https://p.example\r\n", "*.p.example\t", "\ufeffp.example"} {
		require.ErrorContains(t, hosts(pasted), "has a space, a line break or an invisible character; remove", "%q", pasted)
	}
	scopes := oauth2With(func(c *config2, s string) { c.Scopes = []string{s} })
	for _, pasted := range []string{"read ", "read\n", "\tread", "read\u00a0"} {
		require.ErrorContains(t, scopes(pasted), "has a space or a line break at an end; remove", "%q", pasted)
	}
	require.ErrorContains(t, scopes("read write"), "give each scope its own element")
}

// What was pasted into a URL may be a password or a key.
func TestErrorsShowNoSecretOfAPastedURL(t *testing.T) {
	all := map[string]construct{
		"Hosts: ": oauth2With(func(c *config2, s string) { c.Hosts = []string{s} }),
		"http Hosts: ": func(s string) error {
			return second(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "k", Hosts: []string{s}}))
		},
	}
	for field, construct := range pastedURLs {
		all[field] = construct
	}
	for field, construct := range all {
		for _, pasted := range []string{
			"https://user:SECRET-3y4z@p.example", "https://SECRET-3y4z@p.example/", "https://user:a/SECRET-3y4z@p.example/", "https://user:a?SECRET-3y4z@p.example/",
			"https://user:SECRET-3y4z@p.example:x/", "user:SECRET-3y4z@p.example", "//user:SECRET-3y4z@p.example/", "ftp://user:SECRET-3y4z@p.example/",
			"p.example?key=SECRET-3y4z", "ftp://p.example/?key=SECRET-3y4z", "p.example/x;key=SECRET-3y4z", "p.example&key=SECRET-3y4z", "x?key=SECRET-3y4z&to=https://p.example",
			`p.example\SECRET-3y4z`, "p.example SECRET-3y4z", "https://p.example:SECRET-3y4z", "https://p.example/%zz?key=SECRET-3y4z", "http://p.example/#SECRET-3y4z",
			"*.p.example?key=SECRET-3y4z", "*SECRET-3y4z@p.example",
		} {
			if err := construct(pasted); err != nil {
				assert.Empty(t, canary.Found(fmt.Sprintf("%v %#v", err, err), "SECRET-3y4z", "3y4z"), "%s %q: %v", field, pasted, err)
			} else {
				assert.NotContains(t, field, "Hosts", "%q", pasted)
			}
		}
	}
}
