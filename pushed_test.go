package connectorauth_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pushing returns a provider that takes pushed authorization requests alone, and the
// config of a client.
func pushing(t *testing.T, config authtest.Config) (*authtest.Provider, config2) {
	t.Helper()
	config.InMemory, config.RequirePushed = true, true
	p := authtest.New(config)
	t.Cleanup(p.Close)
	return p, config2{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Scopes: []string{"read"},
		Grant:      connectorauth.AuthorizationCode{AuthURL: p.AuthURL, PushedAuthorizationRequestURL: p.PushedAuthorizationRequestURL},
		HTTPClient: p.Client(), Shared: new(connectorauth.Shared), Account: "alice",
	}
}

func TestAuthorizationRequestIsPushed(t *testing.T) {
	for _, auth := range []connectorauth.ClientAuthMethod{"", connectorauth.ClientSecretPost, connectorauth.ClientAuthNone} {
		p, config := pushing(t, authtest.Config{PublicClient: auth == connectorauth.ClientAuthNone})
		config.ClientAuth = auth
		if auth == "" {
			config.ClientAuth = nil
		}
		c := must(connectorauth.NewOAuth2(config))
		authURL, pending, err := c.Begin(t.Context(), "http://127.0.0.1/callback")
		require.NoError(t, err)
		browser := must(url.Parse(authURL)).Query()
		assert.Len(t, browser, 2, "client_id and request_uri alone: %s", authURL)
		pushed := must(url.ParseQuery(string(p.Requests(p.PushedAuthorizationRequestURL)[0].Body)))
		assert.Equal(t, "read", pushed.Get("scope"))
		assert.NotEmpty(t, pushed.Get("state"))
		assert.NotContains(t, pushed, "grant_type")
		callback, err := p.Authorize(authURL)
		require.NoError(t, err)
		require.NoError(t, c.Finish(t.Context(), pending, callback.Query()))
		_, err = c.Token(t.Context())
		require.NoError(t, err)
		_, err = p.Authorize(authURL)
		require.ErrorContains(t, err, "was used", "a request_uri serves once")
	}
}

func TestPushedRequestExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, config := pushing(t, authtest.Config{})
		c := must(connectorauth.NewOAuth2(config))
		authURL, _, err := c.Begin(t.Context(), "http://127.0.0.1/callback")
		require.NoError(t, err)
		time.Sleep(2 * time.Minute)
		_, err = p.Authorize(authURL)
		require.ErrorContains(t, err, "has expired")
		p.Close()
	})
}

func TestHooksSeeThePushedRequest(t *testing.T) {
	p, config := pushing(t, authtest.Config{})
	grant := config.Grant.(connectorauth.AuthorizationCode)
	grant.AuthURL += "?tenant=a+b"
	grant.Params = url.Values{"login_hint": {"alice"}}
	config.Grant = grant
	c := connectorauth.WithHooks(must(connectorauth.NewOAuth2(config)), connectorauth.Hooks{BeforeAuthorize: func(_ context.Context, u *url.URL) error {
		u.RawQuery += "&audience=x"
		return nil
	}}).(*connectorauth.OAuth2)
	authURL, _, err := c.Begin(t.Context(), "http://127.0.0.1/callback")
	require.NoError(t, err)
	pushed := must(url.ParseQuery(string(p.Requests(p.PushedAuthorizationRequestURL)[0].Body)))
	assert.Equal(t, "x", pushed.Get("audience"))
	assert.Equal(t, "alice", pushed.Get("login_hint"))
	assert.Contains(t, authURL, "tenant=a%20b", "some login pages read a plus sign as a plus sign")
	assert.False(t, pushed.Has("tenant"))
	browser := must(url.Parse(authURL)).Query()
	assert.Equal(t, "a b", browser.Get("tenant"))
	assert.Len(t, browser, 3)
}

