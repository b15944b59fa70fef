package accounts_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A pausedStore does something else before the first Load of a key.
type pausedStore struct {
	*tokenstore.Memory
	key   string
	first func()
}

func (s *pausedStore) Load(ctx context.Context, key string) ([]byte, bool, error) {
	if first := s.first; first != nil && key == s.key {
		s.first = nil
		first()
	}
	return s.Memory.Load(ctx, key)
}

// While a process opens an account, another one connects the account anew or ends the
// account.
func TestAccountThatChangesWhileItIsOpened(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		store := &pausedStore{Memory: w.store}
		w.config.Store = store
		for name, use := range map[string]func(r *accounts.Registry, id string) error{
			"Client": func(r *accounts.Registry, id string) error { _, err := r.Client(t.Context(), id); return err },
			"Given":  func(r *accounts.Registry, id string) error { _, err := r.Given(t.Context(), id); return err },
			"Reconnect": func(r *accounts.Registry, id string) error {
				_, err := r.Reconnect(t.Context(), id, accounts.Request{})
				return err
			},
			"Test": func(r *accounts.Registry, id string) error { _, err := r.Test(t.Context(), id); return err },
		} {
			a := w.withKey(r)
			store.key, store.first = a.ID+"/1/values", func() {
				_, err := r.Reconnect(t.Context(), a.ID, accounts.Request{})
				require.NoError(t, err)
			}
			if err := use(w.process(), a.ID); name == "Reconnect" {
				assert.ErrorIs(t, err, accounts.ErrSuperseded)
			} else {
				assert.NoError(t, err, name)
			}
			require.Nil(t, store.first)
			store.key, store.first = a.ID+"/2/values", func() {
				_, err := r.Disconnect(t.Context(), a.ID)
				require.NoError(t, err)
			}
			assert.ErrorIs(t, use(w.process(), a.ID), accounts.ErrNotFound, name)
		}
	})
}

// The account owner consents while Sweep ends the account because nobody has consented.
func TestSweepEndsNoAccountThatIsConnectedMeanwhile(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		store := &pausedStore{Memory: w.store}
		w.config.Store = store
		other := w.process()
		for _, meanwhile := range []func(id string){
			func(id string) { require.NoError(t, w.consent(r, id)) },
			func(id string) {
				_, err := r.Reconnect(t.Context(), id, accounts.Request{})
				require.NoError(t, err)
			},
		} {
			a, err := r.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Method: "oauth", Duplicate: true})
			require.NoError(t, err)
			time.Sleep(24 * time.Hour)
			store.key, store.first = a.ID+"/1", func() { meanwhile(a.ID) }
			_, err = other.Sweep(t.Context(), 10)
			require.NoError(t, err)
			b, err := r.Get(t.Context(), a.ID)
			require.NoError(t, err, "the account is gone")
			assert.NotEqual(t, accounts.StatusDisconnected, b.Status)
			_, err = r.Disconnect(t.Context(), a.ID)
			require.NoError(t, err)
		}
	})
}

// An account owner who begins anew has as much time as at first.
func TestReconnectOfAnAccountThatWaitsGivesTime(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a, err := r.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Method: "oauth"})
		require.NoError(t, err)
		time.Sleep(24*time.Hour - time.Minute)
		_, err = r.Reconnect(t.Context(), a.ID, accounts.Request{})
		require.NoError(t, err)
		time.Sleep(2 * time.Minute)
		swept, err := r.Sweep(t.Context(), 10)
		require.NoError(t, err)
		assert.Zero(t, swept.Removed)
		assert.NoError(t, w.consent(r, a.ID))
	})
}

// A request brings an account back that Sweep had given up, and Sweep takes care again.
func TestRequestBringsAnAccountBackToTheSweep(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.define(strings.Replace(document, `"type": "Session"`, `"keepAlive": "24h", "type": "Session"`, 1))
		r := w.process()
		a := w.withLogin(r)
		time.Sleep(24 * time.Hour)
		w.fail(w.p.LoginJSONURL, 401)
		_, err := r.Sweep(t.Context(), 10)
		require.NoError(t, err)
		w.p.EndSessions()
		time.Sleep(3 * time.Hour)
		for range 3 {
			w.request(r, a.ID, w.p.SessionURL)()
			synctest.Wait()
			time.Sleep(2 * time.Hour)
		}
		a, err = r.Get(t.Context(), a.ID)
		require.NoError(t, err)
		require.Equal(t, accounts.StatusOK, a.Status)
		assert.NotZero(t, a.Due)
	})
}

// Values that the store has lost are a matter of the account owner.
func TestLostValuesNeedTheOwner(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a := w.withKey(r)
		require.NoError(t, w.store.Delete(t.Context(), a.ID+"/1/values"))
		_, err := r.Client(t.Context(), a.ID)
		assert.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		_, err = r.Test(t.Context(), a.ID)
		assert.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		a, err = r.Get(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, accounts.StatusReauthRequired, a.Status)
		_, err = r.Reconnect(t.Context(), a.ID, accounts.Request{Values: values{"apiKey": "CANARY-key"}})
		require.NoError(t, err)
		assert.Equal(t, 200, w.status(r, a.ID))
	})
}

// A definition that is gone, or that has fewer credentials, leaves no record of an account.
func TestDisconnectRemovesRecordsOfAFormerDefinition(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for name, definition := range map[string]string{
			"gone": strings.ReplaceAll(document, "acme", "other"),
			"fewer": twoCredentials[:strings.Index(twoCredentials, `,
		"and"`)] + "}]}",
		} {
			w.define(twoCredentials)
			r := w.process()
			a, err := r.Connect(t.Context(), accounts.Request{
				Owner: "o1", Definition: "acme", Values: values{"apiKey": "CANARY-key", "username": connectorauth.Secret(w.p.Username), "password": connectorauth.Secret(w.p.Password)},
			})
			require.NoError(t, err)
			w.request(r, a.ID, w.p.SessionURL)()
			w.define(definition)
			_, err = r.Disconnect(t.Context(), a.ID)
			require.NoError(t, err)
			_, found, err := w.store.Load(t.Context(), a.ID+"/1#2")
			require.NoError(t, err)
			assert.False(t, found, name)
		}
	})
}

// An account that was connected anew very often is disconnected in parts.
func TestDisconnectGoesOnWhereItEnded(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a := w.withKey(r)
		a.Last = 5000
		stored, err := w.index.Put(t.Context(), a)
		require.NoError(t, err)
		require.True(t, stored)
		config := w.config
		config.Store, config.Shared = &brittle{w.store, 5000}, new(connectorauth.Shared)
		for tries := 1; ; tries++ {
			config.Store = &brittle{w.store, 5000} // which dies then
			other, err := accounts.New(config)
			require.NoError(t, err)
			if _, err = other.Disconnect(t.Context(), a.ID); err == nil {
				break
			}
			require.Less(t, tries, 20, "each Disconnect begins from the start")
		}
		w.empty()
		left, _ := w.stored(fmt.Sprintf("%s/%d", a.ID, a.Current))
		assert.False(t, left)
	})
}
