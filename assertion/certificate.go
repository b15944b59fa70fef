package assertion

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/check"
)

// CertificateConfig describes a client certificate.
type CertificateConfig struct {
	// Certificate returns the certificate with its private key. Certificate is called for
	// each new connection, so a certificate that a platform renews is read anew. ctx ends
	// with the handshake. Required.
	Certificate func(ctx context.Context) (*tls.Certificate, error)
	// RootCAs are the authorities that may certify the server. Nil means those of the
	// system. The server is always verified.
	RootCAs *x509.CertPool
	// Base is a transport to begin with, for a proxy or time limits of the program's own.
	// Base is not changed, and its TLSClientConfig must not switch the verification off.
	// A proxy whose URL begins with https is refused, because net/http would present the
	// certificate to the proxy. Nil means http.DefaultTransport.
	Base *http.Transport
}

// A CertificateTransport presents a client certificate to every server (RFC 8705). For
// token requests, use a CertificateTransport as Transport of the HTTPClient of an
// OAuth2Config, with the client authentication connectorauth.ClientAuthTLS or
// ClientAuthSelfSignedTLS; for the API, use [CertificateTransport.Connector]. Connections are
// kept and shared, so a program needs one CertificateTransport for each certificate.
type CertificateTransport struct{ base *http.Transport }

// NewCertificateTransport returns a transport with a certificate.
func NewCertificateTransport(config CertificateConfig) (*CertificateTransport, error) {
	var problems check.List
	if config.Certificate == nil {
		problems.Add("Certificate: is nil; give the function that returns the certificate")
	}
	base := config.Base
	if base == nil {
		base, _ = http.DefaultTransport.(*http.Transport)
	}
	switch {
	case base == nil:
		problems.Add("Base: is required, because http.DefaultTransport is no *http.Transport")
	case base.DialTLSContext != nil || base.DialTLS != nil: //lint:ignore SA1019 a caller may still set DialTLS
		problems.Add("Base: dials TLS itself, so no certificate could be presented")
	case base.TLSClientConfig != nil && base.TLSClientConfig.InsecureSkipVerify:
		problems.Add("Base: does not verify the server; use RootCAs for a private authority")
	}
	if err := problems.Err("CertificateConfig"); err != nil {
		return nil, err
	}
	base = base.Clone()
	if base.TLSClientConfig == nil {
		base.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if config.RootCAs != nil {
		base.TLSClientConfig.RootCAs = config.RootCAs
	}
	if len(base.TLSNextProto) > 0 { // functions that pool the connections of Base and of this transport
		base.TLSNextProto, base.ForceAttemptHTTP2 = nil, true
	}
	base.Proxy = checkedProxy(base.Proxy)
	get := config.Certificate
	base.TLSClientConfig.Certificates = nil
	base.TLSClientConfig.ClientSessionCache = nil // a session goes on with the certificate with which it began
	base.TLSClientConfig.GetClientCertificate = func(request *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		certificate, err := get(request.Context())
		switch {
		case err != nil:
			return nil, fmt.Errorf("assertion: the client certificate: %w", err)
		case certificate == nil || len(certificate.Certificate) == 0 || certificate.PrivateKey == nil:
			return nil, errors.New("assertion: the client certificate is empty, or has no private key")
		}
		return certificate, nil
	}
	return &CertificateTransport{base}, nil
}

// checkedProxy returns proxy without the proxies that would ask for the certificate.
func checkedProxy(proxy func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	if proxy == nil {
		return nil
	}
	return func(req *http.Request) (*url.URL, error) {
		u, err := proxy(req)
		if err == nil && u != nil && strings.EqualFold(u.Scheme, "https") {
			return nil, errors.New("assertion: a proxy over https would get the client certificate; use a proxy over http, which sees encrypted bytes alone")
		}
		return u, err
	}
}

// RoundTrip implements http.RoundTripper. A request over plain http is refused.
func (t *CertificateTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL == nil || req.URL.Scheme != "https" {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, errors.New("assertion: a client certificate needs https")
	}
	return t.base.RoundTrip(req)
}

// CloseIdleConnections closes the idle connections, as after the certificate was replaced. A
// connection of HTTP/2 with a request under way is not idle, and takes further requests with
// the former certificate.
func (t *CertificateTransport) CloseIdleConnections() { t.base.CloseIdleConnections() }

// String names the type.
func (*CertificateTransport) String() string { return "assertion.CertificateTransport" }

// GoString is String, for the verb %#v.
func (t *CertificateTransport) GoString() string { return t.String() }

// Format prints String under every verb.
func (t *CertificateTransport) Format(s fmt.State, _ rune) { s.Write([]byte(t.String())) }

// Connector returns a connector whose requests present the certificate to hosts: see
// Hosts of connectorauth.APIKeyConfig. A redirect to another origin gets no certificate.
// Use connectorauth.Join for a service that wants a token or a key as well. The base
// RoundTripper of the client sends none of these requests.
func (t *CertificateTransport) Connector(hosts ...string) (*connectorauth.Custom, error) {
	return connectorauth.NewCustom(connectorauth.CustomConfig{Transport: t, Hosts: hosts})
}
