package tokenstore_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// One poller reads the files of all waiters.
func TestFileDamageOfOneKeyKeepsNoOtherWaiting(t *testing.T) {
	dir := newDir(t)
	store := openFile(t, dir)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	left := make(chan struct{})
	for _, key := range []string{"a", "b", "c"} {
		require.NoError(t, store.Save(ctx, key, []byte("old")))
		require.NoError(t, os.WriteFile(valueFile(t, dir, key), []byte("damaged"), 0o600))
		go func() { store.Wait(ctx, key, []byte("old")); left <- struct{}{} }()
	}
	require.NoError(t, store.Save(ctx, "good", []byte("new")))
	value, err := store.Wait(ctx, "good", []byte("old"))
	require.NoError(t, err)
	assert.Equal(t, "new", string(value))
	cancel()
	for range 3 {
		<-left
	}
}
