package origin

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

var errInternational = errors.New("has a host that is not a valid international name (RFC 5891); check the spelling")

// canonical returns hostport in the form in which hosts are compared: that of plain,
// letters in lower case. Empty means that the host is not valid.
func canonical(scheme, hostport string) string { return lower(plain(scheme, hostport)) }

// plain returns hostport with an international name in the ASCII form, without the
// default port of scheme. A host in ASCII, as most hosts are, is not read as an
// international name, because the network does not do so either. Empty means that the
// host is not valid.
func plain(scheme, hostport string) string {
	hostport = toASCII(hostport)
	port := ":"
	switch scheme {
	case "https":
		port = ":443"
	case "http":
		port = ":80"
	}
	host, found := strings.CutSuffix(hostport, port)
	if !found {
		host = strings.TrimSuffix(hostport, ":")
	}
	if strings.HasSuffix(host, "]") || strings.IndexByte(host, ':') < 0 {
		return host
	}
	return hostport // with another port; a second port would make another host
}

// maxInternational is the length in bytes of the longest international host that is
// read. A name has at most 253 characters in the ASCII form, so fewer in Unicode, and
// a character has at most four bytes. Punycode takes quadratic time.
const maxInternational = 4*253 + len(":65535")

// toASCII returns hostport with an international name in the ASCII form, by the same
// rules as net/http and browsers (UTS 46, nontransitional). A host in ASCII is returned
// as it is. Empty means that the name is not valid.
func toASCII(hostport string) string {
	if isASCII(hostport) {
		return hostport
	}
	if len(hostport) > maxInternational {
		return ""
	}
	host, port := hostport, ""
	if i := strings.LastIndexByte(hostport, ':'); i >= 0 {
		host, port = hostport[:i], hostport[i:]
	}
	name, err := idna.Lookup.ToASCII(host)
	if err != nil || !validName(name) || !isASCII(port) {
		return ""
	}
	return name + port
}

// hasFalseLabel reports whether an ASCII host has a label that looks like an
// international one and is none, such as xn--a.
func hasFalseLabel(host string) bool {
	for label := range strings.SplitSeq(nameOf(host), ".") {
		if !strings.HasPrefix(label, "xn--") {
			continue
		}
		if _, err := idna.Lookup.ToASCII(label); err != nil || label == "xn--" {
			return true
		}
	}
	return false
}

// isASCII reads eight bytes at a time, because each request asks for its host.
func isASCII(s string) bool {
	rest := s
	for ; len(rest) > 8; rest = rest[8:] {
		if wide(rest) {
			return false
		}
	}
	if len(s) >= 8 {
		return !wide(s[len(s)-8:])
	}
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// wide reports whether one of the first eight bytes of s is not ASCII.
func wide(s string) bool {
	_ = s[7] // so the compiler makes one load of the next two lines
	low := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
	return (low|uint64(s[4])<<32|uint64(s[5])<<40|uint64(s[6])<<48|uint64(s[7])<<56)&0x8080808080808080 != 0
}

// nameOf returns hostport without port and brackets.
func nameOf(hostport string) string { return (&url.URL{Host: hostport}).Hostname() }

// name returns the origin of u for an error: a name that only looks like another one
// shows its ASCII form.
func name(u *url.URL) string {
	host := toASCII(u.Host)
	if host == "" {
		host = strings.Trim(strconv.QuoteToASCII(u.Host), `"`)
	}
	return u.Scheme + "://" + host
}

// validName reports whether host is an IP address or an ASCII host name without
// an empty label.
func validName(host string) bool {
	if areLabels(host) {
		return true
	}
	_, err := netip.ParseAddr(host) // allocates for a name
	return err == nil
}

// areLabels reports whether s is one label of an ASCII host name or several, none of
// them empty.
func areLabels(s string) bool {
	last := byte('.')
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		case c == '.' && last != '.':
		default:
			return false
		}
		last = s[i]
	}
	return last != '.'
}

// Same reports whether a and b have the same scheme, host and port.
func Same(a, b *url.URL) bool {
	if a.Scheme != b.Scheme || a.Host == b.Host {
		return a.Scheme == b.Scheme
	}
	host := canonical(a.Scheme, a.Host)
	return host != "" && host == canonical(b.Scheme, b.Host)
}

// lower returns s with ASCII letters in lower case.
func lower(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if 'A' <= b[i] && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

// Loopback reports whether host is localhost, a name below localhost (RFC 6761
// section 6.3), or a loopback address in the usual spelling. host is in ASCII, and has
// no port and no brackets. [Resolve] sends a request to a name below localhost where a
// request to localhost goes, whatever a resolver would do.
func Loopback(host string) bool {
	if host = lower(host); host == "localhost" || belowLocalhost(host) {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// belowLocalhost reports whether host is a name below localhost. host is in lower
// case, without a port.
func belowLocalhost(host string) bool {
	return strings.HasSuffix(host, ".localhost") && validName(host)
}

// ASCII gives req, which must be a private copy, the ASCII form of its host, so
// the request goes to the host that was checked: a server sees the ASCII form, and a
// signature must cover the same form.
func ASCII(req *http.Request) {
	if isASCII(req.URL.Host) {
		return
	}
	if host := toASCII(req.URL.Host); host != "" {
		setHost(req, host)
	}
}

// Resolve makes plain http to a name below localhost go to localhost. The Host header
// keeps the name. So no resolver decides where a credential goes without TLS, and no
// proxy of [http.ProxyFromEnvironment], which has none for localhost. A Transport whose
// Proxy is another function asks the function for localhost too. req must be a private
// copy.
func Resolve(req *http.Request) {
	if req.URL.Scheme != "https" { // small enough for the compiler to inline
		resolve(req)
	}
}

func resolve(req *http.Request) {
	if req.URL.Scheme != "http" || len(req.URL.Host) <= len(".localhost") {
		return
	}
	host := lower(req.URL.Host)
	if name := nameOf(host); belowLocalhost(name) {
		if req.Host == "" {
			req.Host = req.URL.Host
		}
		u := *req.URL
		u.Host = "localhost" + host[len(name):]
		req.URL = &u
	}
}

// setHost changes the host of the URL. The Host header follows, unless the request
// has a Host of its own.
func setHost(req *http.Request, host string) {
	if req.Host == req.URL.Host {
		req.Host = ""
	}
	u := *req.URL
	u.Host = host
	req.URL = &u
}

// ASCIIURL returns the URL raw with its host in the ASCII form. A URL whose host is in
// ASCII is returned as it is.
func ASCIIURL(raw string) string {
	if isASCII(raw) && !strings.Contains(raw, "%") { // which a host can be written with
		return raw
	}
	u, err := url.Parse(raw)
	if err != nil || isASCII(u.Host) {
		return raw
	}
	if host := toASCII(u.Host); host != "" {
		u.Host = host
		return u.String()
	}
	return raw
}
