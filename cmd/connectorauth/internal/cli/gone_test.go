//go:build unix

package cli_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

// An account outlives its definition, and can be disconnected still.
func TestAnAccountWithoutItsDefinitionIsDisconnected(t *testing.T) {
	w := newWorld(t)
	w.key()
	w.remove("acme")
	code, _, err := w.run("", "call", "acme-1", "GET", "/me")
	assert.Equal(t, exit.Failed, code)
	assert.Contains(t, err, "import the definition again")
	w.ok("", "disconnect", "acme-1")
	var all []any
	w.read(&all, "list")
	assert.Empty(t, all)
}

// A file in the folder of definitions that was edited by hand says what is wrong, and is not
// replaced without --force.
func TestAnEditedDefinitionIsNamedAndKept(t *testing.T) {
	w := newWorld(t)
	document := `{"connectorauth": 1, "name": "hooli", "baseUrl": "https://api.hooli.example", "methods": [{"name": "none", "type": "None"}]}`
	path := filepath.Join(w.home, "definitions", "hooli.json")
	for name, text := range map[string]string{
		"a mistake":    `{"connectorauth": 1, "name": "hooli"}`,
		"another name": `{"connectorauth": 1, "name": "other", "baseUrl": "https://api.hooli.example", "methods": [{"name": "none", "type": "None"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
			if name == "a mistake" {
				code, _, err := w.run("{}", "connect", "hooli", "--values", "-")
				assert.Equal(t, exit.Usage, code)
				assert.Contains(t, err, path+":1:")
			}
			code, _, err := w.run(document, "import", "-")
			assert.Equal(t, exit.Usage, code)
			assert.Contains(t, err, "say --force to replace the service")
			kept, readErr := os.ReadFile(path)
			require.NoError(t, readErr)
			assert.Equal(t, text, string(kept))
		})
	}
	w.ok(document, "import", "-", "--force")
}

// A pipe with a name is a body of a length that nobody knows, and is read once.
func TestAPipeWithANameIsABody(t *testing.T) {
	w := newWorld(t)
	echo(t, w)
	fifo := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	go os.WriteFile(fifo, []byte("piped"), 0o600)
	assert.Contains(t, w.ok("", "call", "echo", "POST", "/x", "-d", "@"+fifo), `"body":"piped"`)
}

// The last bytes of a body are shown in a terminal, also where they are the half of a character.
func TestATerminalShowsTheEndOfABody(t *testing.T) {
	w := newWorld(t)
	w.key()
	w.p.Inject(w.p.KeyHeaderURL, 1, authtest.Answer(200, nil, "half \xe2\x82"))
	code, seen := w.inTerminal("call", "acme", "GET", "/x").end()
	assert.Equal(t, 0, code, seen)
	assert.Contains(t, seen, `half \xe2\x82`)
}
