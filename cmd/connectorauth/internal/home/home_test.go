package home_test

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/home"
)

func TestTheKeyIsMadeOnceInAPrivateFile(t *testing.T) {
	h, err := home.Find(filepath.Join(t.TempDir(), "home"), "")
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
		assert.Equal(t, ids[0], id)
	}
	entries, err := os.ReadDir(h.Dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	if runtime.GOOS == "windows" {
		return // which has no such modes
	}
	path := filepath.Join(h.Dir, "key")
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.NoError(t, os.Chmod(path, 0o644))
	_, err = h.Key(t.Context())
	assert.ErrorContains(t, err, "chmod 600")
}

func TestACommandGivesTheKey(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands are those of a POSIX shell")
	}
	secret := strings.Repeat("\x07", 32)
	for name, row := range map[string]struct{ command, says string }{
		"hexadecimal": {"printf %s " + hex.EncodeToString([]byte(secret)), ""},
		"base64":      {"echo BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=", ""},
		"too short":   {"echo 1234567890abcdef", "is no key"},
		"a failure":   {"exit 3", "exit status 3"},
	} {
		t.Run(name, func(t *testing.T) {
			h, err := home.Find(t.TempDir(), row.command)
			require.NoError(t, err)
			key, err := h.Key(t.Context())
			if row.says != "" {
				require.ErrorContains(t, err, row.says)
				assert.NotContains(t, err.Error(), "1234567890")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, secret, string(key.Secret))
			entries, err := os.ReadDir(h.Dir)
			require.NoError(t, err)
			assert.Empty(t, entries)
		})
	}
}
