package egress_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/egress"
	"github.com/connectorauth/connectorauth/internal/test/dnszone"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAddressesThatAreRefused(t *testing.T) {
	s := newServers(t)
	z, resolver := dnszone.Start(t)
	z.Set("localhost", []string{"127.0.0.1"}) // where the system has no file of hosts
	client := newClient(t, egress.Config{Resolver: resolver})
	for host, reason := range map[string]string{
		"127.0.0.1": "a loopback address", "localhost": "loopback address", "[::1]": "the loopback address",
		"0.0.0.0": "the unspecified address", "[::]": "unspecified address", "[::ffff:127.0.0.1]": "a loopback address", "[::ffff:7f00:1]": "a loopback address",
		"[fe80::1%25lo]": "a link-local address", "10.0.0.1": "a private address", "169.254.169.254": "a metadata service", "168.63.129.16": "a metadata service",
		"①②⑦.0.0.1": "a loopback address", "127。0。0。1": "a loopback address",
	} {
		refused := requireRefused(t, client, "http://"+host+":"+s.port, reason)
		assert.True(t, refused.Addr.IsValid(), host)
		assert.ErrorContains(t, refused, "Prefixes", host)
	}
	for _, host := range []string{"0x7f.1", "2130706433", "0177.0.0.1", "127.1", "LOCALHOST."} { // which a resolver may read as an address
		_, err := get(t, client, "http://"+host+":"+s.port)
		assert.Error(t, err, host)
	}
	assert.Zero(t, s.seen.Load())
}

// The error does not show to an account owner which address a name has.
func TestNameThatLeadsInside(t *testing.T) {
	s := newServers(t)
	z, resolver := dnszone.Start(t)
	z.Set("wiki.example.test", []string{"127.0.0.2"})
	client := newClient(t, egress.Config{Resolver: resolver, Prefixes: []netip.Prefix{outside}})
	refused := requireRefused(t, client, "http://wiki.example.test:"+s.port, "a loopback address")
	assert.EqualError(t, refused, `egress: the host "wiki.example.test" leads to a loopback address (RFC 1122); to reach a host of your own, allow the name by Hosts of egress.Config, or the address by Prefixes`)
	assert.Equal(t, "127.0.0.2", refused.Addr.String())
	for address, reason := range map[string]string{
		"::ffff:127.0.0.2": "a loopback address", "64:ff9b::7f00:2": "a loopback address (RFC 1122), by NAT64", "fe80::1": "a link-local address", "::127.0.0.2": "not global unicast",
	} {
		z.Set("mapped.example.test", []string{address})
		requireRefused(t, client, "http://mapped.example.test:"+s.port, reason)
	}
	_, err := get(t, client, "http://wiki.example.test:"+s.port)
	assert.NotContains(t, err.Error(), "127.0.0.2")
	_, err = get(t, client, "http://unknown.example.test") // and no error shows where the resolver is
	var unknown *net.DNSError
	require.ErrorAs(t, err, &unknown)
	assert.True(t, unknown.IsNotFound)
	assert.EqualError(t, err, `Get "http://unknown.example.test": lookup unknown.example.test: no such host`)
	assert.Zero(t, s.intruded.Load())
}

// The first lookup gives an allowed address, and the next ones another.
func TestRebinding(t *testing.T) {
	s := newServers(t)
	z, resolver := dnszone.Start(t)
	z.Set("evil.example.test", []string{"127.0.0.1"}, []string{"127.0.0.2"}, []string{"169.254.169.254"}, []string{"127.0.0.2", "127.0.0.1"})
	client := newClient(t, egress.Config{Resolver: resolver, Prefixes: []netip.Prefix{outside}})
	target := "http://evil.example.test:" + s.port
	for range 3 { // over one connection
		body, err := get(t, client, target)
		require.NoError(t, err)
		assert.Equal(t, "hello", body)
	}
	client.CloseIdleConnections()
	requireRefused(t, client, target, "a loopback address")
	requireRefused(t, client, target, "a metadata service")
	body, err := get(t, client, target) // past the refused address
	require.NoError(t, err)
	assert.Equal(t, "hello", body)
	assert.Zero(t, s.intruded.Load())
	assert.EqualValues(t, 4, s.seen.Load())
}

