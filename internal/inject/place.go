package inject

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// A Place is a checked place for a single value: a header, a query parameter, a
// cookie or a placeholder in the path. [NewPlace] makes a Place.
type Place struct {
	in   dialect.Location
	name string
}

// NewPlace checks a location and a name. An empty location means a header. The
// error begins with the field to change, Name or In.
func NewPlace(in dialect.Location, name string) (Place, error) {
	p := Place{cmp.Or(in, dialect.InHeader), name}
	switch p.in {
	case dialect.InHeader:
		if err := CheckHeaderName(name); err != nil {
			return Place{}, err
		}
		p.name = http.CanonicalHeaderKey(name)
	case dialect.InQuery:
		if name == "" || wire.HasControl(name) {
			return Place{}, errors.New("Name: a query parameter needs a name without control characters")
		}
	case dialect.InCookie:
		if !wire.IsToken(name) {
			return Place{}, fmt.Errorf("Name: %q is not a cookie name", name)
		}
	case dialect.InPath:
		if !isPlaceholder(name) {
			return Place{}, fmt.Errorf("Name: %q is not the name of a placeholder in a path: use letters, digits, '-' and '_', without braces", name)
		}
	case dialect.InBody:
		return Place{}, errors.New("In: the value cannot go into the body; use header, query, cookie or path")
	default:
		return Place{}, fmt.Errorf("In: unknown location %q: use header, query, cookie, path or body", p.in)
	}
	return p, nil
}

// In returns the location of the place, which is never empty.
func (p Place) In() dialect.Location { return p.in }

// Name returns the name of the header, query parameter, cookie or placeholder. The
// name of a header is in canonical form.
func (p Place) Name() string { return p.name }

// Header returns the canonical name of the header that Put sets, and "" for a
// place that is not a header.
func (p Place) Header() string {
	if p.in == dialect.InHeader {
		return p.name
	}
	return ""
}

// Check returns an error if a request cannot carry value at this place. The text
// of the error follows the name of a field, as in "Value: is empty", and does
// not quote the value.
func (p Place) Check(value string) error {
	switch {
	case value == "":
		return errors.New("is empty")
	case wire.HasControl(value):
		return errors.New("has a control character; look for a line break at its end")
	case p.in == dialect.InHeader && strings.TrimSpace(value) != value:
		return errors.New("begins or ends with a space; remove the space")
	case p.in == dialect.InPath && (value == "." || value == ".."):
		return errors.New("is a dot or two dots, which lead elsewhere in a path")
	case p.in == dialect.InCookie && !wire.ValidCookie(p.name, value):
		return errors.New("has a character that no cookie can carry: a space, comma, semicolon, backslash, a quote that is not one of a pair around the whole value, or one outside ASCII")
	}
	return nil
}

// CheckPrefix returns an error for a prefix that would run into the value of a
// header, as in BearerTheToken. The error begins with "Prefix: ".
func CheckPrefix(in dialect.Location, prefix string) error {
	if prefix == "" || cmp.Or(in, dialect.InHeader) != dialect.InHeader {
		return nil
	}
	if c := prefix[len(prefix)-1] | 0x20; c < '0' || c > '9' && c < 'a' || c > 'z' {
		return nil
	}
	return fmt.Errorf("Prefix: %q needs a space at its end, because the value follows at once; if a service wants no space, make the prefix a part of the value", prefix)
}

// CheckSpelling returns an error if the header called name cannot go out by exactly
// this name: net/http adds some headers unless they are there by their canonical
// names. The error begins with "Exact: ".
func CheckSpelling(in dialect.Location, name string) error {
	canonical := http.CanonicalHeaderKey(name)
	if cmp.Or(in, dialect.InHeader) == dialect.InHeader && name != canonical && (canonical == "User-Agent" || canonical == "Accept-Encoding") {
		return fmt.Errorf("Exact: net/http adds a header %s of its own beside another spelling", canonical)
	}
	return nil
}

// String names the place for people, as in: query parameter "key".
func (p Place) String() string {
	name := map[dialect.Location]string{dialect.InQuery: "query parameter", dialect.InCookie: "cookie", dialect.InPath: "path placeholder"}[p.in]
	return fmt.Sprintf("%s %q", cmp.Or(name, "header"), p.name)
}

// Encoded is a value as the requests of a Place spell it: encoded once, sent often.
type Encoded string

// Encode returns the Encoded of a value that Check accepts. The Encoded of a query
// parameter or cookie has the name, and what separates it from those before.
func (p Place) Encode(value string) Encoded {
	switch p.in {
	case dialect.InQuery:
		value = wire.NextPair(p.name, value)
	case dialect.InCookie:
		value = cookieSeparator + p.name + "=" + value
	case dialect.InPath:
		value = url.PathEscape(value)
	}
	return Encoded(value)
}

// Put puts value, the result of Encode, into req and replaces a value of the same name.
// Put writes to the header map of req, or replaces req.URL by a copy. An error means that
// the path of req has no place for the value.
func (p Place) Put(req *http.Request, value Encoded, room Room) error {
	switch p.in {
	case dialect.InHeader:
		req.Header[p.name] = room.Values(string(value))
	case dialect.InQuery:
		room.ownURL(req).RawQuery = wire.SetPair(req.URL.RawQuery, p.name, string(value))
	case dialect.InCookie:
		req.Header["Cookie"] = room.Values(joinCookies(req.Header, p.name, string(value)))
	case dialect.InPath:
		return putPath(req, p.name, string(value), room)
	}
	return nil
}

// forbiddenHeaders frame a message or choose the way of a message, so no
// credential can go there.
var forbiddenHeaders = []string{
	"Connection", "Content-Length", "Content-Type", "Host", "Keep-Alive", "Proxy-Authorization",
	"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// IsForbiddenHeader reports whether the header called canonical belongs to HTTP
// itself and cannot carry a credential. The name must be in canonical form.
func IsForbiddenHeader(canonical string) bool { return slices.Contains(forbiddenHeaders, canonical) }

// CheckHeaderName returns an error if no header called name can carry a
// credential. The error begins with "Name: ".
func CheckHeaderName(name string) error {
	switch canonical := http.CanonicalHeaderKey(name); {
	case !wire.IsToken(name):
		return fmt.Errorf("Name: %q is not a header name", name)
	case canonical == "Cookie":
		return errors.New("Name: set In to InCookie for a cookie")
	case IsForbiddenHeader(canonical):
		return fmt.Errorf("Name: the header %s belongs to HTTP itself and cannot carry a credential", canonical)
	}
	return nil
}