func TestRefusedPushIsATokenError(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		code   string
		text   string
	}{
		"refused":     {400, `{"error":"invalid_request","error_description":"no"}`, "invalid_request", "the pushed authorization request for \"alice\" to http://127.0.0.1:80/oauth2/par failed with status 400: invalid_request (no)"},
		"overloaded":  {429, ``, "", "status 429"},
		"nothing":     {201, `{}`, "", "no request_uri"},
		"no JSON":     {201, `<html>`, "", "no request_uri"},
		"a line feed": {201, `{"request_uri":"a\nb"}`, "", "no request_uri"},
		"a redirect":  {302, ``, "", "redirect"},
		"an outage":   {503, ``, "", "status 503"},
	} {
		t.Run(name, func(t *testing.T) {
			p, config := pushing(t, authtest.Config{})
			p.Inject(p.PushedAuthorizationRequestURL, authtest.Always, authtest.Answer(test.status, http.Header{"Retry-After": {"7"}}, test.body))
			_, _, err := must(connectorauth.NewOAuth2(config)).Begin(t.Context(), "http://127.0.0.1/callback")
			var failed *connectorauth.TokenError
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, test.code, failed.Code)
			assert.Equal(t, p.PushedAuthorizationRequestURL, failed.Endpoint)
			assert.Equal(t, 7*time.Second, failed.RetryAfter)
			require.ErrorContains(t, err, test.text)
			assert.NotErrorIs(t, err, connectorauth.ErrReauthRequired)
			assert.Len(t, p.Requests(p.PushedAuthorizationRequestURL), 1)
		})
	}
}

func TestProviderThatRequiresPushedRequestsRefusesOthers(t *testing.T) {
	p, config := pushing(t, authtest.Config{})
	config.Grant = connectorauth.AuthorizationCode{AuthURL: p.AuthURL}
	authURL, _, err := must(connectorauth.NewOAuth2(config)).Begin(t.Context(), "http://127.0.0.1/callback")
	require.NoError(t, err)
	_, err = p.Authorize(authURL)
	require.ErrorContains(t, err, "must be pushed")
}

func TestPushedRequestSpeaksTheDialectOfTheAuthorizationRequest(t *testing.T) {
	p, config := pushing(t, authtest.Config{})
	config.Dialect = dialect.OAuth2{AuthNames: map[string]string{"scope": "scopes"}, TokenNames: map[string]string{"scope": "other"}}
	_, _, err := must(connectorauth.NewOAuth2(config)).Begin(t.Context(), "http://127.0.0.1/callback")
	require.NoError(t, err)
	pushed := must(url.ParseQuery(string(p.Requests(p.PushedAuthorizationRequestURL)[0].Body)))
	assert.Equal(t, "read", pushed.Get("scopes"))
	assert.False(t, pushed.Has("scope") || pushed.Has("other"))
}

func TestPushConfigRules(t *testing.T) {
	for want, grant := range map[string]connectorauth.AuthorizationCode{
		"PushedAuthorizationRequestURL: ": {AuthURL: "https://p.example/a", PushedAuthorizationRequestURL: "http://p.example/par"},
		"request_uri cannot be pushed":    {AuthURL: "https://p.example/a", PushedAuthorizationRequestURL: "https://p.example/par", Params: url.Values{"request_uri": {"x"}}},
	} {
		_, err := connectorauth.NewOAuth2(config2{ClientID: "c", TokenURL: "https://p.example/t", Grant: grant})
		assert.ErrorContains(t, err, want)
	}
}

func TestPendingOfAPushedRequestHasNoSecretOfTheClient(t *testing.T) {
	p, config := pushing(t, authtest.Config{})
	_, pending, err := must(connectorauth.NewOAuth2(config)).Begin(t.Context(), "http://127.0.0.1/callback")
	require.NoError(t, err)
	var members map[string]any
	require.NoError(t, json.Unmarshal([]byte(pending), &members))
	assert.NotContains(t, string(pending), p.ClientSecret)
}
