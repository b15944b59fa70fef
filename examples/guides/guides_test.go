package guides

import (
	"context"
	"database/sql"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"
)

func TestMain(m *testing.M) {
	child.Main(child.Jobs{"proxied": proxied, "back": backUntilDelete})
	leaktest.Main(m)
}

// must returns v, and panics with an error.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// internet makes the hosts of a guide exist until the test ends: each pattern of http.ServeMux,
// such as api.example.com/orders, has the URL of a test server that answers. Clients without a
// transport of their own reach the hosts, by https.
func internet(t *testing.T, hosts map[string]string) {
	t.Helper()
	mux, direct := http.NewServeMux(), new(http.Transport)
	for pattern, target := range hosts {
		to := must(url.Parse(target))
		mux.Handle(pattern, &httputil.ReverseProxy{Transport: direct, Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.Host, r.Out.URL.Scheme, r.Out.URL.Host, r.Out.URL.Path = to.Host, to.Scheme, to.Host, to.Path
		}})
	}
	server := httptest.NewServer(mux)
	former := http.DefaultTransport
	http.DefaultTransport = &http.Transport{
		DialTLSContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		},
	}
	t.Cleanup(func() {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		http.DefaultTransport = former
		direct.CloseIdleConnections()
		server.Close()
	})
}

// sqlite opens a new database, which is closed when the test ends.
func sqlite(t *testing.T) *sql.DB {
	t.Helper()
	file := filepath.ToSlash(filepath.Join(t.TempDir(), "app.db"))
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}
