//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package tokenstore_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/tokenstore"
)

const stranger = 65534 // a user who does not run the tests

// giveAway makes path belong to a stranger.
func giveAway(t *testing.T, path string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	require.NoError(t, os.Lchown(path, stranger, stranger))
}

func TestFileRefusesADirectoryOfAnotherUser(t *testing.T) {
	dir := newDir(t)
	require.NoError(t, os.Mkdir(dir, 0o700))
	giveAway(t, dir)
	_, err := tokenstore.NewFile(dir)
	require.ErrorContains(t, err, dir)
	assert.ErrorContains(t, err, "belongs to another user")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, entries)
}

func TestFileRefusesALinkAsItsDirectory(t *testing.T) {
	elsewhere, dir := t.TempDir(), newDir(t)
	require.NoError(t, os.Chmod(elsewhere, 0o700))
	require.NoError(t, os.Symlink(elsewhere, dir))
	_, err := tokenstore.NewFile(dir)
	require.ErrorContains(t, err, dir)
	assert.ErrorContains(t, err, "link")

	// A link above is the business of those who own the directories above.
	store := openFile(t, filepath.Join(dir, "below"))
	require.NoError(t, store.Save(t.Context(), "k", []byte("v")))
	assert.FileExists(t, valueFile(t, filepath.Join(elsewhere, "below"), "k"))
}

// planted are things that somebody has put in the place of a file, before the
// directory became private.
func planted(t *testing.T, victim string) map[string]func(path string) {
	return map[string]func(path string){
		"link":          func(path string) { require.NoError(t, os.Symlink(victim, path)) },
		"dangling link": func(path string) { require.NoError(t, os.Symlink(victim+"-missing", path)) },
		"FIFO":          func(path string) { require.NoError(t, syscall.Mkfifo(path, 0o600)) },
		"directory":     func(path string) { require.NoError(t, os.Mkdir(path, 0o700)) },
		"file of another user": func(path string) {
			require.NoError(t, os.WriteFile(path, nil, 0o600))
			giveAway(t, path)
		},
		"file that others may write": func(path string) {
			require.NoError(t, os.WriteFile(path, nil, 0o600))
			require.NoError(t, os.Chmod(path, 0o602))
		},
		"file that the group may write": func(path string) {
			require.NoError(t, os.WriteFile(path, nil, 0o600))
			require.NoError(t, os.Chmod(path, 0o620))
		},
	}
}

// A process that died while saving has left a token there.
func TestFileDeletesTheTemporaryFileToo(t *testing.T) {
	dir := newDir(t)
	store := openFile(t, dir)
	path := fileOf(t, store, dir, "alice", ".tmp")
	require.NoError(t, os.WriteFile(path, []byte("connectorauth-token 1 "), 0o600))
	require.NoError(t, store.Delete(t.Context(), "alice"))
	assert.NoFileExists(t, path)
}

func TestFileTakesNoPlantedFile(t *testing.T) {
	const key = "alice"
	for _, suffix := range []string{".token", ".lock", ".lease", ".tmp"} {
		for name := range planted(t, "") {
			t.Run(name+" as "+suffix, func(t *testing.T) {
				dir, victim := newDir(t), filepath.Join(t.TempDir(), "victim")
				store := openFile(t, dir)
				require.NoError(t, os.WriteFile(victim, []byte("precious"), 0o600))
				path := fileOf(t, store, dir, key, suffix)
				planted(t, victim)[name](path)
				before, err := os.Lstat(path)
				require.NoError(t, err)

				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				_, ok, loadErr := store.Load(ctx, key)
				assert.False(t, ok)
				lease, lockErr := store.Lock(ctx, key)
				if lockErr == nil {
					lease.Unlock()
				}
				swapped, swapErr := store.CompareAndSwap(ctx, key, []byte("old"), []byte("new"))
				assert.False(t, swapped)
				saveErr := store.Save(ctx, key, []byte("new"))
				require.NoError(t, ctx.Err(), "a FIFO must not hold anybody up")

				content, err := os.ReadFile(victim)
				require.NoError(t, err)
				assert.Equal(t, "precious", string(content))
				assert.NoFileExists(t, victim+"-missing")
				after, err := os.Lstat(path)
				switch suffix {
				case ".token":
					assert.ErrorContains(t, loadErr, path)
					assert.True(t, damaged(loadErr), "a connector that needs no person may replace the value")
					assert.Error(t, swapErr)
					if name != "directory" {
						require.NoError(t, saveErr, "Save replaces what is there")
						require.NoError(t, err)
						assert.True(t, after.Mode().IsRegular())
						assert.Equal(t, fs.FileMode(0o600), after.Mode().Perm())
					}
				case ".lock":
					assert.ErrorContains(t, saveErr, path)
					assert.ErrorContains(t, swapErr, path)
					assert.True(t, os.SameFile(before, after))
				case ".lease":
					assert.ErrorContains(t, lockErr, path)
					assert.True(t, os.SameFile(before, after))
				case ".tmp":
					require.NoError(t, saveErr)
					assert.ErrorIs(t, err, fs.ErrNotExist, "the file is a temporary file of this store now")
				}
			})
		}
	}
}

// A hard link needs no refusal: the store replaces files, and writes into none.
func TestFileWritesThroughNoHardLink(t *testing.T) {
	for _, suffix := range []string{".token", ".lock", ".lease", ".tmp"} {
		dir, victim := newDir(t), filepath.Join(t.TempDir(), "victim")
		store := openFile(t, dir)
		require.NoError(t, os.WriteFile(victim, []byte("precious"), 0o600))
		require.NoError(t, os.Link(victim, fileOf(t, store, dir, "alice", suffix)))

		lease, err := store.Lock(t.Context(), "alice")
		require.NoError(t, err)
		require.NoError(t, store.Save(t.Context(), "alice", []byte("new")))
		lease.Unlock()
		value, _, err := store.Load(t.Context(), "alice")
		require.NoError(t, err)
		assert.Equal(t, "new", string(value))
		require.NoError(t, store.Delete(t.Context(), "alice"))
		content, err := os.ReadFile(victim)
		require.NoError(t, err)
		assert.Equal(t, "precious", string(content), suffix)
	}
}

// fileOf returns the path of a file of key, which does not exist.
func fileOf(t *testing.T, store *tokenstore.File, dir, key, suffix string) string {
	t.Helper()
	require.NoError(t, store.Save(t.Context(), key, []byte("x")))
	value := valueFile(t, dir, key)
	require.NoError(t, store.Delete(t.Context(), key))
	if suffix == ".token" {
		return value
	}
	name := filepath.Base(value)
	return filepath.Join(dir, name[len(key)+1:len(name)-len(".token")]+suffix)
}
