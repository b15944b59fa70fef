package connectorauth_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// consents leads the account owner through a consent of c.
func consents(t *testing.T, p *authtest.Provider, c *connectorauth.OAuth2) {
	t.Helper()
	authURL, pending, err := c.Begin(t.Context(), "http://127.0.0.1/callback")
	require.NoError(t, err)
	callback, err := p.Authorize(authURL)
	require.NoError(t, err)
	require.NoError(t, c.Finish(t.Context(), pending, callback.Query()))
}

func TestStepUpIsAnErrorThatBeginTakesFurther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true, Resources: []string{"https://api.example.com"}})
		defer p.Close()
		c := must(connectorauth.NewOAuth2(config2{
			ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Scopes: []string{"read"},
			Grant: connectorauth.AuthorizationCode{AuthURL: p.AuthURL}, Resources: []string{"https://api.example.com"},
			HTTPClient: p.Client(), Shared: new(connectorauth.Shared), Store: new(tokenstore.Memory), Account: "alice",
		}))
		consents(t, p, c)
		time.Sleep(30 * time.Minute)
		key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "k", In: dialect.InQuery, Name: "api_key"}))
		for _, connector := range []connectorauth.Connector{c, must(connectorauth.Join(key, c))} {
			for _, body := range []io.Reader{nil, struct{ io.Reader }{strings.NewReader("once")}} {
				client := connectorauth.NewClient(connector, p.Client())
				_, err := client.Do(must(http.NewRequest("POST", p.StepUpURL("mfa", 10*time.Minute), body)))
				var stepUp *connectorauth.StepUpError
				require.ErrorAs(t, err, &stepUp)
				require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
				assert.Equal(t, []string{"mfa"}, stepUp.Authorization.ACRValues)
				assert.Equal(t, 10*time.Minute, *stepUp.Authorization.MaxAge)
				assert.Equal(t, "alice", stepUp.Account)
				assert.Contains(t, err.Error(), `of "alice", one of ["mfa"], at most 10m0s ago (another authentication`)
			}
		}
		assert.Equal(t, 1, p.Stats().TokenRequests, "a token of the same consent is of no use")
		status, err := c.Status(t.Context())
		require.NoError(t, err)
		assert.Equal(t, connectorauth.StateOK, status.State, "the token serves elsewhere")

		var stepUp *connectorauth.StepUpError
		_, err = connectorauth.NewClient(c, p.Client()).Get(p.StepUpURL("mfa", 10*time.Minute))
		require.True(t, errors.As(err, &stepUp))
		stepUp.Authorization.Scopes = []string{"read", "pay"}
		stepUp.Authorization.Prompt = "login"
		again := c.Asking(stepUp.Authorization)
		authURL, pending, err := again.Begin(t.Context(), "http://127.0.0.1/callback")
		require.NoError(t, err)
		query := must(url.Parse(authURL)).Query()
		assert.Equal(t, "login 600 mfa read pay", query.Get("prompt")+" "+query.Get("max_age")+" "+query.Get("acr_values")+" "+query.Get("scope"))
		callback, err := p.Authorize(authURL)
		require.NoError(t, err)
		require.NoError(t, c.Finish(t.Context(), pending, callback.Query()), "either connector finishes")
		resp, err := connectorauth.NewClient(again, p.Client()).Get(p.StepUpURL("mfa", 10*time.Minute))
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, 200, resp.StatusCode)

		authURL, _, err = c.Begin(t.Context(), "http://127.0.0.1/callback")
		require.NoError(t, err)
		assert.False(t, must(url.Parse(authURL)).Query().Has("prompt"), "c asks for no more than before")
	})
}

