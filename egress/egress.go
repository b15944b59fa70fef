package egress

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"slices"
	"time"
)

// Config says what a Transport reaches. The zero value reaches public addresses only.
type Config struct {
	// Prefixes are addresses that the guard allows although the guard would refuse them,
	// such as 10.1.2.0/24. A prefix of IPv4 is written as IPv4, and allows no other form of
	// its addresses. Empty means none.
	Prefixes []netip.Prefix
	// Hosts are the names of hosts that may have any address but that of a metadata
	// service, such as gitlab.internal.example.com: whole names, in the ASCII form,
	// without a port. Whoever answers for the name in the DNS decides where requests go.
	// Empty means none.
	Hosts []string
	// Refused are addresses that the guard refuses besides, such as public addresses of the
	// program's own network. Neither Prefixes nor Hosts allows one of them. Empty means none.
	Refused []netip.Prefix
	// Ports are the ports that requests may go to. Empty means all.
	Ports []uint16
	// Proxy is the URL of a proxy that all requests go through, with the scheme http,
	// https, socks5 or socks5h, and perhaps a user name and password: see the package
	// documentation. Nil means none.
	Proxy *url.URL
	// TLS is the configuration of TLS connections, as for the authorities of a private
	// network or for a client certificate. TLS is copied, and must not switch the
	// verification of servers off. Nil means the default of crypto/tls.
	TLS *tls.Config
	// Resolver looks names up. Nil means net.DefaultResolver.
	Resolver *net.Resolver
	// ConnectTimeout bounds the lookup of a name and the connection to its addresses
	// together. 0 means 30 seconds.
	ConnectTimeout time.Duration
	// ResponseTimeout bounds the wait for the header of a response. 0 means no limit but
	// that of the request's context.
	ResponseTimeout time.Duration
	// IdlePerHost is how many idle connections are kept for each host. 0 means
	// http.DefaultMaxIdleConnsPerHost.
	IdlePerHost int
}

// A Transport is an http.RoundTripper that reaches public addresses only. Connections are
// kept and shared as with http.Transport, over HTTP/1 and HTTP/2, so a program needs one
// Transport for each Config. A Transport is immutable and safe for concurrent use. A
// refusal is an [*Error].
type Transport struct{ base }

// base is what a Transport shows of its http.Transport: not the fields, which could replace
// the guard.
type base interface {
	http.RoundTripper
	// CloseIdleConnections closes the connections that are not in use.
	CloseIdleConnections()
}

// New returns a Transport. The error lists all problems of the config. On Plan 9 and
// WebAssembly, whose package net shows no addresses, New fails.
func New(config Config) (*Transport, error) {
	g, err := newGuard(config)
	if err != nil {
		return nil, fmt.Errorf("egress: Config is not valid: %w", err)
	}
	t := &http.Transport{
		DialContext:       g.dial,
		TLSClientConfig:   config.TLS.Clone(),
		ForceAttemptHTTP2: true, // which DialContext switches off otherwise
		MaxIdleConns:      100, MaxIdleConnsPerHost: config.IdlePerHost,
		IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 10 * time.Second, ExpectContinueTimeout: time.Second,
		ResponseHeaderTimeout: config.ResponseTimeout,
	}
	if config.Proxy != nil {
		proxy := *config.Proxy
		t.DialContext = g.dialer.DialContext // to the proxy, because Proxy never returns nil
		t.Proxy = func(req *http.Request) (*url.URL, error) {
			if err := g.checkTarget(req); err != nil {
				return nil, err
			}
			return &proxy, nil
		}
	}
	return &Transport{t}, nil
}

// String names the type.
func (*Transport) String() string { return "egress.Transport" }

// Format prints String under every verb: a client certificate is no text for logs.
func (t *Transport) Format(s fmt.State, _ rune) { s.Write([]byte(t.String())) }

// Guards reports whether requests through t go through a Transport: t is a *Transport, or
// has a method Unwrap() http.RoundTripper that leads to one. Guards believes what Unwrap
// says.
func Guards(t http.RoundTripper) bool {
	const deepest = 100 // an Unwrap that returns its own RoundTripper ends, too
	for range deepest {
		switch next := t.(type) {
		case *Transport:
			return next != nil && next.base != nil
		case interface{ Unwrap() http.RoundTripper }:
			t = next.Unwrap()
		default:
			return false
		}
	}
	return false
}

// An Error says why a request was refused. Nothing was sent. The text does not show the
// address, because an account owner who sees the text would learn the addresses of the
// program's network.
type Error struct {
	Host   string     // of the request, without the port
	Addr   netip.Addr // the refused address; the zero value where name or port alone is the reason
	Reason string     // such as "leads to a private address (RFC 1918)"
	advice string
}

// Error names the host and the reason, and says what to do.
func (e *Error) Error() string {
	return fmt.Sprintf("egress: the host %q %s; %s", e.Host, e.Reason, e.advice)
}

// problems lists the mistakes of a config.
func (c *Config) problems() error {
	var list []error
	if slices.Contains([]string{"plan9", "js", "wasip1"}, runtime.GOOS) {
		list = append(list, fmt.Errorf("package net of %s shows no address before a connection, so nothing can be guarded", runtime.GOOS))
	}
	list = append(list, prefixProblems("Prefixes", c.Prefixes)...)
	list = append(list, prefixProblems("Refused", c.Refused)...)
	for _, host := range c.Hosts {
		if !isName(normal(host)) || isAddress(normal(host)) {
			list = append(list, fmt.Errorf("Hosts: %q is not the name of a host in ASCII without a port; addresses belong in Prefixes", host))
		}
	}
	for _, port := range c.Ports {
		if port == 0 {
			list = append(list, errors.New("Ports: 0 is no port"))
		}
	}
	if c.Proxy != nil {
		switch c.Proxy.Scheme {
		case "http", "https", "socks5", "socks5h":
		default:
			list = append(list, errors.New("Proxy: want a URL that begins with http, https, socks5 or socks5h"))
		}
		if c.Proxy.Hostname() == "" {
			list = append(list, errors.New("Proxy: has no host"))
		}
	}
	if c.TLS != nil && c.TLS.InsecureSkipVerify {
		list = append(list, errors.New("TLS: does not verify the server; use RootCAs for a private authority"))
	}
	if c.ConnectTimeout < 0 || c.ResponseTimeout < 0 || c.IdlePerHost < 0 {
		list = append(list, errors.New("ConnectTimeout, ResponseTimeout, IdlePerHost: must not be negative"))
	}
	return errors.Join(list...)
}

// prefixProblems lists the mistakes of prefixes.
func prefixProblems(field string, prefixes []netip.Prefix) (list []error) {
	for _, p := range prefixes {
		switch {
		case !p.IsValid():
			list = append(list, fmt.Errorf("%s: one is empty or not valid", field))
		case p.Bits() == 0:
			list = append(list, fmt.Errorf("%s: %s is every address; use an http.Transport where nothing is to be guarded", field, p))
		case p.Addr().Is4In6():
			list = append(list, fmt.Errorf("%s: %s is IPv4 written as IPv6; write the prefix as IPv4", field, p))
		}
	}
	return list
}
