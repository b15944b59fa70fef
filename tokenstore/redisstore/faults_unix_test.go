//go:build unix

package redisstore_test

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHolderStoppedPastItsLeaseChangesNothing(t *testing.T) {
	key := t.Name()
	store := open(t, time.Minute)
	require.NoError(t, store.Save(t.Context(), key, []byte("first")))
	process, goOn, lines := startChild(t, key)
	require.True(t, lines.Scan())
	require.NoError(t, process.Signal(syscall.SIGSTOP))

	unlock, err := store.Lock(t.Context(), key) // when the lease has run out
	require.NoError(t, err)
	defer unlock()
	swapped, err := store.CompareAndSwap(t.Context(), key, []byte("first"), []byte("newer"))
	require.NoError(t, err)
	require.True(t, swapped)

	require.NoError(t, process.Signal(syscall.SIGCONT))
	require.NoError(t, goOn.Close())
	require.True(t, lines.Scan())
	assert.Equal(t, "swapped: false", lines.Text())
	got, _, err := store.Load(t.Context(), key)
	require.NoError(t, err)
	assert.Equal(t, "newer", string(got))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = store.Lock(ctx, key)
	assert.ErrorIs(t, err, context.DeadlineExceeded, "the stopped holder has unlocked the new owner's lock")
}

func TestLockOfAKilledHolderRunsOut(t *testing.T) {
	key := t.Name()
	store := open(t, time.Minute)
	process, _, lines := startChild(t, key)
	require.True(t, lines.Scan())
	require.NoError(t, process.Kill())
	ctx, cancel := context.WithTimeout(t.Context(), 20*childLease)
	defer cancel()
	unlock, err := store.Lock(ctx, key)
	require.NoError(t, err)
	unlock()
}