func TestStepUpInEverySpelling(t *testing.T) {
	age := func(d time.Duration) *time.Duration { return &d }
	for challenge, want := range map[string]connectorauth.Authorization{
		`Bearer error="insufficient_user_authentication"`:                                              {},
		`Basic realm=x, bearer error=insufficient_user_authentication, max_age=0`:                      {MaxAge: age(0)},
		`DPoP error="insufficient_user_authentication", acr_values=" a  b ", max_age="-1"`:             {ACRValues: []string{"a", "b"}},
		`Bearer error="insufficient_user_authentication", max_age="99999999999999999999999"`:           {MaxAge: age(100 * 365 * 24 * time.Hour)},
		`Bearer error="insufficient_user_authentication", max_age="soon", acr_values="access-token x"`: {ACRValues: []string{"x"}},
	} {
		for _, status := range []int{401, 403} {
			base := &fakehttp.Base{Answer: func(*http.Request) (*http.Response, error) {
				resp := fakehttp.Respond(status, "")
				resp.Header.Set("WWW-Authenticate", challenge)
				return resp, nil
			}}
			c := must(connectorauth.NewOAuth2(config2{
				ClientID: "client", ClientSecret: clientSecret, TokenURL: "https://login.example.test/token", Grant: connectorauth.ClientCredentials{},
				HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
					return fakehttp.Respond(200, `{"access_token":"access-token"}`), nil
				})}, Shared: new(connectorauth.Shared),
			}))
			_, err := c.Wrap(base).RoundTrip(must(http.NewRequest("GET", home, nil)))
			var stepUp *connectorauth.StepUpError
			require.ErrorAs(t, err, &stepUp, challenge)
			assert.Equal(t, want.MaxAge, stepUp.Authorization.MaxAge, challenge)
			assert.NotContains(t, err.Error(), "access-token")
			if len(stepUp.Authorization.ACRValues) > 0 {
				assert.Equal(t, want.ACRValues[len(want.ACRValues)-1], stepUp.Authorization.ACRValues[len(stepUp.Authorization.ACRValues)-1])
			}
			assert.Len(t, base.Requests(), 1)
		}
	}
}

func TestAuthorizationIsChecked(t *testing.T) {
	negative := -time.Second
	c := must(connectorauth.NewOAuth2(config2{ClientID: "c", TokenURL: "https://p.example/t", Grant: connectorauth.AuthorizationCode{AuthURL: "https://p.example/a"}}))
	for want, a := range map[string]connectorauth.Authorization{
		"Prompt":    {Prompt: "a\nb"},
		"ACRValues": {ACRValues: []string{"a b"}},
		"Scopes":    {Scopes: []string{"a b"}},
		"MaxAge":    {MaxAge: &negative},
	} {
		_, _, err := c.Asking(a).Begin(t.Context(), "http://127.0.0.1/callback")
		assert.ErrorContains(t, err, "Authorization: "+want)
	}
	hooked := connectorauth.WithHooks(c.Asking(connectorauth.Authorization{Prompt: "login"}), connectorauth.Hooks{BeforeAuthorize: func(_ context.Context, u *url.URL) error {
		assert.Equal(t, "login", u.Query().Get("prompt"))
		return nil
	}}).(*connectorauth.OAuth2)
	authURL, _, err := hooked.Begin(t.Context(), "http://127.0.0.1/callback")
	require.NoError(t, err)
	assert.Contains(t, authURL, "prompt=login")
}

func TestResourcesGoWithEachRequest(t *testing.T) {
	resources := []string{"https://api.example.com/v1", "urn:example:files"}
	for name, test := range map[string]struct {
		dialect            dialect.OAuth2
		inBrowser, inToken []string
	}{
		"as RFC 8707 says":              {dialect.OAuth2{}, resources, resources},
		"not in authorization requests": {dialect.OAuth2{AuthNames: map[string]string{"resource": ""}}, nil, resources},
		"not in token requests":         {dialect.OAuth2{TokenNames: map[string]string{"resource": ""}}, resources, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := authtest.New(authtest.Config{})
			defer p.Close()
			config := config2{
				ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, RevokeURL: p.RevokeURL, Resources: resources,
				Grant: connectorauth.AuthorizationCode{AuthURL: p.AuthURL}, Dialect: test.dialect, Shared: new(connectorauth.Shared),
			}
			c := must(connectorauth.NewOAuth2(config))
			consents(t, p, c)
			require.NoError(t, c.Renew(t.Context()))
			config.Grant = connectorauth.ClientCredentials{}
			if len(test.dialect.AuthNames) == 0 {
				_, err := must(connectorauth.NewOAuth2(config)).Token(t.Context())
				require.NoError(t, err)
			}
			assert.Equal(t, test.inBrowser, p.Requests(p.AuthURL)[0].URL.Query()["resource"])
			for _, r := range p.Requests(p.TokenURL) {
				assert.Equal(t, test.inToken, must(url.ParseQuery(string(r.Body)))["resource"])
			}
			require.NoError(t, c.Revoke(t.Context()))
			assert.NotContains(t, string(p.Requests(p.RevokeURL)[0].Body), "resource")
		})
	}
}

