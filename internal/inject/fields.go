// Package inject puts credentials into a request: into its query, its Cookie
// header, or as fields into its body. It works on a private clone of a request
// (the Header map copied, the body still the caller's), changes the bytes it
// must and no others, and makes no request of its own.
package inject

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// Kind is how a field's value is spelled in JSON.
type Kind int

// The kinds of value. Text is the zero Kind.
const (
	Text    Kind = iota // a string
	Integer             // a number without fraction or exponent
	Number              // any JSON number
	Boolean             // true or false
)

// Format is a format of request bodies.
type Format int

// The formats. Auto, the zero Format, goes by the request's Content-Type.
const (
	Auto Format = iota
	JSON
	Form
	Multipart
	XML
)

// formatNames are what error messages call the formats.
var formatNames = [...]string{JSON: "JSON", Form: "a form", Multipart: "multipart", XML: "XML"}

// A Field is one value to put into bodies.
type Field struct {
	// Key says where the value goes; required. Form and multipart bodies use
	// it as the name, as it is. In JSON and XML a dot separates nested objects
	// or elements, so auth.token is the member token of auth; a Key that starts
	// with a slash is a JSON Pointer (RFC 6901), in which a dot is a dot, ~1 a
	// slash and ~0 a tilde: /auth/token is auth.token, and /auth.token is a
	// member whose name has a dot.
	Key   string
	Value string // may be empty if Kind is Text
	Kind  Kind
}

// defaultMaxBody is the limit on bodies held in memory, in bytes.
const defaultMaxBody = 16 << 20

// Fields are values to put into the bodies of requests. They are immutable and
// safe for concurrent use.
type Fields struct {
	format  Format
	maxBody int64
	names   []string // the keys, which are the names in forms
	values  []string // their values
	form    []byte   // the fields as an encoded form
	root    node     // the fields as a JSON object or XML element, unless format rules it out
	xmlErr  error    // why the fields cannot be written in XML
}

// A node is a place in a JSON document or below an XML element. A node without
// children is a field.
type node struct {
	name     string
	children []*node
	member   []byte // "name":value as JSON, the children included
	value    []byte // the value alone
	text     string // a field's value as XML
}

// NewFields checks fields and prepares them for bodies of the given format.
// maxBody limits, in bytes, the bodies that have to be held in memory (all but
// multipart); 0 means 16 MiB.
//
// Errors name the field's Key and what to change, never a value; they carry no
// package prefix, for the caller to add.
func NewFields(fields []Field, format Format, maxBody int64) (*Fields, error) {
	switch {
	case len(fields) == 0:
		return nil, errors.New("no fields: give at least one")
	case format < Auto || format > XML:
		return nil, fmt.Errorf("unknown body format %d", int(format))
	case maxBody < 0:
		return nil, errors.New("negative MaxBody: give a number of bytes, or 0 for 16 MiB")
	case maxBody == 0:
		maxBody = defaultMaxBody
	}
	f := &Fields{format: format, maxBody: maxBody}
	for _, field := range fields {
		if err := f.add(field); err != nil {
			return nil, fmt.Errorf("field %q: %w", field.Key, err)
		}
	}
	f.root.encode()
	return f, nil
}

