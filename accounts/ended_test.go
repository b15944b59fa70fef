package accounts_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withLogin connects an account by a login, for which nobody needs to consent.
func (w *world) withLogin(r *accounts.Registry) accounts.Account {
	w.Helper()
	a, err := r.Connect(w.Context(), accounts.Request{
		Owner: "o-login", Definition: "acme", Method: "login",
		Values: values{"username": connectorauth.Secret(w.p.Username), "password": connectorauth.Secret(w.p.Password)},
	})
	require.NoError(w, err)
	return a
}

// request makes a request whose outcome does not matter.
func (w *world) request(r *accounts.Registry, id, url string) func() {
	w.Helper()
	client, err := r.Client(w.Context(), id)
	require.NoError(w, err)
	return func() {
		if resp, err := client.Get(url); err == nil {
			resp.Body.Close()
		}
	}
}

// A client that a program has kept logs in again, and leaves nothing in the store.
func TestClientOfADisconnectedAccountLeavesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r, other := w.process(), w.process()
		for _, end := range []func(id string){
			func(id string) {
				_, err := r.Disconnect(t.Context(), id)
				require.NoError(t, err)
			},
			func(id string) {
				_, err := r.Reconnect(t.Context(), id, accounts.Request{})
				require.NoError(t, err)
			},
		} {
			a := w.withLogin(r)
			here, there := w.request(r, a.ID, w.p.SessionURL), w.request(other, a.ID, w.p.SessionURL)
			there()
			end(a.ID)
			w.p.EndSessions()
			for range 2 {
				here()
				there()
			}
			values, token := w.stored(a.ID + "/1")
			assert.False(t, values || token)
			require.NoError(t, other.Shutdown(t.Context()), "a token that nobody wants waits for the store")
			other = w.process()
		}
	})
}

// The login of one process is under way while another process disconnects the account.
func TestLoginThatEndsAfterTheDisconnectLeavesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r, other := w.process(), w.process()
		a := w.withLogin(r)
		there := w.request(other, a.ID, w.p.SessionURL)
		there()
		w.p.EndSessions()
		w.p.Inject(w.p.LoginJSONURL, 1, authtest.Delay(5*time.Second))
		var wg sync.WaitGroup
		wg.Go(there)
		synctest.Wait()
		_, err := r.Disconnect(t.Context(), a.ID)
		require.NoError(t, err)
		wg.Wait()
		synctest.Wait()
		values, token := w.stored(a.ID + "/1")
		assert.False(t, values || token)
		w.empty()
	})
}

// The account owner consents while the account is disconnected, and the process that has the
// token does not live to the test.
func TestConsentThatEndsAfterTheDisconnectLeavesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r, other := w.process(), w.process()
		a, err := r.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Method: "oauth"})
		require.NoError(t, err)
		finish, err := w.consented(other, a.ID)
		require.NoError(t, err)
		w.p.Inject(w.p.TokenURL, 1, authtest.Delay(5*time.Second))
		var wg sync.WaitGroup
		wg.Go(func() { assert.ErrorIs(t, finish(other), accounts.ErrSuperseded) })
		synctest.Wait()
		_, err = r.Disconnect(t.Context(), a.ID)
		require.NoError(t, err)
		w.p.Inject(w.p.BearerURL, 1, authtest.Delay(time.Hour)) // never tested
		time.Sleep(10 * time.Second)
		synctest.Wait()
		values, token := w.stored(a.ID + "/1")
		assert.False(t, values || token)
		w.empty()
		wg.Wait()
	})
}

// A Reconnect announces its generation, and then the account is disconnected.
func TestReconnectDuringADisconnectLeavesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		index := &watchedIndex{Index: w.index}
		r := w.process()
		a := w.withConsent(r)
		w.config.Index = index
		other := w.process()
		index.stored = func(b accounts.Account) {
			if b.Pending != 0 && b.Status != accounts.StatusDisconnected {
				index.stored = nil
				_, err := r.Disconnect(t.Context(), b.ID)
				assert.NoError(t, err)
			}
		}
		_, err := other.Reconnect(t.Context(), a.ID, accounts.Request{})
		assert.ErrorIs(t, err, accounts.ErrSuperseded)
		for _, generation := range []string{"/1", "/2"} {
			values, token := w.stored(a.ID + generation)
			assert.False(t, values || token, generation)
		}
		w.empty()
	})
}

