package cli_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

// As with curl, -o - is standard output, and an empty -d is a body of the length 0: some servers
// take no body without a length.
func TestAnEmptyBodyAndAHyphenAreThoseOfCurl(t *testing.T) {
	w := newWorld(t)
	var lengths []string
	api := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		lengths = append(lengths, r.Header.Get("Content-Length"))
		assert.Empty(t, r.TransferEncoding)
		rw.Write([]byte("response"))
	}))
	t.Cleanup(api.Close)
	w.ok(`{"connectorauth": 1, "name": "plain", "baseUrl": "`+api.URL+`", "methods": [{"name": "none", "type": "None"}]}`, "import", "-")
	w.ok("{}", "connect", "plain", "--values", "-")
	t.Chdir(t.TempDir())
	assert.Equal(t, "response", w.ok("", "call", "plain", "POST", "/x", "-d", "", "-o", "-"))
	assert.Equal(t, "response", w.ok("", "call", "plain", "POST", "/x", "--data-raw", ""))
	empty := w.file("empty.txt", "")
	assert.Equal(t, "response", w.ok("", "call", "plain", "POST", "/x", "-d", "@"+empty))
	assert.Equal(t, []string{"0", "0", "0"}, lengths)
	left, err := os.ReadDir(".")
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestAFileThatCannotBeWrittenCostsNoRequest(t *testing.T) {
	w := newWorld(t)
	w.key()
	before := len(w.p.Requests(w.p.KeyHeaderURL))
	dir := t.TempDir()
	for _, path := range []string{filepath.Join(dir, "absent", "x"), dir} {
		code, _, err := w.run("", "call", "acme", "POST", "/x", "-o", path)
		assert.Equal(t, exit.Usage, code)
		assert.Contains(t, err, "-o: ")
	}
	assert.Len(t, w.p.Requests(w.p.KeyHeaderURL), before)
}

func TestCallNamesTheBaseURLsAndItsArguments(t *testing.T) {
	w := newWorld(t)
	w.key()
	code, _, err := w.run("", "call", "acme", "GET", "/me", "--base", "upload")
	assert.Equal(t, exit.Usage, code)
	assert.Contains(t, err, `--base: acme has no base URL "upload"`)
	for _, args := range [][]string{{"call", "acme", "GET"}, {"call", "acme", "GET", "/me", "x", "y"}} {
		code, _, err = w.run("", args...)
		assert.Equal(t, exit.Usage, code)
		assert.Contains(t, err, "want SERVICE METHOD PATH; a body is --json BODY or -d BODY; usage: connectorauth call")
	}
}
