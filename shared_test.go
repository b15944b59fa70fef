package connectorauth_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

func TestNewConnectorSeesWhatTheStoreHas(t *testing.T) {
	store := new(tokenstore.Memory)
	connector := func() *connectorauth.OAuth2 {
		return must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "client", TokenURL: "https://p.example/token", Store: store, Account: "alice",
			Grant: connectorauth.AuthorizationCode{AuthURL: "https://p.example/authorize"},
		}))
	}
	first := connector()
	require.NoError(t, first.SetToken(t.Context(), &oauth2.Token{AccessToken: "one", Expiry: time.Now().Add(time.Hour)}))
	got, err := connector().Token(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "one", got.AccessToken)

	value, _, err := store.Load(t.Context(), "alice")
	require.NoError(t, err)
	require.NoError(t, store.Save(t.Context(), "alice", bytes.Replace(value, []byte("one"), []byte("two"), 1)))
	got, err = connector().Token(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "two", got.AccessToken, "another program has replaced the token")

	require.NoError(t, store.Delete(t.Context(), "alice"))
	_, err = connector().Token(t.Context())
	require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
	runtime.KeepAlive(first)
}

func TestConnectorsMadeAnewFinishAConsentOnce(t *testing.T) {
	sent := 0
	client := &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
		sent++
		return fakehttp.Respond(200, `{"access_token":"a","refresh_token":"r"}`), nil
	})}
	connector := func() *connectorauth.OAuth2 {
		return must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "client", TokenURL: "https://p.example/token", HTTPClient: client,
			Grant: connectorauth.AuthorizationCode{AuthURL: "https://p.example/authorize"},
		}))
	}
	authURL, pending, err := connector().Begin(t.Context(), "https://app.example/callback")
	require.NoError(t, err)
	callback := url.Values{"state": {must(url.Parse(authURL)).Query().Get("state")}, "code": {"c"}}
	require.NoError(t, connector().Finish(t.Context(), pending, callback))
	require.ErrorContains(t, connector().Finish(t.Context(), pending, callback), "finished already")
	assert.Equal(t, 1, sent)
}

// anew returns OAuth2 connectors of one account, made anew with each call, and how
// many token requests they made.
func anew(store connectorauth.TokenStore, tokens *fakehttp.Base) func(shared *connectorauth.Shared, account string) *connectorauth.OAuth2 {
	if tokens.Answer == nil {
		tokens.Answer = func(*http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			return fakehttp.Respond(200, fmt.Sprintf(`{"access_token":"a%d","refresh_token":"r","expires_in":3600}`, len(tokens.Requests()))), nil
		}
	}
	return func(shared *connectorauth.Shared, account string) *connectorauth.OAuth2 {
		return must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "client", TokenURL: "https://p.example/token", Grant: connectorauth.AuthorizationCode{AuthURL: "https://p.example/authorize"},
			Store: store, Account: account, Shared: shared, HTTPClient: &http.Client{Transport: tokens},
		}))
	}
}

func TestConnectorsMadeForEachRequestMakeOneRenewal(t *testing.T) {
	for name, shared := range map[string]*connectorauth.Shared{"of the program": nil, "own": new(connectorauth.Shared)} {
		for _, store := range []connectorauth.TokenStore{new(tokenstore.Memory), new(sluggish)} { // with a lock, and without
			t.Run(fmt.Sprintf("%s, %T", name, store), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					tokens, api := new(fakehttp.Base), new(fakehttp.Base)
					connector := anew(store, tokens)
					require.NoError(t, connector(shared, "alice").SetToken(t.Context(), &oauth2.Token{RefreshToken: "r"}))
					var all sync.WaitGroup
					for range 100 {
						all.Go(func() { get(t, connector(shared, "alice"), &http.Client{Transport: api}, home) })
					}
					all.Wait()
					get(t, connector(shared, "alice"), &http.Client{Transport: api}, home)
					assert.Len(t, tokens.Requests(), 1)
					for _, r := range api.Requests() {
						assert.Equal(t, "Bearer a1", r.Header.Get("Authorization"))
					}
				})
			})
		}
	}
}

