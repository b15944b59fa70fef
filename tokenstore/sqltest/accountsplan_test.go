package sqltest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// recorder opens connections that keep the last statement.
type recorder struct {
	inner driver.Driver
	dsn   string
	last  *string
}

func (r recorder) Connect(context.Context) (driver.Conn, error) {
	c, err := r.inner.Open(r.dsn)
	return recording{c, r.last}, err
}

func (r recorder) Driver() driver.Driver { return r.inner }

// recording has no more methods than a Conn must have, so that all statements are prepared.
type recording struct {
	driver.Conn
	last *string
}

func (r recording) Prepare(query string) (driver.Stmt, error) {
	*r.last = query
	return r.Conn.Prepare(query)
}

// SQLite knows nothing of how many rows have a value, and must be told which index is best.
func TestSQLiteSearchesTheBestIndex(t *testing.T) {
	p := newPlace(t, sqlite)
	plain := openDB(t, p.Driver, p.DSN)
	var last string
	db := sql.OpenDB(recorder{plain.Driver(), p.DSN, &last})
	defer db.Close()
	index, err := accounts.NewSQL(t.Context(), accounts.SQLConfig{DB: db, Engine: tokenstore.SQLite, Table: p.accounts()})
	require.NoError(t, err)
	list := func(f accounts.Filter) func() error {
		return func() error {
			_, err := index.List(t.Context(), f, "a", 10)
			return err
		}
	}
	definitions := []string{"d", "e"}
	for _, c := range []struct {
		do   func() error
		want string
	}{
		{list(accounts.Filter{Owner: "o"}), "_owner (owner=? AND id>?)"},
		{list(accounts.Filter{Owner: "o", Status: "s", Definitions: definitions}), "_owner (owner=? AND id>?)"},
		{list(accounts.Filter{Identity: "i", Owner: "o", Status: "s", Definitions: definitions}), "_identity (identity=? AND id>?)"},
		{list(accounts.Filter{Identity: "i"}), "_identity (identity=? AND id>?)"},
		{list(accounts.Filter{Status: "s", Definitions: definitions}), "_status (status=? AND id>?)"},
		{list(accounts.Filter{Definitions: definitions}), "autoindex_" + p.accounts() + "_1 (id>?)"},
		{func() error { _, err := index.Claim(t.Context(), 10, time.Minute); return err }, "_due (due<?)"},
		{func() error { _, err := index.Stats(t.Context()); return err }, "_due (due<?)"},
		{func() error { _, _, err := index.Get(t.Context(), "a"); return err }, "autoindex_" + p.accounts() + "_1 (id=?)"},
	} {
		require.NoError(t, c.do())
		args := make([]any, strings.Count(last, "?"))
		for i := range args {
			args[i] = "1"
		}
		rows, err := plain.Query("EXPLAIN QUERY PLAN "+last, args...)
		require.NoError(t, err)
		var plan []string
		for rows.Next() {
			var a, b, unused int
			var step string
			require.NoError(t, rows.Scan(&a, &b, &unused, &step))
			plan = append(plan, step)
		}
		require.NoError(t, rows.Err())
		whole := strings.Join(plan, "; ")
		assert.Contains(t, whole, c.want, last)
		assert.NotContains(t, whole, "SCAN", last)
		assert.NotContains(t, strings.ReplaceAll(whole, "LIST SUBQUERY", ""), "TEMP B-TREE", last)
	}
}
