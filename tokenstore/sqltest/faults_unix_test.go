//go:build unix

package sqltest

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHolderStoppedPastItsLeaseChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		p := newPlace(t, e)
		store, other := p.open(t, time.Minute), p.open(t, time.Minute)
		require.NoError(t, store.Save(t.Context(), "k", []byte("first")))
		process, goOn, lines := startChild(t, "holds", p)
		require.True(t, lines.Scan())
		require.NoError(t, process.Signal(syscall.SIGSTOP))

		unlock, err := store.Lock(t.Context(), "k") // when the lease has run out
		require.NoError(t, err)
		defer unlock()
		swapped, err := store.CompareAndSwap(t.Context(), "k", []byte("first"), []byte("newer"))
		require.NoError(t, err)
		require.True(t, swapped)

		require.NoError(t, process.Signal(syscall.SIGCONT))
		require.NoError(t, goOn.Close())
		require.True(t, lines.Scan())
		assert.Equal(t, "swapped: false", lines.Text())
		got, _, err := store.Load(t.Context(), "k")
		require.NoError(t, err)
		assert.Equal(t, "newer", string(got))
		requireLocked(t, other) // the stopped holder has not unlocked it
	})
}
