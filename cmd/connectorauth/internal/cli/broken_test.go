package cli_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

// A half of a body is no body: the exit code and the error say so.
func TestAResponseThatBreaksOffIsAFailure(t *testing.T) {
	w := newWorld(t)
	w.key()
	half := func(http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Length", "10")
			rw.Write([]byte("half"))
		})
	}
	for _, args := range [][]string{nil, {"--json"}, {"-o", filepath.Join(t.TempDir(), "out")}} {
		w.p.Inject(w.p.KeyHeaderURL, 1, half)
		code, out, err := w.run("", append([]string{"call", "acme", "GET", "/x"}, args...)...)
		assert.Equal(t, exit.Failed, code)
		assert.Contains(t, out+err, "the response broke off")
	}
}

func TestAnImportThatFailsLeavesNoFile(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "taken", "by a folder"), 0o700))
	document := `{"connectorauth": 1, "name": "hooli", "baseUrl": "https://api.hooli.example", "methods": [{"name": "none", "type": "None"}]}`
	code, _, err := w.run(document, "import", "-", "--out", filepath.Join(dir, "taken"))
	require.Equal(t, exit.Failed, code, err)
	left, readErr := os.ReadDir(dir)
	require.NoError(t, readErr)
	assert.Len(t, left, 1)
}

func TestADocumentOfMoreThan64MiBIsRefused(t *testing.T) {
	w := newWorld(t)
	code, _, err := w.run(strings.Repeat("\n", 64<<20+1), "check", "-")
	assert.Equal(t, exit.Failed, code)
	assert.Contains(t, err, "- has more than 64 MiB")
}
