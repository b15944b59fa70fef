//go:build unix

package sqltest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/internal/test/child"
)

// A registry works on every engine, with the index and the store in one database.
func TestRegistry(t *testing.T) {
	eachTogether(t, func(t *testing.T, e engine) {
		const n = 20
		argument, err := json.Marshal(providing{Accounts: n, Lifetime: time.Minute})
		require.NoError(t, err)
		f := &fleet{sweeping: sweeping{Place: newPlace(t, e), KeepAlive: time.Second}, accounts: n}
		f.Provider = child.Start(t, providerJob, string(argument)).Line(t)
		r, _, db, err := f.registry(t.Context())
		require.NoError(t, err)
		defer db.Close()
		for range 2 { // the second time, all are there already
			for a, err := range r.Import(t.Context(), f.rows(0, 1)) {
				if err != nil {
					require.ErrorIs(t, err, accounts.ErrExists, a.ID)
				}
			}
		}
		other, _, otherDB, err := f.registry(t.Context())
		require.NoError(t, err)
		defer otherDB.Close()
		time.Sleep(1100 * time.Millisecond) // all are due
		for _, process := range []*accounts.Registry{r, other} {
			swept, err := process.Sweep(t.Context(), n/2)
			require.NoError(t, err)
			assert.Equal(t, accounts.Swept{Claimed: n / 2, Renewed: n / 2}, swept)
		}
		page, err := other.List(t.Context(), accounts.Filter{Owner: "owner-1"}, "", n)
		require.NoError(t, err)
		assert.Len(t, page, n/2)
		_, err = r.Disconnect(t.Context(), id(0))
		require.NoError(t, err)
		_, err = other.Get(t.Context(), id(0))
		assert.ErrorIs(t, err, accounts.ErrNotFound)
		stats, err := other.Stats(t.Context())
		require.NoError(t, err)
		assert.Equal(t, map[accounts.Status]int{accounts.StatusOK: n - 1}, stats.Accounts)
		for _, e := range f.book(t).Entries {
			assert.False(t, e.Reused)
			assert.Positive(t, e.Generation)
		}
	})
}
