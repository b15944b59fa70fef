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
