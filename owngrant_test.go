package connectorauth_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// ownGrant is a Grant of another package.
type ownGrant struct {
	params url.Values
	traits connectorauth.GrantTraits
}

func (ownGrant) GrantType() string { return "urn:example:own" }
func (g ownGrant) Parameters(_ context.Context, r *connectorauth.TokenRequest) error {
	maps.Copy(r.Params, g.params)
	return nil
}
func (g ownGrant) Traits() connectorauth.GrantTraits { return g.traits }

// ownAuth is a ClientAuth of another package.
type ownAuth func(r *connectorauth.TokenRequest) error

func (f ownAuth) Authenticate(_ context.Context, r *connectorauth.TokenRequest) error { return f(r) }

func TestOwnGrantKeepsItsParametersAndItsScope(t *testing.T) {
	own := url.Values{"assertion": {"one"}, "scope": {"mine"}}
	c, last := dialected(t, config2{Grant: ownGrant{params: own}, Scopes: []string{"config"}}, nil)
	must(c.Token(t.Context()))
	sent := must(url.ParseQuery(last().Body))
	assert.Equal(t, []string{"mine"}, sent["scope"])
	assert.Equal(t, url.Values{"assertion": {"one"}, "scope": {"mine"}}, own, "the grant's own map stays as it is")

	delete(own, "scope")
	c, last = dialected(t, config2{Grant: ownGrant{params: own}, Scopes: []string{"config"}}, nil)
	must(c.Token(t.Context()))
	assert.Equal(t, []string{"config"}, must(url.ParseQuery(last().Body))["scope"])
	assert.Equal(t, url.Values{"assertion": {"one"}}, own)
}

func TestOwnClientAuthChangesOneRequestOnly(t *testing.T) {
	calls := 0
	auth := ownAuth(func(r *connectorauth.TokenRequest) error {
		if calls++; calls == 1 {
			r.Header.Set("Authorization", "Own 1")
			r.Params.Set("client_assertion", "jwt")
		}
		return nil
	})
	c, last := dialected(t, config2{
		Grant: ownGrant{}, ClientAuth: auth, Dialect: dialect.OAuth2{TokenHeader: http.Header{"X-Version": {"2"}}},
	}, func(int, *http.Request) (int, string) { return 200, `{"access_token":"a","expires_in":-1}` })
	must(c.Token(t.Context()))
	assert.Equal(t, "Own 1", last().Header.Get("Authorization"))
	require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{RefreshToken: "r"}))
	must(c.Token(t.Context()))
	assert.Empty(t, last().Header.Get("Authorization"))
	assert.Equal(t, "2", last().Header.Get("X-Version"))
	assert.NotContains(t, last().Body, "client_assertion")
}

func TestErrorOfAClientAuthThatQuotesASecretIsWithheld(t *testing.T) {
	c, _ := dialected(t, config2{Grant: connectorauth.ClientCredentials{}, ClientAuth: ownAuth(func(r *connectorauth.TokenRequest) error {
		return errors.New("cannot sign with " + string(r.ClientSecret))
	})}, nil)
	_, err := c.Token(t.Context())
	require.ErrorContains(t, err, "withheld")
	assert.NotContains(t, err.Error(), clientSecret)
}

// A request that nobody spends anything with is simply made again.
func TestLostResponseIsAskedForAgainWhereNothingIsSpent(t *testing.T) {
	for _, singleUse := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			lost := false
			tokens := fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
				if lost {
					return nil, errors.New("connection reset")
				}
				return fakehttp.Respond(200, `{"access_token":"a","expires_in":3600}`), nil
			})
			requests := 0
			c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
				ClientID: "client", ClientSecret: clientSecret, TokenURL: "https://login.example.test/token",
				Grant: ownGrant{traits: connectorauth.GrantTraits{SingleUse: singleUse}},
				HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
					requests++
					return tokens(req)
				})},
			}))
			must(c.Token(t.Context()))
			lost = true
			for time.Sleep(56 * time.Minute); requests < 100; time.Sleep(10 * time.Second) {
				if _, err := c.Token(t.Context()); err != nil {
					break // the token has expired
				}
				synctest.Wait()
			}
			if singleUse {
				assert.LessOrEqual(t, requests, 3, "one renewal while the token was good, and one after its end")
			} else {
				assert.Greater(t, requests, 4)
			}
		})
	}
}

