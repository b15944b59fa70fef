package connectorauth_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// inSession runs a test with a consented connector whose tokens live for an
// hour, in a bubble where time passes at once.
func inSession(t *testing.T, config authtest.Config, edit func(*connectorauth.OAuth1Config), test func(t *testing.T, p *authtest.Provider, c *connectorauth.OAuth1)) {
	synctest.Test(t, func(t *testing.T) {
		config.InMemory = true
		p := authtest.New(config)
		defer p.Close()
		client := consenting(p)
		if edit != nil {
			edit(&client)
		}
		c := must(connectorauth.NewOAuth1(client))
		consent(t, p, c)
		test(t, p, c)
	})
}

var hourly = authtest.Config{OAuth1Lifetime: time.Hour, OAuth1Session: 24 * time.Hour}

// refusing is a refusal of the next n requests to endpoint.
func refusing(p *authtest.Provider, endpoint string, n int, problem string) {
	p.Inject(endpoint, n, authtest.Answer(401, nil, "oauth_problem_advice=x&oauth_problem="+problem))
}

func TestOAuth1SessionRenewsInTime(t *testing.T) {
	inSession(t, hourly, nil, func(t *testing.T, p *authtest.Provider, c *connectorauth.OAuth1) {
		handle := must(c.Extra(t.Context()))["oauth_session_handle"]
		require.NotEmpty(t, handle)
		for range 20 {
			time.Sleep(58 * time.Minute) // early renewal begins in the background
			status, answer := do(t, c, p.Client(), "GET", p.OAuth1URL, "", "")
			require.Equal(t, 200, status, answer)
			synctest.Wait()
		}
		assert.Equal(t, 21, p.Stats().AccessTokens)
		extra := must(c.Extra(t.Context()))
		assert.Equal(t, p.Username, extra["screen_name"], "not repeated by the renewal")
		assert.Equal(t, handle, extra["oauth_session_handle"])
	})
}

func TestOAuth1ExpiredSessionTokenIsRenewedOnce(t *testing.T) {
	for name, expire := range map[string]func(p *authtest.Provider){
		"by its lifetime": func(*authtest.Provider) { time.Sleep(61 * time.Minute) },
		"before that":     func(p *authtest.Provider) { p.ExpireAccessTokens() }, // the API says token_expired
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var events []connectorauth.EventKind
			observe := func(c *connectorauth.OAuth1Config) {
				c.Account = "account"
				c.Observe = func(e connectorauth.Event) {
					if e.Kind == connectorauth.EventRenewing {
						return
					}
					mu.Lock()
					defer mu.Unlock()
					events = append(events, e.Kind)
					assert.Equal(t, "account", e.Account)
					assert.Equal(t, time.Hour, time.Until(e.Expiry).Round(time.Minute))
				}
			}
			inSession(t, hourly, observe, func(t *testing.T, p *authtest.Provider, c *connectorauth.OAuth1) {
				expire(p)
				var all sync.WaitGroup
				for range 50 {
					all.Go(func() {
						status, answer := do(t, c, p.Client(), "POST", p.OAuth1URL, formType, "a=1")
						assert.Equal(t, 200, status, answer)
					})
				}
				all.Wait()
				assert.Equal(t, 2, p.Stats().AccessTokens)
				assert.Equal(t, []connectorauth.EventKind{connectorauth.EventRenewed}, events)
			})
		})
	}
}

func TestOAuth1RenewalThatLeavesThingsOut(t *testing.T) {
	inSession(t, hourly, nil, func(t *testing.T, p *authtest.Provider, c *connectorauth.OAuth1) {
		handle := must(c.Extra(t.Context()))["oauth_session_handle"]
		p.Inject(p.AccessTokenURL, authtest.Always, authtest.EditAnswer(func(answer map[string]any) {
			delete(answer, "oauth_session_handle")
			delete(answer, "oauth_authorization_expires_in")
		}))
		for range 3 {
			time.Sleep(time.Hour)
			status, _ := do(t, c, p.Client(), "GET", p.OAuth1URL, "", "")
			require.Equal(t, 200, status)
		}
		extra := must(c.Extra(t.Context()))
		assert.Equal(t, handle, extra["oauth_session_handle"])
		assert.NotContains(t, extra, "oauth_authorization_expires_in")
	})
}

