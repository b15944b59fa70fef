package connectorauth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// crowd calls the API from n goroutines at once.
func crowd(t *testing.T, p *authtest.Provider, c connectorauth.Connector, n int, check func(*http.Response, error) bool) {
	t.Helper()
	client := connectorauth.NewClient(c, direct(p))
	var all sync.WaitGroup
	var wrong atomic.Int32
	for range n {
		all.Go(func() {
			resp, err := client.Get(p.BearerURL)
			if err == nil {
				resp.Body.Close()
			}
			if !check(resp, err) {
				wrong.Add(1)
			}
		})
	}
	all.Wait()
	assert.Zero(t, wrong.Load(), "of %d answers", n)
}

func succeeded(resp *http.Response, err error) bool { return err == nil && resp.StatusCode == 200 }

func mustReauth(_ *http.Response, err error) bool {
	return errors.Is(err, connectorauth.ErrReauthRequired)
}

func TestTenThousandGoroutinesOnAnExpiredTokenMakeOneTokenRequest(t *testing.T) {
	for _, store := range []connectorauth.TokenStore{nil, new(tokenstore.Memory)} {
		t.Run(fmt.Sprintf("%T", store), func(t *testing.T) {
			bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
				c := connect(t, p, func(config *connectorauth.OAuth2Config) { config.Store, config.Account = store, "alice" })
				issue(t, p, c, time.Hour)
				p.Inject(p.TokenURL, authtest.Always, authtest.Delay(2*time.Second))
				time.Sleep(time.Hour)
				crowd(t, p, c, 10000, succeeded)
				assert.Equal(t, 1, p.Stats().TokenRequests)
				assert.Zero(t, p.Stats().APIRefused)
			})
		})
	}
}

func TestTenThousandGoroutinesOnARevokedTokenMakeOneTokenRequest(t *testing.T) {
	for _, store := range []connectorauth.TokenStore{nil, new(tokenstore.Memory)} {
		t.Run(fmt.Sprintf("%T", store), func(t *testing.T) {
			bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
				var seen events
				c := connect(t, p, func(config *connectorauth.OAuth2Config) {
					config.Store, config.Account, config.Observe = store, "alice", seen.observe
				})
				issue(t, p, c, time.Hour)
				p.Inject(p.TokenURL, authtest.Always, authtest.Delay(2*time.Second))
				time.Sleep(time.Hour)
				p.RevokeGrants()
				crowd(t, p, c, 10000, mustReauth)
				assert.Equal(t, 1, p.Stats().TokenRequests)
				time.Sleep(24 * time.Hour)
				crowd(t, p, c, 1000, mustReauth)
				assert.Equal(t, 1, p.Stats().TokenRequests, "not one per API call, ever")
				assert.Zero(t, p.Stats().APIRefused, "no call reached the API")

				issue(t, p, c, time.Hour)
				crowd(t, p, c, 10, succeeded)
				time.Sleep(time.Hour)
				p.RevokeGrants()
				crowd(t, p, c, 10, mustReauth)
				pending, callback := consented(t, p, c)
				require.NoError(t, c.Finish(t.Context(), pending, callback))
				crowd(t, p, c, 10, succeeded)
				assert.Contains(t, seen.kinds(), connectorauth.EventReauthRequired)
			})
		})
	}
}

func TestCallerWithADeadlineLeavesAndTheRenewalCompletes(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, nil)
		issue(t, p, c, time.Hour)
		p.Inject(p.TokenURL, authtest.Always, authtest.Delay(2*time.Second))
		time.Sleep(time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, p.BearerURL, nil)
		began := time.Now()
		_, err := connectorauth.NewClient(c, direct(p)).Do(req)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 100*time.Millisecond, time.Since(began))
		_, err = c.Token(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)

		time.Sleep(2 * time.Second)
		began = time.Now()
		assert.Equal(t, 200, status(t, p, c, p.BearerURL))
		assert.Zero(t, time.Since(began))
		assert.Equal(t, 1, p.Stats().TokenRequests)
	})
}

