//go:build unix

package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/cli"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/show"
)

func TestServeEndsWithTheProgramAndItsCode(t *testing.T) {
	w := newWorld(t)
	s := w.inTerminal("serve", "--run", "--", "sh", "-c", `trap 'exit 5' INT; echo "ready at $CONNECTORAUTH_URL"; while :; do sleep 0.1; done`)
	s.until("ready at http://127.0.0.1:")
	s.interrupted()
	s.typed("\x03")
	code, seen := s.end()
	assert.Equal(t, 5, code, seen)
	assert.NotContains(t, seen, "interrupted")
}

// A served is a serve that runs until the test ends.
type served struct {
	*world
	url, token string
	lines      *bufio.Scanner // of standard output
	stop       func() (exit.Code, string)
}

// serving starts serve, and reads the address and the token.
func (w *world) serving(args ...string) *served {
	ctx, cancel := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	var stderr bytes.Buffer
	code := make(chan exit.Code, 1)
	go func() {
		app := &cli.App{Screen: show.Screen{Out: writer, Err: &stderr}, In: strings.NewReader("")}
		code <- app.Run(ctx, append(append([]string{"serve"}, args...), "--home", w.home))
		writer.Close()
	}()
	s := &served{world: w, lines: bufio.NewScanner(reader)}
	s.stop = sync.OnceValues(func() (exit.Code, string) {
		cancel()
		go io.Copy(io.Discard, reader)
		return <-code, stderr.String()
	})
	w.t.Cleanup(func() { s.stop() })
	if slices.Contains(args, "--json") {
		return s
	}
	for _, to := range []*string{&s.url, &s.token} {
		require.True(w.t, s.lines.Scan())
		_, *to, _ = strings.Cut(s.lines.Text(), "=")
	}
	return s
}

// get sends a request with the token, and returns the status and the body.
func (s *served) get(path string) (int, string) {
	req, err := http.NewRequestWithContext(s.t.Context(), "GET", s.url+path, nil)
	require.NoError(s.t, err)
	req.Header.Set("Authorization", "Bearer "+s.token)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(s.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	return resp.StatusCode, string(body)
}

// asQuery has a key in the query.
const asQuery = `"inputs": [{"name": "apiKey", "secret": true}], "methods": [{"name": "key", "type": "ApiKey", "key": "{apiKey}", "placement": {"in": "query", "name": "api_key"}}]`

func TestCallAndServeKnowTheSameNames(t *testing.T) {
	w := newWorld(t)
	w.key()
	connect := func(service, label string, args ...string) {
		w.p.Inject(w.p.KeyQueryURL, 1, authtest.Answer(200, nil, `{"user": "`+label+`"}`))
		w.ok(values("apiKey", w.p.APIKey), append([]string{"connect", service, "--values", "-"}, args...)...)
	}
	w.define("hooli", w.p.KeyQueryURL, `"was": ["gavin", "nucleus"], `+asQuery)
	connect("hooli", "a shop")
	w.define("twins", w.p.KeyQueryURL, `"was": ["pair"], `+asQuery)
	connect("twins", "castor")
	connect("twins", "pollux")
	w.define("evil", w.p.KeyQueryURL, asQuery)
	connect("evil", "acme", "--name", "evil.1")
	w.define("worse", w.p.KeyQueryURL, asQuery)
	connect("worse", "globex") // of which there is no account
	s := w.serving()
	for name, want := range map[string]struct {
		status int
		code   exit.Code
	}{
		"acme-1": {200, exit.OK}, w.p.Username: {200, exit.OK}, "hooli": {200, exit.OK}, "hooli-1": {200, exit.OK}, "a shop": {200, exit.OK},
		"nucleus": {200, exit.OK}, "castor": {200, exit.OK}, "evil.1": {200, exit.OK}, "evil": {200, exit.OK},
		"acme": {200, exit.OK}, "twins": {409, exit.Usage}, "pair": {409, exit.Usage},
		"nobody": {404, exit.Usage}, "Hooli": {404, exit.Usage}, "globex": {404, exit.Usage},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, text := w.run("", "call", name, "GET", "/me")
			assert.Equal(t, want.code, code, text)
			status, body := s.get("/" + url.PathEscape(name) + "/me")
			assert.Equal(t, want.status, status, body)
			if want.status != 200 {
				var failure struct{ Message string }
				require.NoError(t, json.Unmarshal([]byte(body), &failure))
				assert.Equal(t, "connectorauth: "+failure.Message+"\n", text)
			}
		})
	}
}

// event reads the next line of serve --json.
func (s *served) event() (e map[string]string) {
	require.True(s.t, s.lines.Scan())
	require.NoError(s.t, json.Unmarshal(s.lines.Bytes(), &e), s.lines.Text())
	return e
}

func TestServeSaysAllInJSON(t *testing.T) {
	w := newWorld(t)
	w.key()
	w.define("gone", w.p.KeyQueryURL, asQuery)
	w.ok(values("apiKey", w.p.APIKey), "connect", "gone", "--values", "-")
	require.NoError(t, os.Remove(filepath.Join(w.home, "definitions", "gone.json")))
	s := w.serving("--json")
	unusable := s.event()
	assert.Contains(t, unusable["message"], "import the definition again")
	delete(unusable, "message")
	assert.Equal(t, map[string]string{"event": "account_unusable", "account": "gone-1"}, unusable)

	serving := s.event()
	s.url, s.token = serving["url"], serving["token"]
	status, body := s.get("/acme/me")
	assert.Equal(t, 200, status, body)
	resp, err := http.Get(serving["pages"])
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, "/-/accounts/", resp.Request.URL.Path)
	assert.Equal(t, []string{"event", "pages", "token", "url"}, slices.Sorted(maps.Keys(serving)))
	code, stderr := s.stop()
	assert.Equal(t, exit.OK, code)
	assert.Empty(t, stderr)
}

