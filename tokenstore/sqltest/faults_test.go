package sqltest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/sqldb"
	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/internal/test/dbserver"
	"github.com/connectorauth/connectorauth/internal/test/stores"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/lease"
)

func TestEightProcessesCreateTheTablesTogether(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		place := newPlace(t, e).encode()
		var processes []*child.Process
		for range 8 {
			process := child.Start(t, openJob, place)
			require.Equal(t, "ready", process.Line(t))
			processes = append(processes, process)
		}
		for _, process := range processes {
			process.EndPause(t)
		}
		for _, process := range processes {
			assert.Equal(t, "opened", process.Line(t))
		}
	})
}

// A lock of a dead process is free within 15 seconds: the lease is shorter.
func TestKilledHoldersLeaseRunsOut(t *testing.T) {
	eachTogether(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		store := p.open(t, 0)
		db := openDB(t, p.Driver, p.DSN)
		syntax, problems := sqldb.New(db, string(p.Engine), p.Table)
		require.Empty(t, problems)
		stores.KilledHolder(t, store, p.encode(), func() {
			var late int
			require.NoError(t, db.QueryRow(syntax.Statement("SELECT COUNT(*) FROM "+p.Table+"_leases WHERE expires > "+fmt.Sprintf(syntax.After, "?")), lease.Length.Microseconds()).Scan(&late))
			assert.Zero(t, late, "the lease is longer than it should be")
		})
	})
}

func TestKilledWhileSavingHasTheOldValueOrTheNew(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		named, ended := p.named(t)
		stores.KilledWhileSaving(t, p.open(t, 0), named.encode(), 10, ended)
	})
}

func TestServerCrashKeepsWhatWasSaved(t *testing.T) {
	for e, server := range map[*engine]*dbserver.Server{&postgres: postgresServer, &mariadb: mysqlServer} {
		t.Run(e.name, func(t *testing.T) {
			store := newPlace(t, *e).open(t, 0)
			t.Parallel()
			require.NoError(t, store.Save(t.Context(), "k", []byte("saved")))
			held, err := store.Lock(t.Context(), "k")
			require.NoError(t, err)
			waited := make(chan error, 1)
			go func() {
				value, err := store.Wait(t.Context(), "k", []byte("saved"))
				if err == nil && string(value) != "after the crash" {
					err = fmt.Errorf("the value is %q", value)
				}
				waited <- err
			}()
			began := time.Now()
			server.CrashAndRestart(t)
			down := time.Since(began)
			t.Logf("the server was down for %v", down.Round(time.Millisecond))

			// A pooled connection to the old server fails once before the pool
			// replaces the connection.
			require.Eventually(t, func() bool {
				value, _, err := store.Load(t.Context(), "k")
				return err == nil && string(value) == "saved"
			}, patience, 10*time.Millisecond)
			if down < lease.Length/2 { // on a busy machine, the server may be down beyond the end of the lease
				stores.MustBeLocked(t, store, "k")
				assert.NoError(t, held.Check(t.Context()))
				time.Sleep(time.Until(began.Add(20 * time.Second))) // longer than a lease
				stores.MustBeLocked(t, store, "k")
				assert.NoError(t, held.Check(t.Context()))
			}
			held.Unlock()
			held, err = store.Lock(t.Context(), "k")
			require.NoError(t, err)
			held.Unlock()

			require.NoError(t, store.Save(t.Context(), "k", []byte("after the crash")))
			assert.NoError(t, <-waited)
		})
	}
}

// The rows of dead processes go when somebody locks another key.
func TestAbandonedLeasesAreRemoved(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		store := p.open(t, 0)
		held, err := store.Lock(t.Context(), "held")
		require.NoError(t, err)
		defer held.Unlock()
		db := openDB(t, p.Driver, p.DSN)
		past := map[tokenstore.Engine]string{
			tokenstore.PostgreSQL: "now() - INTERVAL '2 minutes'", tokenstore.MySQL: "UTC_TIMESTAMP(6) - INTERVAL 2 MINUTE", tokenstore.SQLite: "1",
		}[p.Engine]
		for n := range 150 {
			_, err := db.Exec(fmt.Sprintf("INSERT INTO %s_leases (id, owner, expires) VALUES ('dead %d', 'dead', %s)", p.Table, n, past))
			require.NoError(t, err)
		}
		other := p.open(t, 0)
		for range 2 { // each removes a hundred
			mine, err := other.Lock(t.Context(), "other")
			require.NoError(t, err)
			mine.Unlock()
		}
		var rows int
		require.NoError(t, db.QueryRow("SELECT COUNT(*) FROM "+p.Table+"_leases").Scan(&rows))
		assert.Equal(t, 1, rows, "only the lock that is held")
		assert.NoError(t, held.Check(t.Context()))
	})
}
