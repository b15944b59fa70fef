package connectorauth_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Foreign code runs right before a refresh token is sent. If that code fails, nothing
// was sent, and so nothing is in doubt, even at a provider that rotates.
func TestForeignCodeThatFailsBeforeSendingSpendsNothing(t *testing.T) {
	for name, fail := range map[string]func() error{
		"error": func() error { return errBroken },
		"panic": func() error { panic("out of order") },
	} {
		for place, edit := range map[string]func(c *connectorauth.OAuth2Config, fail func() error) (hooks connectorauth.Hooks){
			"hook": func(_ *connectorauth.OAuth2Config, fail func() error) connectorauth.Hooks {
				return connectorauth.Hooks{BeforeRefresh: func(*connectorauth.Exchange) error { return fail() }}
			},
			"ClientAuth": func(c *connectorauth.OAuth2Config, fail func() error) (none connectorauth.Hooks) {
				c.ClientAuth = ownAuth(func(*connectorauth.TokenRequest) error { return fail() })
				return none
			},
			"Proof": func(c *connectorauth.OAuth2Config, fail func() error) (none connectorauth.Hooks) {
				c.Proof = ownProof(func(*http.Request) error { return fail() })
				return none
			},
		} {
			t.Run(place+"/"+name, func(t *testing.T) {
				inTime(t, new(account), func(t *testing.T, a *account) {
					a.answer = func(n int, _ url.Values) (*http.Response, error) {
						return fakehttp.Respond(200, fmt.Sprintf(`{"access_token":"a%d","token_type":"Bearer","refresh_token":"r%d","expires_in":3600}`, n, n)), nil
					}
					broken := false
					var hooks connectorauth.Hooks
					a.edit = func(c *connectorauth.OAuth2Config) {
						hooks = edit(c, func() error {
							if broken {
								return fail()
							}
							return nil
						})
					}
					obtain := func() error {
						c := a.connector()
						_, err := connectorauth.WithHooks(c, hooks).(*connectorauth.OAuth2).Token(t.Context())
						return err
					}
					a.set(t)
					time.Sleep(time.Hour)
					require.NoError(t, obtain(), "the provider is seen to rotate")
					time.Sleep(time.Hour)
					broken = true
					require.Error(t, obtain())
					assert.NotContains(t, a.stored(t), `"doubt":`)
					time.Sleep(time.Minute)
					broken = false
					require.NoError(t, obtain())
					assert.Equal(t, []string{"r0", "r1"}, a.sent("refresh_token"))
				})
			})
		}
	}
}

func TestPauseThatAProviderAsksForHoldsForAllConnectors(t *testing.T) {
	inTime(t, new(account), func(t *testing.T, a *account) {
		until := time.Now().Add(time.Hour + 30*time.Minute)
		a.answer = func(int, url.Values) (*http.Response, error) {
			resp := fakehttp.Respond(429, "")
			resp.Header.Set("Retry-After", until.UTC().Format(http.TimeFormat))
			return resp, nil
		}
		a.set(t)
		time.Sleep(time.Hour)
		for range 10 {
			_, err := a.token(t)
			require.Error(t, err)
			time.Sleep(time.Minute)
		}
		assert.Len(t, a.forms, 1)
		a.answer = granted
		time.Sleep(20 * time.Minute)
		assert.Equal(t, "a2", must(a.token(t)))
	})
}

func TestOAuth1RecordOfAnotherServiceIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(tokenstore.Memory)
		require.NoError(t, store.Save(t.Context(), "alice", []byte(`{"v":1,"oauth_token":"t","oauth_token_secret":"s",
			"issued":"1999-12-31T00:00:00Z","extra":{"oauth_session_handle":"h","oauth_expires_in":"3600"}}`)))
		requests := 0
		at := func(host string) *connectorauth.OAuth1 {
			return must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
				ClientID: "client", ClientSecret: "secret", Store: store, Account: "alice", Shared: new(connectorauth.Shared),
				RequestTokenURL: "https://p.example/request", AuthorizeURL: "https://p.example/authorize", AccessTokenURL: host + "/access",
				HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
					requests++
					return fakehttp.Respond(200, "oauth_token=new&oauth_token_secret=s&oauth_expires_in=3600"), nil
				})},
			}))
		}
		_, err := at("https://p.example").Extra(t.Context())
		require.NoError(t, err)
		base := new(fakehttp.Base)
		for range 2 {
			_, err = connectorauth.NewClient(at("https://q.example"), &http.Client{Transport: base}).Get("https://api.q.example/")
			require.ErrorContains(t, err, "https://p.example/access")
			require.ErrorContains(t, err, "https://q.example/access")
			time.Sleep(2 * time.Hour)
		}
		assert.Empty(t, base.Requests())
		assert.Equal(t, 1, requests)
	})
}

// An API that refuses everything costs one renewal, with each kind of credential.
func TestStreamedRequestsCostOneRenewalOfEachKind(t *testing.T) {
	for _, kind := range []string{"OAuth1", "Custom", "Join"} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var renewals atomic.Int32
				custom := must(connectorauth.NewCustom(connectorauth.CustomConfig{
					Authenticate: func(*http.Request, connectorauth.CustomCredential) error { return nil },
					Obtain: func(context.Context, connectorauth.CustomCredential, *http.Response) (connectorauth.CustomCredential, error) {
						renewals.Add(1)
						return connectorauth.CustomCredential{Value: "v"}, nil
					},
				}))
				store := new(tokenstore.Memory)
				require.NoError(t, store.Save(t.Context(), "alice", []byte(`{"v":1,"oauth_token":"t","oauth_token_secret":"s","extra":{"oauth_session_handle":"h"}}`)))
				oauth1 := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
					ClientID: "client", ClientSecret: "secret", Store: store, Account: "alice", Shared: new(connectorauth.Shared),
					RequestTokenURL: "https://p.example/request", AuthorizeURL: "https://p.example/authorize", AccessTokenURL: "https://p.example/access",
					HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
						renewals.Add(1)
						return fakehttp.Respond(200, "oauth_token=t&oauth_token_secret=s"), nil
					})},
				}))
				c, want := connectorauth.Connector(oauth1), 1
				switch kind {
				case "Custom":
					c, want = custom, 2 // the first value, and one renewal
				case "Join":
					c, want = must(connectorauth.Join(custom, oauth1)), 3
				}
				client := connectorauth.NewClient(c, &http.Client{Transport: &fakehttp.Base{Answer: fakehttp.Statuses(401)}})
				for range 30 {
					resp, err := client.Post("https://api.example/", "text/plain", io.MultiReader(strings.NewReader("streamed")))
					require.NoError(t, err)
					assert.Equal(t, 401, resp.StatusCode)
					synctest.Wait()
				}
				assert.EqualValues(t, want, renewals.Load())
			})
		})
	}
}

// A response is read and kept before a hook sees it.
func TestHookThatFailsAfterARefreshLosesNoToken(t *testing.T) {
	for name, hook := range map[string]func(*connectorauth.Exchange) error{
		"error": func(*connectorauth.Exchange) error { return errBroken },
		"panic": func(*connectorauth.Exchange) error { panic("out of order") },
		"error after a change": func(e *connectorauth.Exchange) error {
			e.SetResponseBody([]byte("nonsense"))
			return errBroken
		},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, &account{answer: granted}, func(t *testing.T, a *account) {
				a.set(t)
				time.Sleep(time.Hour)
				c := connectorauth.WithHooks(a.connector(), connectorauth.Hooks{AfterRefresh: hook}).(*connectorauth.OAuth2)
				_, err := c.Token(t.Context())
				require.Error(t, err)
				assert.Contains(t, a.stored(t), `"r1"`)
				assert.NotContains(t, a.stored(t), `"doubt":`)
				time.Sleep(2 * time.Hour)
				must(a.token(t))
				assert.Equal(t, []string{"r0", "r1"}, a.sent("refresh_token"))
			})
		})
	}
}
