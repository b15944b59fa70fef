package accounts_test

import (
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A token of OAuth1 that the account owner has got at the service is kept as a value: there is
// no consent, and no token in the Store.
func TestTokenOfOAuth1ThatTheOwnerGives(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.define(strings.NewReplacer("OAUTH1URL", w.p.OAuth1URL).Replace(`{"connectorauth": 1, "name": "acme", "methods": [{"name": "token", "type": "OAuth1",
			"baseUrl": "OAUTH1URL", "token": "{token}", "tokenSecret": "{tokenSecret}", "inputs": [{"name": "token"}, {"name": "tokenSecret", "secret": true}]}],
			"test": {"request": "GET /me"}}`))
		r := w.process()
		token, secret := w.p.IssueOAuth1Token()
		given := values{"token": connectorauth.Secret(token), "tokenSecret": connectorauth.Secret(secret)}
		a, err := r.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Values: given})
		require.NoError(t, err)
		assert.Equal(t, accounts.StatusOK, a.Status)
		assert.Equal(t, 200, w.status(r, a.ID))
		_, err = r.Flow(t.Context(), a.ID)
		assert.ErrorIs(t, err, accounts.ErrNoConsent)
		_, err = r.Reconnect(t.Context(), a.ID, accounts.Request{})
		require.NoError(t, err)
		values, kept := w.stored(a.ID + "/1")
		assert.False(t, values || kept, "the former generation is gone")
		_, err = r.Disconnect(t.Context(), a.ID)
		require.NoError(t, err)
		values, kept = w.stored(a.ID + "/2")
		assert.False(t, values || kept)
		w.empty()
	})
}
