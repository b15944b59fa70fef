//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package tokenstore_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/internal/test/stores"
	"github.com/connectorauth/connectorauth/tokenstore"
)

func init() {
	for _, umask := range []int{0, 0o077} {
		unixJobs[umaskJob(umask)] = func(dir string) error {
			syscall.Umask(umask)
			store, err := tokenstore.NewFile(dir)
			if err != nil {
				return err
			}
			return stores.SaveNumbers(store, "k")
		}
	}
}

func umaskJob(umask int) string { return fmt.Sprintf("umask %03o", umask) }

func TestFileModesIgnoreTheUmask(t *testing.T) {
	for _, umask := range []int{0, 0o077} {
		t.Run(umaskJob(umask), func(t *testing.T) {
			dir := filepath.Join(newDir(t), "below") // NewFile creates both directories
			process := child.Start(t, umaskJob(umask), dir)
			for range 100 {
				process.Line(t) // the child has saved another number
				require.NoError(t, filepath.WalkDir(filepath.Dir(dir), func(path string, _ fs.DirEntry, _ error) error {
					info, err := os.Stat(path)
					switch {
					case os.IsNotExist(err): // WalkDir listed a file that was renamed since
					case err != nil:
						return err
					case info.IsDir():
						assert.Equal(t, fs.FileMode(0o700), info.Mode().Perm(), path)
					default:
						assert.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), path)
					}
					return nil
				}))
			}
		})
	}
}

func TestFileRefusesADirectoryThatIsOpenToOthers(t *testing.T) {
	dir := newDir(t)
	for _, mode := range []fs.FileMode{0o755, 0o770, 0o701, 0o777} {
		require.NoError(t, os.MkdirAll(dir, 0o700))
		require.NoError(t, os.Chmod(dir, mode))
		_, err := tokenstore.NewFile(dir)
		assert.ErrorContains(t, err, dir, mode)
	}
	require.NoError(t, os.Chmod(dir, 0o700))
	openFile(t, dir)
}

func TestFileKilledWhileSavingHasTheOldValueOrTheNew(t *testing.T) {
	dir := newDir(t)
	store := openFile(t, dir)
	stores.KilledWhileSaving(t, store, dir, 60, func() {})
	require.NoError(t, store.Save(t.Context(), t.Name(), []byte("done")))
	assert.Regexp(t, `\.token$`, onlyFile(t, dir), "the files of killed processes are still there")
}

func TestFileNamesTheHolderOfALock(t *testing.T) {
	dir := newDir(t)
	stores.NamesTheHolder(t, openFile(t, dir), dir)
}

func TestFileLockOfAKilledHolderIsFree(t *testing.T) {
	dir := newDir(t)
	stores.KilledHolder(t, openFile(t, dir), dir, func() {})
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, entries, "the lock file of the killed process is still there")
}

func TestFileLockOfAStoppedHolderLasts(t *testing.T) {
	dir := newDir(t)
	store := openFile(t, dir)
	process := stores.StartHolder(t, dir)
	require.NoError(t, process.Signal(syscall.SIGSTOP))
	stores.MustBeLocked(t, store, t.Name())

	swapped, err := store.CompareAndSwap(t.Context(), t.Name(), nil, []byte("v"))
	require.NoError(t, err)
	assert.True(t, swapped)
	require.NoError(t, process.Signal(syscall.SIGCONT))
	stores.MustBeLocked(t, store, t.Name())
}
