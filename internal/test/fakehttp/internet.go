package fakehttp

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"
)

// The origins of an Internet: the account's API, and places that look more or
// less like it.
const (
	Home      = "https://api.example.test"
	Foreign   = "https://other.example.test"
	OtherPort = "https://api.example.test:8443"
	PlainHTTP = "http://api.example.test"
	Subdomain = "https://sub.api.example.test"
	LookAlike = "https://api.example.test.evil.test"
)

// Internet is a network of its own: one httptest server for each origin, found
// by its name, with a certificate of one test authority.
type Internet struct {
	Transport *http.Transport // reaches every origin

	mu     sync.Mutex
	Routes map[string]http.HandlerFunc // by origin and path; others answer "end"
	Seen   map[string][]Request        // what arrived, by origin
	Trail  []Request                   // what arrived everywhere, in order
}

// NewInternet starts the servers, until the test ends.
func NewInternet(t *testing.T) *Internet {
	t.Helper()
	n := &Internet{Seen: map[string][]Request{}, Routes: map[string]http.HandlerFunc{}}
	origins := []string{Home, Foreign, OtherPort, PlainHTTP, Subdomain, LookAlike}
	var names []string
	for _, origin := range origins {
		names = append(names, must(url.Parse(origin)).Hostname())
	}
	authority, certificate := newCertificate(t, names)
	addresses := map[string]string{}
	for _, origin := range origins {
		server := httptest.NewUnstartedServer(n.handler(origin))
		u := must(url.Parse(origin))
		port := "80"
		if u.Scheme == "https" {
			port = "443"
			server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
			server.StartTLS()
		} else {
			server.Start()
		}
		if u.Port() != "" {
			port = u.Port()
		}
		t.Cleanup(server.Close)
		addresses[net.JoinHostPort(u.Hostname(), port)] = server.Listener.Addr().String()
	}
	n.Transport = &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: authority},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			server, ok := addresses[address]
			if !ok {
				return nil, fmt.Errorf("no such host: %s", address)
			}
			return new(net.Dialer).DialContext(ctx, network, server)
		},
	}
	t.Cleanup(n.Transport.CloseIdleConnections)
	return n
}

// newCertificate makes an authority and a server certificate by it for names.
func newCertificate(t *testing.T, names []string) (*x509.CertPool, tls.Certificate) {
	t.Helper()
	template := func(serial int64) *x509.Certificate {
		return &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	}
	root := template(1)
	root.IsCA, root.BasicConstraintsValid, root.KeyUsage = true, true, x509.KeyUsageCertSign
	rootKey := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	rootDER := must(x509.CreateCertificate(rand.Reader, root, root, rootKey.Public(), rootKey))
	leaf := template(2)
	leaf.DNSNames = names
	leafKey := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	leafDER := must(x509.CreateCertificate(rand.Reader, leaf, root, leafKey.Public(), rootKey))
	authority := x509.NewCertPool()
	authority.AddCert(must(x509.ParseCertificate(rootDER)))
	return authority, tls.Certificate{Certificate: [][]byte{leafDER}, PrivateKey: leafKey}
}

func (n *Internet) handler(origin string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		n.mu.Lock()
		arrived := Request{r, string(body)}
		n.Seen[origin] = append(n.Seen[origin], arrived)
		n.Trail = append(n.Trail, arrived)
		route := n.Routes[origin+r.URL.Path]
		n.mu.Unlock()
		if route == nil {
			io.WriteString(w, "end")
			return
		}
		route(w, r)
	})
}

// Redirect makes each URL of a chain redirect to the next, and forgets all that was
// before.
func (n *Internet) Redirect(status int, chain ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.Seen)
	clear(n.Routes)
	n.Trail = nil
	for i, next := range chain[1:] {
		n.Routes[chain[i]] = func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", next)
			w.WriteHeader(status)
		}
	}
}

// must returns v and panics on an error.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
