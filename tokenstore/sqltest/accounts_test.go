package sqltest

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/accounts/indextest"
	"github.com/connectorauth/connectorauth/internal/sqldb"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// index opens the index at p with a pool of connections of its own.
func (p place) index(t testing.TB) (*accounts.SQL, *sql.DB) {
	t.Helper()
	index, db, err := p.connectIndex(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	return index, db
}

func (p place) connectIndex(ctx context.Context) (*accounts.SQL, *sql.DB, error) {
	db, err := sql.Open(p.Driver, p.DSN)
	if err != nil {
		return nil, nil, err
	}
	index, err := accounts.NewSQL(ctx, accounts.SQLConfig{DB: db, Engine: p.Engine, Table: p.accounts()})
	if err != nil {
		db.Close()
		return nil, nil, err
	}
	return index, db, nil
}

func TestIndex(t *testing.T) {
	eachTogether(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		indextest.Test(t, func(t *testing.T) accounts.Index {
			index, _ := p.index(t)
			return index
		})
	})
}

// Hosts with different time zones and connection settings agree on claims and on times.
func TestIndexAcrossTimeZones(t *testing.T) {
	acrossTimeZones(t, func(t *testing.T, next func() place) {
		indextest.Test(t, func(t *testing.T) accounts.Index {
			index, _ := next().index(t)
			return index
		})
	})
}

// What no database could keep is an error before the database sees it.
func TestIndexRefusesWhatIsTooLong(t *testing.T) {
	eachTogether(t, func(t *testing.T, e engine) {
		index, _ := newPlace(t, e).index(t)
		good := accounts.Account{ID: "a", Owner: "o", Definition: "d", Status: accounts.StatusOK}
		for name, change := range map[string]func(a *accounts.Account){
			"ID: ":                      func(a *accounts.Account) { a.ID = strings.Repeat("i", 101) },
			"ID: want":                  func(a *accounts.Account) { a.ID = "ä" },
			"Owner: has 1001 bytes":     func(a *accounts.Account) { a.Owner = strings.Repeat("o", 1001) },
			"Owner: has 1004 bytes":     func(a *accounts.Account) { a.Owner = strings.Repeat("🔑", 251) },
			"Owner: want UTF-8":         func(a *accounts.Account) { a.Owner = "\xff" },
			"Owner: want UTF-8 without": func(a *accounts.Account) { a.Owner = "a\x00" },
			"Identity: ":                func(a *accounts.Account) { a.Identity = strings.Repeat("i", 1001) },
			"Definition: ":              func(a *accounts.Account) { a.Definition = strings.Repeat("d", 256) },
			"Status: ":                  func(a *accounts.Account) { a.Status = "a status that nobody knows" },
			"mebibyte":                  func(a *accounts.Account) { a.Error = strings.Repeat("e", 1<<20) },
		} {
			a := good
			change(&a)
			_, err := index.Put(t.Context(), a)
			assert.ErrorContains(t, err, name)
		}
		_, err := index.List(t.Context(), accounts.Filter{}, "a\x00", 10)
		assert.ErrorContains(t, err, "after: ")
		page, err := index.List(t.Context(), accounts.Filter{}, "", 10)
		require.NoError(t, err)
		assert.Empty(t, page)
	})
}

// A program keeps what a newer program has written into an account.
func TestIndexKeepsWhatItDoesNotKnow(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		index, db := p.index(t)
		stored, err := index.Put(t.Context(), accounts.Account{ID: "a", Owner: "o", Label: "before", Error: "e"})
		require.NoError(t, err)
		require.True(t, stored)
		const newer = `"region": {"name": "eu", "n": 12345678901234567890}, "zone": null, `
		_, err = db.Exec("UPDATE " + p.accounts() + " SET data = " + strings.ReplaceAll(`REPLACE(data, '"label"', 'NEW"label"')`, "NEW", newer))
		require.NoError(t, err)
		for _, read := range []func() accounts.Account{
			func() accounts.Account {
				a, _, err := index.Get(t.Context(), "a")
				require.NoError(t, err)
				return a
			},
			func() accounts.Account {
				page, err := index.List(t.Context(), accounts.Filter{Owner: "o"}, "", 1)
				require.NoError(t, err)
				return page[0]
			},
		} {
			a := read()
			a.Label, a.Error = "after", ""
			stored, err = index.Put(t.Context(), a)
			require.NoError(t, err)
			require.True(t, stored)
			var data []byte
			require.NoError(t, db.QueryRow("SELECT data FROM "+p.accounts()).Scan(&data))
			assert.Contains(t, string(data), `"region":{"name":"eu","n":12345678901234567890}`)
			assert.Contains(t, string(data), `"zone":null`)
			assert.Contains(t, string(data), `"label":"after"`)
			assert.NotContains(t, string(data), `"error"`)
			for _, column := range []string{`"id"`, `"owner"`, `"definition"`, `"status"`, `"identity"`, `"due"`, `"version"`} {
				assert.NotContains(t, string(data), column)
			}
		}
	})
}

