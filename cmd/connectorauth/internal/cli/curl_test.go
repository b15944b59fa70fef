package cli_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/authtest"
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
	paths := []string{filepath.Join(dir, "protected")}
	require.NoError(t, os.WriteFile(paths[0], nil, 0o400))
	if os.Geteuid() == 0 { // who may write everywhere but in /proc
		paths = []string{"/proc/x"}
	}
	for _, path := range paths {
		code, _, err := w.run("", "call", "acme", "POST", "/x", "-o", path)
		assert.Equal(t, exit.Usage, code, path)
		assert.Contains(t, err, "-o: ")
	}
	assert.Len(t, w.p.Requests(w.p.KeyHeaderURL), before)

	old := w.file("old", "old")
	code, _, _ := w.run("", "call", "acme", "POST", "/x", "-o", old, "-H", "Host: x")
	assert.Equal(t, exit.Usage, code)
	text, err := os.ReadFile(old)
	require.NoError(t, err)
	assert.Equal(t, "old", string(text), "the file stays until there is a response")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, left, 1)
	w.ok("", "call", "acme", "GET", "/me", "-o", filepath.Join(dir, "new"))
	w.ok("", "call", "acme", "GET", "/me", "-o", os.DevNull)
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

// The person has given the headers for the service. As with Authorization in net/http, the rest of
// a chain that has left the service gets none of them.
func TestARedirectToAnotherHostHasNoHeaderOfThePerson(t *testing.T) {
	w := newWorld(t)
	got := map[string]http.Header{}
	var api, other *httptest.Server
	api = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		got["api"+r.URL.Path] = r.Header
		switch r.URL.Path {
		case "/near":
			http.Redirect(rw, r, "/end", http.StatusFound)
		case "/far":
			http.Redirect(rw, r, other.URL, http.StatusTemporaryRedirect)
		}
	}))
	t.Cleanup(api.Close)
	other = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		got["other"] = r.Header
		http.Redirect(rw, r, api.URL+"/back", http.StatusFound)
	}))
	t.Cleanup(other.Close)
	w.ok(`{"connectorauth": 1, "name": "plain", "baseUrl": "`+api.URL+`", "methods": [{"name": "none", "type": "None"}]}`, "import", "-")
	w.ok("{}", "connect", "plain", "--values", "-")
	for _, path := range []string{"/near", "/far"} {
		w.ok("", "call", "plain", "POST", path, "-d", "x", "-H", "authorization: CANARY", "-H", "X-Org-Key: CANARY", "-H", "Cookie: a=CANARY", "-H", "Accept: text/csv")
	}
	for _, place := range []string{"api/near", "api/end", "api/far"} {
		for _, name := range []string{"Authorization", "X-Org-Key", "Cookie"} {
			assert.Contains(t, got[place].Get(name), "CANARY", "%s at %s", name, place)
		}
	}
	for _, place := range []string{"other", "api/back"} {
		assert.NotContains(t, fmt.Sprint(got[place]), "CANARY", place)
		assert.Equal(t, "text/csv", got[place].Get("Accept"), place)
	}
}

// JSON is UTF-8 (RFC 8259 section 8.1), and some services write Latin-1 nevertheless.
func TestJSONInAnotherEncodingLosesNothing(t *testing.T) {
	w := newWorld(t)
	w.key()
	body := "{\"name\": \"Jos\xe9\"}"
	w.p.Inject(w.p.KeyHeaderURL, 1, authtest.Answer(200, nil, body))
	var document struct{ Base64 []byte }
	w.read(&document, "call", "acme", "GET", "/me")
	assert.Equal(t, body, string(document.Base64))
}