func TestThousandRejectionsMakeOneTokenRequest(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, nil)
		issue(t, p, c, time.Hour)
		p.Inject(p.TokenURL, authtest.Always, authtest.Delay(time.Second))
		p.RevokeAccessTokens()
		crowd(t, p, c, 1000, succeeded)
		assert.Equal(t, 1, p.Stats().TokenRequests)
	})
}

func TestLateRejectionNeverDropsANewerToken(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, nil)
		issue(t, p, c, time.Hour)
		p.RevokeAccessTokens()
		var slow atomic.Int32
		base := direct(p)
		answer := base.Transport
		base.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
			resp, err := answer.RoundTrip(req)
			if resp.StatusCode == 401 { // one rejection after the other arrives
				time.Sleep(time.Duration(slow.Add(1)) * time.Minute)
			}
			return resp, err
		})
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				resp, err := connectorauth.NewClient(c, base).Get(p.BearerURL)
				if assert.NoError(t, err) {
					assert.Equal(t, 200, resp.StatusCode)
				}
			})
		}
		all.Wait()
		assert.EqualValues(t, 20, slow.Load())
		assert.Equal(t, 1, p.Stats().TokenRequests)
	})
}

func TestInsufficientScopeRenewsNothing(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, nil)
		issue(t, p, c, time.Hour)
		for _, code := range []int{401, 403} {
			for range 10 {
				assert.Equal(t, code, status(t, p, c, p.ScopeURL(code, "admin")))
			}
		}
		synctest.Wait()
		assert.Zero(t, p.Stats().TokenRequests)
		assert.Equal(t, 20, p.Stats().APIRefused, "nothing is replayed")
	})
}

func TestBodyThatCannotBeReplayed(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, nil)
		issue(t, p, c, time.Hour)
		p.RevokeAccessTokens()
		post := func() (int, string) {
			resp, err := connectorauth.NewClient(c, direct(p)).Post(p.BearerURL, "text/plain", io.LimitReader(strings.NewReader("body"), 4))
			return read(t, resp, err)
		}
		code, body := post()
		assert.Equal(t, 401, code)
		assert.Contains(t, body, "invalid_token", "the caller gets the API's answer")
		time.Sleep(time.Second)
		code, _ = post()
		assert.Equal(t, 200, code, "the next request has a new token")
		assert.Equal(t, 1, p.Stats().TokenRequests)
		assert.Len(t, p.Requests(p.BearerURL), 2)
	})
}

func TestRejectionWhileRenewalFailsForNow(t *testing.T) {
	for name, fault := range map[string]authtest.Fault{
		"503":     authtest.Answer(503, http.Header{"Retry-After": {"60"}}, ""),
		"429":     authtest.Answer(429, nil, `{"error":"slow_down"}`),
		"HTML":    authtest.Answer(200, http.Header{"Content-Type": {"text/html"}}, "<html>"),
		"dropped": authtest.DropBefore(),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
				c := connect(t, p, nil)
				issue(t, p, c, time.Hour)
				p.RevokeAccessTokens()
				p.Inject(p.TokenURL, 1, fault)
				for range 3 {
					code, body := get(t, c, direct(p), p.BearerURL)
					assert.Equal(t, 401, code)
					assert.Contains(t, body, "invalid_token", "the original response, whole")
				}
				assert.Equal(t, 1, p.Stats().TokenRequests, "the failure is shared for a moment")
				time.Sleep(61 * time.Second)
				assert.Equal(t, 200, status(t, p, c, p.BearerURL))
			})
		})
	}
}

func TestRejectionWhileRenewalFailsForGood(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, nil)
		issue(t, p, c, time.Hour)
		p.RevokeGrants()
		for range 5 {
			_, err := connectorauth.NewClient(c, direct(p)).Get(p.BearerURL)
			require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
			var failed *connectorauth.TokenError
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, "invalid_grant", failed.Code)
			assert.Equal(t, 400, failed.StatusCode)
			assert.False(t, failed.Temporary())
		}
		assert.Equal(t, 1, p.Stats().TokenRequests)
	})
}

