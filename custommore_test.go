package connectorauth_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A hook finds the rejection in a response of success: such credentials are in vain too.
func TestCredentialsThatAHookRejectsAreInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		custom := must(connectorauth.NewCustom(connectorauth.CustomConfig{
			Places: []connectorauth.CustomPlace{{}}, Login: "user and password", Store: new(tokenstore.Memory), Account: "a", Shared: new(connectorauth.Shared),
			Obtain: func(context.Context, credential, *http.Response) (credential, error) {
				calls++
				return credential{Value: "of no use"}, nil
			},
		}))
		c := connectorauth.WithHooks(custom, connectorauth.Hooks{AfterResponse: func(*connectorauth.Exchange) error { return connectorauth.ErrCredentialRejected }})
		for range 60 {
			_, err := c.Wrap(&fakehttp.Base{}).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
			require.Error(t, err)
			time.Sleep(30 * time.Second)
		}
		assert.Equal(t, 2, calls)
	})
}

// A body that cannot be sent again: the renewals are in the background.
func TestCredentialsInVainWithoutAReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		custom := must(connectorauth.NewCustom(connectorauth.CustomConfig{
			Places: []connectorauth.CustomPlace{{}}, Login: "user and password", Store: new(tokenstore.Memory), Account: "a", Shared: new(connectorauth.Shared),
			Obtain: func(context.Context, credential, *http.Response) (credential, error) {
				calls++
				return credential{Value: "of no use"}, nil
			},
		}))
		base := &fakehttp.Base{Answer: func(*http.Request) (*http.Response, error) { return fakehttp.Respond(401, ""), nil }}
		for range 60 {
			var sent fakehttp.Bodies
			custom.Wrap(base).RoundTrip(sent.Request(t, http.MethodPost, home, "text/plain", "hello", false))
			time.Sleep(30 * time.Second)
		}
		assert.LessOrEqual(t, calls, 2)
	})
}

// However many goroutines come back after a pause, one Obtain follows.
func TestIdleCredentialIsReplacedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		c := must(connectorauth.NewCustom(connectorauth.CustomConfig{
			Places: []connectorauth.CustomPlace{{Placement: dialect.Placement{Name: "X-A"}}}, Idle: time.Minute,
			Obtain: func(context.Context, credential, *http.Response) (credential, error) {
				calls.Add(1)
				time.Sleep(time.Second)
				return credential{Value: "v"}, nil
			},
		}))
		for round := range 3 {
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() {
					_, err := c.Wrap(&fakehttp.Base{}).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
					assert.NoError(t, err)
				})
			}
			all.Wait()
			assert.EqualValues(t, round+1, calls.Load())
			time.Sleep(2 * time.Minute)
		}
	})
}

// A logout and renewals at the same time leave no session that nobody knows of.
func TestRevokeBesideRenewals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		alive, n := map[connectorauth.Secret]bool{}, 0
		store := new(tokenstore.Memory)
		connect := func() *connectorauth.Custom {
			return must(connectorauth.NewCustom(connectorauth.CustomConfig{
				Places: []connectorauth.CustomPlace{{}}, Login: "l", Store: store, Account: "a", Shared: new(connectorauth.Shared),
				Obtain: func(_ context.Context, old credential, _ *http.Response) (credential, error) {
					time.Sleep(10 * time.Millisecond)
					mu.Lock()
					defer mu.Unlock()
					delete(alive, old.Value)
					n++
					value := connectorauth.Secret("v" + string(rune('a'+n%26)) + time.Now().String()[:26])
					alive[value] = true
					return credential{Value: value}, nil
				},
				Revoke: func(_ context.Context, value credential) error {
					time.Sleep(15 * time.Millisecond)
					mu.Lock()
					defer mu.Unlock()
					delete(alive, value.Value)
					return nil
				},
			}))
		}
		connectors := []*connectorauth.Custom{connect(), connect(), connect()}
		var all sync.WaitGroup
		for i, c := range connectors {
			for j := range 10 {
				all.Go(func() {
					time.Sleep(time.Duration(7*j+3*i) * time.Millisecond)
					if j%3 == i {
						c.Revoke(t.Context())
					} else {
						c.Renew(t.Context())
					}
				})
			}
		}
		all.Wait()
		require.NoError(t, connectors[0].Revoke(t.Context()))
		mu.Lock()
		defer mu.Unlock()
		assert.Empty(t, alive)
	})
}

