package accounts_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDisconnectRevokesForgetsAndDeletes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		for _, a := range []accounts.Account{w.withKey(r), w.withConsent(r)} {
			other := w.process()
			require.Equal(t, 200, w.status(other, a.ID))
			revoked, err := r.Disconnect(t.Context(), a.ID)
			require.NoError(t, err)
			assert.Equal(t, a.Method == "oauth", revoked)
			_, err = other.Client(t.Context(), a.ID)
			assert.ErrorIs(t, err, accounts.ErrNotFound)
			values, token := w.stored(a.ID + "/1")
			assert.False(t, values || token)
			revoked, err = r.Disconnect(t.Context(), a.ID)
			assert.NoError(t, err)
			assert.False(t, revoked)
		}
		w.empty()
		assert.Equal(t, 1, w.p.Stats().RevokedGrants)
	})
}

func TestDisconnectIsResumed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r, other := w.process(), w.process()
		a := w.withConsent(r)
		w.p.Inject(w.p.RevokeURL, 1, authtest.Answer(503, nil, ""))
		w.p.Inject(w.p.RevokeURL, 1, authtest.Answer(503, nil, ""))
		_, err := r.Disconnect(t.Context(), a.ID)
		var failed *connectorauth.TokenError
		require.ErrorAs(t, err, &failed)
		_, err = other.Client(t.Context(), a.ID)
		require.ErrorIs(t, err, accounts.ErrDisconnected)
		_, err = other.Test(t.Context(), a.ID)
		require.ErrorIs(t, err, accounts.ErrDisconnected)
		_, err = other.Reconnect(t.Context(), a.ID, accounts.Request{})
		require.ErrorIs(t, err, accounts.ErrDisconnected)

		revoked, err := other.Disconnect(t.Context(), a.ID)
		require.NoError(t, err)
		assert.True(t, revoked)
		w.empty()
		assert.Equal(t, 1, w.p.Stats().RevokedGrants)
	})
}

func TestDisconnectGivesUpOnAProviderThatIsGone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a := w.withConsent(r)
		w.p.Inject(w.p.RevokeURL, authtest.Always, authtest.Answer(503, nil, ""))
		for range 6 {
			_, err := r.Disconnect(t.Context(), a.ID)
			require.Error(t, err)
			time.Sleep(24 * time.Hour)
		}
		time.Sleep(24 * time.Hour)
		revoked, err := r.Disconnect(t.Context(), a.ID)
		require.NoError(t, err)
		assert.False(t, revoked)
		w.empty()
		values, token := w.stored(a.ID + "/1")
		assert.False(t, values || token)
	})
}

func TestDisconnectWithoutTheDefinition(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a := w.withConsent(r)
		w.define(strings.ReplaceAll(document, "acme", "other"))
		_, err := r.Client(t.Context(), a.ID)
		assert.ErrorContains(t, err, `there is no definition "acme"`)
		_, err = r.Disconnect(t.Context(), a.ID)
		require.NoError(t, err)
		w.empty()
		values, token := w.stored(a.ID + "/1")
		assert.False(t, values || token)
	})
}

// A process without the registration cannot tell the provider, and leaves that to others.
func TestDisconnectWithoutTheRegistration(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		healthy := w.process()
		a, b := w.withConsent(healthy), w.withConsent(healthy)
		w.config.Connection = nil
		poor := w.process()
		for _, id := range []string{a.ID, b.ID} {
			_, err := poor.Disconnect(t.Context(), id)
			require.ErrorContains(t, err, "Connection.Client: ID is missing")
		}
		revoked, err := healthy.Disconnect(t.Context(), a.ID)
		require.NoError(t, err)
		assert.True(t, revoked)
		time.Sleep(8 * 24 * time.Hour) // nobody has the registration any more
		revoked, err = poor.Disconnect(t.Context(), b.ID)
		require.NoError(t, err)
		assert.False(t, revoked)
		w.empty()
	})
}

// A brittle store fails after some operations, as when a process dies there.
type brittle struct {
	*tokenstore.Memory
	left int
}

var errBroken = errors.New("the store is gone")

func (b *brittle) fails() error {
	if b.left--; b.left < 0 {
		return errBroken
	}
	return nil
}

func (b *brittle) Load(ctx context.Context, key string) ([]byte, bool, error) {
	if err := b.fails(); err != nil {
		return nil, false, err
	}
	return b.Memory.Load(ctx, key)
}

func (b *brittle) Delete(ctx context.Context, key string) error {
	if err := b.fails(); err != nil {
		return err
	}
	return b.Memory.Delete(ctx, key)
}