func TestTokenInMemoryIsSharedWhileTheStoreIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, tokens := new(faultyStore), new(fakehttp.Base)
		connector := anew(store, tokens)
		shared := new(connectorauth.Shared)
		keeps := connector(shared, "alice") // an account without a living connector is forgotten
		require.NoError(t, keeps.SetToken(t.Context(), &oauth2.Token{RefreshToken: "r"}))
		store.setDown(true)
		for range 3 {
			assert.Equal(t, "a1", must(connector(shared, "alice").Token(t.Context())).AccessToken)
		}
		assert.Len(t, tokens.Requests(), 1, "the refresh token that was spent is not sent again")
		store.setDown(false)
		time.Sleep(time.Minute)
		assert.Equal(t, "a1", must(connector(new(connectorauth.Shared), "alice").Token(t.Context())).AccessToken, "saved meanwhile")
		runtime.KeepAlive(keeps)
	})
}

func TestSharedKeepsStoresAccountsAndOthersApart(t *testing.T) {
	for name, test := range map[string]struct {
		other func(store connectorauth.TokenStore, tokens *fakehttp.Base, shared *connectorauth.Shared) *connectorauth.OAuth2
	}{
		"another account": {func(store connectorauth.TokenStore, tokens *fakehttp.Base, shared *connectorauth.Shared) *connectorauth.OAuth2 {
			return anew(store, tokens)(shared, "bob")
		}},
		"another store": {func(_ connectorauth.TokenStore, tokens *fakehttp.Base, shared *connectorauth.Shared) *connectorauth.OAuth2 {
			return anew(new(tokenstore.Memory), tokens)(shared, "alice")
		}},
		"no store": {func(_ connectorauth.TokenStore, tokens *fakehttp.Base, shared *connectorauth.Shared) *connectorauth.OAuth2 {
			return must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
				ClientID: "client", TokenURL: "https://p.example/token", Shared: shared, HTTPClient: &http.Client{Transport: tokens},
				Grant: connectorauth.AuthorizationCode{AuthURL: "https://p.example/authorize"},
			}))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			store, tokens, shared := new(tokenstore.Memory), tokenEndpoint(), new(connectorauth.Shared)
			c := anew(store, tokens)(shared, "alice")
			require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{AccessToken: "of-alice"}))
			_, err := test.other(store, tokens, shared).Token(t.Context())
			require.ErrorIs(t, err, connectorauth.ErrReauthRequired, "no token there")
			assert.Equal(t, "of-alice", must(c.Token(t.Context())).AccessToken)
			assert.Empty(t, tokens.Requests())
		})
	}
}

// With an own Shared each, two connectors are as two processes: each has its own
// token in memory, and finds a renewal of the other only in the store.
func TestOwnSharedKeepsTheTokenInMemoryApart(t *testing.T) {
	store := &counted{}
	connector := anew(store, tokenEndpoint())
	shared := new(connectorauth.Shared)
	one := connector(shared, "alice")
	require.NoError(t, one.SetToken(t.Context(), &oauth2.Token{AccessToken: "one", Expiry: time.Now().Add(time.Hour)}))
	require.Equal(t, "one", must(one.Token(t.Context())).AccessToken)
	other := connector(new(connectorauth.Shared), "alice")
	require.Equal(t, "one", must(other.Token(t.Context())).AccessToken)
	require.NoError(t, other.SetToken(t.Context(), &oauth2.Token{AccessToken: "two", Expiry: time.Now().Add(time.Hour)}))
	before := store.loads.Load()
	assert.Equal(t, "one", must(one.Token(t.Context())).AccessToken, "still good, and no look into the store")
	assert.Equal(t, before, store.loads.Load())
}

