package tokenstore_test

import (
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFileOnAFullDiskKeepsTheOldValue(t *testing.T) {
	dir := mountSmall(t)
	store := openFile(t, dir)
	require.NoError(t, store.Save(t.Context(), "k", []byte("old")))

	large := make([]byte, 1<<20)
	assert.ErrorIs(t, store.Save(t.Context(), "k", large), syscall.ENOSPC)
	swapped, err := store.CompareAndSwap(t.Context(), "k", []byte("old"), large)
	assert.ErrorIs(t, err, syscall.ENOSPC)
	assert.False(t, swapped)

	got, _, err := store.Load(t.Context(), "k")
	require.NoError(t, err)
	assert.Equal(t, "old", string(got))
	require.NoError(t, store.Save(t.Context(), "k", []byte("new")), "the failed value still takes up the disk")
}

func TestFileOnAReadOnlyDiskStillLoads(t *testing.T) {
	dir := mountSmall(t)
	store := openFile(t, dir)
	require.NoError(t, store.Save(t.Context(), "k", []byte("old")))
	require.NoError(t, syscall.Mount("tokenstore", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))

	store = openFile(t, dir)
	err := store.Save(t.Context(), "k", []byte("new"))
	assert.ErrorIs(t, err, syscall.EROFS)
	assert.ErrorContains(t, err, `"k"`)
	_, err = store.CompareAndSwap(t.Context(), "k", []byte("old"), []byte("new"))
	assert.ErrorIs(t, err, syscall.EROFS)
	assert.ErrorIs(t, store.Delete(t.Context(), "k"), syscall.EROFS)

	got, _, err := store.Load(t.Context(), "k")
	require.NoError(t, err)
	assert.Equal(t, "old", string(got))
}

// mountSmall returns a directory on a disk of 64 KiB.
func mountSmall(t *testing.T) (dir string) {
	t.Helper()
	dir = newDir(t)
	require.NoError(t, os.Mkdir(dir, 0o700))
	if err := syscall.Mount("tokenstore", dir, "tmpfs", 0, "size=64k,mode=700"); err != nil {
		t.Skipf("mounting a small disk needs root: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, 0)) })
	return dir
}
