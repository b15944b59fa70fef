package accounts_test

import (
	"context"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Disconnect says whether a provider was told, and tells none that has nothing to forget or no
// way to be told.
func TestDisconnectSaysWhetherTheProviderWasTold(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.define(strings.Replace(document, `,
			"logout": {"method": "DELETE", "url": "LOGOUTURL", "header": {"X-Session": "{token}"}}`, "", 1))
		r := w.process()
		waiting, err := r.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Method: "oauth", Duplicate: true})
		require.NoError(t, err)
		app, err := r.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Method: "app", Duplicate: true})
		require.NoError(t, err)
		login := w.withLogin(r)
		for name, id := range map[string]string{"no token": waiting.ID, "no URL": app.ID, "no logout": login.ID} {
			revoked, err := r.Disconnect(t.Context(), id)
			require.NoError(t, err, name)
			assert.False(t, revoked, name)
		}
		assert.Empty(t, w.p.Requests(w.p.RevokeURL))

		both := w.withKey(r) // has a token beside, of a consent whose test could not be made
		_, err = r.Reconnect(t.Context(), both.ID, accounts.Request{Method: "oauth", Duplicate: true, OtherIdentity: true})
		require.NoError(t, err)
		w.fail(w.p.BearerURL, 503)
		require.Error(t, w.consent(r, both.ID))
		revoked, err := r.Disconnect(t.Context(), both.ID)
		require.NoError(t, err)
		assert.True(t, revoked)
		w.empty()
	})
}

// From the first step of Disconnect on, an account has no consent and no reason of before.
func TestAccountThatIsBeingDisconnected(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a := w.withConsent(r)
		w.fail(w.p.BearerURL, 503)
		_, err := r.Test(t.Context(), a.ID)
		require.Error(t, err)
		_, err = r.Reconnect(t.Context(), a.ID, accounts.Request{})
		require.NoError(t, err)
		w.p.Inject(w.p.RevokeURL, authtest.Always, authtest.Answer(503, nil, ""))
		_, err = r.Disconnect(t.Context(), a.ID)
		require.Error(t, err)
		_, err = r.Flow(t.Context(), a.ID)
		assert.ErrorIs(t, err, accounts.ErrDisconnected)
		a, err = r.Get(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, accounts.StatusDisconnected, a.Status)
		assert.Empty(t, string(a.Reason)+a.Error)
	})
}

// What the program adds to an account counts, whatever the account owner gives.
func TestValuesOfTheProgramCount(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.config.Connection = func(context.Context, accounts.Account) (definition.Connection, error) {
			return definition.Connection{HTTPClient: w.p.Client(), Values: values{"team": "of-the-program"}}, nil
		}
		r := w.process()
		a := w.withKey(r)
		for _, what := range []string{"Connect", "Reconnect"} {
			given, err := r.Given(t.Context(), a.ID)
			require.NoError(t, err)
			assert.Equal(t, "of-the-program", given.Values["team"], what)
			_, err = r.Reconnect(t.Context(), a.ID, accounts.Request{Values: values{"team": "other"}})
			require.NoError(t, err)
		}
	})
}

// A Reconnect removes what an earlier one has left that still waits.
func TestReconnectRemovesTheOneThatWaits(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a := w.withConsent(r)
		for range 2 {
			_, err := r.Reconnect(t.Context(), a.ID, accounts.Request{})
			require.NoError(t, err)
		}
		values, _ := w.stored(a.ID + "/2")
		assert.False(t, values)
		_, err := r.Connect(t.Context(), accounts.Request{ID: strings.Repeat("i", 101), Owner: "o1", Definition: "acme", Values: map[string]connectorauth.Secret{"apiKey": "CANARY-key"}})
		assert.ErrorContains(t, err, "ID: want at most 100")
	})
}
