package connectorauth

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/internal/inject"
)

// Location is the part of a request that a value goes into.
type Location int

// The locations. InHeader is the zero Location.
const (
	InHeader Location = iota // a header field
	InQuery                  // a query parameter
	InCookie                 // a cookie
	InBody                   // a field of the body
)

// placement puts one value at one place in requests: header, query or cookie.
type placement struct {
	in   Location
	name string
}

// newPlacement checks where a value goes. Bodies are not its business.
func newPlacement(in Location, name string) (placement, error) {
	p := placement{in: in, name: name}
	switch in {
	case InHeader:
		if err := checkHeaderName(name); err != nil {
			return p, err
		}
		p.name = http.CanonicalHeaderKey(name)
	case InQuery:
		if name == "" || hasControl(name) {
			return p, errors.New("Name: a query parameter needs a name without control characters")
		}
	case InCookie:
		if !inject.ValidCookie(name, "") {
			return p, fmt.Errorf("Name: %q is not a cookie name", name)
		}
	default:
		return p, fmt.Errorf("In: unknown location %d", in)
	}
	return p, nil
}

// check reports whether value can be sent at this place.
func (p placement) check(value string) error {
	switch {
	case value == "":
		return errors.New("is empty")
	case hasControl(value):
		return errors.New("has a control character; look for a line break at its end")
	case p.in == InHeader && strings.TrimSpace(value) != value:
		return errors.New("begins or ends with a space")
	case p.in == InCookie && !inject.ValidCookie(p.name, value):
		return errors.New("has a character that no cookie can carry: a space, quote, comma, semicolon, backslash, or one outside ASCII")
	}
	return nil
}

// header returns the header to leave out of a copied request, as guarded wants it.
func (p placement) header() string {
	if p.in == InHeader {
		return p.name
	}
	return ""
}

// put places value, the only element of values, in req. The slice is shared by
// all requests that carry it.
func (p placement) put(req *http.Request, values []string) {
	switch p.in {
	case InHeader:
		req.Header[p.name] = values
	case InQuery:
		u := *req.URL
		u.RawQuery = inject.Query(u.RawQuery, p.name, values[0])
		req.URL = &u
	case InCookie:
		inject.Cookie(req.Header, p.name, values[0])
	}
}

// forbiddenHeaders frame a message or steer its way, and are no place for a
// credential.
var forbiddenHeaders = []string{
	"Connection", "Content-Length", "Content-Type", "Host", "Keep-Alive", "Proxy-Authorization",
	"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// checkHeaderName reports whether name is a header that may be set.
func checkHeaderName(name string) error {
	switch canonical := http.CanonicalHeaderKey(name); {
	case !isToken(name):
		return fmt.Errorf("Name: %q is not a header name", name)
	case canonical == "Cookie":
		return errors.New("Name: set In to InCookie for a cookie")
	case slices.Contains(forbiddenHeaders, canonical):
		return fmt.Errorf("Name: the header %s belongs to HTTP itself and cannot carry a credential", canonical)
	}
	return nil
}

// isToken reports whether s is a token of RFC 9110 section 5.6.2.
func isToken(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

// hasControl reports whether s has a control character, such as a line break.
func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}
