package connectorauth

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// spelled lets the header of a new connector go out by name if exact is set, and
// returns h. The scheme, and hooks, know the header by its canonical name.
func (h hidden) spelled(name string, exact bool) hidden {
	if c := h(); exact && name != c.header && strings.EqualFold(name, c.header) {
		c.header = name
	}
	return h
}

// names returns the names of the headers that c sets, as the headers go out.
func (c *core) names() []string {
	if s, ok := c.scheme.(*joinedScheme); ok {
		return s.headers
	}
	return []string{c.header}
}

// isExact reports whether a header that c sets does not go out by its canonical name.
func (c *core) isExact() bool {
	return slices.ContainsFunc(c.names(), func(name string) bool { return name != http.CanonicalHeaderKey(name) })
}

// respelled returns a copy of req whose headers go out by the names in core.header
// and joinedScheme.headers. A hook may have set a header by such a name too; then
// the hook's value counts.
func (c *core) respelled(req *http.Request) *http.Request {
	out := *req
	out.Header = maps.Clone(req.Header)
	for _, name := range c.names() {
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
