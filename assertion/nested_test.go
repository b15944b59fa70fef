package assertion_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
)

// A token that is exchanged at the provider that issues the token needs two requests to
// one token URL. However many accounts do so at once, nobody waits for the other for
// ever: a renewal that waits for another one takes no turn at the token URL meanwhile.
func TestExchangeOfATokenOfTheSameProvider(t *testing.T) {
	for _, most := range []int{1, 4} {
		for _, common := range []bool{false, true} { // all accounts exchange one token
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				busy, peak, requests := 0, 0, 0
				base := fakehttp.RoundTripper(func(r *http.Request) (*http.Response, error) {
					mu.Lock()
					busy++
					requests++
					peak = max(peak, busy)
					mu.Unlock()
					time.Sleep(50 * time.Millisecond)
					mu.Lock()
					busy--
					mu.Unlock()
					return fakehttp.Respond(200, `{"access_token":"a","token_type":"Bearer","expires_in":3600}`), nil
				})
				shared := &connectorauth.Shared{TokenRequests: most}
				connect := func(grant connectorauth.Grant) *connectorauth.OAuth2 {
					return must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
						ClientID: "c", ClientSecret: "s", TokenURL: "https://login.example.test/token", Grant: grant, HTTPClient: &http.Client{Transport: base}, Shared: shared,
					}))
				}
				first := connect(connectorauth.ClientCredentials{})
				began := time.Now()
				var all sync.WaitGroup
				for i := range 40 {
					subject := first
					if !common {
						subject = connect(connectorauth.ClientCredentials{})
					}
					c := connect(must(assertion.NewTokenExchange(assertion.TokenExchangeConfig{
						Subject: func(ctx context.Context) (assertion.Token, error) {
							token, err := subject.Token(ctx)
							if err != nil {
								return assertion.Token{}, err
							}
							return assertion.Token{Value: connectorauth.Secret(token.AccessToken), Type: assertion.TypeAccessToken}, nil
						}, Name: fmt.Sprint(i),
					})))
					all.Go(func() {
						_, err := c.Token(t.Context())
						assert.NoError(t, err)
					})
				}
				all.Wait()
				assert.Less(t, time.Since(began), 10*time.Second)
				assert.LessOrEqual(t, peak, most)
				if common {
					assert.Equal(t, 41, requests)
				} else {
					assert.Equal(t, 80, requests)
				}
			})
		}
	}
}

// Subject and actor may be asked for at the same time.
func TestExchangeThatWaitsForTwoTokensAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := fakehttp.RoundTripper(func(r *http.Request) (*http.Response, error) {
			time.Sleep(50 * time.Millisecond)
			return fakehttp.Respond(200, `{"access_token":"a","token_type":"Bearer","expires_in":3600}`), nil
		})
		shared := &connectorauth.Shared{TokenRequests: 1}
		connect := func(grant connectorauth.Grant) *connectorauth.OAuth2 {
			return must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
				ClientID: "c", ClientSecret: "s", TokenURL: "https://login.example.test/token", Grant: grant, HTTPClient: &http.Client{Transport: base}, Shared: shared,
			}))
		}
		c := connect(must(assertion.NewTokenExchange(assertion.TokenExchangeConfig{
			Subject: func(ctx context.Context) (assertion.Token, error) {
				var both sync.WaitGroup
				for range 3 {
					other := connect(connectorauth.ClientCredentials{})
					both.Go(func() {
						_, err := other.Token(ctx)
						assert.NoError(t, err)
					})
				}
				both.Wait()
				return assertion.Token{Value: "s", Type: assertion.TypeAccessToken}, nil
			},
		})))
		began := time.Now()
		_, err := c.Token(t.Context())
		assert.NoError(t, err)
		assert.Equal(t, 200*time.Millisecond, time.Since(began))
	})
}

// A goroutine that outlives the renewal takes no turn from others.
func TestGoroutineThatIsLeftBehindKeepsNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := &connectorauth.Shared{TokenRequests: 1}
		connect := func(grant connectorauth.Grant, wait time.Duration) *connectorauth.OAuth2 {
			return must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
				ClientID: "c", ClientSecret: "s", TokenURL: "https://login.example.test/token", Grant: grant, Shared: shared,
				HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(r *http.Request) (*http.Response, error) {
					time.Sleep(wait)
					return fakehttp.Respond(200, `{"access_token":"a","token_type":"Bearer","expires_in":3600}`), nil
				})},
			}))
		}
		slow := connect(connectorauth.ClientCredentials{}, 5*time.Second)
		c := connect(must(assertion.NewTokenExchange(assertion.TokenExchangeConfig{
			Subject: func(ctx context.Context) (assertion.Token, error) {
				go slow.Token(context.WithoutCancel(ctx))
				time.Sleep(time.Second)
				return assertion.Token{Value: "s", Type: assertion.TypeAccessToken}, nil
			},
		})), 50*time.Millisecond)
		_, err := c.Token(t.Context())
		assert.NoError(t, err)
		time.Sleep(10 * time.Second)
		_, err = connect(connectorauth.ClientCredentials{}, 0).Token(t.Context())
		assert.NoError(t, err)
	})
}