// Wherever Disconnect ends, another process ends the account.
func TestDisconnectIsResumedAfterEachStep(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		failures := 0
		for steps := 0; ; steps++ {
			healthy := w.process()
			a := w.withConsent(healthy)
			store := &brittle{w.store, steps}
			config := w.config
			config.Store, config.Shared = store, new(connectorauth.Shared)
			r, err := accounts.New(config)
			require.NoError(t, err)
			_, err = r.Disconnect(t.Context(), a.ID)
			if err == nil {
				break
			}
			failures++
			assert.ErrorIs(t, err, errBroken, "after %d operations", steps)
			_, err = healthy.Disconnect(t.Context(), a.ID)
			require.NoError(t, err)
			values, token := w.stored(a.ID + "/1")
			assert.False(t, values || token, "after %d operations", steps)
		}
		assert.Greater(t, failures, 3)
		w.empty()
		assert.Equal(t, failures+1, w.p.Stats().RevokedGrants)
	})
}

// So does another process for each record of two credentials: once the values are gone, nobody
// knows of the second.
func TestDisconnectOfTwoCredentialsIsResumedAfterEachStep(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.define(twoCredentials)
		for steps, done := 0, false; !done; steps++ {
			healthy := w.process()
			a, err := healthy.Connect(t.Context(), accounts.Request{
				Owner: "o1", Definition: "acme", Values: values{"apiKey": "CANARY-key", "username": connectorauth.Secret(w.p.Username), "password": connectorauth.Secret(w.p.Password)},
			})
			require.NoError(t, err)
			w.request(healthy, a.ID, w.p.SessionURL)()
			config := w.config
			config.Store, config.Shared = &brittle{w.store, steps}, new(connectorauth.Shared)
			r, err := accounts.New(config)
			require.NoError(t, err)
			_, err = r.Disconnect(t.Context(), a.ID)
			done = err == nil
			_, err = healthy.Disconnect(t.Context(), a.ID)
			require.NoError(t, err)
			_, found, err := w.store.Load(t.Context(), a.ID+"/1#2")
			require.NoError(t, err)
			assert.False(t, found, "after %d operations", steps)
		}
	})
}

func TestDisconnectLogsOut(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a, err := r.Connect(t.Context(), accounts.Request{
			Owner: "o1", Definition: "acme", Method: "login",
			Values: values{"username": connectorauth.Secret(w.p.Username), "password": connectorauth.Secret(w.p.Password)},
		})
		require.NoError(t, err)
		assert.Equal(t, 200, w.status(w.process(), a.ID))
		assert.Equal(t, 1, w.p.Stats().Logins, "processes share a session")
		revoked, err := w.process().Disconnect(t.Context(), a.ID)
		require.NoError(t, err)
		assert.True(t, revoked)
		assert.Equal(t, 1, w.p.Stats().Logouts)
	})
}

// A program that has lost the keys can connect its accounts anew, and end them.
func TestLostKeys(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := w.process()
		a, b := w.withKey(first), w.withConsent(first)
		w.config.Keys = []tokenstore.Key{{ID: "k2", Secret: []byte(strings.Repeat("t", 32))}}
		r := w.process()
		for _, id := range []string{a.ID, b.ID} {
			_, err := r.Client(t.Context(), id)
			var damaged interface{ Damaged() bool }
			require.ErrorAs(t, err, &damaged)
		}
		_, err := r.Reconnect(t.Context(), a.ID, accounts.Request{Values: values{"apiKey": "CANARY-key"}})
		require.NoError(t, err)
		assert.Equal(t, 200, w.status(r, a.ID))
		revoked, err := r.Disconnect(t.Context(), b.ID)
		require.NoError(t, err)
		assert.False(t, revoked)
		values, token := w.stored(b.ID + "/1")
		assert.False(t, values || token)
	})
}

// Without the registration of the program, the provider cannot be told: the account waits.
func TestDisconnectWaitsForTheConnection(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.withConsent(w.process())
		works := w.config.Connection
		w.config.Connection = func(context.Context, accounts.Account) (definition.Connection, error) {
			return definition.Connection{}, errBroken
		}
		r := w.process()
		_, err := r.Client(t.Context(), a.ID)
		require.ErrorIs(t, err, errBroken)
		_, err = r.Disconnect(t.Context(), a.ID)
		require.ErrorIs(t, err, errBroken)
		w.config.Connection = works
		revoked, err := w.process().Disconnect(t.Context(), a.ID)
		require.NoError(t, err)
		assert.True(t, revoked)
	})
}
