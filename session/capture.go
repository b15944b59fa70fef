package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// maxCapture is the length in bytes of the longest value that is kept of a response.
const maxCapture = 64 << 10

// A source is where a response has a value.
type source struct {
	header, cookie string
	path           []string // the steps into JSON or XML; nil means the whole body
	root           bool     // the root element of an XML document
}

// parseSource reads a source: see Request.Capture.
func parseSource(s string) (source, error) {
	kind, name, named := strings.Cut(s, ":")
	switch {
	case s == "":
		return source{}, nil
	case s == ".":
		return source{root: true}, nil
	case named && (kind == "header" || kind == "cookie") && !wire.IsToken(name):
		return source{}, fmt.Errorf("%q is not the name of a %s", name, kind)
	case named && kind == "header" && strings.EqualFold(name, "Set-Cookie"):
		return source{}, errors.New("write cookie: and the name of the cookie in place of header:Set-Cookie")
	case named && kind == "header":
		return source{header: name}, nil
	case named && kind == "cookie":
		return source{cookie: name}, nil
	}
	pointer, isPointer := strings.CutPrefix(s, "/")
	separator := "."
	if isPointer {
		separator = "/"
	}
	path := strings.Split(pointer, separator)
	for i, step := range path {
		if isPointer {
			if strings.Contains(strings.NewReplacer("~0", "", "~1", "").Replace(step), "~") {
				return source{}, errors.New("a ~ in a JSON Pointer must be written ~0, and a slash ~1")
			}
			path[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		}
		if step == "" {
			return source{}, errors.New("a step of the path is empty")
		}
	}
	return source{path: path}, nil
}

// inHead reports whether the value is outside of the body.
func (s source) inHead() bool { return s.header != "" || s.cookie != "" }

// A reading is a response in whose body several sources look.
type reading struct {
	*endpoint.Response
	text []byte
	tree any // of JSON, once decoded
}

// get returns the value at s, without white space around, and "" if there is none.
func (r *reading) get(s source) (value string, err error) {
	switch {
	case s.header != "":
		value = r.Header.Get(s.header)
	case s.cookie != "":
		value = cookie(r.Response.Response, s.cookie)
	default:
		if r.text == nil {
			r.text = append([]byte{}, r.Text()...)
		}
		value = r.inBody(s)
	}
	value = strings.TrimSpace(value)
	switch {
	case len(value) > maxCapture:
		return "", fmt.Errorf("is longer than %d bytes", maxCapture)
	case !utf8.ValidString(value): // a store would keep another text
		return "", errors.New("is not valid UTF-8")
	}
	return value, nil
}

func (r *reading) inBody(s source) string {
	switch {
	case s.path == nil && !s.root:
		var quoted string
		if bytes.HasPrefix(r.text, []byte(`"`)) && json.Unmarshal(r.text, &quoted) == nil {
			return quoted
		}
		return string(r.text)
	case bytes.HasPrefix(r.text, []byte("<")):
		return inXML(r.text, s.path)
	case r.tree == nil:
		decoder := json.NewDecoder(bytes.NewReader(r.text))
		decoder.UseNumber()
		if decoder.Decode(&r.tree) != nil {
			return ""
		}
	}
	return wire.Scalar(wire.At(r.tree, slices.Values(s.path)))
}

// cookie returns the value of a cookie that a response sets: the last one, if the
// response sets several. The attributes of the cookie are left out. A cookie that is
// removed has no value. A cookie of another domain or path is another cookie, which
// services remove along the way.
func cookie(resp *http.Response, name string) (value string) {
	var of *http.Cookie // which has value
	for _, c := range resp.Cookies() {
		switch {
		case c.Name != name:
		case isRemoved(c):
			if of != nil && c.Domain == of.Domain && c.Path == of.Path {
				value, of = "", nil
			}
		case c.Quoted:
			value, of = `"`+c.Value+`"`, c
		default:
			value, of = c.Value, c
		}
	}
	return value
}

// isRemoved reports whether a response removes a cookie. Max-Age counts more than Expires
// (RFC 6265 section 5.3). A clock may be wrong, but not by a day.
func isRemoved(c *http.Cookie) bool {
	return c.MaxAge < 0 || c.MaxAge == 0 && !c.Expires.IsZero() && time.Since(c.Expires) > 24*time.Hour
}
