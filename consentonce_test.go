package connectorauth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// consenter is what connectors with a consent have in common.
type consenter interface {
	connectorauth.Connector
	Begin(ctx context.Context, redirectURL string) (string, connectorauth.Secret, error)
	Finish(ctx context.Context, pending connectorauth.Secret, callback url.Values) error
}

// process makes the connector of an account as a process of its own would: it has
// nothing in common with others but the store.
type process func(store connectorauth.TokenStore, client *http.Client) consenter

// eachConsent runs a test with the connectors that have a consent.
func eachConsent(t *testing.T, test func(t *testing.T, p *authtest.Provider, start process)) {
	t.Run("OAuth2", func(t *testing.T) {
		p := authtest.NewProvider(t)
		test(t, p, func(store connectorauth.TokenStore, client *http.Client) consenter {
			return must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
				ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL,
				Grant: connectorauth.AuthorizationCode{AuthURL: p.AuthURL}, HTTPClient: client,
				Store: store, Account: "alice", Shared: new(connectorauth.Shared),
			}))
		})
	})
	t.Run("OAuth1", func(t *testing.T) {
		p := authtest.NewProvider(t)
		test(t, p, func(store connectorauth.TokenStore, client *http.Client) consenter {
			return must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
				ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), HTTPClient: client,
				RequestTokenURL: p.RequestTokenURL, AuthorizeURL: p.AuthorizeURL, AccessTokenURL: p.AccessTokenURL,
				Store: store, Account: "alice", Shared: new(connectorauth.Shared),
			}))
		})
	})
}

// allowed begins a consent and presses Allow.
func allowed(t *testing.T, p *authtest.Provider, c consenter) (pending connectorauth.Secret, callback url.Values) {
	t.Helper()
	authURL, pending, err := c.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	u, err := p.Authorize(authURL)
	require.NoError(t, err)
	return pending, u.Query()
}

// exchanged is the number of codes and verifiers that the provider has seen.
func exchanged(p *authtest.Provider) int {
	return len(p.Requests(p.TokenURL)) + len(p.Requests(p.AccessTokenURL))
}

// finishOnce brings one callback to all processes, five times to each.
func finishOnce(t *testing.T, p *authtest.Provider, processes []consenter) {
	t.Helper()
	pending, callback := allowed(t, p, processes[0])
	var all sync.WaitGroup
	var won, used atomic.Int32
	for i := range 5 * len(processes) {
		all.Go(func() {
			switch err := processes[i%len(processes)].Finish(context.Background(), pending, callback); {
			case err == nil:
				won.Add(1)
			case strings.Contains(err.Error(), "finished already"):
				used.Add(1)
			}
		})
	}
	all.Wait()
	assert.EqualValues(t, 1, won.Load())
	assert.EqualValues(t, 5*len(processes)-1, used.Load())
	assert.Equal(t, 1, exchanged(p))
}

func TestProcessesFinishAConsentOnce(t *testing.T) {
	eachConsent(t, func(t *testing.T, p *authtest.Provider, start process) {
		directory := t.TempDir() + "/store"
		var processes []consenter
		for range 4 {
			store, err := tokenstore.NewFile(directory)
			require.NoError(t, err)
			processes = append(processes, start(store, nil))
		}
		finishOnce(t, p, processes)
	})
}

func TestCodeIsNotSentAgainByAnotherProcess(t *testing.T) {
	eachConsent(t, func(t *testing.T, p *authtest.Provider, start process) {
		for name, fault := range map[string]authtest.Fault{"lost": authtest.DropAfter(), "unavailable": authtest.Answer(503, nil, "")} {
			store := new(tokenstore.Memory)
			first := start(store, nil)
			pending, callback := allowed(t, p, first)
			before := exchanged(p)
			p.Inject(p.TokenURL, 1, fault)
			p.Inject(p.AccessTokenURL, 1, fault)
			require.Error(t, first.Finish(t.Context(), pending, callback), name)
			require.ErrorContains(t, start(store, nil).Finish(t.Context(), pending, callback), "finished already", name)
			assert.Equal(t, before+1, exchanged(p), name)
		}
	})
}

// claimless is a store that is out of order until repaired.
type claimless struct {
	tokenstore.Memory
	repaired atomic.Bool
}

func (s *claimless) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	if !s.repaired.Load() {
		return false, errStoreDown
	}
	return s.Memory.CompareAndSwap(ctx, key, old, new)
}

