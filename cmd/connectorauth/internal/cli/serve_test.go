//go:build unix

package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
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

func TestCallAndServeKnowTheSameNames(t *testing.T) {
	w := newWorld(t)
	w.key()
	asQuery := `"inputs": [{"name": "apiKey", "secret": true}], "methods": [{"name": "key", "type": "ApiKey", "key": "{apiKey}", "placement": {"in": "query", "name": "api_key"}}]`
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
	s := w.serving()
	for name, want := range map[string]struct {
		status int
		code   exit.Code
	}{
		"acme-1": {200, exit.OK}, w.p.Username: {200, exit.OK}, "hooli": {200, exit.OK}, "hooli-1": {200, exit.OK}, "a shop": {200, exit.OK},
		"nucleus": {200, exit.OK}, "castor": {200, exit.OK}, "evil.1": {200, exit.OK}, "evil": {200, exit.OK},
		"acme": {409, exit.Usage}, "twins": {409, exit.Usage}, "pair": {409, exit.Usage},
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
