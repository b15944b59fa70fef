package home_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/home"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// found returns the Home in a new folder that is not there yet.
func found(t *testing.T, keyCommand string) *home.Home {
	t.Helper()
	h, err := home.Find(filepath.Join(t.TempDir(), "home"), keyCommand)
	require.NoError(t, err)
	return h
}

// made returns a Home with a key.
func made(t *testing.T) *home.Home {
	t.Helper()
	h := found(t, "")
	_, err := h.Key(t.Context())
	require.NoError(t, err)
	return h
}

// keep keeps a value in a folder of a Home.
func keep(t *testing.T, dir string) *tokenstore.File {
	t.Helper()
	file, err := tokenstore.NewFile(dir)
	require.NoError(t, err)
	require.NoError(t, file.Save(t.Context(), "acme-1", []byte("sealed")))
	return file
}

func TestALostKeyIsNotMadeAnewWhereSomethingIsSealed(t *testing.T) {
	for name, dir := range map[string]func(*home.Home) string{"a token": (*home.Home).Tokens, "a client": (*home.Home).Clients} {
		t.Run(name, func(t *testing.T) {
			h := made(t)
			file := keep(t, dir(h))
			path := filepath.Join(h.Dir, "key")
			kept, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.Remove(path))

			_, err = h.Key(t.Context())
			require.ErrorContains(t, err, "the key file "+path+" is missing")
			assert.ErrorContains(t, err, "restore the file")
			assert.ErrorContains(t, err, "--key-command")
			assert.NoFileExists(t, path)

			require.NoError(t, os.WriteFile(path, kept, 0o600))
			_, err = h.Key(t.Context())
			require.NoError(t, err)

			require.NoError(t, os.Remove(path))
			require.NoError(t, file.Delete(t.Context(), "acme-1"))
			_, err = h.Key(t.Context())
			require.NoError(t, err, "nothing is sealed")
		})
	}
}

func TestALockIsNothingSealed(t *testing.T) {
	h := found(t, "")
	file, err := tokenstore.NewFile(h.Tokens())
	require.NoError(t, err)
	lease, err := file.Lock(t.Context(), "acme-1")
	require.NoError(t, err)
	defer lease.Unlock()
	_, err = h.Key(t.Context())
	require.NoError(t, err)
}

func TestAKeyFileThatHoldsNoKeySaysWhatToDo(t *testing.T) {
	for name, row := range map[string]struct{ text, says string }{
		"empty":       {"", "is empty"},
		"a line":      {"\n", "is empty"},
		"too short":   {base64.StdEncoding.EncodeToString(make([]byte, 31)), "is no key (32 bytes"},
		"too long":    {hex.EncodeToString(make([]byte, 33)), "is no key (32 bytes"},
		"many bytes":  {strings.Repeat("a", 1<<20), "is no key (32 bytes"},
		"not encoded": {strings.Repeat("\x01", 32), "is no key (32 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			h := made(t)
			path := filepath.Join(h.Dir, "key")
			require.NoError(t, os.WriteFile(path, []byte(row.text), 0o600))
			_, err := h.Key(t.Context())
			require.ErrorContains(t, err, path+" "+row.says)
			assert.ErrorContains(t, err, "remove the file, and the next command makes a new key")

			keep(t, h.Tokens())
			_, err = h.Key(t.Context())
			require.ErrorContains(t, err, path+" "+row.says)
			assert.ErrorContains(t, err, "restore the file")
			assert.NotContains(t, err.Error(), "makes a new key")
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, row.text, string(text))
		})
	}
}

func TestAKeyFileOfAnEditorIsRead(t *testing.T) {
	h := made(t)
	before, err := h.Key(t.Context())
	require.NoError(t, err)
	path := filepath.Join(h.Dir, "key")
	for name, text := range map[string]string{
		"byte order mark": "\ufeff" + hex.EncodeToString(before.Secret),
		"line breaks":     "\r\n" + base64.StdEncoding.EncodeToString(before.Secret) + "\r\n\r\n",
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		key, err := h.Key(t.Context())
		require.NoError(t, err, name)
		assert.Equal(t, before.ID, key.ID, name)
	}
}

