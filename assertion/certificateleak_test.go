package assertion_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// presenting returns a transport that presents the certificate.
func presenting(t *testing.T, certificate *tls.Certificate, roots *x509.CertPool, base *http.Transport) *assertion.CertificateTransport {
	t.Helper()
	transport, err := assertion.NewCertificateTransport(assertion.CertificateConfig{
		Certificate: func(context.Context) (*tls.Certificate, error) { return certificate, nil }, RootCAs: roots, Base: base,
	})
	require.NoError(t, err)
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// tunnel is the handler of a proxy.
func tunnel(w http.ResponseWriter, r *http.Request) {
	to, err := net.Dial("tcp", r.Host)
	if err != nil {
		return
	}
	defer to.Close()
	from, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer from.Close()
	io.WriteString(from, "HTTP/1.1 200 OK\r\n\r\n")
	go io.Copy(to, from)
	io.Copy(from, to)
}

// A proxy that is reached over TLS may ask for a certificate too.
func TestCertificateGoesToNoProxy(t *testing.T) {
	api, roots := secured(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Len(t, r.TLS.PeerCertificates, 1)
	})
	seen := 0
	proxy, _ := securedBy(t, false, func(w http.ResponseWriter, r *http.Request) {
		seen += len(r.TLS.PeerCertificates)
		tunnel(w, r)
	})
	roots.AddCert(proxy.Certificate())
	to, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	transport := presenting(t, own(t), roots, &http.Transport{Proxy: http.ProxyURL(to)})
	resp, err := connectorauth.NewClient(must(transport.Connector()), nil).Get(api.URL)
	if err == nil {
		resp.Body.Close()
	}
	assert.Zero(t, seen)
	assert.ErrorContains(t, err, "proxy")
}

// A TLS session that is taken up again brings the certificate with which the session
// began. So sessions are not shared with the base, nor with another certificate.
func TestSessionsBelongToOneCertificate(t *testing.T) {
	var seen []string
	api, roots := secured(t, func(w http.ResponseWriter, r *http.Request) {
		serial := "none"
		if len(r.TLS.PeerCertificates) > 0 {
			serial = string(r.TLS.PeerCertificates[0].Signature[:8])
		}
		seen = append(seen, serial)
		w.Header().Set("Connection", "close")
	})
	base := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots, ClientSessionCache: tls.NewLRUClientSessionCache(0)}}
	one, other := own(t), own(t)
	for _, transport := range []http.RoundTripper{presenting(t, one, nil, base), presenting(t, other, nil, base), base} {
		for range 2 {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, api.URL, nil)
			require.NoError(t, err)
			resp, err := transport.RoundTrip(req)
			require.NoError(t, err)
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	}
	signature := func(c *tls.Certificate) string {
		return string(must(x509.ParseCertificate(c.Certificate[0])).Signature[:8])
	}
	assert.Equal(t, []string{signature(one), signature(one), signature(other), signature(other), "none", "none"}, seen)
}

// HTTP/2 of another package keeps the connections of all clones in one pool.
func TestConnectionsStayOutOfThePoolOfTheBase(t *testing.T) {
	api, roots := secured(t, func(w http.ResponseWriter, r *http.Request) { assert.Len(t, r.TLS.PeerCertificates, 1) })
	taken := 0
	base := &http.Transport{
		TLSClientConfig: &tls.Config{NextProtos: []string{"h2", "http/1.1"}},
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{"h2": func(_ string, c *tls.Conn) http.RoundTripper {
			taken++
			return http.NewFileTransport(http.Dir("."))
		}},
	}
	client := connectorauth.NewClient(must(presenting(t, own(t), roots, base).Connector()), nil)
	resp, err := client.Get(api.URL)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Zero(t, taken)
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Len(t, base.TLSNextProto, 1, "the base is not changed")

	base = &http.Transport{TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}
	resp, err = connectorauth.NewClient(must(presenting(t, own(t), roots, base).Connector()), nil).Get(api.URL)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, 1, resp.ProtoMajor, "HTTP/2 stays off where the base switches HTTP/2 off")
}

// The certificate follows the hooks, and a connection of the former certificate is not
// used after CloseIdleConnections.
func TestCertificateIsReplaced(t *testing.T) {
	var seen []string
	api, roots := secured(t, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, string(r.TLS.PeerCertificates[0].Signature))
	})
	certificate := own(t)
	transport, err := assertion.NewCertificateTransport(assertion.CertificateConfig{
		Certificate: func(context.Context) (*tls.Certificate, error) { return certificate, nil }, RootCAs: roots,
	})
	require.NoError(t, err)
	t.Cleanup(transport.CloseIdleConnections)
	c := connectorauth.WithHooks(must(transport.Connector()), connectorauth.Hooks{BeforeRequest: func(*connectorauth.Exchange) error { return nil }})
	client := connectorauth.NewClient(c, nil)
	for range 2 {
		get(t, client, api.URL)
		certificate = own(t)
		client.CloseIdleConnections()
	}
	require.Len(t, seen, 2)
	assert.NotEqual(t, seen[0], seen[1])
}

// A program may have put another RoundTripper in the place of http.DefaultTransport.
func TestBaseThatIsNoTransportIsRefused(t *testing.T) {
	was := http.DefaultTransport
	t.Cleanup(func() { http.DefaultTransport = was })
	http.DefaultTransport = http.NewFileTransport(http.Dir("."))
	_, err := assertion.NewCertificateTransport(assertion.CertificateConfig{
		Certificate: func(context.Context) (*tls.Certificate, error) { return nil, nil },
	})
	assert.ErrorContains(t, err, "Base: is required")
}
