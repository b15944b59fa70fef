package connectorauth_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Some login pages read a plus sign as a plus sign. %20 is a space for all of them.
func TestSpacesInAuthorizationURLsArePercentEncoded(t *testing.T) {
	config := config2{
		ClientID: "my client+1", TokenURL: "https://p.example/token", Scopes: []string{"read", "write"},
		Grant: connectorauth.AuthorizationCode{AuthURL: "https://p.example/auth?tenant=a+b%2B", Params: url.Values{"login hint": {"c d+e"}}},
	}
	reencode := connectorauth.Hooks{BeforeAuthorize: func(_ context.Context, u *url.URL) error {
		query := u.Query()
		query.Set("prompt", "select account")
		u.RawQuery = query.Encode()
		return nil
	}}
	c := must(connectorauth.NewOAuth2(config))
	for name, connector := range map[string]*connectorauth.OAuth2{"plain": c, "hook": connectorauth.WithHooks(c, reencode).(*connectorauth.OAuth2)} {
		authURL, _, err := connector.Begin(t.Context(), "https://app.example/cb?a=b+c")
		require.NoError(t, err)
		assert.NotContains(t, authURL, "+", name)
		for _, part := range []string{"tenant=a%20b%2B", "login%20hint=c%20d%2Be", "scope=read%20write", "client_id=my%20client%2B1", "redirect_uri=https%3A%2F%2Fapp.example%2Fcb%3Fa%3Db%2Bc"} {
			assert.Contains(t, authURL, part, name)
		}
		if name == "hook" {
			assert.Contains(t, authURL, "prompt=select%20account")
		}
	}
}

func TestSpacesInOAuth1AuthorizeURLsArePercentEncoded(t *testing.T) {
	base := &fakehttp.Base{Answer: func(*http.Request) (*http.Response, error) {
		return fakehttp.Respond(http.StatusOK, "oauth_token=a+b%2B&oauth_token_secret=s&oauth_callback_confirmed=true"), nil
	}}
	c := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
		ClientID: "c", ClientSecret: "s", RequestTokenURL: "https://p.example/request", AuthorizeURL: "https://p.example/auth?tenant=a+b",
		AccessTokenURL: "https://p.example/access", HTTPClient: &http.Client{Transport: base},
	}))
	authURL, _, err := c.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	assert.Equal(t, "https://p.example/auth?tenant=a%20b&oauth_token=a%20b%2B", authURL)
}