func TestWrongClientSecretIsNotTheTokensFault(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, func(config *connectorauth.OAuth2Config) { config.ClientSecret = "wrong" })
		issue(t, p, c, time.Hour)
		p.RevokeAccessTokens()
		for range 5 {
			_, err := connectorauth.NewClient(c, direct(p)).Get(p.BearerURL)
			var failed *connectorauth.TokenError
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, "invalid_client", failed.Code)
			assert.NotErrorIs(t, err, connectorauth.ErrReauthRequired)
		}
		assert.Equal(t, 1, p.Stats().TokenRequests, "a wrong secret is not tried again for a minute")
	})
}

func TestTokenRejectedRightAfterItsRenewalIsNotRenewedAgain(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, nil)
		issue(t, p, c, time.Hour)
		p.Inject(p.BearerURL, authtest.Always, authtest.Answer(401, nil, "never"))
		for range 20 {
			code, body := get(t, c, direct(p), p.BearerURL)
			assert.Equal(t, 401, code)
			assert.Equal(t, "never", body)
		}
		assert.Equal(t, 1, p.Stats().TokenRequests)
	})
}

func TestLostAnswerIsNotAskedForAgainWhileTheTokenIsGood(t *testing.T) {
	bubble(t, authtest.Config{TokenLifetime: 2 * time.Hour}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, nil)
		issue(t, p, c, time.Hour)
		p.Inject(p.TokenURL, 1, authtest.DropAfter())
		time.Sleep(56*time.Minute + time.Second)
		for range 200 {
			require.Equal(t, 200, status(t, p, c, p.BearerURL))
			time.Sleep(time.Second)
			synctest.Wait()
		}
		assert.Equal(t, 1, p.Stats().TokenRequests)
		assert.Zero(t, p.Stats().ReuseDetected)
		time.Sleep(time.Minute)
		_, err := connectorauth.NewClient(c, direct(p)).Get(p.BearerURL)
		require.ErrorIs(t, err, connectorauth.ErrReauthRequired, "there was nothing left to lose")
	})
}

func TestRotatedTokenThatIsNoBearerTokenIsInDoubt(t *testing.T) {
	bubble(t, authtest.Config{NoRotation: true, TokenLifetime: 2 * time.Hour}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, nil)
		issue(t, p, c, time.Hour)
		p.Inject(p.TokenURL, 1, authtest.EditAnswer(func(answer map[string]any) { answer["token_type"] = "mac" }))
		time.Sleep(56*time.Minute + time.Second)
		for range 100 {
			require.Equal(t, 200, status(t, p, c, p.BearerURL))
			time.Sleep(time.Second)
			synctest.Wait()
		}
		assert.Equal(t, 1, p.Stats().TokenRequests)
	})
}

func TestPasswordGrantFallsBackToThePassword(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, func(config *connectorauth.OAuth2Config) {
			config.Grant = connectorauth.PasswordCredentials{Username: p.Username, Password: connectorauth.Secret(p.Password)}
		})
		assert.Equal(t, 200, status(t, p, c, p.BearerURL))
		p.ExpireAccessTokens()
		assert.Equal(t, 200, status(t, p, c, p.BearerURL))
		p.RevokeGrants()
		assert.Equal(t, 200, status(t, p, c, p.BearerURL))
		assert.Equal(t, []string{"password", "refresh_token", "refresh_token", "password"}, grantTypes(t, p))
	})
}

func TestPasswordThatNoLongerWorks(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, func(config *connectorauth.OAuth2Config) {
			config.Grant = connectorauth.PasswordCredentials{Username: p.Username, Password: "changed"}
		})
		crowd(t, p, c, 100, mustReauth)
		assert.Equal(t, []string{"password"}, grantTypes(t, p), "a wrong password is sent once: accounts get locked")
	})
}

func TestClientCredentialsAreRepeated(t *testing.T) {
	bubble(t, authtest.Config{RefreshGrants: []string{"client_credentials"}}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, func(config *connectorauth.OAuth2Config) { config.Grant = connectorauth.ClientCredentials{} })
		for range 3 {
			crowd(t, p, c, 100, succeeded)
			p.ExpireAccessTokens()
		}
		assert.Equal(t, []string{"client_credentials", "client_credentials", "client_credentials"}, grantTypes(t, p), "a refresh token is not used")
	})
}

