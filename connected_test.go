package connectorauth_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
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
	"golang.org/x/oauth2"
)

// requireNotConnected checks an error of an account that never had a token, or of an
// account that had one.
func requireNotConnected(t *testing.T, never bool, err error) {
	t.Helper()
	require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
	require.Equal(t, never, errors.Is(err, connectorauth.ErrNotConnected), err)
}

func TestNeverConnectedAndRevokedAreDifferentErrors(t *testing.T) {
	assert.ErrorIs(t, connectorauth.ErrNotConnected, connectorauth.ErrReauthRequired)
	assert.NotErrorIs(t, connectorauth.ErrReauthRequired, connectorauth.ErrNotConnected)
	for _, store := range []connectorauth.TokenStore{nil, new(tokenstore.Memory), &plainStore{}} {
		t.Run(fmt.Sprintf("%T", store), func(t *testing.T) {
			bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
				var seen events
				open := func() *connectorauth.OAuth2 {
					return connect(t, p, func(c *connectorauth.OAuth2Config) {
						c.Observe = seen.observe
						if store != nil {
							c.Store, c.Account, c.Shared = store, "alice", new(connectorauth.Shared)
						}
					})
				}
				c := open()
				for range 2 {
					_, err := connectorauth.NewClient(c, &http.Client{Transport: rejecting}).Get(home)
					requireNotConnected(t, true, err)
					seen.requireReauth(t, true)
				}
				_, err := open().Token(t.Context())
				requireNotConnected(t, true, err)

				issue(t, p, c, time.Hour)
				p.RevokeGrants()
				time.Sleep(2 * time.Hour)
				_, err = c.Token(t.Context())
				requireNotConnected(t, false, err)
				seen.requireReauth(t, false)
				if store != nil {
					_, err = open().Token(t.Context())
					requireNotConnected(t, false, err)
					require.NoError(t, store.Delete(t.Context(), "alice"))
					_, err = open().Token(t.Context())
					requireNotConnected(t, true, err)
				}
			})
		})
	}
}

// requireReauth checks the last EventReauthRequired, if there is one.
func (e *events) requireReauth(t *testing.T, never bool) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := len(e.list) - 1; i >= 0; i-- {
		if e.list[i].Kind == connectorauth.EventReauthRequired {
			requireNotConnected(t, never, e.list[i].Err)
			return
		}
	}
	t.Error("there is no event of kind reauth_required")
}

// plainStore is a TokenStore that is not shared.
type plainStore struct{ inner tokenstore.Memory }

func (s *plainStore) Load(ctx context.Context, key string) ([]byte, bool, error) {
	return s.inner.Load(ctx, key)
}
func (s *plainStore) Save(ctx context.Context, key string, value []byte) error {
	return s.inner.Save(ctx, key, value)
}
func (s *plainStore) Delete(ctx context.Context, key string) error { return s.inner.Delete(ctx, key) }

func TestTokenWithoutRefreshTokenWasConnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := dialected(t, config2{Grant: connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/auth"}}, nil)
		require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{AccessToken: "a", Expiry: time.Now().Add(time.Minute)}))
		time.Sleep(time.Hour)
		_, err := c.Token(t.Context())
		requireNotConnected(t, false, err)
	})
}

func TestOAuth1AccountThatWasNeverConnected(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		var seen events
		c := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
			ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), HTTPClient: p.Client(), Observe: seen.observe,
			RequestTokenURL: p.RequestTokenURL, AuthorizeURL: p.AuthorizeURL, AccessTokenURL: p.AccessTokenURL,
			Store: new(tokenstore.Memory), Account: "alice",
		}))
		_, err := c.Extra(t.Context())
		requireNotConnected(t, true, err)
		seen.requireReauth(t, true)
		assert.ErrorContains(t, err, `"alice"`)
		assert.ErrorContains(t, err, p.AccessTokenURL)
	})
}

