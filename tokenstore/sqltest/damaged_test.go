package sqltest

import (
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An account that cannot be read keeps no other account from the sweep.
func TestClaimPassesADamagedAccount(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		index, db := p.index(t)
		for i, id := range []string{"a", "b", "c"} {
			stored, err := index.Put(t.Context(), accounts.Account{ID: id, Owner: "o", Due: time.Unix(int64(i+1), 0)})
			require.NoError(t, err)
			require.True(t, stored)
		}
		_, err := db.Exec("UPDATE " + p.accounts() + " SET data = '{' WHERE id = 'a'")
		require.NoError(t, err)
		claimed, err := index.Claim(t.Context(), 10, time.Minute)
		require.ErrorContains(t, err, `the account "a"`)
		require.Len(t, claimed, 2)
		assert.Equal(t, "b", claimed[0].ID)
		assert.Equal(t, "c", claimed[1].ID)
		claimed, err = index.Claim(t.Context(), 10, time.Minute)
		require.NoError(t, err, "the damaged account is claimed too")
		assert.Empty(t, claimed)
	})
}