func TestConnectorsOfOneStoreShareOneRenewal(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		store := new(tokenstore.Memory)
		var seen events
		var all sync.WaitGroup
		first := connect(t, p, func(config *connectorauth.OAuth2Config) { config.Store, config.Account = store, "alice" })
		issue(t, p, first, time.Hour)
		p.Inject(p.TokenURL, authtest.Always, authtest.Delay(time.Second))
		time.Sleep(time.Hour)
		for range 8 {
			c := connect(t, p, func(config *connectorauth.OAuth2Config) {
				config.Store, config.Account, config.Observe = store, "alice", seen.observe
				config.Shared = new(connectorauth.Shared) // as in another process
			})
			all.Go(func() { crowd(t, p, c, 100, succeeded) })
		}
		all.Wait()
		assert.Equal(t, 1, p.Stats().TokenRequests)
		count := map[connectorauth.EventKind]int{}
		for _, kind := range seen.kinds() {
			count[kind]++
		}
		assert.Equal(t, map[connectorauth.EventKind]int{
			connectorauth.EventRenewed: 1, connectorauth.EventSaved: 1, connectorauth.EventAdopted: 7,
		}, count)
		other := connect(t, p, func(config *connectorauth.OAuth2Config) { config.Store, config.Account = store, "bob" })
		_, err := other.Token(t.Context())
		require.ErrorIs(t, err, connectorauth.ErrReauthRequired, "another account shares nothing")
	})
}

// Tokens live for a tenth of a second, and the provider revokes the account
// when a refresh token comes twice.
func TestManyConnectorsNeverReuseARefreshToken(t *testing.T) {
	bubble(t, authtest.Config{TokenLifetime: 100 * time.Millisecond}, func(t *testing.T, p *authtest.Provider) {
		p.Inject(p.TokenURL, authtest.Always, authtest.EditAnswer(func(answer map[string]any) { answer["expires_in"] = 0.1 }))
		store := new(tokenstore.Memory)
		share := func(config *connectorauth.OAuth2Config) { config.Store, config.Account = store, "alice" }
		issue(t, p, connect(t, p, share), 100*time.Millisecond)
		var all sync.WaitGroup
		var failed atomic.Int32
		for i := range 8 {
			client := connectorauth.NewClient(connect(t, p, share), direct(p))
			for j := range 50 {
				all.Go(func() {
					time.Sleep(time.Duration(i*50+j) * 50 * time.Microsecond)
					for range 50 {
						resp, err := client.Get(p.BearerURL)
						if err != nil || resp.StatusCode != 200 {
							failed.Add(1)
						}
						time.Sleep(20 * time.Millisecond)
					}
				})
			}
		}
		all.Wait()
		stats := p.Stats()
		assert.Zero(t, failed.Load())
		assert.Zero(t, stats.ReuseDetected)
		assert.Zero(t, stats.RevokedGrants)
		assert.GreaterOrEqual(t, stats.TokenRequests, 9)
		assert.LessOrEqual(t, stats.TokenRequests, 14, "one for each token that ran out")
	})
}

func TestHostIsCheckedBeforeAnyTokenIsFetched(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, func(config *connectorauth.OAuth2Config) {
			config.Grant, config.Hosts = connectorauth.ClientCredentials{}, []string{"api.example.com"}
		})
		for _, url := range []string{p.BearerURL, "https://api.example.com.evil.example/", "http://api.example.com/"} {
			_, err := connectorauth.NewClient(c, direct(p)).Get(url)
			require.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
		}
		assert.Zero(t, p.Stats().TokenRequests)
	})
}

func TestEarlyRenewalInTheBackground(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, func(config *connectorauth.OAuth2Config) { config.RenewBefore = time.Minute })
		issue(t, p, c, time.Hour)
		p.Inject(p.TokenURL, authtest.Always, authtest.Delay(2*time.Second))
		time.Sleep(59*time.Minute - time.Second)
		assert.Equal(t, 200, status(t, p, c, p.BearerURL))
		synctest.Wait()
		assert.Zero(t, p.Stats().TokenRequests)
		time.Sleep(14 * time.Second) // jitter begins it up to a fifth late
		began := time.Now()
		assert.Equal(t, 200, status(t, p, c, p.BearerURL))
		assert.Zero(t, time.Since(began), "nobody waits for it")
		time.Sleep(3 * time.Second)
		assert.Equal(t, 1, p.Stats().TokenRequests)
	})
}

