package connectorauth_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// failedToken returns the error of a token request that was answered by a status
// and a body.
func failedToken(t *testing.T, status int, body string) *connectorauth.TokenError {
	t.Helper()
	c, _ := dialected(t, config2{Grant: connectorauth.ClientCredentials{}}, func(int, *http.Request) (int, string) { return status, body })
	_, err := c.Token(t.Context())
	var failed *connectorauth.TokenError
	require.ErrorAs(t, err, &failed)
	return failed
}

func TestTokenErrorIsTemporaryIfTheSameRequestMaySucceed(t *testing.T) {
	for _, test := range []struct {
		status    int
		code      string
		temporary bool
	}{
		{400, "invalid_client", false},
		{401, "invalid_client", false},
		{400, "unauthorized_client", false},
		{400, "made_up", false},
		{408, "made_up", true},
		{429, "made_up", true},
		{500, "made_up", true},
		{503, "invalid_client", true},
		{400, "invalid_request", true},
		{400, "server_error", true},
		{400, "temporarily_unavailable", true},
		{400, "slow_down", true},
		{400, "", true},
		{403, "", true},
		{502, "", true},
	} {
		body := "<html>"
		if test.code != "" {
			body = fmt.Sprintf(`{"error":%q}`, test.code)
		}
		failed := failedToken(t, test.status, body)
		assert.Equal(t, test.code, failed.Code)
		assert.Equal(t, test.temporary, failed.Temporary(), "%d %s", test.status, test.code)
	}
}

func TestRefusedAuthorizationIsNotTemporaryUnlessItsCodeSaysSo(t *testing.T) {
	for code, temporary := range map[string]bool{
		"invalid_request": false, "access_denied": false, "invalid_scope": false, "server_error": true, "temporarily_unavailable": true,
	} {
		c, _ := dialected(t, config2{Grant: connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/auth"}}, nil)
		authURL, pending, err := c.Begin(t.Context(), callbackURL)
		require.NoError(t, err)
		err = c.Finish(t.Context(), pending, url.Values{"state": must(url.Parse(authURL)).Query()["state"], "error": {code}})
		var failed *connectorauth.TokenError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, temporary, failed.Temporary(), code)
		assert.NotErrorIs(t, err, connectorauth.ErrReauthRequired)
	}
}

func TestOutageThatSaysInvalidGrantKillsNoAccount(t *testing.T) {
	for _, status := range []int{408, 429, 500, 502, 503, 504} {
		for _, code := range []string{"invalid_grant", "bad_refresh_token", "190"} {
			t.Run(fmt.Sprint(status, code), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, last := dialected(t, config2{
						Grant:   connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/auth"},
						Dialect: dialect.OAuth2{InvalidGrantCodes: []string{"190"}},
					}, func(n int, _ *http.Request) (int, string) {
						if n == 1 {
							return status, fmt.Sprintf(`{"error":%q}`, code)
						}
						return 200, `{"access_token":"a2","expires_in":3600}`
					})
					require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{RefreshToken: "r1"}))
					_, err := c.Token(t.Context())
					require.NotErrorIs(t, err, connectorauth.ErrReauthRequired)
					var failed *connectorauth.TokenError
					require.ErrorAs(t, err, &failed)
					assert.True(t, failed.Temporary())
					time.Sleep(time.Hour)
					assert.Equal(t, "a2", must(c.Token(t.Context())).AccessToken)
					assert.Contains(t, last().Body, "refresh_token=r1")
				})
			})
		}
	}
	refused := func(int, *http.Request) (int, string) { return 400, `{"error":"invalid_grant"}` }
	c, _ := dialected(t, config2{Grant: connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/auth"}}, refused)
	require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{RefreshToken: "r1"}))
	_, err := c.Token(t.Context())
	assert.ErrorIs(t, err, connectorauth.ErrReauthRequired, "without an outage, the account is dead")
}

// A clock that is ahead, for example, makes a provider refuse an assertion.
func TestGrantWithoutAPersonIsAskedAgainAfterInvalidGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := dialected(t, config2{Grant: connectorauth.ClientCredentials{}}, func(n int, _ *http.Request) (int, string) {
			if n == 1 {
				return 400, `{"error":"invalid_grant"}`
			}
			return 200, `{"access_token":"a2"}`
		})
		_, err := c.Token(t.Context())
		require.ErrorContains(t, err, "invalid_grant")
		assert.NotErrorIs(t, err, connectorauth.ErrReauthRequired)
		assert.NotContains(t, err.Error(), "owner")
		time.Sleep(2 * time.Minute)
		assert.Equal(t, "a2", must(c.Token(t.Context())).AccessToken)
	})
}