// A grant of another package that needs the owner has nothing to send.
func TestOwnGrantThatNeedsTheOwnerWasNeverConnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reply := error(connectorauth.ErrReauthRequired)
		c, _ := dialected(t, config2{Grant: ownersGrant{func() error { return reply }}}, nil)
		_, err := c.Token(t.Context())
		requireNotConnected(t, true, err)
		reply = errBroken
		c, _ = dialected(t, config2{Grant: ownersGrant{func() error { return reply }}}, nil)
		_, err = c.Token(t.Context())
		require.ErrorIs(t, err, errBroken)
		assert.NotErrorIs(t, err, connectorauth.ErrReauthRequired)
	})
}

// ownersGrant is a grant that only the account owner can repeat.
type ownersGrant struct{ err func() error }

func (ownersGrant) GrantType() string                                               { return "urn:owner" }
func (g ownersGrant) Parameters(context.Context, *connectorauth.TokenRequest) error { return g.err() }
func (ownersGrant) Traits() connectorauth.GrantTraits {
	return connectorauth.GrantTraits{NeedsOwner: true}
}

func TestCustomAccountThatWasNeverConnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(tokenstore.Memory)
		for range 2 {
			c := must(connectorauth.NewCustom(connectorauth.CustomConfig{
				Authenticate: func(*http.Request, connectorauth.CustomCredential) error { return nil },
				Obtain: func(context.Context, connectorauth.CustomCredential, *http.Response) (connectorauth.CustomCredential, error) {
					return connectorauth.CustomCredential{}, connectorauth.ErrNotConnected
				},
				Store: store, Account: "alice", Shared: new(connectorauth.Shared),
			}))
			_, err := c.Wrap(rejecting).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
			requireNotConnected(t, true, err)
		}
	})
}

// An http.Client names the URL of the API, which is not to blame.
func TestErrorsOfRenewalsNameTheEndpointAndTheAccount(t *testing.T) {
	const endpoint = "https://login.example.test/token" // with a query, see dialected
	code := connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/auth"}
	type answers = func(int, *http.Request) (int, string)
	refresh := &oauth2.Token{RefreshToken: refreshToken}
	for _, test := range []struct {
		name     string
		config   config2
		token    *oauth2.Token
		answer   answers
		endpoint string // empty means endpoint
	}{
		{"never connected", config2{Grant: code}, nil, nil, ""},
		{"outage", config2{Grant: code}, refresh, outage(503, ""), ""},
		{"revoked", config2{Grant: code}, refresh, outage(400, `{"error":"invalid_grant"}`), ""},
		{"no refresh token", config2{Grant: code}, &oauth2.Token{AccessToken: "a", Expiry: time.Unix(1, 0)}, nil, ""},
		{"wrong secret", config2{Grant: connectorauth.ClientCredentials{}}, nil, outage(401, `{"error":"invalid_client"}`), ""},
		{"not JSON", config2{Grant: connectorauth.ClientCredentials{}}, nil, outage(200, "<html>"), ""},
		{"another type", config2{Grant: connectorauth.ClientCredentials{}}, nil, outage(200, `{"access_token":"a","token_type":"mac"}`), ""},
		{"password", config2{Grant: connectorauth.PasswordCredentials{Username: "u", Password: password}}, nil, outage(400, `{"error":"invalid_grant"}`), ""},
		{"client authentication", config2{Grant: connectorauth.ClientCredentials{}, ClientAuth: brokenAuth{}}, nil, nil, ""},
		{"own grant", config2{Grant: ownersGrant{func() error { return errBroken }}}, nil, nil, ""},
		{"proof", config2{Grant: connectorauth.ClientCredentials{}, Proof: brokenProof{}}, nil, nil, ""},
		{"RefreshURL", config2{Grant: code, Dialect: dialect.OAuth2{RefreshURL: "https://login.example.test/refresh?key=1"}},
			refresh, outage(503, ""), "https://login.example.test/refresh"},
		{"Extend", config2{Grant: code, Dialect: dialect.OAuth2{Extend: dialect.TokenExchange{URL: "https://login.example.test/extend?key=1", GrantType: "x"}}},
			&oauth2.Token{AccessToken: "a", Expiry: time.Unix(1, 0)}, outage(503, ""), "https://login.example.test/extend"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var seen events
				test.config.Store, test.config.Account, test.config.Observe = new(tokenstore.Memory), "alice@example.com", seen.observe
				c, _ := dialected(t, test.config, test.answer)
				if test.token != nil {
					require.NoError(t, c.SetToken(t.Context(), test.token))
				}
				for range 2 { // the second error is of what is known of the account
					_, err := connectorauth.NewClient(c, &http.Client{Transport: rejecting}).Get(home)
					requireNames(t, err, cmp.Or(test.endpoint, endpoint))
				}
				for _, event := range seen.all() {
					if event.Err != nil {
						requireNames(t, event.Err, cmp.Or(test.endpoint, endpoint))
					}
				}
				second, _ := dialected(t, withShared(test.config), test.answer)
				_, err := second.Token(t.Context())
				require.ErrorContains(t, err, "alice@example.com")
				require.ErrorContains(t, err, "https://login.example.test/")
			})
		})
	}
}

