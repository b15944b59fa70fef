package connectorauth_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asked returns all parameters of the authorization requests of c, with one push or none.
func asked(t *testing.T, p *authtest.Provider, c *connectorauth.OAuth2) url.Values {
	t.Helper()
	authURL, _, err := c.Begin(t.Context(), "http://127.0.0.1/callback")
	require.NoError(t, err)
	all := must(url.Parse(authURL)).Query()
	for _, r := range p.Requests(p.PushedAuthorizationRequestURL) {
		for name, values := range must(url.ParseQuery(string(r.Body))) {
			all[name] = append(all[name], values...)
		}
	}
	return all
}

// What an API or the program asks for wins over the query of AuthURL, and comes once (RFC
// 6749 section 3.1).
func TestAskingWinsOverTheQueryOfAuthURL(t *testing.T) {
	for _, pushed := range []bool{false, true} {
		p, config := pushing(t, authtest.Config{})
		grant := config.Grant.(connectorauth.AuthorizationCode)
		if grant.AuthURL += "?tenant=a+b&prompt=consent&max_age=86400&acr_values=pwd"; !pushed {
			grant.PushedAuthorizationRequestURL = ""
		}
		config.Grant = grant
		c := must(connectorauth.NewOAuth2(config))
		age := time.Minute
		all := asked(t, p, c.Asking(connectorauth.Authorization{Prompt: "login", MaxAge: &age, ACRValues: []string{"mfa"}}))
		assert.Equal(t, []string{"login"}, all["prompt"])
		assert.Equal(t, []string{"60"}, all["max_age"])
		assert.Equal(t, []string{"mfa"}, all["acr_values"])
		assert.Equal(t, []string{"a b"}, all["tenant"])
		if !pushed {
			all = asked(t, p, c)
			assert.Equal(t, []string{"consent"}, all["prompt"], "c asks for no more than before")
		}
	}
}

// A hook that changes the path or the query of AuthURL is not ignored.
func TestHooksChangeTheURLOfAPushedRequest(t *testing.T) {
	_, config := pushing(t, authtest.Config{})
	grant := config.Grant.(connectorauth.AuthorizationCode)
	grant.AuthURL += "?tenant=a"
	config.Grant = grant
	c := connectorauth.WithHooks(must(connectorauth.NewOAuth2(config)), connectorauth.Hooks{BeforeAuthorize: func(_ context.Context, u *url.URL) error {
		u.RawQuery = strings.Replace(u.RawQuery, "tenant=a", "tenant=b", 1)
		u.Path = "/b" + u.Path
		return nil
	}}).(*connectorauth.OAuth2)
	authURL, _, err := c.Begin(t.Context(), "http://127.0.0.1/callback")
	require.NoError(t, err)
	browser := must(url.Parse(authURL))
	assert.Equal(t, "b", browser.Query().Get("tenant"))
	assert.Len(t, browser.Query(), 3)
	assert.True(t, strings.HasPrefix(browser.Path, "/b/"), browser.Path)
}

// A connector never changes, whatever the program does with its values.
func TestAskingKeepsItsOwnMaxAge(t *testing.T) {
	p, config := pushing(t, authtest.Config{})
	age := time.Minute
	c := must(connectorauth.NewOAuth2(config)).Asking(connectorauth.Authorization{MaxAge: &age})
	age = -time.Hour
	assert.Equal(t, []string{"60"}, asked(t, p, c)["max_age"])
}