func TestTokenErrorIsARetrieveErrorOfXOAuth2(t *testing.T) {
	failed := failedToken(t, 401, `{"error":"invalid_client","error_description":"who? `+clientSecret+`","access_token":"`+accessToken+`"}`)
	wrapped := &url.Error{Op: "Get", URL: home, Err: fmt.Errorf("api: %w", failed)} // as http.Client does
	var theirs *oauth2.RetrieveError
	require.True(t, errors.As(wrapped, &theirs))
	assert.Equal(t, 401, theirs.Response.StatusCode)
	assert.Equal(t, "401 Unauthorized", theirs.Response.Status)
	assert.Equal(t, "invalid_client", theirs.ErrorCode)
	assert.Equal(t, "who? [redacted]", theirs.ErrorDescription)
	assert.Empty(t, theirs.Body)
	assert.Empty(t, canary.Found(fmt.Sprintf("%v %+v", theirs, theirs.Response), clientSecret, accessToken))
	var ours *connectorauth.TokenError
	require.True(t, errors.As(wrapped, &ours))
	assert.Same(t, failed, ours)
	var other *url.Error
	assert.False(t, errors.As(error(failed), &other))

	c, _ := dialected(t, config2{Grant: connectorauth.ClientCredentials{}}, nil)
	lost := connectorauth.WithHooks(c, connectorauth.Hooks{BeforeToken: func(*connectorauth.Exchange) error { return errBroken }})
	_, err := lost.(*connectorauth.OAuth2).Token(t.Context())
	require.True(t, errors.As(err, &ours))
	assert.False(t, errors.As(err, &theirs), "there is no response")
}

// A base that repeats what it takes for temporary must not repeat a request
// whose error the library has rewritten.
func TestRewrittenErrorOfABaseIsNotTemporary(t *testing.T) {
	key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, In: dialect.InQuery, Name: "api_key"}))
	base := fakehttp.RoundTripper(func(r *http.Request) (*http.Response, error) {
		return nil, &url.Error{Op: "Get", URL: r.URL.String(), Err: errBroken}
	})
	_, err := key.Wrap(base).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
	var rewritten interface{ Temporary() bool }
	require.ErrorAs(t, err, &rewritten)
	assert.False(t, rewritten.Temporary())
}

func TestBaseErrorDoesNotShowTheInjectedURL(t *testing.T) {
	key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, In: dialect.InQuery, Name: "api_key"}))
	// Bases that wrap an http.Client, such as those that retry, name the URL in
	// errors of several shapes.
	shapes := map[string]func(*http.Request) error{
		"url.Error": func(r *http.Request) error { return &url.Error{Op: "Get", URL: r.URL.String(), Err: errBroken} },
		"wrapped url.Error": func(r *http.Request) error {
			return fmt.Errorf("%s %s giving up: %w", r.Method, r.URL, &url.Error{Op: "Get", URL: r.URL.String(), Err: errBroken})
		},
		"url.Error twice": func(r *http.Request) error {
			return &url.Error{Op: "Get", URL: r.URL.String(), Err: &url.Error{Op: "Get", URL: r.URL.String(), Err: errBroken}}
		},
		"text":          func(r *http.Request) error { return fmt.Errorf("%s %s giving up: %w", r.Method, r.URL, errBroken) },
		"request line":  func(r *http.Request) error { return fmt.Errorf("GET %q: %w", r.URL.RequestURI(), errBroken) },
		"decoded query": func(r *http.Request) error { return fmt.Errorf("query %v: %w", r.URL.Query(), errBroken) },
		"joined": func(r *http.Request) error {
			return errors.Join(errors.New("first try"), &url.Error{Op: "Get", URL: r.URL.String(), Err: errBroken})
		},
	}
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			base := fakehttp.RoundTripper(func(r *http.Request) (*http.Response, error) { return nil, shape(r) })
			_, err := connectorauth.NewClient(key, &http.Client{Transport: base}).Get(home + "/path?page=2")
			require.ErrorIs(t, err, errBroken, "the cause can be told")
			assert.Contains(t, err.Error(), "/path?page=2", "so can the request")
			for e := err; e != nil; e = errors.Unwrap(e) {
				assert.Empty(t, canary.Found(fmt.Sprintf("%v %+v %#v", e, e, e), secretKey))
			}
		})
	}

	t.Run("kinds of errors", func(t *testing.T) {
		cause := &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
		base := fakehttp.RoundTripper(func(r *http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: "Get", URL: r.URL.String(), Err: cause}
		})
		_, err := key.Wrap(base).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
		var operation *net.OpError
		require.ErrorAs(t, err, &operation)
		var shows *url.Error
		require.False(t, errors.As(err, &shows), "its URL has the key")

		_, err = connectorauth.NewClient(key, &http.Client{Transport: base}).Get(home)
		require.ErrorAs(t, err, &shows)
		assert.True(t, shows.Timeout())
		assert.Equal(t, home, shows.URL)
	})
	t.Run("without the URL", func(t *testing.T) {
		base := fakehttp.RoundTripper(func(r *http.Request) (*http.Response, error) { return nil, errBroken })
		_, err := key.Wrap(base).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
		assert.Same(t, errBroken, err, "an error that shows nothing is passed on as it is")
	})
}

func TestKeyIsInNoNetErrorOfABase(t *testing.T) {
	c := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "canary-key", In: dialect.InQuery, Name: "key"}))
	base := fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		return nil, &url.Error{Op: "Get", URL: req.URL.String(), Err: errors.New("no route")}
	})
	_, err := c.Wrap(base).RoundTrip(must(http.NewRequest("GET", "https://api.example.com/", nil)))
	var failed net.Error
	require.ErrorAs(t, err, &failed)
	assert.NotContains(t, failed.Error(), "canary-key")
}
