package cli_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

// A disk without space says so, and half a bundle goes. The examination is told all the same.
func TestABundleOnAFullDisk(t *testing.T) {
	w := newWorld(t)
	w.key()
	dir := t.TempDir()
	if err := syscall.Mount("bundles", dir, "tmpfs", 0, "size=16k,mode=700"); err != nil {
		t.Skipf("mounting a small disk needs root: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, 0)) })
	err := os.WriteFile(filepath.Join(dir, "large"), make([]byte, 1<<20), 0o600)
	require.ErrorIs(t, err, syscall.ENOSPC)

	path := filepath.Join(dir, "bundle.txt")
	code, out, text := w.bundled(path)
	assert.Equal(t, exit.Failed, code)
	assert.Contains(t, text, "no space left")
	assert.Contains(t, text, path)
	assert.Contains(t, out, "the account works")
	assert.NoFileExists(t, path)
}
