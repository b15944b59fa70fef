package cli_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

// onSmallDisk returns a world whose folder is a disk of 128 KiB.
func onSmallDisk(t *testing.T) *world {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "home")
	require.NoError(t, os.Mkdir(dir, 0o700))
	if err := syscall.Mount("connectorauth", dir, "tmpfs", 0, "size=128k,mode=700"); err != nil {
		t.Skipf("mounting a small disk needs root: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, 0)) })
	return newWorldAt(t, dir)
}

// filled fills the disk, and returns what makes room again.
func (w *world) filled() (room func()) {
	path := filepath.Join(w.home, "fill")
	file, err := os.Create(path)
	require.NoError(w.t, err)
	_, err = file.Write(make([]byte, 1<<20))
	require.ErrorIs(w.t, err, syscall.ENOSPC)
	require.NoError(w.t, file.Close())
	return func() { require.NoError(w.t, os.Remove(path)) }
}

// A step is a command on a disk that takes no writes. says is a part of the error; empty means that
// the command needs no write.
type step struct {
	in, says string
	args     []string
}

// try runs the steps, and compares the files before and after.
func (w *world) try(steps []step) {
	w.t.Helper()
	before, requests := w.files(), w.p.Stats().TokenRequests
	defer func() { assert.Equal(w.t, requests, w.p.Stats().TokenRequests, "a refresh token was spent") }()
	for _, s := range steps {
		code, out, text := w.run(s.in, s.args...)
		if s.says == "" {
			assert.Equal(w.t, exit.OK, code, "%v\n%s\n%s", s.args, out, text)
			continue
		}
		want := exit.Failed
		if s.args[0] == "call" { // which sends the request with the former token, and says why there is no new one
			want = exit.Client
			assert.Contains(w.t, text, "The token could not be renewed: ")
		}
		assert.Equal(w.t, want, code, "%v\n%s\n%s", s.args, out, text)
		assert.Contains(w.t, out+text, s.says, s.args)
		assert.Contains(w.t, out+text, w.home, "%v: the error names the file", s.args)
		assert.Equal(w.t, before, w.files(), s.args)
	}
}

// protect takes the right to write from the folder, or gives the right back.
func (w *world) protect(on bool) {
	if os.Geteuid() == 0 {
		require.NoError(w.t, syscall.Mount("", w.home, "", map[bool]uintptr{true: syscall.MS_REMOUNT | syscall.MS_RDONLY, false: syscall.MS_REMOUNT}[on], ""))
		return
	}
	mode := map[bool]os.FileMode{true: 0o500, false: 0o700}[on]
	for _, name := range []string{".", "accounts", "clients", "definitions", "holders", "tokens"} {
		require.NoError(w.t, os.Chmod(filepath.Join(w.home, name), mode))
	}
}

// files returns the hashes of the files in the folder. Files without content are locks.
func (w *world) files() map[string]string {
	files := map[string]string{}
	require.NoError(w.t, filepath.WalkDir(w.home, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == "fill" {
			return err
		}
		text, err := os.ReadFile(path)
		if len(text) > 0 {
			files[strings.TrimPrefix(path, w.home)] = fmt.Sprintf("%x", sha256.Sum256(text))
		}
		return err
	}))
	return files
}

func TestAFullDiskLosesNothing(t *testing.T) {
	w := onSmallDisk(t)
	w.key()
	w.consent()
	document := w.file("hooli.json", `{"connectorauth": 1, "name": "hooli", "baseUrl": "https://api.hooli.example", "methods": [{"name": "none", "type": "None"}]}`)
	w.p.ExpireAccessTokens()
	room := w.filled()
	const full = "no space left on device"
	w.try([]step{
		{"", "", []string{"list"}},
		{"", "", []string{"catalog", "show", "acme"}},
		{"", "", []string{"call", "acme", "GET", "/me"}},
		{"", "", []string{"doctor", "acme"}},
		{"", "", []string{"serve", "--run", "--", "true"}},
		{"", full, []string{"test", "acme"}},
		{"", full, []string{"call", "globex", "GET", "/me"}},
		{"", full, []string{"import", document}},
		{"", full, []string{"import", "--force", filepath.Join(w.home, "definitions", "acme.json")}},
		{values("apiKey", w.p.APIKey), full, []string{"connect", "acme", "--values", "-", "--name", "second"}},
		{values("apiKey", w.p.APIKey), full, []string{"connect", "--again", "acme", "--values", "-"}},
		{"", full, []string{"disconnect", "acme"}},
	})
	room()
	assert.Contains(t, w.ok("", "call", "globex", "GET", "/me"), w.p.Username)
	assert.Contains(t, w.ok("", "call", "acme", "GET", "/me"), "ApiKey")
	w.ok("", "import", document)
	w.ok("{}", "connect", "--again", "acme", "--values", "-")
	w.ok("", "disconnect", "acme")
}

func TestANewHomeOnAFullDisk(t *testing.T) {
	w := onSmallDisk(t)
	room := w.filled()
	code, _, text := w.run(values("apiKey", w.p.APIKey), "connect", "acme", "--values", "-")
	assert.Equal(t, exit.Failed, code)
	assert.Contains(t, text, "no space left on device")
	assert.NoFileExists(t, filepath.Join(w.home, "key"), "half a key")
	room()
	w.key()
}

// A disk that is mounted without the right to write stops root; folders of mode 0500 stop others.
func TestAReadOnlyHomeLosesNothing(t *testing.T) {
	make, readOnly := onSmallDisk, "read-only file system"
	if os.Geteuid() != 0 {
		make, readOnly = newWorld, "permission denied"
	}
	w := make(t)
	w.key()
	w.consent()
	document := w.file("hooli.json", `{"connectorauth": 1, "name": "hooli", "baseUrl": "https://api.hooli.example", "methods": [{"name": "none", "type": "None"}]}`)
	w.p.ExpireAccessTokens()
	w.protect(true)
	t.Cleanup(func() { w.protect(false) }) // or nobody can remove the folder
	w.try([]step{
		{"", "", []string{"list"}},
		{"", "", []string{"catalog", "show", "acme"}},
		{"", "", []string{"call", "acme", "GET", "/me"}},
		{"", readOnly, []string{"import", document}},
		{"", "", []string{"doctor", "acme"}},
		{"", "", []string{"serve", "--run", "--", "true"}},
		{"", readOnly, []string{"test", "acme"}},
		{"", readOnly, []string{"call", "globex", "GET", "/me"}},
		{values("apiKey", w.p.APIKey), readOnly, []string{"connect", "acme", "--values", "-", "--name", "second"}},
		{values("apiKey", w.p.APIKey), readOnly, []string{"connect", "--again", "acme", "--values", "-"}},
		{"", readOnly, []string{"disconnect", "acme"}},
	})
	w.protect(false)
	assert.Contains(t, w.ok("", "call", "globex", "GET", "/me"), w.p.Username)
	w.ok("", "disconnect", "acme")
}