func TestServeWithAFileSaysNoToken(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "env")
	s := w.serving("--json", "--env-file", path)
	serving := s.event()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Contains(t, string(text), "export CONNECTORAUTH_URL="+serving["url"]+"\nexport CONNECTORAUTH_TOKEN=")
	assert.Equal(t, path, serving["envFile"])
	assert.NotContains(t, serving, "token")
	s.stop()
	assert.NoFileExists(t, path)
}

// A second run with the file may begin before the first run has ended.
func TestTheEndOfServeLeavesTheFileOfAnotherServe(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "env")
	first := w.serving("--json", "--env-file", path)
	first.event()
	second := w.serving("--json", "--env-file", path)
	serving := second.event()
	first.stop()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Contains(t, string(text), "CONNECTORAUTH_URL="+serving["url"]+"\n")
	second.stop()
	assert.NoFileExists(t, path)
}

// api sends a request of the JSON API of the pages, and reads the response.
func (s *served) api(method, path, body string, to any) int {
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+"/-/accounts/api"+path, strings.NewReader(body))
	require.NoError(s.t, err)
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(s.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	require.NoError(s.t, json.Unmarshal(text, to), string(text))
	return resp.StatusCode
}

// offers returns the methods of a service that the pages offer.
func (s *served) offers(service string) (methods []string) {
	var found struct {
		Services []struct {
			Name    string
			Methods []struct{ Name string }
		}
	}
	s.api("GET", "/services?q="+service, "", &found)
	for _, each := range found.Services {
		if each.Name == service {
			for _, m := range each.Methods {
				methods = append(methods, m.Name)
			}
		}
	}
	return methods
}

func TestThePagesConnectNewServices(t *testing.T) {
	w := newWorld(t)
	w.define("mixed", w.p.KeyHeaderURL, `"methods": [
		{"name": "key", "type": "ApiKey", "inputs": [{"name": "apiKey", "secret": true}], "key": "{apiKey}", "placement": {"in": "header", "name": "X-Api-Key"}},
		{"name": "oauth", "type": "OAuth2", "tokenUrl": "`+w.p.TokenURL+`", "grant": {"authorizationCode": {"authUrl": "`+w.p.AuthURL+`"}}}]`)
	s := w.serving()
	assert.Equal(t, []string{"key"}, s.offers("acme"), "imported")
	assert.NotEmpty(t, s.offers("mcp"))
	assert.NotEmpty(t, s.offers("stripe"), "of the catalogue")
	assert.Equal(t, []string{"key"}, s.offers("mixed"), "the other method wants a client")
	assert.Empty(t, s.offers("globex"), "wants a client")

	var account struct{ ID string }
	status := s.api("POST", "/accounts", `{"service": "mixed", "method": "key", "values": {"apiKey": "`+w.p.APIKey+`"}}`, &account)
	require.Equal(t, http.StatusCreated, status)
	assert.Contains(t, w.ok("", "call", account.ID, "GET", "/me"), w.p.Username)
	status, body := s.get("/mixed/me")
	assert.Equal(t, 200, status, body)
}

func TestThePagesUseTheClientThatTheServiceKnows(t *testing.T) {
	w := newWorld(t)
	w.consent() // whose client is asked for
	s := w.serving()
	assert.Equal(t, []string{"oauth"}, s.offers("globex"))
	var connected struct{ ID, Consent string }
	status := s.api("POST", "/accounts", `{"service": "globex", "duplicate": true}`, &connected)
	require.Equal(t, http.StatusCreated, status)
	assert.NotEmpty(t, connected.Consent)
	w.ok("", "disconnect", "globex-1") // and with it the client

	browser := s.browser()
	browser.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host != strings.TrimPrefix(s.url, "http://") {
			return http.ErrUseLastResponse
		}
		return nil
	}
	req, err := http.NewRequest("GET", s.url+"/-/accounts/start?connector="+connected.ID, nil)
	require.NoError(t, err)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := browser.Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusSeeOther, resp.StatusCode)
	callback, err := w.p.Authorize(resp.Header.Get("Location"))
	require.NoError(t, err)
	resp, err = browser.Get(callback.String())
	require.NoError(t, err)
	resp.Body.Close()
	s.stop()
	assert.Contains(t, w.ok("", "call", connected.ID, "GET", "/me"), w.p.Username, "the account has the client, too")

	s = w.serving()
	var ended map[string]any
	s.api("DELETE", "/accounts/"+connected.ID, "", &ended)
	left, err := os.ReadDir(filepath.Join(w.home, "clients"))
	require.NoError(t, err)
	assert.Empty(t, left, "no client secret is left")
}

// browser returns a client that has signed in with the token.
func (s *served) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	require.NoError(s.t, err)
	browser := &http.Client{Jar: jar}
	resp, err := browser.PostForm(s.url+"/-/sign-in", url.Values{"token": {s.token}})
	require.NoError(s.t, err)
	resp.Body.Close()
	return browser
}
