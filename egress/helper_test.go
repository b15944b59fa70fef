package egress_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/connectorauth/connectorauth/egress"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// servers are two servers at one port: outside at 127.0.0.1, which stands for a public
// address in these tests, and inside at 127.0.0.2.
type servers struct {
	port           string
	seen, intruded atomic.Int64 // how many requests arrived outside and inside
	handler        http.HandlerFunc
}

func newServers(t *testing.T) *servers {
	t.Helper()
	s := &servers{handler: func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }}
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.seen.Add(1)
		s.handler(w, r)
	}))
	t.Cleanup(outside.Close)
	_, s.port, _ = net.SplitHostPort(outside.Listener.Addr().String())
	listener, err := net.Listen("tcp", "127.0.0.2:"+s.port)
	if err != nil {
		return s // a system with one loopback address; the error of the guard tells enough
	}
	inside := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { s.intruded.Add(1) }))
	inside.Listener.Close()
	inside.Listener = listener
	inside.Start()
	t.Cleanup(inside.Close)
	return s
}

var outside = netip.MustParsePrefix("127.0.0.1/32")

// newClient returns a client over a Transport.
func newClient(t *testing.T, config egress.Config) *http.Client {
	t.Helper()
	transport, err := egress.New(config)
	require.NoError(t, err)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// get makes a request, and reads the response.
func get(t *testing.T, client *http.Client, target string) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	require.NoError(t, err)
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(body), nil
}

// requireRefused requires that a request is refused for a reason.
func requireRefused(t *testing.T, client *http.Client, target, reason string) *egress.Error {
	t.Helper()
	_, err := get(t, client, target)
	var refused *egress.Error
	require.ErrorAs(t, err, &refused, target)
	assert.Contains(t, refused.Reason, reason, target)
	return refused
}

func must(u *url.URL, err error) *url.URL {
	if err != nil {
		panic(err)
	}
	return u
}