// A credential that has expired is an error of Obtain, and no reason for one call after
// another.
func TestObtainOfAnExpiredCredential(t *testing.T) {
	calls := 0
	c := must(connectorauth.NewCustom(connectorauth.CustomConfig{
		Places: []connectorauth.CustomPlace{{}},
		Obtain: func(context.Context, credential, *http.Response) (credential, error) {
			calls++
			return credential{Value: "v", Expiry: time.Now().Add(-time.Hour)}, nil
		},
	}))
	for range 5 {
		_, err := c.Wrap(&fakehttp.Base{}).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
		require.ErrorContains(t, err, "has expired")
	}
	assert.Equal(t, 1, calls)
}

// A program reads the credential, which is obtained once, and gets a copy.
func TestCredentialOfACustom(t *testing.T) {
	calls := 0
	c := must(connectorauth.NewCustom(connectorauth.CustomConfig{
		Places: []connectorauth.CustomPlace{{}}, Obtain: func(context.Context, credential, *http.Response) (credential, error) {
			calls++
			return credential{Value: "v", More: map[string]connectorauth.Secret{"site": "s"}}, nil
		},
	}))
	for range 2 {
		got, err := c.Credential(t.Context())
		require.NoError(t, err)
		require.True(t, got.Value == "v" && got.More["site"] == "s")
		got.More["site"] = "other"
	}
	assert.Equal(t, 1, calls)

	without := must(connectorauth.NewCustom(connectorauth.CustomConfig{Authenticate: func(*http.Request, credential) error { return nil }}))
	got, err := without.Credential(t.Context())
	require.NoError(t, err)
	assert.True(t, got.Value == "" && got.More == nil)
}

// The value of a place may come from elsewhere, with the context of the request.
func TestValueOfAPlaceSeesTheRequestsContext(t *testing.T) {
	type key struct{}
	c := must(connectorauth.NewCustom(connectorauth.CustomConfig{
		Places: []connectorauth.CustomPlace{{Placement: dialect.Placement{Name: "X-Tenant"}, Value: func(ctx context.Context, _ credential) (connectorauth.Secret, error) {
			return connectorauth.Secret(ctx.Value(key{}).(string)), nil
		}}},
	}))
	for _, tenant := range []string{"a", "b"} {
		base := &fakehttp.Base{}
		req := must(http.NewRequestWithContext(context.WithValue(t.Context(), key{}, tenant), http.MethodGet, home, nil))
		_, err := c.Wrap(base).RoundTrip(req)
		require.NoError(t, err)
		assert.Equal(t, tenant, base.Requests()[0].Header.Get("X-Tenant"))
	}
}

func TestNoteOfACredentialIsToldAndNotKept(t *testing.T) {
	var events []connectorauth.Event
	c := must(connectorauth.NewCustom(connectorauth.CustomConfig{
		Places: []connectorauth.CustomPlace{{}}, Obtain: obtaining(credential{Value: "the-session-value", Note: errBroken}),
		Observe: func(e connectorauth.Event) { events = append(events, e) },
	}))
	require.NoError(t, c.Renew(t.Context()))
	require.Len(t, events, 2)
	assert.Equal(t, connectorauth.EventRenewed, events[1].Kind)
	assert.ErrorIs(t, events[1].Err, errBroken)
}

// What one account lacks is no pause for the others at the same endpoint.
func TestAccountThatNeedsItsOwnerDoesNotPauseTheEndpoint(t *testing.T) {
	for _, login := range []connectorauth.Secret{"", "typed"} {
		shared := new(connectorauth.Shared)
		use := func(value credential, err error) error {
			c := must(connectorauth.NewCustom(connectorauth.CustomConfig{
				Places: []connectorauth.CustomPlace{{}}, Endpoint: "https://login.example.test/session", Shared: shared, Login: login,
				Obtain: func(context.Context, credential, *http.Response) (credential, error) { return value, err },
			}))
			_, err = c.Wrap(&fakehttp.Base{}).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
			return err
		}
		for _, lacks := range []error{connectorauth.ErrNotConnected, connectorauth.ErrReauthRequired} {
			require.ErrorIs(t, use(credential{}, lacks), lacks)
			require.NoError(t, use(credential{Value: "v"}, nil))
		}
	}
}