func TestUnknownResourceIsRefused(t *testing.T) {
	p := authtest.New(authtest.Config{Resources: []string{"https://api.example.com"}})
	defer p.Close()
	config := config2{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Resources: []string{"https://other.example.com"},
		Grant: connectorauth.ClientCredentials{}, Shared: new(connectorauth.Shared),
	}
	_, err := must(connectorauth.NewOAuth2(config)).Token(t.Context())
	var failed *connectorauth.TokenError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, "invalid_target", failed.Code)
	assert.NotErrorIs(t, err, connectorauth.ErrReauthRequired)

	for _, resource := range []string{"", "/relative", "https://a.example#b", "https://a b.example", "https://a.example/ü"} {
		config.Resources = []string{resource}
		_, err := connectorauth.NewOAuth2(config)
		assert.ErrorContains(t, err, "Resources: ", resource)
	}
	config.Resources = []string{"https://a.example"}
	config.Dialect = dialect.OAuth2{TokenParams: url.Values{"resource": {"x"}}}
	_, err = connectorauth.NewOAuth2(config)
	assert.ErrorContains(t, err, "resource is set by the library")
}

// What an API says in a challenge is bounded, quotes no credential, and counts with 401 and
// 403 alone.
func TestStepUpIsBounded(t *testing.T) {
	challenge := `Bearer error="insufficient_user_authentication", error_description="not with access-token", max_age="9223372036854775807", acr_values="` +
		strings.Repeat("a", 201) + " \u00e9" + strings.Repeat(" b", 30) + `"`
	status := 401
	c := must(connectorauth.NewOAuth2(config2{
		ClientID: "client", ClientSecret: clientSecret, TokenURL: "https://login.example.test/token", Grant: connectorauth.ClientCredentials{},
		HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
			return fakehttp.Respond(200, `{"access_token":"access-token"}`), nil
		})}, Shared: new(connectorauth.Shared),
	}))
	base := &fakehttp.Base{Answer: func(*http.Request) (*http.Response, error) {
		resp := fakehttp.Respond(status, "")
		resp.Header.Set("WWW-Authenticate", challenge)
		return resp, nil
	}}
	_, err := c.Wrap(base).RoundTrip(must(http.NewRequest("GET", home, nil)))
	var stepUp *connectorauth.StepUpError
	require.ErrorAs(t, err, &stepUp)
	assert.Len(t, stepUp.Authorization.ACRValues, 20)
	assert.Equal(t, "b", stepUp.Authorization.ACRValues[0], "what is too long is left out")
	assert.Equal(t, 100*365*24*time.Hour, *stepUp.Authorization.MaxAge)
	assert.NotContains(t, stepUp.Description, "access-token")
	assert.Contains(t, stepUp.Description, "not with")

	challenge = `Bearer error="insufficient_user_authentication", max_age="-9223372036854775809", error_description="` + strings.Repeat("x", 300) + `"`
	_, err = c.Wrap(base).RoundTrip(must(http.NewRequest("GET", home, nil)))
	require.ErrorAs(t, err, &stepUp)
	assert.Nil(t, stepUp.Authorization.MaxAge, "nobody signs in later than now")
	assert.Equal(t, strings.Repeat("x", 200)+"...", stepUp.Description)

	for _, status = range []int{200, 400, 404, 500} {
		resp, err := c.Wrap(base).RoundTrip(must(http.NewRequest("GET", home, nil)))
		require.NoError(t, err, "%d is no step-up", status)
		assert.Equal(t, status, resp.StatusCode)
	}
}

func TestAskingKeepsCopies(t *testing.T) {
	c := must(connectorauth.NewOAuth2(config2{
		ClientID: "c", TokenURL: "https://p.example/t", Scopes: []string{"read"}, Grant: connectorauth.AuthorizationCode{AuthURL: "https://p.example/a"},
	}))
	a := connectorauth.Authorization{Scopes: []string{"pay"}, ACRValues: []string{"mfa"}}
	asking := c.Asking(a)
	a.Scopes[0], a.ACRValues[0] = "everything", "none"
	authURL, _, err := asking.Begin(t.Context(), "http://127.0.0.1/callback")
	require.NoError(t, err)
	query := must(url.Parse(authURL)).Query()
	assert.Equal(t, "read pay mfa", query.Get("scope")+" "+query.Get("acr_values"))
	_, _, err = c.Asking(connectorauth.Authorization{ACRValues: []string{""}}).Begin(t.Context(), "http://127.0.0.1/callback")
	assert.ErrorContains(t, err, "ACRValues")
}