// Processes that start together take each step of the schema once.
func TestMigrateOnce(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		migrate := func(steps ...sqldb.Migration) error {
			db, err := sql.Open(p.Driver, p.DSN)
			require.NoError(t, err)
			defer db.Close()
			d, problems := sqldb.New(db, string(p.Engine), p.accounts())
			require.Empty(t, problems)
			return d.Migrate(t.Context(), p.accounts(), steps)
		}
		first := sqldb.Migration{Statements: []string{"CREATE TABLE " + p.accounts() + " (id BIGINT NOT NULL)", "INSERT INTO " + p.accounts() + " VALUES (1)"}}
		second := sqldb.Migration{Statements: []string{"ALTER TABLE " + p.accounts() + " ADD COLUMN more BIGINT DEFAULT 7", "INSERT INTO " + p.accounts() + " VALUES (2, 3)"}}
		var together sync.WaitGroup
		for range 6 {
			together.Go(func() { assert.NoError(t, migrate(first)) })
			together.Go(func() { assert.NoError(t, migrate(first, second)) })
		}
		together.Wait()
		db := openDB(t, p.Driver, p.DSN)
		rows := func() (n int) {
			require.NoError(t, db.QueryRow("SELECT COUNT(*) FROM "+p.accounts()).Scan(&n))
			return n
		}
		assert.Equal(t, 2, rows(), "each step was taken once")
		require.NoError(t, migrate(first), "an old program goes on beside newer programs")

		broken := sqldb.Migration{Statements: []string{"INSERT INTO " + p.accounts() + " VALUES (3, 3)", "SELECT no_such_column FROM " + p.accounts()}}
		assert.ErrorContains(t, migrate(first, second, broken), "version 3")
		if e.kind != tokenstore.MySQL { // where a transaction takes all back
			assert.Equal(t, 2, rows())
		}
		third := sqldb.Migration{Alone: true}
		require.NoError(t, migrate(first, second, third), "another program goes on from there")
		require.NoError(t, migrate(first, second, third, sqldb.Migration{}))
		require.NoError(t, migrate(first, second, third))
		assert.ErrorContains(t, migrate(first, second), "use a newer version of the program")
	})
}

// On MySQL, a process that died in the middle of a step has left a part of the step.
func TestMigrateGoesOnAfterADeath(t *testing.T) {
	p := newPlace(t, mariadb)
	db := openDB(t, p.Driver, p.DSN)
	d, _ := sqldb.New(db, string(p.Engine), p.accounts())
	statements := []string{
		"CREATE TABLE " + p.accounts() + " (id BIGINT NOT NULL)",
		"ALTER TABLE " + p.accounts() + " ADD COLUMN more BIGINT DEFAULT 7",
		d.CreateIndex(p.accounts(), "more", "more"),
	}
	for _, s := range statements {
		_, err := db.Exec(s)
		require.NoError(t, err)
	}
	require.NoError(t, d.Migrate(t.Context(), p.accounts(), []sqldb.Migration{{Statements: append(statements, "INSERT INTO "+p.accounts()+" VALUES (1, 2)")}}))
	var n int
	require.NoError(t, db.QueryRow("SELECT COUNT(*) FROM "+p.accounts()).Scan(&n))
	assert.Equal(t, 1, n)
}

func TestIndexLeavesANewerSchemaAlone(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		_, db := p.index(t)
		_, err := db.Exec("UPDATE " + p.accounts() + "_schema SET version = 9")
		require.NoError(t, err)
		p.index(t) // the newer versions have added something
		_, err = db.Exec("UPDATE " + p.accounts() + "_schema SET least = 8")
		require.NoError(t, err)
		_, _, err = p.connectIndex(t.Context())
		assert.ErrorContains(t, err, p.accounts())
		assert.ErrorContains(t, err, "the record has version 8, and this program reads versions up to 1")
	})
}

