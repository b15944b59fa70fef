package accounts_test

import (
	"testing"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGivenIsWhatAFormNeeds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		assert.Same(t, w.set, r.Definitions())
		a := w.withKey(r)
		given, err := r.Given(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, "key", given.Method)
		assert.Equal(t, values{"apiKey": "CANARY-key", "team": "sales"}, given.Given())

		b, err := r.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Method: "oauth", Values: values{"team": "new"}, Scopes: []string{"read"}})
		require.NoError(t, err)
		given, err = r.Given(t.Context(), b.ID)
		require.NoError(t, err)
		assert.Equal(t, values{"team": "new"}, given.Given())
		assert.Equal(t, []string{"read"}, given.Scopes)

		require.NoError(t, w.store.Delete(t.Context(), a.ID+"/1/values"))
		given, err = r.Given(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, "key", given.Method)
		assert.Empty(t, given.Given())
		_, err = r.Given(t.Context(), "nobody")
		assert.ErrorIs(t, err, accounts.ErrNotFound)
	})
}
