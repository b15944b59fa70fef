// Package origin decides where credentials may go: which origins a connector
// was given, and whether a redirect chain ever left them.
package origin

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// A Set is the origins that may receive a connector's credentials. The zero
// value is the set that is decided anew for each redirect chain: the origin of
// its first request. A Set is immutable.
type Set struct {
	origins []origin
}

// origin is one entry of a Set.
type origin struct {
	scheme   string
	host     string // lower case, without a default port; a suffix such as ".example.com" for a wildcard
	wildcard bool
}

// Parse reads the entries of a Hosts list: "api.example.com" and
// "api.example.com:8443" mean https, "*.example.com" every name below
// example.com over https on its default port, and an explicit origin such as
// "http://10.0.0.5:8080" just that.
func Parse(entries []string) (Set, error) {
	var s Set
	for _, entry := range entries {
		o, err := parse(entry)
		if err != nil {
			return Set{}, fmt.Errorf("host %q: %w", entry, err)
		}
		s.origins = append(s.origins, o)
	}
	return s, nil
}

func parse(entry string) (origin, error) {
	scheme, rest, explicit := strings.Cut(entry, "://")
	if !explicit {
		scheme, rest = "https", entry
	}
	scheme = strings.ToLower(scheme)
	if scheme != "https" && scheme != "http" {
		return origin{}, fmt.Errorf("scheme %q is not http or https", scheme)
	}
	name, wildcard := strings.CutPrefix(rest, "*")
	if wildcard {
		if explicit || !strings.HasPrefix(name, ".") || strings.Count(name, ".") < 2 || strings.Contains(name, ":") {
			return origin{}, fmt.Errorf("a wildcard is written *.example.com, with neither scheme nor port")
		}
		rest = name[1:]
	}
	u, err := url.Parse("//" + rest)
	if err != nil || u.Host != rest || u.Hostname() == "" || strings.HasSuffix(rest, ":") {
		return origin{}, fmt.Errorf("want a host name such as api.example.com, *.example.com or an origin such as http://10.0.0.5:8080, without path, query or user name")
	}
	host := canonical(scheme, rest)
	if !validName(u.Hostname()) {
		return origin{}, fmt.Errorf("a host name has only letters, digits, '-', '_' and '.'; write international names in their xn-- form")
	}
	if wildcard {
		host = "." + host
	}
	return origin{scheme: scheme, host: host, wildcard: wildcard}, nil
}

// validName reports whether host is an IP address or made of ASCII host name
// characters, with no empty label.
func validName(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" {
			return false
		}
		for _, c := range []byte(label) {
			if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
				return false
			}
		}
	}
	return true
}

// Reach is what Check finds.
type Reach int

const (
	// Refused: a direct request to a place outside the set.
	Refused Reach = iota
	// Bare: a redirect hop that has left the set; it is sent without credentials.
	Bare
	// Inside: the request may carry the credentials.
	Inside
)

// maxHops bounds the walk along a redirect chain; a longer one counts as Bare.
const maxHops = 1000

// Check decides whether req may carry credentials. It follows req.Response back
// to the first request of the chain: once a hop has left the set, all later
// ones are Bare, even back home. The error says why a request is Refused.
func (s Set) Check(req *http.Request) (Reach, error) {
	if req.URL == nil || req.URL.Host == "" {
		return Refused, fmt.Errorf("the request has no URL with a host")
	}
	if req.Response == nil {
		if why := s.outside(req.URL, req.URL); why != "" {
			return Refused, fmt.Errorf("%s://%s %s", req.URL.Scheme, req.URL.Host, why)
		}
		return Inside, nil
	}
	first := req
	for hops := 0; first.Response != nil; hops++ {
		if first = first.Response.Request; first == nil || first.URL == nil || hops == maxHops {
			return Bare, nil
		}
	}
	for hop := req; ; hop = hop.Response.Request {
		if s.outside(hop.URL, first.URL) != "" {
			return Bare, nil
		}
		if hop == first {
			return Inside, nil
		}
	}
}

// Allows reports whether the credentials of a request to asked may go to u
// instead, which the request was changed to.
func (s Set) Allows(u, asked *url.URL) error {
	if why := s.outside(u, asked); why != "" {
		return fmt.Errorf("%s://%s %s", u.Scheme, u.Host, why)
	}
	return nil
}

// outside says why credentials must not go to u in a chain that began at first;
// it is empty if they may.
func (s Set) outside(u, first *url.URL) string {
	if strings.HasPrefix(u.Opaque, "//") {
		return "has an opaque URL that names another host"
	}
	for i := range s.origins { // most hosts are written as they are listed
		if o := &s.origins[i]; o.host == u.Host && o.scheme == u.Scheme && !o.wildcard {
			return ""
		}
	}
	for i := range s.origins {
		if s.origins[i].matches(u) {
			return ""
		}
	}
	switch {
	case len(s.origins) > 0:
		return "is not among the connector's Hosts"
	case u.Scheme == "https", u.Scheme == "http" && Loopback(u.Hostname()):
		if u != first && !Same(u, first) {
			return "is not the origin of the first request"
		}
		return ""
	case u.Scheme == "http":
		return "is plain http, which would show the credentials to everybody on the way; use https, or list this origin in Hosts"
	}
	return "is not an https URL"
}

func (o *origin) matches(u *url.URL) bool {
	if u.Scheme != o.scheme {
		return false
	}
	host := canonical(u.Scheme, u.Host)
	if o.wildcard {
		return len(host) > len(o.host) && strings.HasSuffix(host, o.host) && validName(host)
	}
	return host == o.host
}

// Same reports whether a and b have the same scheme, host and port.
func Same(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && (a.Host == b.Host || canonical(a.Scheme, a.Host) == canonical(b.Scheme, b.Host))
}

// canonical returns hostport in lower case and without the default port of
// scheme. Only ASCII letters are folded: Unicode folding would make hosts equal
// that the network keeps apart.
func canonical(scheme, hostport string) string {
	hostport = lower(hostport)
	switch scheme {
	case "https":
		hostport = strings.TrimSuffix(hostport, ":443")
	case "http":
		hostport = strings.TrimSuffix(hostport, ":80")
	}
	return strings.TrimSuffix(hostport, ":")
}

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

// Loopback reports whether host, without port or brackets, is localhost or a
// loopback address in its usual spelling.
func Loopback(host string) bool {
	if lower(host) == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// Endpoint checks the URL of a provider's endpoint, such as a token URL: it
// must be absolute, https unless it is on loopback, and carry neither user name
// nor fragment.
func Endpoint(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, fmt.Errorf("it is not a valid URL") // err would repeat the URL, which may carry a secret
	case u.Host == "" || u.Hostname() == "":
		return nil, fmt.Errorf("want an absolute URL such as https://provider.example/path")
	case u.User != nil:
		return nil, fmt.Errorf("a URL must not carry a user name or password")
	case u.Fragment != "" || strings.HasSuffix(raw, "#"):
		return nil, fmt.Errorf("a URL must not carry a #fragment")
	case u.Scheme == "https", u.Scheme == "http" && Loopback(u.Hostname()):
		return u, nil
	}
	return nil, fmt.Errorf("scheme %q is refused; use https (http is for loopback only)", u.Scheme)
}
