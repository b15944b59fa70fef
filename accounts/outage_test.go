package accounts_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An outage of the store is nobody's fault: statuses stay, and the accounts are tried again
// soon.
func TestOutageOfTheStoreIsNoFaultOfAnAccount(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.define(strings.Replace(document, `"revokeUrl"`, `"keepAlive": "24h", "revokeUrl"`, 1))
		a := w.withConsent(w.process())
		store := &switchedStore{Memory: w.store}
		store.fail(1 << 30)
		w.config.Store = store
		r := w.process()
		client, err := r.Client(t.Context(), a.ID)
		require.NoError(t, err)
		time.Sleep(24 * time.Hour)

		unchanged := func() accounts.Account {
			t.Helper()
			synctest.Wait()
			b, err := r.Get(t.Context(), a.ID)
			require.NoError(t, err)
			assert.Equal(t, accounts.StatusOK, b.Status)
			assert.Empty(t, b.Reason)
			assert.Empty(t, b.Error)
			return b
		}
		for _, left := range []int{0, 1, 2, 3, 4} { // the store fails at once, or at some step of the renewal
			store.fail(left)
			swept, err := r.Sweep(t.Context(), 10)
			require.NoError(t, err)
			require.Equal(t, 1, swept.Claimed, left)
			assert.Zero(t, swept.Failed+swept.Renewed, left)
			b := unchanged()
			assert.True(t, b.Due.After(time.Now().Add(-time.Minute)))
			assert.True(t, b.Due.Before(time.Now().Add(5*time.Minute)), "the account waits for too long")
			_, err = client.Get(w.p.BearerURL)
			require.ErrorIs(t, err, errBroken)
			unchanged()
			_, err = r.Test(t.Context(), a.ID)
			require.ErrorIs(t, err, errBroken)
			unchanged()
			time.Sleep(5 * time.Minute)
		}
		store.fail(1 << 30)
		swept, err := r.Sweep(t.Context(), 10)
		require.NoError(t, err)
		assert.Equal(t, accounts.Swept{Claimed: 1, Renewed: 1}, swept)
		unchanged()
		require.NoError(t, r.Shutdown(t.Context()))
	})
}

// An account that waits for its consent is not ended because the store is out.
func TestOutageOfTheStoreEndsNoConsent(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		healthy := w.process()
		a, err := healthy.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Method: "oauth"})
		require.NoError(t, err)
		w.fail(w.p.BearerURL, 503)
		require.Error(t, w.consent(healthy, a.ID)) // consented, and not tested
		time.Sleep(24 * time.Hour)
		store := &switchedStore{Memory: w.store}
		w.config.Store = store
		store.fail(0)
		_, err = w.process().Sweep(t.Context(), 10)
		require.NoError(t, err)
		a, err = healthy.Get(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, accounts.StatusConnecting, a.Status)
		time.Sleep(5 * time.Minute)
		_, err = healthy.Sweep(t.Context(), 10)
		require.NoError(t, err)
		a, err = healthy.Get(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, accounts.StatusOK, a.Status)
	})
}

// An outage of the Index at the end of a consent keeps the token, although a *net.OpError of a refused
// connection calls itself not temporary.
func TestOutageOfTheIndexKeepsTheTokenOfAConsent(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		healthy := w.process()
		a, err := healthy.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Method: "oauth"})
		require.NoError(t, err)
		w.config.Index = refusing{w.index}
		require.ErrorIs(t, w.consent(w.process(), a.ID), syscall.ECONNREFUSED)
		a, err = healthy.Test(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, accounts.StatusOK, a.Status)
	})
}

// A refusing Index refuses to be written to.
type refusing struct{ accounts.Index }

func (refusing) Put(context.Context, accounts.Account) (bool, error) {
	return false, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
}

// A switchedStore fails after some operations.
type switchedStore struct {
	*tokenstore.Memory
	brittle brittle
}

func (s *switchedStore) fail(after int) { s.brittle.left = after }

func (s *switchedStore) Load(ctx context.Context, key string) ([]byte, bool, error) {
	if err := s.brittle.fails(); err != nil {
		return nil, false, err
	}
	return s.Memory.Load(ctx, key)
}

func (s *switchedStore) Lock(ctx context.Context, key string) (connectorauth.Lease, error) {
	if err := s.brittle.fails(); err != nil {
		return nil, err
	}
	return s.Memory.Lock(ctx, key)
}

func (s *switchedStore) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	if err := s.brittle.fails(); err != nil {
		return false, err
	}
	return s.Memory.CompareAndSwap(ctx, key, old, new)
}

// A client secret that the program has replaced is used at once.
func TestChangedClientSecretIsUsedAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var sent []string
		client := &http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
			if strings.HasPrefix(req.URL.String(), w.p.TokenURL) {
				sent = append(sent, secretOf(t, req))
			}
			return w.p.Client().Transport.RoundTrip(req)
		})}
		given := definition.Connection{Client: definition.Client{ID: w.p.ClientID, Secret: connectorauth.Secret(w.p.ClientSecret)}, HTTPClient: client}
		w.config.Connection = func(context.Context, accounts.Account) (definition.Connection, error) { return given, nil }
		r := w.process()
		a, err := r.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Method: "app"})
		require.NoError(t, err)
		assert.Equal(t, 200, w.status(r, a.ID))
		before, err := r.Connected(t.Context(), a.ID)
		require.NoError(t, err)
		same, err := r.Connected(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Same(t, before, same)

		given.Client.Secret = "CANARY-new"
		w.p.Inject(w.p.TokenURL, 1, authtest.Answer(200, http.Header{"Content-Type": {"application/json"}}, `{"access_token": "CANARY-t", "token_type": "Bearer"}`))
		time.Sleep(2 * time.Hour) // the token has expired
		w.request(r, a.ID, w.p.BearerURL)()
		require.NotEmpty(t, sent[1:])
		for _, secret := range sent[1:] {
			assert.Equal(t, "CANARY-new", secret)
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// secretOf returns the client secret of a token request.
func secretOf(t *testing.T, req *http.Request) string {
	if basic, ok := strings.CutPrefix(req.Header.Get("Authorization"), "Basic "); ok {
		text, err := base64.StdEncoding.DecodeString(basic)
		require.NoError(t, err)
		_, secret, _ := strings.Cut(string(text), ":")
		secret, err = url.QueryUnescape(secret)
		require.NoError(t, err)
		return secret
	}
	body, err := io.ReadAll(req.Body)
	require.NoError(t, err)
	req.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	require.NoError(t, err)
	return form.Get("client_secret")
}

func TestChangedRenewBeforeCountsAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		given, before := w.config.Connection, time.Minute
		w.config.Connection = func(ctx context.Context, a accounts.Account) (definition.Connection, error) {
			c, err := given(ctx, a)
			c.RenewBefore = before
			return c, err
		}
		r := w.process()
		a := w.withConsent(r)
		connected := func() *definition.Connected {
			c, err := r.Connected(t.Context(), a.ID)
			require.NoError(t, err)
			return c
		}
		first := connected()
		assert.Same(t, first, connected())
		before = 2 * time.Minute
		assert.NotSame(t, first, connected())
	})
}
