package sqltest

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// How many accounts and owners a large index has.
const manyAccounts, manyOwners = 100_000, 10_000

// fill puts many accounts into an index, a thousand with each statement. Each tenth is due,
// since as many seconds as its number.
func (p place) fill(t testing.TB, db *sql.DB) {
	t.Helper()
	const together = 1000
	now := time.Now().UnixMicro()
	for first := 0; first < manyAccounts; first += together {
		rows := make([]string, together)
		for i := range rows {
			n, due := first+i, now+int64(time.Hour/time.Microsecond)
			if n%10 == 0 {
				due = now - int64(n)*1e6
			}
			rows[i] = fmt.Sprintf("('id-%06d', 'owner-%d', 'acme', '%s', 'u%d', %d, 0, 1, '{}')", n, n%manyOwners, []string{"ok", "reauth_required"}[n/(manyAccounts-10)], n, due)
		}
		_, err := db.Exec("INSERT INTO " + p.accounts() + " (id, owner, definition, status, identity, due, claimed_until, version, data) VALUES " + strings.Join(rows, ","))
		require.NoError(t, err)
	}
}

// rowsRead returns how many rows of accounts the only connection of db has read so far.
func (p place) rowsRead(t testing.TB, db *sql.DB) (n int) {
	t.Helper()
	if p.Engine == tokenstore.PostgreSQL {
		_, err := db.Exec("SELECT pg_stat_force_next_flush()")
		require.NoError(t, err)
		require.NoError(t, db.QueryRow("SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = $1", p.accounts()).Scan(&n))
		return n
	}
	rows, err := db.Query("SHOW SESSION STATUS LIKE 'Handler_read%'")
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var name string
		var value int
		require.NoError(t, rows.Scan(&name, &value))
		n += value
	}
	require.NoError(t, rows.Err())
	return n
}

// What programs do all the time reads about as many rows as it returns, however many accounts
// there are.
func TestLargeIndexReadsFewRows(t *testing.T) {
	for _, e := range []engine{postgres, mariadb} {
		t.Run(e.name, func(t *testing.T) {
			p := newPlace(t, e)
			index, db := p.index(t)
			db.SetMaxOpenConns(1)
			p.fill(t, db)
			analyze := "ANALYZE "
			if e.kind == tokenstore.MySQL {
				analyze = "ANALYZE TABLE "
			}
			_, err := db.Exec(analyze + p.accounts())
			require.NoError(t, err)
			list := func(f accounts.Filter, after string, limit int) func(context.Context) (int, error) {
				return func(ctx context.Context) (int, error) {
					page, err := index.List(ctx, f, after, limit)
					return len(page), err
				}
			}
			for name, c := range map[string]struct {
				do         func(context.Context) (int, error)
				want, most int
			}{
				"an owner":                 {list(accounts.Filter{Owner: "owner-77"}, "", 100), 10, 30},
				"the rest of an owner":     {list(accounts.Filter{Owner: "owner-77"}, "id-050000", 100), 5, 20},
				"a page of all":            {list(accounts.Filter{}, "id-050000", 100), 100, 200},
				"a rare status":            {list(accounts.Filter{Status: accounts.StatusReauthRequired}, "", 100), 10, 30},
				"a common status":          {list(accounts.Filter{Status: accounts.StatusOK}, "id-090000", 100), 100, 200},
				"a status of an owner":     {list(accounts.Filter{Owner: "owner-77", Status: accounts.StatusOK}, "", 100), 10, 30},
				"an identity":              {list(accounts.Filter{Identity: "u99999"}, "", 100), 1, 10},
				"a definition of an owner": {list(accounts.Filter{Owner: "owner-77", Definitions: []string{"acme", "other"}}, "", 100), 10, 30},
				"an account": {func(ctx context.Context) (int, error) {
					_, found, err := index.Get(ctx, "id-077777")
					return map[bool]int{true: 1}[found], err
				}, 1, 5},
				"a claim": {func(ctx context.Context) (int, error) {
					claimed, err := index.Claim(ctx, 100, time.Minute)
					return len(claimed), err
				}, 100, 900}, // also those that were claimed the six times before
			} {
				for range 7 { // PostgreSQL makes another plan after five times
					before := p.rowsRead(t, db)
					idle := p.rowsRead(t, db) - before // what the counting reads
					got, err := c.do(t.Context())
					read := p.rowsRead(t, db) - before - 2*idle
					require.NoError(t, err, name)
					assert.Equal(t, c.want, got, name)
					assert.LessOrEqual(t, read, c.most, name)
				}
			}
		})
	}
}