func TestOAuth1SessionEnds(t *testing.T) {
	inSession(t, hourly, nil, func(t *testing.T, p *authtest.Provider, c *connectorauth.OAuth1) {
		time.Sleep(25 * time.Hour)
		for range 3 {
			_, err := connectorauth.NewClient(c, p.Client()).Get(p.OAuth1URL)
			require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		}
		assert.Len(t, p.Requests(p.AccessTokenURL), 2, "the consent, and one question whether the session has ended")
		consent(t, p, c)
		status, _ := do(t, c, p.Client(), "GET", p.OAuth1URL, "", "")
		assert.Equal(t, 200, status)
	})
}

func TestOAuth1ProblemDecidesWhatARefusedRenewalMeans(t *testing.T) {
	for problem, want := range map[string]string{
		"token_rejected":                    "dead",
		"token_revoked":                     "dead",
		"token_expired":                     "dead",
		"permission_denied":                 "dead",
		"additional_authorization_required": "dead",
		"consumer_key_refused":              "error",
		"":                                  "later",
	} {
		t.Run(problem, func(t *testing.T) {
			inSession(t, hourly, nil, func(t *testing.T, p *authtest.Provider, c *connectorauth.OAuth1) {
				time.Sleep(2 * time.Hour)
				refusing(p, p.AccessTokenURL, 1, problem)
				for range 3 { // one request to the provider for all of them
					_, err := connectorauth.NewClient(c, p.Client()).Get(p.OAuth1URL)
					var failed *connectorauth.TokenError
					require.ErrorAs(t, err, &failed)
					assert.Equal(t, problem, failed.Code)
					assert.Equal(t, want == "later", failed.Temporary())
					assert.Equal(t, want == "dead", failed.Is(connectorauth.ErrReauthRequired))
				}
				assert.Len(t, p.Requests(p.AccessTokenURL), 2)
				time.Sleep(2 * time.Minute)
				resp, err := connectorauth.NewClient(c, p.Client()).Get(p.OAuth1URL)
				if want == "dead" {
					require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
					return
				}
				status, _ := read(t, resp, err)
				assert.Equal(t, 200, status)
			})
		})
	}
}

// Without a session handle nothing can be renewed, and what the API says goes to
// the caller; unless it says that the token is done with.
func TestOAuth1RejectionWithoutASession(t *testing.T) {
	var seen events
	inSession(t, authtest.Config{}, func(c *connectorauth.OAuth1Config) { c.Observe = seen.observe }, func(t *testing.T, p *authtest.Provider, c *connectorauth.OAuth1) {
		for _, problem := range []string{"", "signature_invalid", "permission_denied", "nonce_used"} {
			refusing(p, p.OAuth1URL, 1, problem)
			status, body := do(t, c, p.Client(), "GET", p.OAuth1URL, "", "")
			assert.Equal(t, 401, status, problem)
			assert.Equal(t, "oauth_problem_advice=x&oauth_problem="+problem, body)
		}
		assert.Empty(t, seen.kinds())
		status, _ := do(t, c, p.Client(), "GET", p.OAuth1URL, "", "") // nothing was remembered
		assert.Equal(t, 200, status)
		for _, problem := range []string{"token_expired", "token_rejected", "token_revoked"} {
			refusing(p, p.OAuth1URL, 1, problem)
			before := len(p.Requests(p.OAuth1URL))
			for range 5 {
				_, err := connectorauth.NewClient(c, p.Client()).Get(p.OAuth1URL)
				require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
				assert.ErrorContains(t, err, "the API refused the token with status 401: "+problem)
			}
			assert.Len(t, p.Requests(p.OAuth1URL), before+1)
			assert.Equal(t, []connectorauth.EventKind{connectorauth.EventReauthRequired}, seen.kinds())
			consent(t, p, c)
		}
		status, _ = do(t, c, p.Client(), "GET", p.OAuth1URL, "", "")
		assert.Equal(t, 200, status)
	})
}