// counted is a store that counts its loads.
type counted struct {
	tokenstore.Memory
	loads atomic.Int32
}

func (s *counted) Load(ctx context.Context, key string) ([]byte, bool, error) {
	s.loads.Add(1)
	return s.Memory.Load(ctx, key)
}

func TestCustomConnectorsOfOneAccountShareTheirCredential(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, obtained := new(tokenstore.Memory), 0
		connector := func(shared *connectorauth.Shared) connectorauth.Connector {
			return must(connectorauth.NewCustom(connectorauth.CustomConfig{
				Authenticate: func(req *http.Request, value connectorauth.CustomCredential) error {
					req.Header.Set("X-Number", string(value.Value))
					return nil
				},
				Obtain: func(context.Context, connectorauth.CustomCredential, *http.Response) (connectorauth.CustomCredential, error) {
					obtained++
					time.Sleep(time.Second)
					return connectorauth.CustomCredential{Value: connectorauth.Secret(fmt.Sprint(obtained)), Expiry: time.Now().Add(time.Hour)}, nil
				},
				Store: store, Account: "alice", Shared: shared,
			}))
		}
		shared := new(connectorauth.Shared)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				code, _ := get(t, connector(shared), &http.Client{Transport: fakehttp.RoundTripper(wants("1"))}, home)
				assert.Equal(t, 200, code)
			})
		}
		all.Wait()
		code, _ := get(t, connector(new(connectorauth.Shared)), &http.Client{Transport: fakehttp.RoundTripper(wants("1"))}, home)
		assert.Equal(t, 200, code, "as after a restart")
		assert.Equal(t, 1, obtained)
	})
}

func TestShutdownWaitsForAConsentAndRefusesTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shared connectorauth.Shared
		store := new(tokenstore.Memory)
		sent := 0
		c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "client", TokenURL: "https://p.example/token", Store: store, Account: "alice", Shared: &shared,
			Grant: connectorauth.AuthorizationCode{AuthURL: "https://p.example/authorize"},
			HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
				sent++
				time.Sleep(10 * time.Second)
				return fakehttp.Respond(200, `{"access_token":"a","refresh_token":"r","expires_in":3600}`), nil
			})},
		}))
		finish := func(ctx context.Context) error {
			authURL, pending, err := c.Begin(ctx, "https://app.example/callback")
			require.NoError(t, err)
			return c.Finish(ctx, pending, url.Values{"state": {must(url.Parse(authURL)).Query().Get("state")}, "code": {"c"}})
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, finish(ctx), context.DeadlineExceeded, "the browser has left")
		require.NoError(t, shared.Shutdown(t.Context()))
		_, ok, err := store.Load(t.Context(), "alice")
		require.True(t, ok && err == nil, "saved by then")

		require.ErrorIs(t, finish(t.Context()), connectorauth.ErrShutdown)
		assert.Equal(t, 1, sent)
		assert.Equal(t, "a", must(c.Token(t.Context())).AccessToken)
		time.Sleep(2 * time.Hour)
		_, err = c.Token(t.Context())
		require.ErrorIs(t, err, connectorauth.ErrShutdown)
		assert.NotErrorIs(t, err, connectorauth.ErrReauthRequired)
		assert.Equal(t, 1, sent)
	})
}

func TestSharedIsPrintedByItsNameWhileItIsUsed(t *testing.T) {
	config := struct{ Shared *connectorauth.Shared }{new(connectorauth.Shared)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 20 {
			anew(new(tokenstore.Memory), tokenEndpoint())(config.Shared, "alice").Token(context.Background())
		}
	}()
	for printing := true; printing; {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
			assert.NotContains(t, fmt.Sprintf(verb, config), "alice")
			assert.Equal(t, "connectorauth.Shared", fmt.Sprintf(verb, config.Shared))
		}
		select {
		case <-done:
			printing = false
		default:
		}
	}
}