func withShared(c config2) config2 {
	c.Shared = new(connectorauth.Shared)
	return c
}

// requireNames checks that an error names endpoint, without the query, and account.
func requireNames(t *testing.T, err error, endpoint string) {
	t.Helper()
	require.ErrorContains(t, err, endpoint)
	require.ErrorContains(t, err, `"alice@example.com"`)
	assert.NotContains(t, err.Error(), "tenant=1")
	assert.NotContains(t, err.Error(), "key=1")
	var failed *connectorauth.TokenError
	if errors.As(err, &failed) {
		assert.Equal(t, "alice@example.com", failed.Account)
		assert.Equal(t, endpoint, failed.Endpoint)
	}
}

// brokenAuth cannot authenticate a client.
type brokenAuth struct{}

func (brokenAuth) Authenticate(context.Context, *connectorauth.TokenRequest) error { return errBroken }

// brokenProof makes no key.
type brokenProof struct{}

func (brokenProof) TokenTypes() []string                                                  { return []string{"Own"} }
func (brokenProof) Bind(connectorauth.Secret) (url.Values, error)                         { return nil, nil }
func (brokenProof) NewKey() (connectorauth.Secret, error)                                 { return "", errBroken }
func (brokenProof) Prove(*http.Request, connectorauth.Secret, connectorauth.Secret) error { return nil }
func (brokenProof) Again(*http.Response) bool                                             { return false }

func TestErrorOfALongLivedExchangeNamesItsEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen events
		c, _ := dialected(t, config2{
			Grant:   connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/auth"},
			Dialect: dialect.OAuth2{LongLived: dialect.TokenExchange{URL: "https://login.example.test/long?key=1", GrantType: "x"}},
			Store:   new(tokenstore.Memory), Account: "alice@example.com", Observe: seen.observe,
		}, func(n int, r *http.Request) (int, string) {
			if r.URL.Path == "/long" {
				return 503, ""
			}
			return 200, `{"access_token":"a1"}`
		})
		authURL, pending, err := c.Begin(t.Context(), callbackURL)
		require.NoError(t, err)
		require.NoError(t, c.Finish(t.Context(), pending, url.Values{"state": must(url.Parse(authURL)).Query()["state"], "code": {authCode}}))
		for _, event := range seen.all() {
			if event.Kind == connectorauth.EventRenewFailed {
				requireNames(t, event.Err, "https://login.example.test/long")
				return
			}
		}
		t.Error("there is no event")
	})
}

func TestErrorsOfOAuth1NameTheEndpointAndTheAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
			ClientID: "c", ClientSecret: clientSecret, Account: "alice@example.com", Store: new(tokenstore.Memory),
			RequestTokenURL: "https://login.example.test/temp?key=1", AuthorizeURL: "https://login.example.test/auth",
			AccessTokenURL: "https://login.example.test/access?key=1",
			HTTPClient:     &http.Client{Transport: &fakehttp.Base{Answer: fakehttp.Statuses(503)}},
		}))
		_, _, err := c.Begin(t.Context(), callbackURL)
		requireNames(t, err, "https://login.example.test/temp")
	})
}
