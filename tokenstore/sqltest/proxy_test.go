package sqltest

import (
	"database/sql"
	"io"
	"log"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/test/proxy"
	"github.com/connectorauth/connectorauth/internal/test/stores"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/lease"
)

// When a connection breaks in the middle of a save, the key has the old value or
// the new value, and the store works again on the next connection.
func TestConnectionResetWhileSaving(t *testing.T) {
	mysql.SetLogger(log.New(io.Discard, "", 0)) // the driver would log every cut
	for _, e := range []engine{postgres, mariadb} {
		t.Run(e.name, func(t *testing.T) {
			direct := newPlace(t, e)
			named, ended := direct.named(t)
			through, cut := named.proxied(t)
			store, check := through.open(t, 0), direct.open(t, 0)
			require.NoError(t, store.Save(t.Context(), "k", []byte("0")))
			failed, last := 0, 0
			for n := 1; n <= 100; n++ {
				timer := time.AfterFunc(rand.N(3*time.Millisecond), cut)
				saveErr := store.Save(t.Context(), "k", append([]byte(strconv.Itoa(n)), make([]byte, 100_000)...))
				timer.Stop()
				if saveErr != nil {
					failed++
					assert.ErrorContains(t, saveErr, `tokenstore: save "k"`)
					ended() // until then, the server may execute the statement
				}
				value, ok, err := check.Load(t.Context(), "k")
				require.NoError(t, err)
				require.True(t, ok)
				stored, err := strconv.Atoi(strings.TrimRight(string(value), "\x00"))
				require.NoError(t, err)
				if saveErr == nil {
					require.Equal(t, n, stored, "a value that was saved is gone")
				} else {
					require.Contains(t, []int{last, n}, stored)
				}
				last = stored
			}
			t.Logf("%d of 100 saves were cut off", failed)

			for range 20 { // if the response is lost, the store ends the lease, or the lease ends by itself
				timer := time.AfterFunc(rand.N(3*time.Millisecond), cut)
				held, err := store.Lock(t.Context(), "k")
				timer.Stop()
				if err == nil {
					held.Unlock()
				}
			}
			held, err := check.Lock(t.Context(), "k")
			require.NoError(t, err)
			held.Unlock()
		})
	}
}

// A lock outlasts many broken connections. Connections break for so long that the holder
// fails to prolong the lock. As soon as a connection lasts, the holder prolongs the lock.
func TestConnectionResetsWhileALockIsHeld(t *testing.T) {
	mysql.SetLogger(log.New(io.Discard, "", 0))
	const storm = lease.Length * 5 / 12 // the holder prolongs the lock after a third of the lease
	for _, e := range []engine{postgres, mariadb} {
		t.Run(e.name, func(t *testing.T) {
			direct := newPlace(t, e)
			t.Parallel()
			through, cut := direct.proxied(t)
			store, other := through.open(t, 0), direct.open(t, 0)
			db := openDB(t, direct.Driver, direct.DSN)
			end := func() (end string) {
				require.NoError(t, db.QueryRow("SELECT expires FROM "+direct.Table+"_leases").Scan(&end))
				return end
			}
			held, err := store.Lock(t.Context(), "k")
			require.NoError(t, err)
			for range 2 {
				before := end()
				for began := time.Now(); time.Since(began) < storm; time.Sleep(rand.N(50 * time.Millisecond)) {
					cut()
				}
				require.Eventually(t, func() bool { return end() != before }, patience, 10*time.Millisecond, "the lock is not prolonged")
			}
			stores.MustBeLocked(t, other, "k")
			assert.NoError(t, held.Check(t.Context()))
			held.Unlock()
			mine, err := other.Lock(t.Context(), "k")
			require.NoError(t, err)
			mine.Unlock()
		})
	}
}

// proxied returns p as seen through a proxy. cut resets all connections through the
// proxy.
func (p place) proxied(t *testing.T) (through place, cut func()) {
	t.Helper()
	switch p.Engine {
	case tokenstore.PostgreSQL:
		u, err := url.Parse(p.DSN)
		require.NoError(t, err)
		u.Host, cut = proxy.Start(t, u.Host)
		p.DSN = u.String()
	case tokenstore.MySQL:
		config, err := mysql.ParseDSN(p.DSN)
		require.NoError(t, err)
		config.Addr, cut = proxy.Start(t, config.Addr)
		p.DSN = config.FormatDSN()
	}
	return p, cut
}

// named returns p with connections that the server can tell from all others. ended waits
// until the server has ended these connections, and executes none of their statements any
// more. SQLite has no server.
func (p place) named(t *testing.T) (named place, ended func()) {
	t.Helper()
	var connected string
	owner := p.DSN
	db := openDB(t, p.Driver, p.DSN)
	switch p.Engine {
	case tokenstore.PostgreSQL:
		u, err := url.Parse(p.DSN)
		require.NoError(t, err)
		query := u.Query()
		query.Set("application_name", p.Table)
		u.RawQuery = query.Encode()
		p.DSN = u.String()
		connected = "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = '" + p.Table + "'"
	case tokenstore.MySQL:
		config, err := mysql.ParseDSN(p.DSN)
		require.NoError(t, err)
		for _, statement := range []string{"CREATE USER " + p.Table + " IDENTIFIED BY 'test'", "GRANT ALL ON " + config.DBName + ".* TO " + p.Table} {
			_, err := db.Exec(statement)
			require.NoError(t, err)
		}
		t.Cleanup(func() {
			db, err := sql.Open(p.Driver, owner)
			require.NoError(t, err)
			defer db.Close()
			_, err = db.Exec("DROP USER " + p.Table)
			assert.NoError(t, err)
		})
		config.User, config.Passwd = p.Table, "test"
		p.DSN = config.FormatDSN()
		connected = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = '" + p.Table + "'"
	case tokenstore.SQLite:
		return p, func() {}
	}
	return p, func() {
		t.Helper()
		require.Eventually(t, func() bool {
			var n int
			return db.QueryRow(connected).Scan(&n) == nil && n == 0
		}, patience, time.Millisecond, "the connections do not end")
	}
}