// add checks one field and adds it in each form that format allows.
func (f *Fields) add(field Field) error {
	switch {
	case field.Key == "":
		return errors.New("empty key: name the field")
	case !utf8.ValidString(field.Key) || strings.ContainsFunc(field.Key, isControl):
		return errors.New("the key has control characters or is not UTF-8: remove them")
	case slices.Contains(f.names, field.Key):
		return errors.New("two fields have this key: remove one")
	}
	value, err := encodeValue(field)
	if err != nil {
		return err
	}
	if len(f.form) > 0 {
		f.form = append(f.form, '&')
	}
	f.form = appendPair(f.form, field.Key, field.Value)
	f.names = append(f.names, field.Key)
	f.values = append(f.values, field.Value)
	if f.format == Form || f.format == Multipart {
		return nil
	}
	path, err := parsePath(field.Key)
	if err != nil {
		return err
	}
	if err := checkXML(path, field.Value); err != nil {
		if f.format == XML {
			return err
		}
		f.xmlErr = cmp.Or(f.xmlErr, fmt.Errorf("field %q: %w", field.Key, err))
	}
	return f.root.insert(path, &node{value: value, text: xmlText(field.Value)})
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// encodeValue checks the value against its kind and returns it as JSON.
func encodeValue(field Field) ([]byte, error) {
	switch field.Kind {
	case Text:
		if !utf8.ValidString(field.Value) {
			return nil, errors.New("the value is not UTF-8: encode it, for instance as base64")
		}
		return quote(field.Value), nil
	case Integer:
		if !isNumber(field.Value) || strings.ContainsAny(field.Value, ".eE") {
			return nil, errors.New("the value is not an integer: give digits, with a minus sign if negative and no leading zeros")
		}
	case Number:
		if !isNumber(field.Value) {
			return nil, errors.New("the value is not a number as JSON spells it: give one like -12.5 or 3e8")
		}
	case Boolean:
		if field.Value != "true" && field.Value != "false" {
			return nil, errors.New("the value is not a boolean: give true or false")
		}
	default:
		return nil, fmt.Errorf("unknown kind %d", int(field.Kind))
	}
	return []byte(field.Value), nil
}

// isNumber reports whether s is a JSON number.
func isNumber(s string) bool {
	r := splicer{data: []byte(s)}
	return r.number() == nil && r.pos == len(s)
}

// quote returns s as a JSON string.
func quote(s string) []byte {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	e.Encode(s) // a string cannot fail
	return bytes.TrimSpace(buf.Bytes())
}

// parsePath returns the names on the way to key.
func parsePath(key string) ([]string, error) {
	pointer, isPointer := strings.CutPrefix(key, "/")
	path := strings.Split(key, ".")
	if isPointer {
		path = strings.Split(pointer, "/")
		for i, name := range path {
			rest := strings.NewReplacer("~0", "", "~1", "").Replace(name)
			if strings.Contains(rest, "~") {
				return nil, errors.New("a ~ in a JSON Pointer must be written ~0, and a slash ~1")
			}
			path[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
		}
	}
	if slices.Contains(path, "") {
		return nil, errors.New("a part of the path is empty: dots separate nested names; write a literal dot in the pointer form, as in /a.b")
	}
	return path, nil
}

// insert adds field, still without a name, at path.
func (n *node) insert(path []string, field *node) error {
	name, rest := path[0], path[1:]
	i := slices.IndexFunc(n.children, func(c *node) bool { return c.name == name })
	switch {
	case i >= 0 && (len(rest) == 0 || len(n.children[i].children) == 0):
		return errors.New("it is at the same place as another field, or inside it: change one of the keys")
	case i >= 0:
		return n.children[i].insert(rest, field)
	case len(rest) == 0:
		field.name = name
		n.children = append(n.children, field)
		return nil
	default:
		child := &node{name: name}
		n.children = append(n.children, child)
		return child.insert(rest, field)
	}
}

// encode sets the JSON of n and of everything below it.
func (n *node) encode() {
	if len(n.children) > 0 {
		n.value = []byte{'{'}
		for i, c := range n.children {
			c.encode()
			if i > 0 {
				n.value = append(n.value, ',')
			}
			n.value = append(n.value, c.member...)
		}
		n.value = append(n.value, '}')
	}
	n.member = append(append(quote(n.name), ':'), n.value...)
}

// Apply puts the fields into the body of req and sets Body, ContentLength and
// GetBody, and Content-Type if it creates the body. Fields that the body
// already has are replaced, so that they are never sent twice.
//
//   - A request without a body gets one in the fixed format, or else in the
//     format of its Content-Type, or else a form.
//   - A body must have a Content-Type that names a supported format, and the
//     fixed one if there is one. A fixed JSON or XML format also takes a body
//     with any other Content-Type, or none, because the document itself shows
//     whether it is one.
//   - JSON must be an object; see [Field] for nesting. Objects on the way are
//     created, also in place of null.
//   - XML must have its root element, below which the fields are elements. One
//     that is there is found by its local name and gets a new content; one that
//     is missing comes first in its parent and has the parent's prefix.
//   - Multipart bodies are streamed behind the fields, so a part of the
//     caller's with the name of a field is found only then: reading the new
//     body fails with a refusal, and so does the request. GetBody is nil if the
//     caller gave none.
//   - Bodies with a Content-Encoding, and requests with a digest of the body,
//     are refused.
//
// A refusal wraps [ErrNotInjectable]. Apply takes over req.Body: on success the
// new body closes it, unless it has been closed already; on error it is closed
// and req has no body any more.
func (f *Fields) Apply(req *http.Request) error {
	err := f.apply(req)
	if err != nil {
		dropBody(req)
	}
	return err
}

func (f *Fields) apply(req *http.Request) error {
	contentType, err := checkHeader(req)
	if err != nil {
		return err
	}
	format, err := f.formatOf(req, contentType)
	if err != nil {
		return err
	}
	if format == Multipart {
		return f.applyMultipart(req, contentType)
	}
	old, err := takeBody(req, f.maxBody)
	if err != nil {
		return err
	}
	var body []byte
	var created string // the Content-Type of a created body
	switch format {
	case JSON:
		created = "application/json"
		body, err = f.spliceJSON(old)
	case XML:
		body, err = f.spliceXML(old) // which creates none
	case Form:
		created = "application/x-www-form-urlencoded"
		body = f.spliceForm(old)
	}
	if err != nil {
		return err
	}
	SetBody(req, body)
	if len(old) == 0 && contentType == "" {
		setContentType(req, created)
	}
	return nil
}

func setContentType(req *http.Request, value string) {
	if req.Header == nil {
		req.Header = make(http.Header)
	}
	req.Header["Content-Type"] = []string{value}
}

// checkHeader refuses requests whose header describes a body that must not be
// changed, and returns the Content-Type.
func checkHeader(req *http.Request) (contentType string, err error) {
	for _, header := range []http.Header{req.Header, req.Trailer} {
		for key, values := range header {
			switch name := http.CanonicalHeaderKey(key); name {
			case "Content-Md5", "Digest", "Content-Digest", "Repr-Digest":
				return "", refuse("its %s header would no longer match: remove it, the fields are added after it was computed", name)
			case "Content-Encoding":
				for _, value := range values {
					if value != "" && !strings.EqualFold(value, "identity") {
						return "", refuse("it has a Content-Encoding: send it plain")
					}
				}
			case "Content-Type":
				if len(values) > 1 || contentType != "" {
					return "", refuse("it has two Content-Type headers: keep one")
				}
				contentType = strings.Join(values, "")
			}
		}
	}
	return contentType, nil
}

// formatOf returns the format in which the fields go into the body of req.
func (f *Fields) formatOf(req *http.Request, contentType string) (Format, error) {
	if noBody(req) && contentType == "" {
		if f.format == Auto {
			return Form, nil
		}
		return f.format, nil
	}
	format := formatOf(contentType)
	switch {
	case format == Auto && (f.format == JSON || f.format == XML):
		return f.format, nil
	case format == Auto && contentType == "":
		return 0, refuse("it has no Content-Type: set one of a JSON, form, multipart or XML body")
	case format == Auto:
		return 0, refuse("its Content-Type is not that of a JSON, form, multipart or XML body: send one of these")
	case f.format != Auto && f.format != format:
		return 0, refuse("its Content-Type says %s: send %s, which the fields are configured for", formatNames[format], formatNames[f.format])
	}
	return format, nil
}

// formatOf returns the format of a Content-Type, Auto if there is none.
func formatOf(contentType string) Format {
	mediaType, _, _ := strings.Cut(contentType, ";")
	switch mediaType = strings.ToLower(strings.TrimSpace(mediaType)); mediaType {
	case "application/json", "text/json":
		return JSON
	case "application/x-www-form-urlencoded":
		return Form
	case "multipart/form-data":
		return Multipart
	case "application/xml", "text/xml":
		return XML
	}
	switch {
	case strings.HasSuffix(mediaType, "+json"):
		return JSON
	case strings.HasSuffix(mediaType, "+xml"):
		return XML
	}
	return Auto
}
