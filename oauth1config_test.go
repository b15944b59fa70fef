package connectorauth_test

import (
	"fmt"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/dghubble/oauth1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOAuth1ConfigIsChecked(t *testing.T) {
	valid := connectorauth.OAuth1Config{ClientID: "c", ClientSecret: "canary1"}
	for name, c := range map[string]struct {
		edit func(*connectorauth.OAuth1Config)
		want string
	}{
		"two-legged":         {func(c *connectorauth.OAuth1Config) {}, ""},
		"own signer":         {func(c *connectorauth.OAuth1Config) { c.ClientSecret, c.Signer = "", &oauth1.HMACSigner{} }, ""},
		"no id":              {func(c *connectorauth.OAuth1Config) { c.ClientID = "" }, "ClientID: is empty"},
		"no secret":          {func(c *connectorauth.OAuth1Config) { c.ClientSecret = "" }, "ClientSecret: is empty"},
		"line break":         {func(c *connectorauth.OAuth1Config) { c.ClientSecret = "canary1\n" }, "ClientSecret: has a control character"},
		"unknown method":     {func(c *connectorauth.OAuth1Config) { c.SignatureMethod = "MD5" }, "SignatureMethod: unknown value"},
		"signer and method":  {func(c *connectorauth.OAuth1Config) { c.Signer, c.SignatureMethod = &oauth1.HMACSigner{}, "HMAC-SHA1" }, "Signer: replaces"},
		"secret alone":       {func(c *connectorauth.OAuth1Config) { c.TokenSecret = "canary2" }, "without a Token"},
		"one URL":            {func(c *connectorauth.OAuth1Config) { c.AuthorizeURL = "https://h/" }, "give all three, or none"},
		"http URL":           {func(c *connectorauth.OAuth1Config) { c.RequestTokenURL = "http://h.example/" }, "RequestTokenURL: "},
		"cookie":             {func(c *connectorauth.OAuth1Config) { c.In = dialect.InCookie }, "In: is \"cookie\"; OAuth1 parameters go"},
		"realm in the query": {func(c *connectorauth.OAuth1Config) { c.In, c.Realm = dialect.InQuery, "r" }, "Realm: belongs in the header only"},
		"negative MaxBody":   {func(c *connectorauth.OAuth1Config) { c.MaxBody = -1 }, "MaxBody: is negative"},
		"needless store":     {func(c *connectorauth.OAuth1Config) { c.Store = new(tokenstore.Memory) }, "nothing to keep without the three URLs; leave Store out, or give the URLs of a consent"},
		"bad host":           {func(c *connectorauth.OAuth1Config) { c.Hosts = []string{"a b"} }, "Hosts: "},
	} {
		t.Run(name, func(t *testing.T) {
			config := valid
			c.edit(&config)
			connector, err := connectorauth.NewOAuth1(config)
			if c.want == "" {
				require.NoError(t, err)
				assert.Equal(t, connectorauth.AuthTypeOAuth1, connector.AuthType())
				assert.NotContains(t, fmt.Sprintf("%v %+v %#v %s", connector, connector, connector, connector), "canary")
				return
			}
			require.ErrorContains(t, err, "connectorauth: OAuth1Config: ")
			require.ErrorContains(t, err, c.want)
			assert.NotContains(t, err.Error(), "canary")
		})
	}
}