// A token that is rejected as soon as it was made does not make the connector
// renew for every request.
func TestOAuth1RenewalDoesNotLoop(t *testing.T) {
	inSession(t, hourly, nil, func(t *testing.T, p *authtest.Provider, c *connectorauth.OAuth1) {
		time.Sleep(10 * time.Minute)
		refusing(p, p.OAuth1URL, 1000, "token_expired")
		for range 20 {
			status, _ := do(t, c, p.Client(), "GET", p.OAuth1URL, "", "")
			assert.Equal(t, 401, status)
		}
		assert.Equal(t, 2, p.Stats().AccessTokens)
	})
}

// What cannot be sent again is renewed for those that come after.
func TestOAuth1RejectedBodyThatCannotBeReplayedRenewsForLater(t *testing.T) {
	inSession(t, hourly, nil, func(t *testing.T, p *authtest.Provider, c *connectorauth.OAuth1) {
		p.ExpireAccessTokens()
		var all fakehttp.Bodies
		resp, err := connectorauth.NewClient(c, p.Client()).Do(all.Request(t, "POST", p.OAuth1URL, "text/plain", "x", false))
		status, _ := read(t, resp, err)
		assert.Equal(t, http.StatusUnauthorized, status)
		synctest.Wait()
		resp, err = connectorauth.NewClient(c, p.Client()).Do(all.Request(t, "POST", p.OAuth1URL, "text/plain", "x", false))
		status, _ = read(t, resp, err)
		assert.Equal(t, http.StatusOK, status)
		all.RequireClosedOnce(t)
	})
}

// The clock that stored the token, or the clock here, may be wrong: only the service
// knows when its session ends.
func TestOAuth1SessionEndsWhenTheServiceSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(tokenstore.Memory)
		require.NoError(t, store.Save(t.Context(), "alice", []byte(`{"v":1,"oauth_token":"t","oauth_token_secret":"s","issued":"1999-12-01T00:00:00Z",
			"extra":{"oauth_session_handle":"h","oauth_expires_in":"3600","oauth_authorization_expires_in":"86400"}}`)))
		c := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
			ClientID: "client", ClientSecret: "secret", Store: store, Account: "alice", Shared: new(connectorauth.Shared),
			RequestTokenURL: "https://p.example/request", AuthorizeURL: "https://p.example/authorize", AccessTokenURL: "https://p.example/access",
			HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
				return fakehttp.Respond(200, "oauth_token=new&oauth_token_secret=s&oauth_expires_in=3600&oauth_authorization_expires_in=86400"), nil
			})},
		}))
		base := new(fakehttp.Base)
		status, _ := get(t, c, &http.Client{Transport: base}, "https://api.example/")
		assert.Equal(t, 200, status)
		assert.Contains(t, base.Requests()[0].Header.Get("Authorization"), `oauth_token="new"`)
	})
}

func TestOAuth1ExtraIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, asked := new(tokenstore.Memory), 0
		require.NoError(t, store.Save(t.Context(), "alice", []byte(`{"v":1,"oauth_token":"t","oauth_token_secret":"s",
			"issued":"1999-12-31T00:00:00Z","extra":{"oauth_session_handle":"h","oauth_expires_in":"3600","user_id":"7"}}`)))
		var told []error
		c := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
			ClientID: "client", ClientSecret: "secret", Store: store, Account: "alice", Shared: new(connectorauth.Shared),
			RequestTokenURL: "https://p.example/request", AuthorizeURL: "https://p.example/authorize", AccessTokenURL: "https://p.example/access",
			Observe: func(e connectorauth.Event) {
				if e.Kind == connectorauth.EventRenewed && e.Err != nil {
					told = append(told, e.Err)
				}
			},
			HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
				asked++
				return fakehttp.Respond(200, url.Values{
					"oauth_token": {"t"}, "oauth_token_secret": {"s"}, "oauth_expires_in": {"3600"}, fmt.Sprint("member", asked): {strings.Repeat("x", 20_000)},
				}.Encode()), nil
			})},
		}))
		for range 10 {
			extra, err := c.Extra(t.Context())
			require.NoError(t, err)
			assert.Equal(t, "h", extra["oauth_session_handle"])
			time.Sleep(2 * time.Hour)
		}
		assert.Equal(t, 10, asked)
		record, _, err := store.Load(t.Context(), "alice")
		require.NoError(t, err)
		assert.Less(t, len(record), 70_000)
		require.NotEmpty(t, told)
		assert.NotContains(t, told[0].Error(), "xxx")
	})
}
