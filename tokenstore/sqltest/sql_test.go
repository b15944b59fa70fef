package sqltest

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/test/stores"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/tokenstoretest"
)

func TestSQL(t *testing.T) {
	eachTogether(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		tokenstoretest.Run(t, func(t *testing.T) tokenstore.Store { return p.open(t, 0) })
	})
}

func TestALockNamesItsHolder(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		stores.NamesTheHolder(t, p.open(t, 0), p.encode())
	})
}

func TestLeases(t *testing.T) {
	eachTogether(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		tokenstoretest.RunLease(t, shortLease, p.openCut)
	})
}

func TestSealedSQL(t *testing.T) {
	eachTogether(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		tokenstoretest.Run(t, func(t *testing.T) tokenstore.Store {
			sealed, err := tokenstore.NewSealed(p.open(t, 0), tokenstore.Key{ID: "k", Secret: []byte(strings.Repeat("k", 32))})
			require.NoError(t, err)
			return sealed
		})
	})
}

// Hosts with different time zones and connection settings agree on the end of a
// lease.
func TestLeaseAgreesAcrossTimeZones(t *testing.T) {
	acrossTimeZones(t, func(t *testing.T, next func() place) {
		tokenstoretest.RunLease(t, shortLease, func(t *testing.T) (tokenstore.SharedStore, func(bool)) { return next().openCut(t) })
	})
}

func TestLabelIsReadable(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		store := p.open(t, 0)
		db := openDB(t, p.Driver, p.DSN)
		for key, want := range map[string]string{
			"tenant-1/github":         "tenant-1/github",
			"it's":                    "it's",
			"käse\x00":                `"k\u00e4se\x00"`,
			strings.Repeat("k", 1000): strings.Repeat("k", 255),
		} {
			require.NoError(t, store.Save(t.Context(), key, nil))
			var label string
			require.NoError(t, db.QueryRow("SELECT label FROM "+p.Table).Scan(&label))
			assert.Equal(t, want, label)
			require.NoError(t, store.Delete(t.Context(), key))
		}
	})
}

func TestNewSQLRefusesAnotherProgramsTable(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		_, err := openDB(t, p.Driver, p.DSN).Exec("CREATE TABLE " + p.Table + " (id INTEGER)")
		require.NoError(t, err)
		_, _, err = p.connect(t.Context(), 0)
		assert.ErrorContains(t, err, p.Table)
	})
}

// In production, programs often have no right to create tables.
func TestNewSQLWithoutTheRightToCreateTables(t *testing.T) {
	p := newPlace(t, postgres)
	p.open(t, 0) // as the owner
	role := p.Table + "_user"
	owner := openDB(t, p.Driver, p.DSN)
	for _, statement := range []string{
		"CREATE ROLE " + role,
		"REVOKE CREATE ON SCHEMA public FROM PUBLIC",
		"GRANT SELECT, INSERT, UPDATE, DELETE ON " + p.Table + ", " + p.Table + "_leases TO " + role,
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
	require.NoError(t, limited.open(t, 0).Save(t.Context(), "k", []byte("v")))
	limited.Table = "elsewhere_" + p.Table
	_, _, err := limited.connect(t.Context(), 0)
	assert.ErrorContains(t, err, limited.Table)
}

func TestTableInASchema(t *testing.T) {
	p := newPlace(t, postgres)
	p.Table = "public." + p.Table
	require.NoError(t, p.open(t, 0).Save(t.Context(), "k", []byte("v")))
}

// A lock holds no connection: everything else works with a pool of a single
// connection.
func TestLockHoldsNoConnection(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		store, db, err := p.connect(t.Context(), 0)
		require.NoError(t, err)
		defer db.Close()
		db.SetMaxOpenConns(1)
		for _, key := range []string{"a", "b", "c"} {
			lease, err := store.Lock(t.Context(), key)
			require.NoError(t, err)
			defer lease.Unlock()
			require.NoError(t, store.Save(t.Context(), key, []byte("v")))
		}
		assert.Zero(t, db.Stats().InUse)
	})
}

func openDB(t testing.TB, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

func BenchmarkSQL(b *testing.B) {
	for _, e := range []engine{sqlite, sqliteWAL, postgres, mariadb} {
		b.Run(e.name, func(b *testing.B) { stores.Benchmark(b, newPlace(b, e).open(b, 0)) })
	}
}
