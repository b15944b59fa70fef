package sqltest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/internal/test/stores"
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

func TestKilledHoldersLeaseRunsOut(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		stores.KilledHolder(t, p.open(t, time.Minute), p.encode(), 20*childLease)
	})
}

func TestKilledWhileSavingHasTheOldValueOrTheNew(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		stores.KilledWhileSaving(t, p.open(t, 0), p.encode(), 10, 10*time.Millisecond)
	})
}

func TestServerCrashKeepsWhatWasSaved(t *testing.T) {
	for e, server := range map[*engine]*server{&postgres: postgresServer, &mariadb: mysqlServer} {
		t.Run(e.name, func(t *testing.T) {
			store := newPlace(t, *e).open(t, time.Minute)
			require.NoError(t, store.Save(t.Context(), "k", []byte("saved")))
			unlock, err := store.Lock(t.Context(), "k")
			require.NoError(t, err)
			server.crashAndRestart(t)

			// A pooled connection to the old server fails once before the pool
			// replaces the connection.
			require.Eventually(t, func() bool {
				value, _, err := store.Load(t.Context(), "k")
				return err == nil && string(value) == "saved"
			}, 10*time.Second, 10*time.Millisecond)
			stores.MustBeLocked(t, store, "k")
			unlock()
			unlock, err = store.Lock(t.Context(), "k")
			require.NoError(t, err)
			unlock()
		})
	}
}
