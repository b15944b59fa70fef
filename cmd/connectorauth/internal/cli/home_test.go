package cli_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
	"github.com/connectorauth/connectorauth/tokenstore"
)

func TestALostKeyIsNamedAndTheAdviceWorks(t *testing.T) {
	w := newWorld(t)
	w.key()
	key := filepath.Join(w.home, "key")
	kept, err := os.ReadFile(key)
	require.NoError(t, err)
	require.NoError(t, os.Remove(key))
	for _, args := range [][]string{
		{"call", "acme", "GET", "/me"}, {"test", "acme"}, {"disconnect", "acme"}, {"connect", "--again", "acme", "--values", "-"},
		{"connect", "acme", "--values", "-"}, {"token", "acme"},
	} {
		code, out, text := w.run(values("apiKey", w.p.APIKey), args...)
		assert.Equal(t, exit.Failed, code, args)
		assert.Empty(t, out, args)
		assert.Contains(t, text, "the key file "+key+" is missing", args)
	}
	assert.NoFileExists(t, key)
	assert.Contains(t, w.ok("", "list"), "acme-1") // which needs no key

	require.NoError(t, os.WriteFile(key, []byte(strings.Repeat("07", 32)), 0o600))
	code, _, text := w.run("", "call", "acme", "GET", "/me")
	assert.Equal(t, exit.Failed, code)
	assert.Contains(t, text, "sealed with another key than that of this run: restore the former key file, or name the former --key-command")

	require.NoError(t, os.WriteFile(key, kept, 0o600))
	w.ok("", "call", "acme", "GET", "/me")

	for _, name := range []string{"accounts", "clients", "tokens", "key"} { // as the error says
		require.NoError(t, os.RemoveAll(filepath.Join(w.home, name)))
	}
	assert.Contains(t, w.key(), "Connected acme-1")
}

func TestAHomeThatWasEmptiedGetsANewKey(t *testing.T) {
	w := newWorld(t)
	w.key()
	w.ok("", "disconnect", "acme")
	require.NoError(t, os.Remove(filepath.Join(w.home, "key")))
	w.key()
}

func TestAFolderThatOtherUsersMayUseIsRefusedByEachCommand(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the mode says nothing on Windows")
	}
	w := newWorld(t)
	w.key()
	require.NoError(t, os.Chmod(w.home, 0o755))
	document := w.file("hooli.json", `{"connectorauth": 1, "name": "hooli", "baseUrl": "https://api.hooli.example", "methods": [{"name": "none", "type": "None"}]}`)
	for _, args := range [][]string{
		{"list"}, {"test", "acme"}, {"call", "acme", "GET", "/me"}, {"token", "acme"}, {"connect", "acme"}, {"disconnect", "acme"},
		{"doctor", "acme"}, {"serve"}, {"import", document}, {"catalog", "show", "acme"},
	} {
		code, out, err := w.run("", args...)
		assert.Equal(t, exit.Failed, code, args)
		assert.Empty(t, out, args)
		assert.Contains(t, err, "run chmod 700 "+w.home, args)
	}
	w.ok("", "check", "--no-advice", document) // which needs no folder
	require.NoError(t, os.Chmod(w.home, 0o700))
	w.ok("", "call", "acme", "GET", "/me")
}

func TestAnIndexOfANewerProgramSaysWhichProgramReadsIt(t *testing.T) {
	w := newWorld(t)
	file, err := tokenstore.NewFile(filepath.Join(w.home, "accounts"))
	require.NoError(t, err)
	require.NoError(t, file.Save(t.Context(), "accounts", []byte(`{"version":7,"program":"connectorauth v9.1.0"}`)))
	for _, command := range [][]string{{"list"}, {"test", "acme"}, {"call", "acme", "GET", "/"}} {
		code, _, text := w.run("", command...)
		assert.Equal(t, exit.Failed, code)
		assert.Contains(t, text, "use connectorauth v9.1.0 or later")
	}
}

func TestNoFileHasASecretInPlainText(t *testing.T) {
	w := newWorld(t)
	w.key()
	w.consent()
	token := w.ok("", "token", "globex")
	require.NoError(t, filepath.WalkDir(w.home, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, secret := range []string{w.p.APIKey, w.p.ClientSecret, token[:len(token)-1]} {
			assert.NotContains(t, string(text), secret, path)
		}
		return err
	}))
}

func TestAFailureIsADocumentWithJSON(t *testing.T) {
	w := newWorld(t)
	code, out, err := w.run("", "test", "nobody", "--json")
	assert.Equal(t, exit.Usage, code)
	assert.Empty(t, err)
	assert.JSONEq(t, `{"code": 2, "error": "there is no account \"nobody\"; run connectorauth list, or connectorauth connect nobody"}`, out)
}
