package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
	"github.com/connectorauth/connectorauth/tokenstore"
)

func TestAnotherKeyOpensNothing(t *testing.T) {
	w := newWorld(t)
	w.key()
	require.NoError(t, os.Remove(filepath.Join(w.home, "key")))
	code, out, err := w.run("", "call", "acme", "GET", "/me")
	assert.Equal(t, exit.Failed, code)
	assert.Empty(t, out)
	assert.Contains(t, err, "key")
	assert.Contains(t, w.ok("", "list"), "acme-1") // which needs no key
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