func TestAKeyThatIsNoFileIsRefused(t *testing.T) {
	h := found(t, "")
	require.NoError(t, os.MkdirAll(filepath.Join(h.Dir, "key"), 0o700))
	_, err := h.Key(t.Context())
	require.ErrorContains(t, err, "key is no file")
}

func TestAKeyMayBeALinkToAPrivateFile(t *testing.T) {
	h := made(t)
	before, err := h.Key(t.Context())
	require.NoError(t, err)
	path, elsewhere := filepath.Join(h.Dir, "key"), filepath.Join(t.TempDir(), "elsewhere")
	require.NoError(t, os.Rename(path, elsewhere))
	if err := os.Symlink(elsewhere, path); err != nil {
		t.Skipf("a link needs a right: %v", err)
	}
	key, err := h.Key(t.Context())
	require.NoError(t, err)
	assert.Equal(t, before.ID, key.ID)

	require.NoError(t, os.Rename(elsewhere, elsewhere+"-gone"))
	_, err = h.Key(t.Context())
	require.ErrorContains(t, err, "is a link to a file that is missing")
	assert.NoFileExists(t, elsewhere, "a key is made where the link leads")
}

func TestACommandGivesTheKey(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands are those of a POSIX shell")
	}
	secret := strings.Repeat("\x07", 32)
	for name, row := range map[string]struct{ command, says string }{
		"hexadecimal":    {"printf %s " + hex.EncodeToString([]byte(secret)), ""},
		"base64":         {"echo BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=", ""},
		"blank lines":    {"echo; echo BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=; echo", ""},
		"reads nothing":  {"cat; echo BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=", ""},
		"leaves another": {"sleep 4 & echo BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=", ""}, // an agent that keeps the pipe
		"too short":      {"echo 1234567890abcdef", "the output of --key-command is no key"},
		"nothing":        {"true", "has printed nothing"},
		"a newline":      {"echo", "has printed nothing"},
		"a failure":      {"exit 3", "exit status 3"},
		"key and failed": {"echo BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=; exit 3", "exit status 3"},
		"no end":         {"yes 1234567890", "prints more than a key"},
		"no command":     {"/no/such/keyring 2>/dev/null", "exit status 127"},
	} {
		t.Run(name, func(t *testing.T) {
			h := found(t, row.command)
			key, err := h.Key(t.Context())
			assert.NoDirExists(t, h.Dir)
			if row.says != "" {
				require.ErrorContains(t, err, row.says)
				assert.NotContains(t, err.Error(), "1234567890")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, secret, string(key.Secret))
		})
	}
}

// A command that starts another process leaves that process its standard output. Key must not wait
// for the process after the end of the context.
func TestTheEndOfTheContextEndsTheCommandOfTheKey(t *testing.T) {
	if _, err := exec.LookPath("mkfifo"); err != nil {
		t.Skip("the test needs mkfifo")
	}
	fifo := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, exec.Command("mkfifo", fifo).Run())
	h := found(t, "echo begun > '"+fifo+"'; cat '"+fifo+"'; true")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		os.ReadFile(fifo) // until the command has begun
		cancel()
	}()
	_, err := h.Key(ctx)
	require.ErrorIs(t, err, ctx.Err())
	other, err := os.OpenFile(fifo, os.O_RDWR, 0) // ends the process that is left
	require.NoError(t, err)
	require.NoError(t, other.Close())
}

// What was sealed years ago names the key by the same ID.
func TestIDOfAKeyNeverChanges(t *testing.T) {
	h := found(t, "")
	require.NoError(t, h.Make())
	secret := make([]byte, 32)
	for i := range secret {
		secret[i] = byte(i)
	}
	require.NoError(t, os.WriteFile(filepath.Join(h.Dir, "key"), []byte(base64.StdEncoding.EncodeToString(secret)), 0o600))
	key, err := h.Key(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "4e6f8490", key.ID)
}