func TestIndexRefusesAnotherProgramsTable(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		_, err := openDB(t, p.Driver, p.DSN).Exec("CREATE TABLE " + p.accounts() + " (id INTEGER)")
		require.NoError(t, err)
		_, _, err = p.connectIndex(t.Context())
		assert.ErrorContains(t, err, p.accounts())
	})
}

func TestIndexOpensTogether(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		e.dsn(t)
		var together sync.WaitGroup
		for range 8 {
			together.Go(func() {
				_, db, err := p.connectIndex(t.Context())
				if assert.NoError(t, err) {
					assert.NoError(t, db.Close())
				}
			})
		}
		together.Wait()
	})
}

func TestIndexInASchema(t *testing.T) {
	for _, c := range []struct {
		e      engine
		schema string
	}{{postgres, "public."}, {mariadb, "test."}, {sqlite, "main."}} {
		t.Run(c.e.name, func(t *testing.T) {
			p := newPlace(t, c.e)
			p.Table = c.schema + p.Table
			index, _ := p.index(t)
			stored, err := index.Put(t.Context(), accounts.Account{ID: "a"})
			require.NoError(t, err)
			assert.True(t, stored)
		})
	}
}

// The user of a program may have no right to create tables, where the tables are there.
func TestIndexWithoutTheRightToCreateTables(t *testing.T) {
	p := newPlace(t, postgres)
	p.index(t) // as the owner
	role := p.Table + "_user"
	owner := openDB(t, p.Driver, p.DSN)
	for _, statement := range []string{
		"CREATE ROLE " + role,
		"REVOKE CREATE ON SCHEMA public FROM PUBLIC",
		"GRANT SELECT, INSERT, UPDATE, DELETE ON " + p.accounts() + " TO " + role,
		"GRANT SELECT ON " + p.accounts() + "_schema TO " + role,
	} {
		_, err := owner.Exec(statement)
		require.NoError(t, err, statement)
	}
	t.Cleanup(func() {
		_, err := owner.Exec("DROP OWNED BY " + role + "; DROP ROLE " + role)
		assert.NoError(t, err)
	})
	limited := p
	limited.DSN += "&role=" + role
	index, _ := limited.index(t)
	a := accounts.Account{ID: "a", Due: time.Now().Add(-time.Minute)}
	stored, err := index.Put(t.Context(), a)
	require.NoError(t, err)
	require.True(t, stored)
	claimed, err := index.Claim(t.Context(), 1, time.Minute)
	require.NoError(t, err)
	require.Len(t, claimed, 1)
	_, err = index.Delete(t.Context(), "a", 1)
	require.NoError(t, err)
	limited.Table = "elsewhere_" + p.Table
	_, _, err = limited.connectIndex(t.Context())
	assert.ErrorContains(t, err, limited.Table)
}

// A claim holds no connection, and after Close of the pool every method fails.
func TestIndexHoldsNoConnection(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		index, db := newPlace(t, e).index(t)
		db.SetMaxOpenConns(1)
		for i := range 3 {
			_, err := index.Put(t.Context(), accounts.Account{ID: fmt.Sprint(i), Due: time.Now().Add(-time.Minute)})
			require.NoError(t, err)
			claimed, err := index.Claim(t.Context(), 1, time.Minute)
			require.NoError(t, err)
			require.Len(t, claimed, 1)
		}
		assert.Zero(t, db.Stats().InUse)
		require.NoError(t, db.Close())
		_, _, err := index.Get(t.Context(), "0")
		assert.Error(t, err)
		_, err = index.Put(t.Context(), accounts.Account{ID: "0", Version: 1})
		assert.Error(t, err)
		_, err = index.Claim(t.Context(), 1, time.Minute)
		assert.Error(t, err)
		_, err = index.Stats(t.Context())
		assert.Error(t, err)
	})
}

// No limit means no account, with every engine.
func TestIndexWithoutALimit(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		index, _ := newPlace(t, e).index(t)
		_, err := index.Put(t.Context(), accounts.Account{ID: "a", Due: time.Now().Add(-time.Minute)})
		require.NoError(t, err)
		for _, limit := range []int{0, -1, math.MinInt} {
			page, err := index.List(t.Context(), accounts.Filter{}, "", limit)
			require.NoError(t, err)
			assert.Empty(t, page)
			page, err = index.Claim(t.Context(), limit, time.Minute)
			require.NoError(t, err)
			assert.Empty(t, page)
		}
	})
}
