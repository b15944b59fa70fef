package cli_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/cli"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/show"
)

// world is a person with a folder, and a provider.
type world struct {
	t    *testing.T
	home string
	p    *authtest.Provider

	terminal []string // the variables of a terminal; nil means a terminal without colours
}

// newWorld returns a world with imported definitions of the provider: acme has a key, globex a
// consent, and initech a code for another device.
func newWorld(t *testing.T) *world { return newWorldAt(t, filepath.Join(t.TempDir(), "home")) }

// newWorldAt is newWorld with the path of the folder.
func newWorldAt(t *testing.T, home string) *world {
	w := &world{t: t, home: home, p: authtest.NewProvider(t)}
	w.define("acme", w.p.KeyHeaderURL, `"inputs": [{"name": "apiKey", "title": "API key", "secret": true}],
		"methods": [{"name": "key", "type": "ApiKey", "key": "{apiKey}", "placement": {"in": "header", "name": "X-Api-Key"}}]`)
	w.define("globex", w.p.BearerURL, `"methods": [{"name": "oauth", "type": "OAuth2", "tokenUrl": "`+w.p.TokenURL+`", "revokeUrl": "`+w.p.RevokeURL+`",
		"scopes": ["read"], "grant": {"authorizationCode": {"authUrl": "`+w.p.AuthURL+`"}}}]`)
	w.define("initech", w.p.BearerURL, `"methods": [{"name": "device", "type": "OAuth2", "tokenUrl": "`+w.p.TokenURL+`",
		"scopes": ["read"], "grant": {"deviceCode": {"deviceUrl": "`+w.p.DeviceURL+`"}}}]`)
	return w
}

// define imports a definition.
func (w *world) define(name, base, members string) {
	document := fmt.Sprintf(`{"connectorauth": 1, "name": %q, "baseUrl": %q, %s, "test": {"request": "GET /me", "id": "/user", "label": "{/user}"}}`, name, base, members)
	w.ok(document, "import", "-")
}

// file writes a file and returns its path.
func (w *world) file(name, text string) string {
	path := filepath.Join(w.t.TempDir(), name)
	require.NoError(w.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// progress matches what the program writes of each step that takes long, as all may do on a busy
// machine.
var progress = regexp.MustCompile(`(?m)^(Asking|Waiting for|Telling) .* \.\.\.\n`)

// run runs the program in pipes. err is without the progress.
func (w *world) run(in string, args ...string) (code exit.Code, out, err string) {
	var stdout, stderr bytes.Buffer
	code = w.with(strings.NewReader(in), &stdout, &stderr, args...)
	return code, stdout.String(), progress.ReplaceAllString(stderr.String(), "")
}

// with runs the program with streams.
func (w *world) with(in io.Reader, out, err io.Writer, args ...string) exit.Code {
	app := &cli.App{Screen: show.Screen{Out: out, Err: err}, In: in}
	return app.Run(w.t.Context(), append([]string{"--home", w.home}, args...)) // in front: what follows -- is a program's
}

// ok runs the program, which must succeed, and returns the output.
func (w *world) ok(in string, args ...string) string {
	w.t.Helper()
	code, out, err := w.run(in, args...)
	require.Equal(w.t, exit.OK, code, "%s\n%s", out, err)
	return out
}

// read runs the program with --json, and reads the output.
func (w *world) read(to any, args ...string) {
	w.t.Helper()
	require.NoError(w.t, json.Unmarshal([]byte(w.ok("", append(args, "--json")...)), to))
}

// values returns answers as JSON.
func values(pairs ...string) string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	text, _ := json.Marshal(m)
	return string(text)
}

// key connects an account of acme.
func (w *world) key(args ...string) string {
	w.t.Helper()
	return w.ok(values("apiKey", w.p.APIKey), append([]string{"connect", "acme", "--values", "-"}, args...)...)
}

// client returns the answers with the client of the provider.
func (w *world) client() string {
	return values("client_id", w.p.ClientID, "client_secret", w.p.ClientSecret)
}

// consenting runs a command whose lines on standard error lead a person through a consent: act
// gets what the pattern has found.
func (w *world) consenting(pattern string, act func(found string), in string, args ...string) (code exit.Code, out, err string) {
	reader, writer := io.Pipe()
	var stdout, stderr bytes.Buffer
	var person sync.WaitGroup
	person.Go(func() {
		lines := bufio.NewScanner(reader)
		for lines.Scan() {
			fmt.Fprintln(&stderr, lines.Text())
			if found := regexp.MustCompile(pattern).FindStringSubmatch(lines.Text()); found != nil {
				act(found[1])
			}
		}
	})
	code = w.with(strings.NewReader(in), &stdout, writer, args...)
	writer.Close()
	person.Wait()
	return code, stdout.String(), stderr.String()
}

// allow presses Allow on the page of the provider, and follows the redirect.
func (w *world) allow(authURL string) {
	callback, err := w.p.Authorize(authURL)
	require.NoError(w.t, err)
	resp, err := http.Get(callback.String())
	require.NoError(w.t, err)
	resp.Body.Close()
}

// consent connects an account of globex.
func (w *world) consent() {
	w.t.Helper()
	code, out, err := w.consenting(`(http://127\S+/\S+\?\S+)`, w.allow, w.client(), "connect", "globex", "--values", "-", "--no-browser")
	require.Equal(w.t, exit.OK, code, "%s\n%s", out, err)
}

// get follows a redirect of the provider.
func (w *world) get(address string) {
	resp, err := http.Get(address)
	require.NoError(w.t, err)
	resp.Body.Close()
}
