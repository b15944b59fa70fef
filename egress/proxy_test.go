package egress_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync"
	"testing"

	"github.com/connectorauth/connectorauth/egress"
	"github.com/connectorauth/connectorauth/internal/test/dnszone"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// proxy is a forward proxy (RFC 9110 section 9.3.6) that leads every name to one server.
type proxy struct {
	server  string // host and port
	tunnels sync.WaitGroup

	mu    sync.Mutex
	asked []string // the targets
	ended bool     // and nobody begins a tunnel
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.Method+" "+r.RequestURI)
	ended := p.ended
	if !ended {
		p.tunnels.Add(1)
		defer p.tunnels.Done()
	}
	p.mu.Unlock()
	if ended {
		return
	}
	if r.Method != http.MethodConnect {
		io.WriteString(w, "from the proxy")
		return
	}
	to, err := net.Dial("tcp", p.server)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	from, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		to.Close()
		return
	}
	io.WriteString(from, "HTTP/1.1 200 OK\r\n\r\n")
	p.tunnels.Go(func() { io.Copy(to, from); to.Close() })
	p.tunnels.Go(func() { io.Copy(from, to); from.Close() })
}

// newProxy starts a proxy to a server of HTTPS.
func newProxy(t *testing.T) (*proxy, egress.Config) {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }))
	t.Cleanup(server.Close)
	p := &proxy{server: server.Listener.Addr().String()}
	t.Cleanup(func() {
		p.mu.Lock()
		p.ended = true
		p.mu.Unlock()
		p.tunnels.Wait()
	})
	front := httptest.NewServer(p)
	t.Cleanup(front.Close)
	authorities := x509.NewCertPool()
	authorities.AddCert(server.Certificate())
	return p, egress.Config{Proxy: must(url.Parse(front.URL)), TLS: &tls.Config{RootCAs: authorities}}
}

// The proxy itself stands at a loopback address, and sees no target that the name alone
// gives away.
func TestProxy(t *testing.T) {
	p, config := newProxy(t)
	client := newClient(t, config)
	config.Proxy.Host = "nobody.example.test" // the Transport has a copy
	for range 2 {
		body, err := get(t, client, "https://example.com")
		require.NoError(t, err)
		assert.Equal(t, "hello", body)
	}
	body, err := get(t, client, "http://example.com/path")
	require.NoError(t, err)
	assert.Equal(t, "from the proxy", body)
	asked := []string{"CONNECT example.com:443", "GET http://example.com/path"}
	assert.Equal(t, asked, p.asked)

	for host, reason := range map[string]string{
		"127.0.0.1": "a loopback address", "[::1]": "the loopback address", "[::ffff:10.0.0.1]": "a private address", "[fe80::1%25eth0]": "a link-local address",
		"169.254.169.254": "a metadata service", "169.254.169.254.": "a metadata service", "[64:ff9b::a9fe:a9fe]": "a metadata service",
		"0x7f.1": "unusual spelling", "0X7F.0.0.1": "unusual spelling", "2130706433": "unusual spelling", "0177.0.0.1": "unusual spelling", "127.1": "unusual spelling",
		"127.0.0.0x1": "unusual spelling", "017700000001": "unusual spelling", "1.2.3.4.5": "unusual spelling", "0x": "unusual spelling",
		"localhost": "of this machine", "LocalHost.": "of this machine", "a.localhost": "of this machine", "metadata.google.internal": "of a local network",
		"printer.local": "of a local network", "router.home.arpa": "of a local network", "redis": "of a local network",
		"①②⑦.0.0.1": "not a name in ASCII", "127。0。0。1": "not a name in ASCII", "ⓛocalhost": "not a name in ASCII", "a..b": "not a name",
	} {
		for _, scheme := range []string{"https://", "http://"} {
			requireRefused(t, client, scheme+host, reason)
		}
	}
	assert.Equal(t, asked, p.asked)
}

// A proxy gets plain http with the Host of the request, or with an opaque URL.
func TestHostOfARequestForAProxy(t *testing.T) {
	p, config := newProxy(t)
	client := newClient(t, config)
	for _, change := range []func(*http.Request){
		func(r *http.Request) { r.Host = "169.254.169.254" },
		func(r *http.Request) { r.URL.Opaque = "//169.254.169.254/latest" },
		func(r *http.Request) { r.URL.Opaque = "http://169.254.169.254/latest" },
		func(r *http.Request) { r.URL.Host = "::1" },
		func(r *http.Request) { r.URL.Host = "example.com:99999" },
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://example.com", nil)
		require.NoError(t, err)
		change(req)
		_, err = client.Do(req)
		var refused *egress.Error
		assert.ErrorAs(t, err, &refused)
	}
	assert.Empty(t, p.asked)
}

func TestWhatIsAllowedBehindAProxy(t *testing.T) {
	p, config := newProxy(t)
	config.Hosts, config.Prefixes, config.Ports = []string{"wiki.internal", "wiki"}, []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}, []uint16{80}
	client := newClient(t, config)
	for _, target := range []string{"http://wiki.internal/", "http://wiki/", "http://10.1.2.3/"} {
		_, err := get(t, client, target)
		require.NoError(t, err)
	}
	requireRefused(t, client, "http://10.2.0.1", "a private address")
	requireRefused(t, client, "http://example.com:25", "has the port 25")
	requireRefused(t, client, "https://wiki.internal", "has the port 443")
	requireRefused(t, client, "https://10.1.2.3:8443", "has the port 8443")
	assert.Equal(t, []string{"GET http://wiki.internal/", "GET http://wiki/", "GET http://10.1.2.3/"}, p.asked)
}

// The variables of the environment name a proxy for other transports.
func TestEnvironmentNamesNoProxy(t *testing.T) {
	p, config := newProxy(t)
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"} {
		t.Setenv(name, config.Proxy.String())
	}
	z, resolver := dnszone.Start(t)
	z.Set("example.com", []string{"10.0.0.1"})
	client := newClient(t, egress.Config{Resolver: resolver})
	requireRefused(t, client, "https://example.com", "a private address")
	requireRefused(t, client, "http://example.com", "a private address")
	assert.Empty(t, p.asked)
}