// A second credential of a method has a record of its own, which ends too.
func TestDisconnectRemovesEachRecord(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.define(twoCredentials)
		r := w.process()
		a, err := r.Connect(t.Context(), accounts.Request{
			Owner: "o1", Definition: "acme", Values: values{"apiKey": "CANARY-key", "username": connectorauth.Secret(w.p.Username), "password": connectorauth.Secret(w.p.Password)},
		})
		require.NoError(t, err)
		w.request(r, a.ID, w.p.SessionURL)()
		_, found, err := w.store.Load(t.Context(), a.ID+"/1#2")
		require.NoError(t, err)
		require.True(t, found, "the second credential has a record")
		there := w.request(w.process(), a.ID, w.p.SessionURL)
		_, err = r.Disconnect(t.Context(), a.ID)
		require.NoError(t, err)
		there()
		_, found, err = w.store.Load(t.Context(), a.ID+"/1#2")
		require.NoError(t, err)
		assert.False(t, found)
	})
}

// twoCredentials is a definition whose second credential has a token.
const twoCredentials = `{"connectorauth": 1, "name": "acme", "baseUrl": "SESSIONURL",
	"inputs": [{"name": "apiKey", "secret": true}, {"name": "username"}, {"name": "password", "secret": true}],
	"methods": [{"name": "both", "type": "ApiKey", "key": "{apiKey}", "placement": {"name": "X-Api-Key"},
		"and": [{"type": "Session", "places": [{"name": "X-Session"}],
			"login": [{"url": "LOGINURL", "json": {"username": "{username}", "password": "{password}"}, "capture": {"token": "session.token"}}]}]}]}`

// A watchedIndex tells of each account that was stored.
type watchedIndex struct {
	accounts.Index
	stored func(accounts.Account)
}

func (i *watchedIndex) Put(ctx context.Context, a accounts.Account) (bool, error) {
	stored, err := i.Index.Put(ctx, a)
	if stored && i.stored != nil {
		i.stored(a)
	}
	return stored, err
}

// The account is disconnected between the look at the generation and the write of its token,
// and the token is gone again. A later write does not even begin.
func TestWriteOfATokenLooksBeforeAndAfter(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		store := &watchedStore{Memory: w.store}
		w.config.Store = store
		other := w.process()
		a, err := r.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Method: "oauth"})
		require.NoError(t, err)
		finish, err := w.consented(other, a.ID)
		require.NoError(t, err)
		writes := 0
		store.creating = func(key string) {
			if writes++; key == a.ID+"/1" {
				store.creating = nil
				_, err := r.Disconnect(t.Context(), a.ID)
				require.NoError(t, err)
			}
		}
		require.ErrorIs(t, finish(other), accounts.ErrSuperseded)
		assert.NotZero(t, writes)
		time.Sleep(time.Minute) // who saves in the background gives up
		values, token := w.stored(a.ID + "/1")
		assert.False(t, values || token)

		b := w.withLogin(r)
		there := w.request(other, b.ID, w.p.SessionURL)
		_, err = r.Disconnect(t.Context(), b.ID)
		require.NoError(t, err)
		store.creating = func(key string) { assert.Fail(t, "written after the end", key) }
		there()
		_, token = w.stored(b.ID + "/1")
		assert.False(t, token)
	})
}

// A watchedStore tells of each record that is about to come into being.
type watchedStore struct {
	*tokenstore.Memory
	creating func(key string)
}

func (s *watchedStore) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	if old == nil && s.creating != nil {
		s.creating(key)
	}
	return s.Memory.CompareAndSwap(ctx, key, old, new)
}
