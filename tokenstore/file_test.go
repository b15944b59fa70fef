package tokenstore_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/test/stores"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
	"github.com/connectorauth/connectorauth/tokenstore/tokenstoretest"
)

func TestFile(t *testing.T) {
	dir := newDir(t)
	tokenstoretest.Run(t, func(t *testing.T) tokenstore.Store { return openFile(t, dir) })
}

func TestFileSurvivesChangeOfWorkingDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	store := openFile(t, "tokens")
	require.NoError(t, store.Save(t.Context(), "k", []byte("v")))
	t.Chdir(t.TempDir())
	_, ok, err := store.Load(t.Context(), "k")
	require.NoError(t, err)
	assert.True(t, ok)
}

func TestFileNeedsADirectory(t *testing.T) {
	_, err := tokenstore.NewFile("")
	assert.Error(t, err)

	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	_, err = tokenstore.NewFile(path)
	assert.ErrorContains(t, err, path)
}

func TestFileDoesNotTakeAMissingDirectoryForAnAbsentKey(t *testing.T) {
	dir := newDir(t)
	store := openFile(t, dir)
	require.NoError(t, os.RemoveAll(dir))
	_, _, err := store.Load(t.Context(), "alice")
	assert.ErrorContains(t, err, `"alice"`)
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestFileDamage(t *testing.T) {
	const value = "a value\nof two lines"
	dir := newDir(t)
	store := openFile(t, dir)
	require.NoError(t, store.Save(t.Context(), "alice", []byte(value)))
	path := valueFile(t, dir, "alice")
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, store.Save(t.Context(), "bob", []byte(value)))
	bobs, err := os.ReadFile(valueFile(t, dir, "bob"))
	require.NoError(t, err)

	damages := map[string][]byte{
		"longer":           append(append([]byte{}, whole...), 'x'),
		"of another key":   bobs,
		"of another kind":  []byte(`{"access_token":"x"}`),
		"of zeros":         make([]byte, len(whole)),
		"of a new version": []byte("connectorauth-token 2 something else\n"),
	}
	for length := range whole {
		damages[fmt.Sprintf("cut to %d bytes", length)] = whole[:length]
	}
	for i := range whole {
		changed := append([]byte{}, whole...)
		changed[i] ^= 1
		damages[fmt.Sprintf("changed at %d", i)] = changed
	}
	for name, data := range damages {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(path, data, 0o600))
			_, ok, err := store.Load(t.Context(), "alice")
			assert.ErrorContains(t, err, `"alice"`)
			assert.False(t, ok)
			assert.NotContains(t, err.Error(), "two lines")
			assert.Equal(t, !errors.As(err, new(*storeerror.Newer)), damaged(err), "a newer program reads the file")
			switch name {
			case "of a new version":
				assert.Equal(t, &storeerror.Newer{Version: 2, Known: 1}, newer(t, err))
			case "of another kind", "of zeros", "longer":
				assert.ErrorContains(t, err, "is damaged")
			}
			for _, old := range [][]byte{nil, {}, []byte(value)} {
				swapped, err := store.CompareAndSwap(t.Context(), "alice", old, []byte("new"))
				assert.ErrorContains(t, err, `"alice"`)
				assert.False(t, swapped)
			}
			left, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, data, left, "overwritten by CompareAndSwap")
		})
	}
	require.NoError(t, store.Delete(t.Context(), "alice"))
	_, ok, err := store.Load(t.Context(), "alice")
	require.NoError(t, err)
	assert.False(t, ok)

	require.NoError(t, os.WriteFile(path, whole[:9], 0o600))
	require.NoError(t, store.Save(t.Context(), "alice", []byte("connected again")))
	got, _, err := store.Load(t.Context(), "alice")
	require.NoError(t, err)
	assert.Equal(t, "connected again", string(got))
}

func TestFileNames(t *testing.T) {
	dir := newDir(t)
	store := openFile(t, dir)
	for _, key := range []string{"Tenant-1/GitHub", "../../etc/passwd", strings.Repeat("🔑", 1000), "CON", ""} {
		require.NoError(t, store.Save(t.Context(), key, nil))
		lease, err := store.Lock(t.Context(), key)
		require.NoError(t, err)
		lease.Unlock()
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 5, "a key at rest has a single file")
	for _, entry := range entries {
		assert.Regexp(t, `^[a-z0-9_]{0,40}-[0-9a-f]{64}\.token$`, entry.Name())
	}
	assert.Regexp(t, `^tenant_1_github-`, filepath.Base(valueFile(t, dir, "Tenant-1/GitHub")))
}

func TestFileLockWhoseFileWasRemovedIsLost(t *testing.T) {
	dir := newDir(t)
	store := openFile(t, dir)
	lease, err := store.Lock(t.Context(), "alice")
	require.NoError(t, err)
	require.NoError(t, lease.Check(t.Context()))
	if os.RemoveAll(onlyFile(t, dir)) != nil {
		t.Skip("this system does not remove the file of a held lock")
	}
	other, err := store.Lock(t.Context(), "alice")
	require.NoError(t, err)
	assert.ErrorContains(t, lease.Check(t.Context()), `"alice"`)
	select {
	case <-lease.Lost():
	default:
		t.Error("Lost is not closed")
	}
	lease.Unlock()
	assert.NoError(t, other.Check(t.Context()), "Unlock of a lost lock must spare the lock of another")
	other.Unlock()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, entries)
}

// onlyFile returns the path of the only file in dir.
func onlyFile(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	return filepath.Join(dir, entries[0].Name())
}

// Every holder removes the lock file, so the next holders begin with another file.
func TestFileLockExcludesWhileItsFileComesAndGoes(t *testing.T) {
	dir := newDir(t)
	var inside, entered atomic.Int32
	var all sync.WaitGroup
	for range 16 {
		store := openFile(t, dir)
		all.Go(func() {
			for range 50 {
				lease, err := store.Lock(t.Context(), "alice")
				if !assert.NoError(t, err) {
					return
				}
				if inside.Add(1) != 1 {
					t.Error("two holders at the same time")
				}
				if entered.Add(1)%8 == 0 {
					assert.NoError(t, lease.Check(t.Context()))
				}
				inside.Add(-1)
				lease.Unlock()
			}
		})
	}
	all.Wait()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, entries)
}

func newDir(t testing.TB) string { return filepath.Join(t.TempDir(), "tokens") }

func openFile(t testing.TB, dir string) *tokenstore.File {
	t.Helper()
	store, err := tokenstore.NewFile(dir)
	require.NoError(t, err)
	return store
}

// valueFile returns the path of the file of a saved key.
func valueFile(t *testing.T, dir, key string) string {
	t.Helper()
	readable := strings.NewReplacer("/", "_", "-", "_").Replace(strings.ToLower(key))
	found, err := filepath.Glob(filepath.Join(dir, readable+"-*.token"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	return found[0]
}

func BenchmarkFile(b *testing.B) { stores.Benchmark(b, openFile(b, newDir(b))) }

// newer returns the error of a value that a newer program has written.
func newer(t *testing.T, err error) (e *storeerror.Newer) {
	t.Helper()
	require.ErrorAs(t, err, &e)
	return e
}
