package npm_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/interop/npm"
)

// folder returns a folder whose lock file names a package beside it, so that npm needs no
// network.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"package.json": `{"name": "test", "version": "1.0.0", "workspaces": ["own"]}`,
		"package-lock.json": `{"name": "test", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": {
			"": {"name": "test", "version": "1.0.0", "workspaces": ["own"]},
			"node_modules/own": {"resolved": "own", "link": true}, "own": {"version": "1.0.0"}}}`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

// A second Install of the same lock file needs no npm; another lock file has packages of its own.
func TestLockedPackagesAreInstalledOnce(t *testing.T) {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	kept := func() []string {
		found, err := filepath.Glob(filepath.Join(cache, "connectorauth-npm", "*"))
		require.NoError(t, err)
		return found
	}
	require.NoError(t, npm.Install(folder(t)))
	require.Len(t, kept(), 1)

	node, err := exec.LookPath("node")
	require.NoError(t, err)
	bare := t.TempDir()
	require.NoError(t, os.Symlink(node, filepath.Join(bare, "node")))
	path := os.Getenv("PATH")
	t.Setenv("PATH", bare)
	dir := folder(t)
	require.NoError(t, npm.Install(dir), "npm is not needed again")
	link, err := os.Readlink(filepath.Join(dir, "node_modules"))
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(kept()[0], "node_modules"), link)

	other := folder(t)
	require.NoError(t, os.WriteFile(filepath.Join(other, "package.json"), []byte(`{"name": "test", "version": "1.0.0", "workspaces": ["own"], "private": true}`), 0o600))
	assert.ErrorIs(t, npm.Install(other), exec.ErrNotFound)
	t.Setenv("PATH", path)
	torn := folder(t)
	require.NoError(t, os.WriteFile(filepath.Join(torn, "package-lock.json"), []byte(`torn`), 0o600))
	assert.Error(t, npm.Install(torn))
	assert.Len(t, kept(), 1, "a failure keeps nothing")
}
