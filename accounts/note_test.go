package accounts_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A client of before the Reconnect finds its token gone, which says nothing of the account.
func TestClientOfBeforeTheReconnectChangesNoStatus(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r, other := w.process(), w.process()
		a := w.withConsent(r)
		client, err := r.Client(t.Context(), a.ID)
		require.NoError(t, err)
		_, err = other.Reconnect(t.Context(), a.ID, accounts.Request{})
		require.NoError(t, err)
		require.NoError(t, w.consent(other, a.ID))
		_, err = client.Get(w.p.BearerURL)
		require.ErrorIs(t, err, connectorauth.ErrNotConnected)
		synctest.Wait()
		b, err := r.Get(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, accounts.StatusOK, b.Status)
		assert.Equal(t, 200, w.status(r, a.ID))
	})
}

// After Shutdown, a Registry writes nothing: the process may exit at any time.
func TestNothingIsWrittenAfterShutdown(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		index := &watchedIndex{Index: w.index}
		config := w.config
		w.config.Index = index
		r := w.process()
		w.config = config
		a := w.withConsent(r)
		time.Sleep(2 * time.Hour)
		w.fail(w.p.TokenURL, 503)
		w.request(r, a.ID, w.p.BearerURL)()
		synctest.Wait()
		b, err := r.Get(t.Context(), a.ID)
		require.NoError(t, err)
		require.Equal(t, accounts.StatusFailing, b.Status)
		client, err := r.Client(t.Context(), a.ID)
		require.NoError(t, err)
		require.NoError(t, r.Shutdown(t.Context()))
		time.Sleep(time.Hour)
		require.NoError(t, w.renew(w.process(), a.ID)) // without an event for the Index: nobody has asked for a client
		index.stored = func(accounts.Account) { assert.Fail(t, "written after Shutdown") }
		resp, err := client.Get(w.p.BearerURL) // adopts the token, which ends the failure
		require.NoError(t, err)
		resp.Body.Close()
		synctest.Wait()
		_, err = r.Sweep(t.Context(), 10)
		assert.ErrorIs(t, err, connectorauth.ErrShutdown)
		assert.ErrorIs(t, r.Run(t.Context()), connectorauth.ErrShutdown)
		require.NoError(t, r.Shutdown(t.Context()))
	})
}

// renew renews the token of an account.
func (w *world) renew(r *accounts.Registry, id string) error {
	w.Helper()
	c, err := r.Connected(w.Context(), id)
	require.NoError(w, err)
	return c.Credential().(*connectorauth.OAuth2).Renew(w.Context())
}