func TestRedirectsAreGuarded(t *testing.T) {
	s := newServers(t)
	z, resolver := dnszone.Start(t)
	z.Set("wiki.example.test", []string{"127.0.0.2"})
	client := newClient(t, egress.Config{Resolver: resolver, Prefixes: []netip.Prefix{outside}})
	for _, to := range []string{"http://127.0.0.2:" + s.port, "http://wiki.example.test:" + s.port, "//127.0.0.2:" + s.port, "http://169.254.169.254/latest/meta-data/", "https://[fd00:ec2::254]/"} {
		s.handler = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusTemporaryRedirect) }
		requireRefused(t, client, "http://127.0.0.1:"+s.port, "leads to")
	}
	for _, to := range []string{"file:///etc/passwd", "unix:///run/docker.sock", "gopher://127.0.0.2:" + s.port} {
		s.handler = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
		}
		_, err := get(t, client, "http://127.0.0.1:"+s.port)
		assert.ErrorContains(t, err, "unsupported protocol scheme")
	}
	assert.Zero(t, s.intruded.Load())
}

func TestHostsOfTheProgram(t *testing.T) {
	s := newServers(t)
	z, resolver := dnszone.Start(t)
	z.Set("gitlab.example.test", []string{"127.0.0.1"}, []string{"169.254.169.254"})
	z.Set("other.example.test", []string{"127.0.0.1"})
	client := newClient(t, egress.Config{Resolver: resolver, Hosts: []string{"GitLab.example.test."}})
	_, err := get(t, client, "http://gitlab.EXAMPLE.test:"+s.port)
	require.NoError(t, err)
	client.CloseIdleConnections()
	refused := requireRefused(t, client, "http://gitlab.example.test:"+s.port, "a metadata service")
	assert.ErrorContains(t, refused, "only a prefix of this single address among Prefixes of egress.Config")
	requireRefused(t, client, "http://other.example.test:"+s.port, "a loopback address")
	requireRefused(t, client, "http://127.0.0.1:"+s.port, "a loopback address")
}

func TestPorts(t *testing.T) {
	s := newServers(t)
	client := newClient(t, egress.Config{Prefixes: []netip.Prefix{outside}, Ports: []uint16{443, 8443}})
	refused := requireRefused(t, client, "http://127.0.0.1:"+s.port, "has the port "+s.port)
	assert.ErrorContains(t, refused, "add the port to Ports of egress.Config")
	assert.Zero(t, s.seen.Load())
}

// HTTP/2, connections that are kept, and a second address where the first one does not
// listen, are those of net/http.
func TestTransportIsOneOfNetHTTP(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) }))
	server.EnableHTTP2, server.Config.ErrorLog = true, log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	z, resolver := dnszone.Start(t)
	z.Set("example.com", []string{"::1", "127.0.0.1"}) // nothing listens at ::1
	authorities := x509.NewCertPool()
	authorities.AddCert(server.Certificate())
	client := newClient(t, egress.Config{
		Resolver: resolver, TLS: &tls.Config{RootCAs: authorities}, Prefixes: []netip.Prefix{outside, netip.MustParsePrefix("::1/128")},
	})
	var reused []bool
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = append(reused, i.Reused) }})
	for range 2 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://example.com:"+port, nil)
		require.NoError(t, err)
		resp, err := client.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, 2, resp.ProtoMajor)
	}
	assert.Equal(t, []bool{false, true}, reused)

	_, err := get(t, newClient(t, egress.Config{Resolver: resolver, Prefixes: []netip.Prefix{outside}}), "https://example.com:"+port)
	assert.ErrorContains(t, err, "certificate")
}

