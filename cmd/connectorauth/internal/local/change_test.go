package local

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/home"
)

// The folder may be a link, and the lock is no sealed value: the first command that seals one makes
// the key, also while another command imports a definition.
func TestDefinitionsChangeBeforeTheFirstAccount(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	require.NoError(t, os.Mkdir(dir, 0o700))
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Log("no links:", err)
		link = dir
	}
	h, err := home.Find(link, "")
	require.NoError(t, err)
	done, err := ChangeDefinitions(t.Context(), h)
	require.NoError(t, err)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, entry := range entries {
		assert.True(t, entry.IsDir(), "%s is beside the folders", entry.Name())
	}
	openedAt(t, dir)
	assert.FileExists(t, filepath.Join(dir, "key"))
	done()
}
