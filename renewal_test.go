package connectorauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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

func TestLostResponseIsNotAskedForAgainWhileTheTokenIsGood(t *testing.T) {
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

func TestRefusedPasswordIsSentOnce(t *testing.T) {
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
