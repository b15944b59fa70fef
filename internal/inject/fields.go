// Package inject puts credentials into a request: a single value into a header,
// the query or a cookie, and fields into the body. The package works on a private
// copy of the caller's request: the header map is a copy, the body is still the
// caller's. Only the bytes that must change do so. The package sends no request.
package inject

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// A Field is a value for the bodies of requests.
type Field struct {
	// Key says where the value goes. Required. In forms and multipart bodies, Key is
	// the name of the field. In JSON and XML, a dot leads into a nested object or
	// element: auth.token is the member token of auth. A Key that starts with a
	// slash is a JSON Pointer (RFC 6901): /auth/token is the same as auth.token, and
	// /auth.token is a member with a dot in the name. In a JSON Pointer, ~1 means a
	// slash and ~0 a tilde. In an array, a step of a JSON Pointer is an index from 0,
	// or - for a new element at the end. In XML, a last step that begins with an @ is
	// an attribute: auth.@token.
	Key string
	// Value may be empty if Type is text or password.
	Value string
	// Type says how JSON spells the value. Empty means text. A password is spelled
	// like a text.
	Type dialect.FieldType
}

// defaultMaxBody is the limit in bytes on bodies held in memory.
const defaultMaxBody = 16 << 20

// Fields are checked fields, ready for the bodies of requests. Fields are
// immutable and safe for concurrent use.
type Fields struct {
	format  dialect.BodyFormat // empty: the format of each request's Content-Type
	maxBody int64
	names   []string // the keys, which are the names in forms
	values  []string
	form    []byte // the fields as an encoded form
	root    node   // the fields as a JSON object or XML element; empty for forms and multipart
	xmlErr  error  // why XML cannot carry the fields

	wideKeys bool // a key has characters outside ASCII
}

// NewFields checks fields and prepares them for bodies of the given format. An
// empty format means the format of each request's Content-Type. maxBody limits
// the bodies held in memory, in bytes; 0 means 16 MiB. Multipart bodies are not
// held in memory.
//
// The error joins all problems. A problem begins with Fields, Body or MaxBody, names
// the Key of the field and what to change, and quotes no value.
func NewFields(fields []Field, format dialect.BodyFormat, maxBody int64) (*Fields, error) {
	f := &Fields{format: format, maxBody: cmp.Or(maxBody, defaultMaxBody)}
	var problems []error
	if len(fields) == 0 {
		problems = append(problems, errors.New("Fields: there are none; give at least one"))
	}
	if !format.Valid() {
		problems = append(problems, fmt.Errorf("Body: unknown body format %q: use json, form, multipart or xml", format))
	}
	if maxBody < 0 {
		problems = append(problems, errors.New("MaxBody: is negative; 0 means 16 MiB"))
	}
	for _, field := range fields {
		for _, err := range f.add(field) {
			problems = append(problems, fmt.Errorf("Fields: field %q: %w", field.Key, err))
		}
	}
	return f.made(problems)
}

// NewField is NewFields for a single text in a body of any format. The error joins
// all problems, which are about the key unless value is not UTF-8.
func NewField(key, value string) (*Fields, error) {
	f := &Fields{maxBody: defaultMaxBody}
	return f.made(f.add(Field{Key: key, Value: value}))
}

// made returns f, or the problems of f.
func (f *Fields) made(problems []error) (*Fields, error) {
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	f.root.encode()
	return f, nil
}

// add checks a field and adds the field in each form that the format allows. add
// returns all problems of the field.
func (f *Fields) add(field Field) (problems []error) {
	if err := f.checkKey(field.Key); err != nil {
		problems = append(problems, err)
	}
	value, err := encodeValue(field)
	if err != nil {
		problems = append(problems, err)
	}
	f.form = wire.AppendPair(f.form, field.Key, field.Value)
	f.names = append(f.names, field.Key)
	f.wideKeys = f.wideKeys || strings.ContainsFunc(field.Key, func(r rune) bool { return r >= utf8.RuneSelf })
	f.values = append(f.values, field.Value)
	if len(problems) > 0 || f.format == dialect.BodyForm || f.format == dialect.BodyMultipart {
		return problems
	}
	if err := f.addNode(field, value); err != nil {
		problems = append(problems, err)
	}
	return problems
}

// checkKey refuses a key that no format can carry, and the key of an earlier
// field.
func (f *Fields) checkKey(key string) error {
	switch {
	case key == "":
		return errors.New("empty key: name the field")
	case !utf8.ValidString(key) || wire.HasControl(key):
		return errors.New("the key has control characters or is not UTF-8: remove them")
	case slices.Contains(f.names, key):
		return errors.New("two fields have this key: remove one")
	}
	return nil
}

// addNode adds a field to the JSON object and the XML element. value is the value
// as JSON.
func (f *Fields) addNode(field Field, value []byte) error {
	path, err := parsePath(field.Key)
	if err != nil {
		return err
	}
	if err := checkXML(path, field.Value); err != nil {
		if f.format == dialect.BodyXML {
			return err
		}
		f.xmlErr = cmp.Or(f.xmlErr, fmt.Errorf("field %q: %w", field.Key, err))
	}
	return f.root.insert(path, &node{value: value, text: escapeXML(field.Value)})
}