func TestThreeSecondTokenDoesNotLoop(t *testing.T) {
	bubble(t, authtest.Config{TokenLifetime: 3 * time.Second}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, nil)
		issue(t, p, c, 3*time.Second)
		for range 600 {
			require.Equal(t, 200, status(t, p, c, p.BearerURL))
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
		}
		assert.LessOrEqual(t, p.Stats().TokenRequests, 25)
		assert.Zero(t, p.Stats().ReuseDetected)
	})
}

func TestRotatedTokenSurvivesAFailingStore(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		store := new(faultyStore)
		var seen events
		c := connect(t, p, func(config *connectorauth.OAuth2Config) {
			config.Store, config.Account, config.Observe = store, "alice", seen.observe
		})
		issue(t, p, c, time.Hour)
		seen.kinds()
		store.setDown(true)
		time.Sleep(time.Hour)
		crowd(t, p, c, 100, succeeded)
		assert.Equal(t, []connectorauth.EventKind{connectorauth.EventRenewed, connectorauth.EventSaveFailed}, seen.kinds())
		time.Sleep(time.Minute)
		store.setDown(false)
		time.Sleep(time.Minute)
		assert.Equal(t, []connectorauth.EventKind{connectorauth.EventSaved}, seen.kinds())
		time.Sleep(time.Hour)

		other := connect(t, p, func(config *connectorauth.OAuth2Config) { config.Store, config.Account = store, "alice" })
		crowd(t, p, other, 10, succeeded) // as after a restart
		assert.Zero(t, p.Stats().ReuseDetected)
	})
}

func TestDamagedTokenInTheStore(t *testing.T) {
	for name, damage := range map[string]string{
		"empty": "", "not JSON": "token", "torn": `{"v":1,"access_tok`, "no version": `{"access_token":"a"}`, "no token": `{"v":1}`,
		"a later program's": `{"v":99,"access_token":"a"}`, "a header in it": `{"v":1,"access_token":"a\r\nX-Evil: 1"}`,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
				store := new(tokenstore.Memory)
				c := connect(t, p, func(config *connectorauth.OAuth2Config) { config.Store, config.Account = store, "alice" })
				require.NoError(t, store.Save(t.Context(), "alice", []byte(damage)))
				_, err := c.Token(t.Context())
				require.ErrorContains(t, err, `"alice"`)
				assert.NotErrorIs(t, err, connectorauth.ErrReauthRequired)
				if len(damage) > 10 {
					assert.NotContains(t, err.Error(), damage[:10], "the value may hold secrets")
				}
				value, _, _ := store.Load(t.Context(), "alice")
				assert.Equal(t, damage, string(value), "nothing is overwritten without being asked")
				require.NoError(t, store.Delete(t.Context(), "alice"))
				issue(t, p, c, time.Hour)
				_, err = c.Token(t.Context())
				require.NoError(t, err)
			})
		})
	}
}

func TestStoredRefreshTokenAloneIsRenewedFirst(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		store := new(tokenstore.Memory)
		_, refresh := p.IssueTokens("")
		require.NoError(t, store.Save(t.Context(), "alice", fmt.Appendf(nil, `{"v":1,"refresh_token":%q}`, refresh)))
		c := connect(t, p, func(config *connectorauth.OAuth2Config) { config.Store, config.Account = store, "alice" })
		token, err := c.Token(t.Context())
		require.NoError(t, err)
		assert.NotEmpty(t, token.AccessToken)
		assert.Equal(t, 200, status(t, p, c, p.BearerURL))
		assert.Zero(t, p.Stats().APIRefused)
	})
}

func TestDeletedAccountIsNotResurrected(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		store := new(tokenstore.Memory)
		c := connect(t, p, func(config *connectorauth.OAuth2Config) { config.Store, config.Account = store, "alice" })
		issue(t, p, c, time.Hour)
		require.NoError(t, store.Delete(t.Context(), "alice"))
		time.Sleep(time.Hour)
		crowd(t, p, c, 10, mustReauth)
		assert.Zero(t, p.Stats().TokenRequests)
		_, ok, _ := store.Load(t.Context(), "alice")
		assert.False(t, ok)
	})
}
