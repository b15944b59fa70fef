package sqltest

import (
	"context"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEightProcessesCreateTheTablesTogether(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		var start []io.Closer
		var waits []func()
		for range 8 {
			_, goOn, lines := startChild(t, "opens", p)
			require.True(t, lines.Scan())
			start = append(start, goOn)
			waits = append(waits, func() {
				lines.Scan()
				assert.Equal(t, "opened", lines.Text())
			})
		}
		for _, goOn := range start {
			require.NoError(t, goOn.Close())
		}
		for _, wait := range waits {
			wait()
		}
	})
}

func TestKilledHoldersLeaseRunsOut(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		store := p.open(t, time.Minute)
		process, _, lines := startChild(t, "holds", p)
		require.True(t, lines.Scan())
		requireLocked(t, store)
		require.NoError(t, process.Kill())
		ctx, cancel := context.WithTimeout(t.Context(), 20*childLease)
		defer cancel()
		unlock, err := store.Lock(ctx, "k")
		require.NoError(t, err)
		unlock()
	})
}

func TestKilledWhileSavingHasTheOldValueOrTheNew(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		store := p.open(t, 0)
		for range 10 {
			process, _, lines := startChild(t, "saves", p)
			require.True(t, lines.Scan())
			time.Sleep(rand.N(20 * time.Millisecond))
			require.NoError(t, process.Kill())
			acknowledged, _ := strconv.Atoi(lines.Text())
			for lines.Scan() {
				acknowledged, _ = strconv.Atoi(lines.Text())
			}
			time.Sleep(10 * time.Millisecond) // a server may still be at the last statement

			value, ok, err := store.Load(t.Context(), "k")
			require.NoError(t, err)
			require.True(t, ok)
			require.Len(t, value, 20000)
			stored, err := strconv.Atoi(strings.TrimLeft(string(value), "0"))
			require.NoError(t, err)
			require.GreaterOrEqual(t, stored, acknowledged, "a value that was saved is gone")
			require.LessOrEqual(t, stored, acknowledged+1)
		}
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

			// Connections of the pool may have to fail before they are replaced.
			require.Eventually(t, func() bool {
				value, _, err := store.Load(t.Context(), "k")
				return err == nil && string(value) == "saved"
			}, 10*time.Second, 10*time.Millisecond)
			requireLocked(t, store)
			unlock()
			unlock, err = store.Lock(t.Context(), "k")
			require.NoError(t, err)
			unlock()
		})
	}
}

func requireLocked(t *testing.T, store interface {
	Lock(context.Context, string) (func(), error)
}) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := store.Lock(ctx, "k")
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
