package connectorauth

import (
	"maps"
	"net/http"
	"strings"
)

// spelled lets the header of a new connector go out by name if exact is set, and
// returns h. The scheme, and hooks, know the header by its canonical name.
func (h hidden) spelled(name string, exact bool) hidden {
	if c := h(); exact && name != c.header && strings.EqualFold(name, c.header) {
		c.header, c.exact = name, true
	}
	return h
}

// copyHeader copies h without the header called except, in any letter case. The
// values are shared: only a base that breaks the contract of http.RoundTripper writes
// to them, which would change the caller's request without a connector too, and a copy
// of the values takes a fifth of the time of a request.
func copyHeader(h http.Header, except string) http.Header {
	out := maps.Clone(h) // faster than element by element
	if out == nil {
		return make(http.Header, 1)
	}
	dropHeader(out, h, except)
	return out
}

// dropHeader removes the header called name, in any letter case, from h. h and
// names have the same keys.
func dropHeader(h, names http.Header, name string) {
	for n := range names {
		if len(n) == len(name) && strings.EqualFold(n, name) {
			delete(h, n)
		}
	}
}

// respelled returns a copy of req whose headers go out by the names in core.header
// and joinedScheme.headers. A hook may have set a header by such a name too; then
// the hook's value counts.
func (c *core) respelled(req *http.Request) *http.Request {
	names := []string{c.header}
	if s, ok := c.scheme.(*joinedScheme); ok {
		names = s.headers
	}
	out := *req
	out.Header = maps.Clone(req.Header)
	for _, name := range names {
		value, ok := req.Header[name]
		if !ok {
			value, ok = req.Header[http.CanonicalHeaderKey(name)]
		}
		if ok {
			dropHeader(out.Header, req.Header, name)
			out.Header[name] = value
		}
	}
	return &out
}
