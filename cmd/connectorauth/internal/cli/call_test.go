package cli_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

func TestStatusesAndRefusalsHaveExitCodes(t *testing.T) {
	w := newWorld(t)
	w.key()
	for name, row := range map[string]struct {
		status int
		path   string
		want   exit.Code
	}{
		"200":            {200, "/x", exit.OK},
		"404":            {404, "/x", exit.Client},
		"429":            {429, "/x", exit.Client},
		"503":            {503, "/x", exit.Server},
		"a foreign host": {200, "https://evil.example/x", exit.Refused},
		"a space":        {200, "/a b", exit.Usage},
		"upper case":     {200, "HTTPS://evil.example/x", exit.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			w.p.Inject(w.p.KeyHeaderURL, authtest.Always, authtest.Answer(row.status, nil, "body"))
			code, out, err := w.run("", "call", "acme", "GET", row.path)
			assert.Equal(t, row.want, code, err)
			if row.want == exit.OK || row.want == exit.Client || row.want == exit.Server {
				assert.Equal(t, "body", out)
				assert.Empty(t, err)
			}
		})
	}
}

// echo is an API that tells what the API got.
func echo(t *testing.T, w *world) {
	api := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		rw.Header().Set("Content-Type", "application/json")
		json.NewEncoder(rw).Encode(map[string]any{"method": r.Method, "path": r.URL.String(), "header": r.Header, "body": string(body), "user": "me"})
	}))
	t.Cleanup(api.Close)
	w.define("echo", api.URL+"/v1", `"methods": [{"name": "key", "type": "ApiKey", "key": "{apiKey}", "inputs": [{"name": "apiKey", "secret": true}]}]`)
	w.ok(values("apiKey", "k"), "connect", "echo", "--values", "-")
}

func TestBodiesAndHeadersAreThoseOfCurl(t *testing.T) {
	w := newWorld(t)
	echo(t, w)
	path := w.file("body.txt", "a file")
	form, asJSON := "application/x-www-form-urlencoded", "application/json"
	for name, row := range map[string]struct {
		in         string
		args       []string
		body, kind string
	}{
		"none":                  {"", nil, "", ""},
		"text":                  {"", []string{"-d", "a=1"}, "a=1", form},
		"two texts":             {"", []string{"-d", "a=1", "--data", "b=2"}, "a=1&b=2", form},
		"a file":                {"", []string{"-d", "@" + path, "-H", "Content-Type: text/plain"}, "a file", "text/plain"},
		"standard input":        {"typed", []string{"-d", "@-"}, "typed", form},
		"an @ as it is":         {"", []string{"--data-raw", "@x"}, "@x", form},
		"JSON as with curl":     {"", []string{"--json", `{"a":1}`}, `{"a":1}`, asJSON},
		"JSON of a file":        {"", []string{"--json-body", "@" + path}, "a file", asJSON},
		"a second header":       {"", []string{"-H", "X-A: 1", "-H", "X-A: 2"}, "", ""},
		"no Accept of the JSON": {"", []string{"--json", "1", "-H", "Accept:"}, "1", asJSON},
	} {
		t.Run(name, func(t *testing.T) {
			var got struct {
				Method, Path, Body string
				Header             http.Header
			}
			out := w.ok(row.in, append([]string{"call", "echo", "post", "/x?q=1"}, row.args...)...)
			require.NoError(t, json.Unmarshal([]byte(out), &got))
			assert.Equal(t, []string{"POST", "/v1/x?q=1", row.body, row.kind}, []string{got.Method, got.Path, got.Body, got.Header.Get("Content-Type")})
			assert.Equal(t, "k", got.Header.Get("Authorization"))
			if name == "a second header" {
				assert.Equal(t, []string{"1", "2"}, got.Header["X-A"])
			}
		})
	}
}

func TestAResponseGoesToAFileWithItsHeaderOrAsADocument(t *testing.T) {
	w := newWorld(t)
	echo(t, w)
	path := filepath.Join(t.TempDir(), "out")
	assert.Empty(t, w.ok("", "call", "echo", "GET", "/x", "-o", path))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Contains(t, string(text), `"/v1/x"`)
	out := w.ok("", "call", "echo", "GET", "/x", "-i")
	assert.True(t, strings.HasPrefix(out, "HTTP/1.1 200 OK\r\n"), out)
	var document struct {
		Status int
		URL    string
		Body   map[string]any
	}
	w.read(&document, "call", "echo", "GET", "/x?secret=1")
	assert.Equal(t, 200, document.Status)
	assert.NotContains(t, document.URL, "secret")
	assert.Equal(t, "GET", document.Body["method"])
}

func TestHeadersThatCannotBeSentAreRefused(t *testing.T) {
	w := newWorld(t)
	echo(t, w)
	for _, args := range [][]string{{"-d", "a=1", "--json", "1"}, {"--data-raw", "a=1", "--json-body", "1"}} {
		code, _, err := w.run("", append([]string{"call", "echo", "POST", "/x"}, args...)...)
		assert.Equal(t, exit.Usage, code)
		assert.Contains(t, err, "--json and --data exclude each other")
	}
	assert.Contains(t, w.ok("", "call", "echo", "GET", "/x"), `"User-Agent"`)
	assert.NotContains(t, w.ok("", "call", "echo", "GET", "/x", "-H", "User-Agent:"), `"User-Agent"`)
	for name, line := range map[string]string{"no colon": "X-A", "a line break": "X-A: 1\r\nX-B: 2", "a space in the name": "X A: 1", "the host": "Host: evil.example"} {
		t.Run(name, func(t *testing.T) {
			code, _, err := w.run("", "call", "echo", "GET", "/x", "-H", line)
			assert.Equal(t, exit.Usage, code)
			assert.Contains(t, err, "-H: ")
		})
	}
}

func TestATimeLimitIsANumberOfSeconds(t *testing.T) {
	w := newWorld(t)
	w.key()
	for text, want := range map[string]exit.Code{"-1": exit.Usage, "NaN": exit.Usage, "+Inf": exit.Usage, "1e300": exit.Usage, "soon": exit.Usage, "0": exit.OK, "1e9": exit.OK} {
		t.Run(text, func(t *testing.T) {
			code, _, err := w.run("", "call", "acme", "GET", "/me", "--max-time="+text)
			assert.Equal(t, want, code, err)
			if want == exit.Usage {
				assert.Contains(t, err, "max-time")
			}
		})
	}
	w.p.Inject(w.p.KeyHeaderURL, authtest.Always, authtest.Delay(time.Minute))
	code, _, err := w.run("", "call", "acme", "GET", "/me", "--max-time", "0.05")
	assert.Equal(t, exit.Failed, code)
	assert.Contains(t, err, "--max-time: the call took more than 0.05 seconds")
}

func TestAFullDiskIsNoBrokenResponse(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("this system has no /dev/full")
	}
	w := newWorld(t)
	w.key()
	for _, args := range [][]string{nil, {"-i"}, {"--json"}} {
		code, _, err := w.run("", append([]string{"call", "acme", "GET", "/me", "-o", "/dev/full"}, args...)...)
		assert.Equal(t, exit.Failed, code, args)
		if !slices.Contains(args, "--json") {
			assert.Contains(t, err, "/dev/full")
			assert.NotContains(t, err, "broke off")
		}
	}
}
