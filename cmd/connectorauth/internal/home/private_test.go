//go:build unix

package home_test

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/home"
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

func TestAFolderThatOtherUsersMayUseIsRefused(t *testing.T) {
	for _, mode := range []os.FileMode{0o755, 0o750, 0o710, 0o701, 0o770, 0o702} {
		t.Run(fmt.Sprintf("%o", mode), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "it's mine")
			require.NoError(t, os.Mkdir(dir, 0o700))
			require.NoError(t, os.Chmod(dir, mode))
			_, err := home.Find(dir, "")
			require.ErrorContains(t, err, "other users may use the folder "+dir)
			assert.ErrorContains(t, err, `run chmod 700 '`+filepath.Dir(dir)+`/it'\''s mine'`)
			require.NoError(t, os.Chmod(dir, 0o700))
			h, err := home.Find(dir, "")
			require.NoError(t, err)
			require.NoError(t, os.Chmod(dir, mode)) // after Find
			require.Error(t, h.Make())
		})
	}
}

func TestAFolderOfAnotherUserIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	require.NoError(t, os.Mkdir(dir, 0o700))
	giveAway(t, dir)
	_, err := home.Find(dir, "printf 07")
	require.ErrorContains(t, err, "the folder "+dir+" belongs to the user 65534")
	assert.ErrorContains(t, err, "--home")
}

func TestAHomeThatIsNoFolderIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "home")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	_, err := home.Find(path, "")
	require.ErrorContains(t, err, path+" is no folder")
}

func TestAHomeMayBeALinkOfTheSameUser(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "real")
	link := filepath.Join(t.TempDir(), "home")
	require.NoError(t, os.Symlink(dir, link))
	_, err := home.Find(link, "")
	require.ErrorContains(t, err, "is a link to a folder that is missing")

	require.NoError(t, os.Mkdir(dir, 0o700))
	h, err := home.Find(link, "")
	require.NoError(t, err)
	_, err = h.Key(t.Context())
	require.NoError(t, err)
	assert.FileExists(t, filepath.Join(dir, "key"))

	require.NoError(t, os.Chmod(dir, 0o755))
	_, err = home.Find(link, "")
	require.ErrorContains(t, err, "chmod 700")
	require.NoError(t, os.Chmod(dir, 0o700))

	giveAway(t, link)
	_, err = home.Find(link, "")
	require.ErrorContains(t, err, "the link "+link+" belongs to the user 65534")
}

func TestAKeyThatOtherUsersMayReadIsRefused(t *testing.T) {
	h := made(t)
	path := filepath.Join(h.Dir, "key")
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o602, 0o610} {
		require.NoError(t, os.Chmod(path, mode))
		_, err := h.Key(t.Context())
		require.ErrorContains(t, err, "run chmod 600 "+path, "%o", mode)
	}
	require.NoError(t, os.Chmod(path, 0o400))
	_, err := h.Key(t.Context())
	require.NoError(t, err)
}

func TestAKeyOfAnotherUserIsRefused(t *testing.T) {
	h := made(t)
	path := filepath.Join(h.Dir, "key")
	giveAway(t, path)
	_, err := h.Key(t.Context())
	require.ErrorContains(t, err, path+" belongs to the user 65534")
	assert.ErrorContains(t, err, fmt.Sprintf("chown %d %s", os.Geteuid(), path))
}

func TestALinkToAKeyThatOtherUsersMayReadIsRefused(t *testing.T) {
	h := made(t)
	path, elsewhere := filepath.Join(h.Dir, "key"), filepath.Join(t.TempDir(), "elsewhere")
	require.NoError(t, os.Rename(path, elsewhere))
	require.NoError(t, os.Symlink(elsewhere, path))
	require.NoError(t, os.Chmod(elsewhere, 0o644))
	_, err := h.Key(t.Context())
	require.ErrorContains(t, err, "other users may read "+path)
}

func TestAKeyThatIsAPipeDoesNotHang(t *testing.T) {
	h := found(t, "")
	require.NoError(t, os.Mkdir(h.Dir, 0o700))
	require.NoError(t, syscall.Mkfifo(filepath.Join(h.Dir, "key"), 0o600))
	_, err := h.Key(t.Context())
	require.ErrorContains(t, err, "key is no file")
}
