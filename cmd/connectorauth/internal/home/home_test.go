package home_test

import (
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/home"
)

func TestTheKeyIsMadeOnceInAPrivateFile(t *testing.T) {
	var h *home.Home
	for range 100 { // so that two meet at each place of the making
		var err error
		h, err = home.Find(filepath.Join(t.TempDir(), "home"), "")
		require.NoError(t, err)
		ids := make([]string, 8)
		var all sync.WaitGroup
		for i := range ids { // as processes that begin at one time
			all.Go(func() {
				key, err := h.Key(t.Context())
				assert.NoError(t, err)
				ids[i] = key.ID
			})
		}
		all.Wait()
		for _, id := range ids {
			require.Equal(t, ids[0], id)
		}
	}
	entries, err := os.ReadDir(h.Dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	if runtime.GOOS == "windows" {
		return // which has no such modes
	}
	info, err := os.Stat(filepath.Join(h.Dir, "key"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}