// Neither a lookup nor a connection outlives the context of a request, or the time limit.
func TestTimeLimits(t *testing.T) {
	silent := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	client := newClient(t, egress.Config{Resolver: silent, ConnectTimeout: 20 * time.Millisecond})
	_, err := get(t, client, "https://example.test")
	var failed net.Error
	require.ErrorAs(t, err, &failed)
	assert.True(t, failed.Timeout())

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://example.test", nil)
	require.NoError(t, err)
	_, err = newClient(t, egress.Config{Resolver: silent}).Do(req)
	assert.ErrorIs(t, err, context.Canceled)

	s := newServers(t)
	s.handler = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	_, err = get(t, newClient(t, egress.Config{Prefixes: []netip.Prefix{outside}, ResponseTimeout: 20 * time.Millisecond}), "http://127.0.0.1:"+s.port)
	require.ErrorAs(t, err, &failed)
	assert.True(t, failed.Timeout())
}

// shown is a RoundTripper in between, as for traces.
type shown struct{ http.RoundTripper }

func (s shown) Unwrap() http.RoundTripper { return s.RoundTripper }

// endless leads to itself.
type endless struct{ http.RoundTripper }

func (e endless) Unwrap() http.RoundTripper { return e }

func TestGuards(t *testing.T) {
	transport, err := egress.New(egress.Config{})
	require.NoError(t, err)
	assert.True(t, egress.Guards(transport))
	assert.True(t, egress.Guards(shown{shown{transport}}))
	for _, other := range []http.RoundTripper{
		nil, http.DefaultTransport, shown{http.DefaultTransport}, shown{}, endless{}, &egress.Transport{}, (*egress.Transport)(nil), struct{ http.RoundTripper }{transport},
	} {
		assert.False(t, egress.Guards(other), "%T", other)
	}
	_, isTransport := any(transport).(interface{ Clone() *http.Transport })
	assert.False(t, isTransport, "a program could replace the dialer")
}

func TestConfigsThatAreRefused(t *testing.T) {
	_, err := egress.New(egress.Config{
		Prefixes: []netip.Prefix{{}, netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::ffff:10.0.0.0/104")},
		Refused:  []netip.Prefix{netip.MustParsePrefix("::/0")},
		Hosts:    []string{"", "a:443", "10.0.0.1", "0x7f.1", "bücher.example", "*.example.com", "https://example.com"},
		Ports:    []uint16{0}, Proxy: &url.URL{Scheme: "ftp", User: url.UserPassword("user", "s3cret")},
		TLS: &tls.Config{InsecureSkipVerify: true}, ConnectTimeout: -1,
	})
	for _, want := range []string{
		"Config is not valid: Prefixes: one is empty", "Prefixes: 0.0.0.0/0 is every address", "Refused: ::/0 is every address", "write the prefix as IPv4", `Hosts: ""`, `Hosts: "a:443"`, `Hosts: "10.0.0.1"`, `Hosts: "0x7f.1"`,
		`Hosts: "bücher.example"`, `Hosts: "*.example.com"`, `Hosts: "https://example.com"`, "Ports: 0", "Proxy: want a URL", "Proxy: has no host", "TLS: does not verify", "must not be negative",
	} {
		assert.ErrorContains(t, err, want)
	}
	assert.NotContains(t, err.Error(), "s3cret")
	for _, negative := range []egress.Config{{ConnectTimeout: -1}, {ResponseTimeout: -1}, {IdlePerHost: -1}} {
		_, err := egress.New(negative)
		assert.ErrorContains(t, err, "must not be negative")
	}
}

func TestTransportPrintsNothing(t *testing.T) {
	transport, err := egress.New(egress.Config{Proxy: must(url.Parse("http://user:s3cret@proxy.example.test"))})
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		assert.Equal(t, "egress.Transport", fmt.Sprintf(verb, transport))
	}
	assert.False(t, strings.Contains(transport.String(), "s3cret"))
}
