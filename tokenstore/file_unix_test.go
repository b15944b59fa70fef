//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package tokenstore_test

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/tokenstore"
)

func init() {
	children["umask 0"] = func(dir string) { syscall.Umask(0); saveForever(dir) }
	children["umask 077"] = func(dir string) { syscall.Umask(0o077); saveForever(dir) }
	children["saves"] = saveForever
	children["holds the lock"] = func(dir string) {
		store, err := tokenstore.NewFile(dir)
		must(err)
		_, err = store.Lock(context.Background(), "k")
		must(err)
		fmt.Println("locked")
		select {}
	}
}

// saveForever saves growing numbers, padded to several pages, and prints each
// one when it is saved.
func saveForever(dir string) {
	store, err := tokenstore.NewFile(dir)
	must(err)
	last, _, err := store.Load(context.Background(), "k")
	must(err)
	n, _ := strconv.Atoi(strings.TrimLeft(string(last), "0"))
	for {
		n++
		must(store.Save(context.Background(), "k", fmt.Appendf(nil, "%020000d", n)))
		fmt.Println(n)
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func TestFileModesIgnoreTheUmask(t *testing.T) {
	for _, child := range []string{"umask 0", "umask 077"} {
		t.Run(child, func(t *testing.T) {
			dir := filepath.Join(newDir(t), "below") // NewFile creates both
			_, lines := startChild(t, child, dir)
			for saved := 0; saved < 100 && lines.Scan(); saved++ {
				require.NoError(t, filepath.WalkDir(filepath.Dir(dir), func(path string, _ fs.DirEntry, _ error) error {
					info, err := os.Stat(path)
					switch {
					case os.IsNotExist(err): // renamed since it was listed
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
	for range 60 {
		process, lines := startChild(t, "saves", dir)
		require.True(t, lines.Scan())
		time.Sleep(rand.N(15 * time.Millisecond))
		require.NoError(t, process.Kill())
		acknowledged := lastNumber(t, lines)

		value, ok, err := store.Load(t.Context(), "k")
		require.NoError(t, err)
		require.True(t, ok)
		require.Len(t, value, 20000)
		stored, err := strconv.Atoi(strings.TrimLeft(string(value), "0"))
		require.NoError(t, err)
		require.GreaterOrEqual(t, stored, acknowledged, "a value that was saved is gone")
		require.LessOrEqual(t, stored, acknowledged+1)
	}
	require.NoError(t, store.Save(t.Context(), "k", []byte("done")))
	leftovers, err := filepath.Glob(filepath.Join(dir, "*.tmp"))
	require.NoError(t, err)
	assert.Empty(t, leftovers)
}

// lastNumber reads the output of a killed child to its end.
func lastNumber(t *testing.T, lines *bufio.Scanner) (n int) {
	t.Helper()
	for last := lines.Text(); ; last = lines.Text() {
		n, _ = strconv.Atoi(last)
		if !lines.Scan() {
			return n
		}
	}
}

func TestFileLockOfAKilledHolderIsFree(t *testing.T) {
	dir := newDir(t)
	store := openFile(t, dir)
	process, lines := startChild(t, "holds the lock", dir)
	require.True(t, lines.Scan())
	requireLocked(t, store)

	require.NoError(t, process.Kill())
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	unlock, err := store.Lock(ctx, "k")
	require.NoError(t, err)
	unlock()
}

func TestFileLockOfAStoppedHolderLasts(t *testing.T) {
	dir := newDir(t)
	store := openFile(t, dir)
	process, lines := startChild(t, "holds the lock", dir)
	require.True(t, lines.Scan())
	require.NoError(t, process.Signal(syscall.SIGSTOP))
	requireLocked(t, store)

	swapped, err := store.CompareAndSwap(t.Context(), "k", nil, []byte("v"))
	require.NoError(t, err)
	assert.True(t, swapped)
	require.NoError(t, process.Signal(syscall.SIGCONT))
	requireLocked(t, store)
}

func requireLocked(t *testing.T, store tokenstore.SharedStore) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := store.Lock(ctx, "k")
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
