package sqltest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/connectorauth/connectorauth/tokenstore"
)

// An engine is a database with a driver and a way to connect.
type engine struct {
	name   string
	driver string
	kind   tokenstore.Engine
	dsn    func(t testing.TB) string
}

var (
	sqlite    = engine{"SQLite", "sqlite", tokenstore.SQLite, sqliteDSN}
	sqliteWAL = engine{"SQLite with WAL", "sqlite", tokenstore.SQLite, func(t testing.TB) string {
		return sqliteDSN(t) + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)"
	}}
	postgres          = engine{"PostgreSQL", "pgx", tokenstore.PostgreSQL, postgresServer.DSN}
	postgresElsewhere = engine{"PostgreSQL, serializable, in Tokyo", "pgx", tokenstore.PostgreSQL, func(t testing.TB) string {
		dsn, err := url.Parse(postgresServer.DSN(t))
		require.NoError(t, err)
		query := dsn.Query()
		query.Set("default_transaction_isolation", "serializable")
		query.Set("timezone", "Asia/Tokyo")
		query.Set("default_query_exec_mode", "simple_protocol") // as behind a connection pooler
		dsn.RawQuery = query.Encode()
		return dsn.String()
	}}
	mariadb          = engine{"MySQL", "mysql", tokenstore.MySQL, mysqlServer.DSN}
	mariadbElsewhere = engine{"MySQL, counting found rows, in Tokyo", "mysql", tokenstore.MySQL, func(t testing.TB) string {
		config, err := mysql.ParseDSN(mysqlServer.DSN(t))
		require.NoError(t, err)
		config.ClientFoundRows = true
		config.InterpolateParams = true
		config.Params = map[string]string{"time_zone": "'+09:00'", "sql_mode": "''"}
		return config.FormatDSN()
	}}

	engines = []engine{sqlite, sqliteWAL, postgres, postgresElsewhere, mariadb, mariadbElsewhere}
)

func sqliteDSN(t testing.TB) string {
	return "file:" + filepath.ToSlash(filepath.Join(t.TempDir(), "tokens.db"))
}

// A place is a table in a database. The fields are exported, so that JSON can
// bring a place to a child process.
type place struct {
	Driver string
	Engine tokenstore.Engine
	DSN    string
	Table  string
}

// newPlace returns a place without tables. The end of the test removes tables
// that were created there.
func newPlace(t testing.TB, e engine) place {
	p := place{e.driver, e.kind, e.dsn(t), "test_" + strings.ToLower(rand.Text())}
	if e.kind != tokenstore.SQLite {
		t.Cleanup(func() {
			db, err := sql.Open(p.Driver, p.DSN)
			require.NoError(t, err)
			defer db.Close()
			for _, table := range []string{p.Table, p.Table + "_leases", p.accounts(), p.accounts() + "_schema"} {
				_, err := db.Exec("DROP TABLE IF EXISTS " + table)
				require.NoError(t, err)
			}
		})
	}
	return p
}

// accounts is the name of the table for accounts.
func (p place) accounts() string { return p.Table + "_a" }

// open opens the store at p with a new pool of connections, as another process
// would.
func (p place) open(t testing.TB, lease time.Duration) *tokenstore.SQL {
	t.Helper()
	store, db, err := p.connect(t.Context(), lease)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	return store
}

func (p place) connect(ctx context.Context, lease time.Duration) (*tokenstore.SQL, *sql.DB, error) {
	db, err := sql.Open(p.Driver, p.DSN)
	if err != nil {
		return nil, nil, err
	}
	store, err := tokenstore.NewSQL(ctx, tokenstore.SQLConfig{DB: db, Engine: p.Engine, Table: p.Table, Lease: lease})
	if err != nil {
		db.Close()
		return nil, nil, err
	}
	return store, db, nil
}

// eachTogether is each for tests that wait most of the time.
func eachTogether(t *testing.T, test func(t *testing.T, e engine)) {
	each(t, func(t *testing.T, e engine) {
		e.dsn(t) // the servers start one after the other
		t.Parallel()
		test(t, e)
	})
}

// each runs test with every engine.
func each(t *testing.T, test func(t *testing.T, e engine)) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) { test(t, e) })
	}
}

// acrossTimeZones runs test with each server that many hosts can reach. next returns the place
// of one host and of the other in turn, with other time zones and settings of connections.
func acrossTimeZones(t *testing.T, test func(t *testing.T, next func() place)) {
	for _, pair := range [][2]engine{{postgres, postgresElsewhere}, {mariadb, mariadbElsewhere}} {
		t.Run(pair[0].name, func(t *testing.T) {
			here := newPlace(t, pair[0])
			t.Parallel()
			elsewhere := here
			elsewhere.DSN = pair[1].dsn(t)
			places := []place{here, elsewhere}
			var mu sync.Mutex // guards places
			test(t, func() place {
				mu.Lock()
				defer mu.Unlock()
				places[0], places[1] = places[1], places[0]
				return places[0]
			})
		})
	}
}
