// Package oidcprovider_test checks OAuth2 connectors against oidc-provider 9, a certified
// OpenID provider for Node.js: it names its issuer in callbacks, wants PKCE and nonces in
// proofs, and revokes the grant when a refresh token comes twice. All tests share a
// provider, behind a proxy that records what clients send. Without Node.js and npm on Linux
// the tests skip, or fail if CONNECTORAUTH_TEST_REQUIRE is set.
package oidcprovider_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/interop/npm"
	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
)

const (
	clientID    = "client"
	secret      = "p@ss:w/+r d&=%?~" // RFC 6749 section 2.3.1 wants it form-encoded
	redirectURL = "http://127.0.0.1/callback"
)

func TestMain(m *testing.M) {
	child.Main(child.Jobs{"renew": renewals})
	leaktest.Main(m, func() {
		if running != nil {
			running.end()
		}
	})
}

// A server is oidc-provider with a proxy in front.
type server struct {
	*recorder
	issuer string // of the provider; the address of the proxy
	dir    string // with the packages
	input  io.Closer
	node   *exec.Cmd
	proxy  *httptest.Server
}

// running is the provider, if a test has started the provider.
var running *server

// provider starts the provider, once for all tests.
var provider = sync.OnceValues(func() (*server, error) {
	dir, err := os.MkdirTemp("", "oidcprovider")
	if err != nil {
		return nil, err
	}
	r := new(recorder)
	proxy := httptest.NewUnstartedServer(r) // which has an address
	s := &server{recorder: r, issuer: "http://" + proxy.Listener.Addr().String(), dir: dir, proxy: proxy}
	if err := s.run(); err != nil {
		proxy.Close()
		os.RemoveAll(dir)
		return nil, err
	}
	running = s
	return s, nil
})

// run installs and starts the provider, and the proxy in front.
func (s *server) run() error {
	if err := os.CopyFS(s.dir, os.DirFS("testdata")); err != nil {
		return err
	}
	if err := npm.Install(s.dir); err != nil {
		return err
	}
	clients, err := json.Marshal(registered())
	if err != nil {
		return err
	}
	s.node = npm.Node(s.dir, filepath.Join(s.dir, "server.mjs"), s.issuer, string(clients), s.issuer+"/orders")
	if s.input, err = s.node.StdinPipe(); err != nil {
		return err
	}
	out, err := s.node.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.node.Start(); err != nil { // what it warns of, a set-up for tests, nobody reads
		return err
	}
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return errors.Join(err, s.node.Wait())
	}
	s.to("127.0.0.1:" + strings.TrimSpace(port))
	s.proxy.Start()
	return nil
}

func (s *server) end() {
	s.input.Close() // which the provider takes as its end
	s.node.Wait()
	s.proxy.Close()
	os.RemoveAll(s.dir)
}

// start returns the provider.
func start(t *testing.T) *server {
	t.Helper()
	s, err := provider()
	if err != nil {
		if os.Getenv("CONNECTORAUTH_TEST_REQUIRE") == "1" {
			t.Fatal(err)
		}
		t.Skipf("no oidc-provider: %v", err)
	}
	return s
}

// get makes a request, and returns status and body.
func get(client *http.Client, url string) (status int, body string, err error) {
	resp, err := client.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// bearer uses an API with an access token, and returns the status. The request is not
// recorded, because no client sends the request.
func bearer(t *testing.T, url, kind, token string) int {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", kind+" "+token)
	req.Header.Set("User-Agent", browserAgent)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	return resp.StatusCode
}
