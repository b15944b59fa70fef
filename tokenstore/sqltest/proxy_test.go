package sqltest

import (
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
)

// When a connection breaks in the middle of a save, the key has the old value or
// the new value, and the store works again on the next connection.
func TestConnectionResetWhileSaving(t *testing.T) {
	mysql.SetLogger(log.New(io.Discard, "", 0)) // the driver would log every cut
	for _, e := range []engine{postgres, mariadb} {
		t.Run(e.name, func(t *testing.T) {
			direct := newPlace(t, e)
			through := direct
			dsn, cut := proxied(t, e)
			through.DSN = dsn
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
					time.Sleep(10 * time.Millisecond) // the server may still execute the statement
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
				lease, err := store.Lock(t.Context(), "k")
				timer.Stop()
				if err == nil {
					lease.Unlock()
				}
			}
			lease, err := check.Lock(t.Context(), "k")
			require.NoError(t, err)
			lease.Unlock()
		})
	}
}

// A lock outlasts many broken connections.
func TestConnectionResetsWhileALockIsHeld(t *testing.T) {
	mysql.SetLogger(log.New(io.Discard, "", 0))
	for _, e := range []engine{postgres, mariadb} {
		t.Run(e.name, func(t *testing.T) {
			direct := newPlace(t, e)
			through := direct
			dsn, cut := proxied(t, e)
			through.DSN = dsn
			store, other := through.open(t, 2*time.Second), direct.open(t, 2*time.Second)
			lease, err := store.Lock(t.Context(), "k")
			require.NoError(t, err)
			for began := time.Now(); time.Since(began) < 6*time.Second; time.Sleep(rand.N(50 * time.Millisecond)) {
				cut()
			}
			stores.MustBeLocked(t, other, "k")
			assert.NoError(t, lease.Check(t.Context()))
			lease.Unlock()
			mine, err := other.Lock(t.Context(), "k")
			require.NoError(t, err)
			mine.Unlock()
		})
	}
}

// proxied starts a proxy for the server of e. dsn leads to the proxy. cut resets
// all connections through the proxy.
func proxied(t *testing.T, e engine) (dsn string, cut func()) {
	t.Helper()
	switch e.driver {
	case "pgx":
		u, err := url.Parse(e.dsn(t))
		require.NoError(t, err)
		u.Host, cut = proxy.Start(t, u.Host)
		dsn = u.String()
	case "mysql":
		config, err := mysql.ParseDSN(e.dsn(t))
		require.NoError(t, err)
		config.Addr, cut = proxy.Start(t, config.Addr)
		dsn = config.FormatDSN()
	}
	return dsn, cut
}
