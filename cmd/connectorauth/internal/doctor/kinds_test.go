package doctor_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/doctor"
	"github.com/connectorauth/connectorauth/internal/test/dnszone"
	"github.com/connectorauth/connectorauth/internal/test/http2peer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// kinds are methods whose credentials people type.
const kinds = `
	{"name": "oauth1", "type": "OAuth1", "token": "{token}", "tokenSecret": "{secret}",
		"inputs": [{"name": "token", "secret": true}, {"name": "secret", "secret": true}]},
	{"name": "key", "type": "ApiKey", "key": "{token}", "placement": {"name": "X-Api-Key"}, "inputs": [{"name": "token", "title": "API key", "secret": true}]},
	{"name": "bearer", "type": "ApiKey", "key": "{token}", "inputs": [{"name": "token", "secret": true}]},
	{"name": "basic", "type": "Basic", "username": "ada", "password": "{token}", "inputs": [{"name": "token", "title": "Password", "secret": true}]}`

// examined examines an account of a method at a server.
func examined(t *testing.T, method, base string, transport http.RoundTripper) doctor.Report {
	t.Helper()
	row := accounts.Row{Request: accounts.Request{Method: method, Values: map[string]connectorauth.Secret{"token": "the-token-of-ada"}}}
	if method == "oauth1" {
		row.Values["secret"] = "the-secret-of-ada"
	}
	config := program(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "`+base+`", "methods": [`+kinds+`], "test": {"request": "GET /me", "id": "/id"}}`, row, transport)
	report, err := doctor.Run(t.Context(), doctor.Config{Accounts: config, ID: "a1"}, nil)
	require.NoError(t, err)
	var text strings.Builder
	require.NoError(t, doctor.Bundle(&text, report))
	assert.NotContains(t, text.String(), "-of-ada", "a secret")
	return report
}

// Each refusal has an advice of its own.
func TestRefusalsOfKinds(t *testing.T) {
	problem := func(word string) http.Header {
		return http.Header{"Www-Authenticate": {`OAuth realm="acme", oauth_problem="` + word + `"`}}
	}
	for name, c := range map[string]struct {
		method string
		status int
		header http.Header
		body   string
		cause  doctor.Cause
		words  string
	}{
		"the time of a signature":      {"oauth1", 401, problem("timestamp_refused"), "", doctor.CauseClock, "Set the clock"},
		"a nonce":                      {"oauth1", 401, problem("nonce_used"), "", doctor.CauseSignature, "sends requests twice"},
		"a signature":                  {"oauth1", 401, problem("signature_invalid"), "", doctor.CauseSignature, "and the token secret again"},
		"a signature, in the body":     {"oauth1", 401, nil, "oauth_problem=signature_invalid&x=y", doctor.CauseSignature, "and the token secret again"},
		"a method of signatures":       {"oauth1", 400, problem("signature_method_rejected"), "", doctor.CauseSignature, "signature method of the definition"},
		"a consumer key":               {"oauth1", 401, problem("consumer_key_unknown"), "", doctor.CauseClient, "consumer key"},
		"a token of OAuth1":            {"oauth1", 401, problem("token_revoked"), "", doctor.CauseRevoked, "Connect the account again"},
		"a right of OAuth1":            {"oauth1", 403, problem("permission_denied"), "", doctor.CauseScope, "permission_denied"},
		"something of OAuth1":          {"oauth1", 401, nil, "", doctor.CauseCredential, "Connect the account again"},
		"a key":                        {"key", 401, nil, "{}", doctor.CauseCredential, "a good value of token"},
		"a right of a key":             {"key", 403, nil, "{}", doctor.CauseScope, "more rights"},
		"a key in the wrong header":    {"key", 401, http.Header{"Www-Authenticate": {"Bearer realm=api"}}, "{}", doctor.CauseCredential, "the scheme Bearer in the header Authorization, and the request has no Authorization header"},
		"a scheme":                     {"basic", 401, http.Header{"Www-Authenticate": {"Bearer"}}, "{}", doctor.CauseCredential, "asks for the scheme Bearer"},
		"a password":                   {"basic", 401, http.Header{"Www-Authenticate": {`Basic realm="api"`}}, "{}", doctor.CauseCredential, "a good value of token"},
		"a right of a password":        {"basic", 403, nil, "{}", doctor.CauseScope, "more rights"},
		"a limit":                      {"key", 429, http.Header{"Retry-After": {"77"}}, "{}", doctor.CauseRateLimit, "Retry-After: 77"},
		"maintenance":                  {"key", 503, http.Header{"Retry-After": {"88"}}, "{}", doctor.CauseOutage, "Retry-After: 88"},
		"by a page with the status OK": {"key", 307, http.Header{"Location": {"/login"}}, "", doctor.CauseCredential, "such as a sign-in"},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/me":
					for n, v := range c.header {
						w.Header()[n] = v
					}
					w.WriteHeader(c.status)
					io.WriteString(w, c.body)
				case "/login":
					w.Header().Set("Content-Type", "text/html")
					io.WriteString(w, "<!DOCTYPE html><title>Sign in</title>")
				default:
					http.NotFound(w, r)
				}
			}))
			t.Cleanup(s.Close)
			transport := &http.Transport{}
			t.Cleanup(transport.CloseIdleConnections)
			report := examined(t, c.method, s.URL, transport)
			assert.Equal(t, doctor.Fault, report.Outcome)
			assert.Equal(t, c.cause, report.Cause, report.Advice)
			assert.Contains(t, report.Advice, c.words)
			assert.Equal(t, doctor.Fault, step(report, "test request")[0].Outcome)
		})
	}
}

// client returns a client certificate of the authority.
func (a *authority) client(t *testing.T, until time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "client"}, NotBefore: time.Now().Add(-100 * time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestClientCertificates(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	hour := time.Now().Add(time.Hour)
	strange := ca.client(t, hour)
	strange.PrivateKey = other.client(t, hour).PrivateKey
	for name, c := range map[string]struct {
		present []tls.Certificate
		version uint16 // the newest of TLS
		cause   doctor.Cause
		words   string
	}{
		"good":                    {[]tls.Certificate{ca.client(t, hour)}, tls.VersionTLS13, "", "the account works"},
		"none, with TLS 1.3":      {nil, tls.VersionTLS13, doctor.CauseCertificate, "Give the program a client certificate"},
		"none, with TLS 1.2":      {nil, tls.VersionTLS12, doctor.CauseTLS, "demands a client certificate"},
		"expired":                 {[]tls.Certificate{ca.client(t, time.Now().Add(-time.Hour))}, tls.VersionTLS12, doctor.CauseCertificate, "Renew the client certificate"},
		"of another authority":    {[]tls.Certificate{other.client(t, hour)}, tls.VersionTLS12, doctor.CauseCertificate, "client certificate"},
		"with the key of another": {[]tls.Certificate{strange}, tls.VersionTLS12, doctor.CauseCertificate, "private key of the client certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			s := ca.server(t, "127.0.0.1", time.Now().Add(-time.Hour), hour, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/me" {
					http.NotFound(w, r)
					return
				}
				io.WriteString(w, `{"id": "ada"}`)
			}))
			s.TLS.ClientAuth, s.TLS.ClientCAs, s.TLS.MaxVersion = tls.RequireAndVerifyClientCert, ca.pool(), c.version
			transport := &http.Transport{TLSClientConfig: &tls.Config{
				RootCAs: ca.pool(), GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					if len(c.present) == 0 {
						return new(tls.Certificate), nil
					}
					return &c.present[0], nil
				},
			}}
			t.Cleanup(transport.CloseIdleConnections)
			report := examined(t, "key", s.URL, transport)
			assert.Equal(t, c.cause, report.Cause, "%s %v", report.Advice, report.Steps)
			assert.Contains(t, report.Advice, c.words)
		})
	}
}

func TestACertificateThatTheServerHasSignedItself(t *testing.T) {
	s := httptest.NewUnstartedServer(api)
	s.Config.ErrorLog = quiet
	s.StartTLS()
	t.Cleanup(s.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	report := examined(t, "key", s.URL, transport)
	assert.Equal(t, doctor.CauseAuthority, report.Cause, report.Advice)
	assert.Contains(t, report.Advice, "signed its certificate itself")
}

func TestAServerThatBreaksStreamsOff(t *testing.T) {
	peer := http2peer.New(t, func(_ int, stream uint32, _ string) []http2peer.Frame {
		return []http2peer.Frame{http2peer.Reset(stream, http2peer.InternalError)}
	})
	report := examined(t, "key", peer.URL, peer.Transport)
	assert.Equal(t, doctor.CauseOutage, report.Cause, report.Advice)
	assert.Contains(t, report.Advice, "HTTP/2 error code 2")
}

func TestAHostWithIPv6OnlyAndNoRoute(t *testing.T) {
	zone, resolver := dnszone.Start(t)
	zone.Set("api.acme.example", []string{"2001:db8::1"})
	dialer := &net.Dialer{Resolver: resolver, ControlContext: func(context.Context, string, string, syscall.RawConn) error { return syscall.ENETUNREACH }}
	resolver.PreferGo = true
	transport := &http.Transport{DialContext: dialer.DialContext}
	report := examined(t, "key", "https://api.acme.example", transport)
	assert.Equal(t, doctor.CauseIPv6, report.Cause, report.Advice)
	assert.Contains(t, report.Advice, "IPv6 addresses only")
}
