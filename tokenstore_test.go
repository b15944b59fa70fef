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
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// sluggish is a store for one process whose Save fails or takes a while.
type sluggish struct {
	mu    sync.Mutex
	inner tokenstore.Memory
	down  bool
	takes time.Duration // the next Save
}

func (s *sluggish) Load(ctx context.Context, key string) ([]byte, bool, error) {
	return s.inner.Load(ctx, key)
}

func (s *sluggish) Delete(ctx context.Context, key string) error { return s.inner.Delete(ctx, key) }

func (s *sluggish) Save(ctx context.Context, key string, value []byte) error {
	s.mu.Lock()
	down, takes := s.down, s.takes
	s.takes = 0
	s.mu.Unlock()
	if down {
		return errors.New("store down")
	}
	time.Sleep(takes)
	return s.inner.Save(ctx, key, value)
}

func TestLateSaveDoesNotOverwriteAConsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		provider := &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
			return fakehttp.Respond(200, `{"access_token":"old","expires_in":900}`), nil
		})}
		store := &sluggish{down: true}
		c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "client", ClientSecret: "secret", TokenURL: "https://provider.example/token",
			Grant: connectorauth.ClientCredentials{}, Store: store, Account: "account", HTTPClient: provider,
		}))
		c.Token(t.Context())
		time.Sleep(16 * time.Minute) // longer than saving is tried for
		store.mu.Lock()
		store.down, store.takes = false, 2*time.Second
		store.mu.Unlock()
		go c.Token(t.Context())
		time.Sleep(time.Second)
		require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{AccessToken: "consented"}))
		time.Sleep(time.Minute)
		stored, _, _ := store.inner.Load(t.Context(), "account")
		assert.Contains(t, string(stored), "consented")
	})
}

// hanging is a store whose first CompareAndSwap takes as long as it may.
type hanging struct {
	tokenstore.Memory
	calls atomic.Int32
	began chan struct{}
}

func (h *hanging) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	if h.calls.Add(1) > 1 {
		return h.Memory.CompareAndSwap(ctx, key, old, new)
	}
	close(h.began)
	<-ctx.Done()
	return false, ctx.Err()
}

func TestSetTokenEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &hanging{began: make(chan struct{})}
		c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "client", ClientSecret: "secret", TokenURL: "https://provider.example/token",
			Grant: connectorauth.ClientCredentials{}, Store: store, Account: "account",
			HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
				return fakehttp.Respond(200, `{"access_token":"a","expires_in":3600}`), nil
			})},
		}))
		waiting, leave := context.WithCancel(t.Context())
		defer leave()
		go c.Token(waiting)
		<-store.began
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		require.ErrorIs(t, c.SetToken(ctx, &oauth2.Token{AccessToken: "x"}), context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(began))
		time.Sleep(time.Minute)
		assert.Equal(t, "a", must(c.Token(t.Context())).AccessToken)
	})
}

// What is stored for a password grant is the token.
func TestStoredTokenHasNoPassword(t *testing.T) {
	p := authtest.NewProvider(t)
	store := new(tokenstore.Memory)
	c := connect(t, p, func(config *connectorauth.OAuth2Config) {
		config.Store, config.Account = store, "alice"
		config.Grant = connectorauth.PasswordCredentials{Username: p.Username, Password: connectorauth.Secret(p.Password)}
	})
	require.Equal(t, 200, status(t, p, c, p.BearerURL))
	value, ok, err := store.Load(t.Context(), "alice")
	require.NoError(t, err)
	require.True(t, ok)
	assert.Empty(t, canary.Found(string(value), p.Password, p.ClientSecret))
	assert.Contains(t, string(value), "access_token")
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

func TestDamagedTokenInTheStoreIsLeftAlone(t *testing.T) {
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