func TestRefreshResponseWithStandardNamesHasTheDialectsExpiryFormat(t *testing.T) {
	c, _ := dialected(t, config2{
		Grant:   connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/auth"},
		Dialect: dialect.OAuth2{Response: dialect.Response{AccessToken: "data.token", Expiry: "data.ttl", ExpiryFormat: dialect.ExpiryMilliseconds}},
	}, func(int, *http.Request) (int, string) { return 200, `{"access_token":"a","expires_in":3600000}` })
	require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{RefreshToken: "r"}))
	assert.WithinDuration(t, time.Now().Add(time.Hour), must(c.Token(t.Context())).Expiry, time.Minute)
}

func TestKeptRefreshTokenIsThatOfTheConsent(t *testing.T) {
	synctest.Test(t, keptRefreshToken)
}

func keptRefreshToken(t *testing.T) {
	c, last := dialected(t, config2{
		Grant:   connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/auth"},
		Dialect: dialect.OAuth2{KeepRefreshToken: true},
	}, func(n int, _ *http.Request) (int, string) {
		return 200, `{"access_token":"a","refresh_token":"r` + string(rune('0'+n)) + `","expires_in":1}`
	})
	authURL, pending, err := c.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	state := must(url.Parse(authURL)).Query().Get("state")
	require.NoError(t, c.Finish(t.Context(), pending, url.Values{"state": {state}, "code": {"c"}}))
	for range 2 {
		time.Sleep(2 * time.Second)
		must(c.Token(t.Context()))
		assert.Contains(t, last().Body, "refresh_token=r1")
	}
}

func TestRedirectThatIsRefusedIsClosed(t *testing.T) {
	body := &countingCloser{}
	key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "s3cret-key-1234", In: dialect.InQuery, Name: "key"}))
	_, err := key.Wrap(fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
		resp := fakehttp.Respond(307, "")
		resp.Header.Set("Location", "/v1/s3cret-key-1234/x")
		resp.Body = body
		return resp, nil
	})).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
	require.ErrorContains(t, err, "not followed")
	assert.Equal(t, 1, body.closed)
}

type countingCloser struct {
	strings.Reader
	closed int
}

func (c *countingCloser) Close() error { c.closed++; return nil }

// stuckGrant is a grant that does not return before it is released.
type stuckGrant struct{ release chan struct{} }

func (stuckGrant) GrantType() string { return "urn:stuck" }
func (g stuckGrant) Parameters(context.Context, *connectorauth.TokenRequest) error {
	<-g.release
	return nil
}
func (stuckGrant) Traits() connectorauth.GrantTraits {
	return connectorauth.GrantTraits{NoRefresh: true}
}

func TestGrantThatIgnoresItsContextHoldsNoRequestForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		grant := stuckGrant{make(chan struct{})}
		c, _ := dialected(t, config2{Grant: grant}, nil)
		client := connectorauth.NewClient(c, &http.Client{Transport: &fakehttp.Base{}})
		began := time.Now()
		for range 2 {
			_, err := client.Get(home)
			require.ErrorContains(t, err, "ignores its context")
			require.ErrorContains(t, err, "https://login.example.test/token")
		}
		assert.LessOrEqual(t, time.Since(began), 95*time.Second)
		close(grant.release)
		synctest.Wait()
		assert.Equal(t, "a", must(c.Token(t.Context())).AccessToken)
	})
}

func TestOwnGrantWithoutRefreshIgnoresRefreshTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, last := dialected(t, config2{Grant: ownGrant{traits: connectorauth.GrantTraits{NoRefresh: true}}}, func(int, *http.Request) (int, string) {
			return 200, `{"access_token":"a","refresh_token":"r","expires_in":60}`
		})
		for range 2 {
			must(c.Token(t.Context()))
			assert.Equal(t, "urn:example:own", must(url.ParseQuery(last().Body)).Get("grant_type"))
			time.Sleep(time.Hour)
		}
	})
}
