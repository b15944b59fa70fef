package accounts_test

import (
	"fmt"
	"testing"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An account that waits for a consent does not vanish when the account owner tries a key in vain.
func TestFailedReconnectOfAConnectingAccountKeepsTheAccount(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a, err := r.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Method: "oauth"})
		require.NoError(t, err)
		_, err = r.Reconnect(t.Context(), a.ID, accounts.Request{Method: "key", Values: values{"apiKey": "CANARY-wrong"}})
		require.Error(t, err)
		_, err = r.Test(t.Context(), a.ID)
		assert.ErrorIs(t, err, accounts.ErrConnecting)
		_, err = r.Flow(t.Context(), a.ID)
		assert.ErrorIs(t, err, accounts.ErrNoConsent)
		_, err = r.Reconnect(t.Context(), a.ID, accounts.Request{Method: "oauth"})
		require.NoError(t, err)
		require.NoError(t, w.consent(r, a.ID))
		assert.Equal(t, 200, w.status(r, a.ID))
	})
}

// A Reconnect that has not ended, here because its process has died, is nothing to Test.
func TestTestLooksAtTheAccountInUse(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a := w.withKey(r)
		a.Pending, a.Last = a.Last+1, a.Last+1
		stored, err := w.index.Put(t.Context(), a)
		require.NoError(t, err)
		require.True(t, stored)
		a, err = r.Test(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, accounts.StatusOK, a.Status)
		assert.Equal(t, 1, a.Current)

		_, err = r.Reconnect(t.Context(), a.ID, accounts.Request{Method: "oauth"})
		require.NoError(t, err)
		w.fail(w.p.KeyHeaderURL, 401)
		a, err = r.Test(t.Context(), a.ID)
		require.Error(t, err)
		assert.Equal(t, accounts.StatusReauthRequired, a.Status)
		require.NoError(t, w.consent(r, a.ID))
		a, err = r.Get(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, accounts.StatusOK, a.Status)
	})
}

// A consent of another identity that was not tested in time leaves the account in use alone.
func TestTestRefusesAnotherIdentityOfAConsent(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a := w.withConsent(r)
		b, err := r.Reconnect(t.Context(), a.ID, accounts.Request{})
		require.NoError(t, err)
		w.fail(w.p.BearerURL, 503)
		require.Error(t, w.consent(r, a.ID))
		w.p.Inject(w.p.BearerURL, 1, authtest.EditAnswer(func(response map[string]any) { response["user"] = "eve" }))
		got, err := r.Test(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, a.Current, got.Current)
		_, token := w.stored(fmt.Sprintf("%s/%d", a.ID, b.Pending))
		assert.False(t, token, "the token of another identity is still in the store")
		assert.Equal(t, b.Pending, got.Pending, "the account owner may consent again")
		require.NoError(t, w.consent(r, a.ID))
		assert.Equal(t, 200, w.status(r, a.ID))
	})
}