func TestWithoutAClaimNothingIsSent(t *testing.T) {
	eachConsent(t, func(t *testing.T, p *authtest.Provider, start process) {
		store := new(claimless)
		c := start(store, nil)
		pending, callback := allowed(t, p, c)
		err := c.Finish(t.Context(), pending, callback)
		require.ErrorIs(t, err, errStoreDown)
		assert.ErrorContains(t, err, "the token store")
		var temporary interface{ Temporary() bool }
		require.ErrorAs(t, err, &temporary)
		assert.True(t, temporary.Temporary())
		assert.Zero(t, exchanged(p))

		store.repaired.Store(true)
		require.NoError(t, c.Finish(t.Context(), pending, callback), "the same callback")
		assert.Equal(t, 200, status(t, p, c, map[connectorauth.AuthType]string{
			connectorauth.AuthTypeOAuth2: p.BearerURL, connectorauth.AuthTypeOAuth1: p.OAuth1URL,
		}[c.AuthType()]))
	})
}

// A code that was not sent can be sent with the same callback, by any process.
func TestCodeThatWasNotSentCanBeSentLater(t *testing.T) {
	eachConsent(t, func(t *testing.T, p *authtest.Provider, start process) {
		errDial := errors.New("no route to the provider")
		cut := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, errDial }}}
		store := new(tokenstore.Memory)
		pending, callback := allowed(t, p, start(store, nil))
		c := start(store, cut)
		for range 2 {
			err := c.Finish(t.Context(), pending, callback)
			require.ErrorIs(t, err, errDial)
			var failed *connectorauth.TokenError
			require.ErrorAs(t, err, &failed)
			assert.True(t, failed.Temporary())
		}
		assert.Zero(t, exchanged(p))
		require.NoError(t, start(store, nil).Finish(t.Context(), pending, callback))
		require.ErrorContains(t, c.Finish(t.Context(), pending, callback), "finished already")
		assert.Equal(t, 1, exchanged(p))
	})
}

// A store without CompareAndSwap cannot keep claims: they are in memory.
func TestPlainStoreClaimsInMemory(t *testing.T) {
	eachConsent(t, func(t *testing.T, p *authtest.Provider, start process) {
		store := struct{ connectorauth.TokenStore }{new(tokenstore.Memory)}
		c := start(store, nil)
		pending, callback := allowed(t, p, c)
		require.NoError(t, c.Finish(t.Context(), pending, callback))
		require.ErrorContains(t, c.Finish(t.Context(), pending, callback), "finished already")
		assert.Equal(t, 1, exchanged(p))
	})
}

func TestHookThatFailsBeforeTheCodeIsSentLeavesTheConsentOpen(t *testing.T) {
	var asked int
	base := fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
		asked++
		return fakehttp.Respond(200, `{"access_token":"a"}`), nil
	})
	fails := true
	c := connectorauth.WithHooks(must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", TokenURL: google.token, Grant: connectorauth.AuthorizationCode{AuthURL: google.auth},
		HTTPClient: &http.Client{Transport: base},
	})), connectorauth.Hooks{BeforeToken: func(*connectorauth.Exchange) error {
		if fails {
			return errBroken
		}
		return nil
	}}).(*connectorauth.OAuth2)
	authURL, pending, err := c.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	callback := url.Values{"state": must(url.Parse(authURL)).Query()["state"], "code": {"c"}}
	require.ErrorIs(t, c.Finish(t.Context(), pending, callback), errBroken)
	assert.Zero(t, asked)
	fails = false
	require.NoError(t, c.Finish(t.Context(), pending, callback))
	assert.Equal(t, 1, asked)
}

// The claims of a record that cannot be read are too old to matter.
func TestConsentIsFinishedOnceAfterAKeyOfTheStoreIsGone(t *testing.T) {
	eachConsent(t, func(t *testing.T, p *authtest.Provider, start process) {
		inner := new(tokenstore.Memory)
		seal := func(secret byte) connectorauth.SharedTokenStore {
			return must(tokenstore.NewSealed(inner, tokenstore.Key{ID: string(secret), Secret: bytes.Repeat([]byte{secret}, 32)})).(connectorauth.SharedTokenStore)
		}
		gone, store := seal('1'), seal('2')
		for i := range 256 {
			require.NoError(t, gone.Save(t.Context(), fmt.Sprintf("connectorauth-consents-%02x", i), []byte("claims")))
		}
		processes := []consenter{start(store, nil), start(store, nil)}
		finishOnce(t, p, processes)
	})
}
