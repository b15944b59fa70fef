package definition

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Document returns the JSON document of the definition: indented, the members in the
// order of the fields, empty members left out. Parse reads the document to an equal
// definition. Document does not check what Parse checks, so a program can make a
// Definition in Go, and Parse the document of the Definition. A Version of 0 is written
// as 1, and an empty Type as the type of the Scheme. The error names each member that
// cannot be written: a text that is not UTF-8, a Scheme that is nil or of another Type.
func (d *Definition) Document() ([]byte, error) {
	w := &writer{}
	complete := *d
	if complete.Version == 0 {
		complete.Version = version
	}
	w.value(reflect.ValueOf(complete), nil)
	if len(w.problems) > 0 {
		return nil, fmt.Errorf("definition: %s", strings.Join(w.problems, "\n"))
	}
	var out bytes.Buffer
	if err := json.Indent(&out, w.Bytes(), "", "  "); err != nil {
		return nil, fmt.Errorf("definition: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// MarshalJSON is Document, for encoding/json.
func (d *Definition) MarshalJSON() ([]byte, error) { return d.Document() }

// A writer writes Go values by the shapes by which the reader reads them.
type writer struct {
	bytes.Buffer
	problems []string
}

func (w *writer) add(p *path, format string, args ...any) {
	w.problems = append(w.problems, p.String()+": "+fmt.Sprintf(format, args...))
}

// value writes v, empty or not.
func (w *writer) value(v reflect.Value, p *path) {
	t := v.Type()
	switch {
	case t == durationType:
		w.text(time.Duration(v.Int()).String(), p)
		return
	case t.Kind() == reflect.String:
		w.text(v.String(), p)
		return
	case reflect.PointerTo(t).Implements(shorthandType):
		short := reflect.New(t)
		short.Interface().(shorthand).short(v.Field(0).String())
		if reflect.DeepEqual(short.Elem().Interface(), v.Interface()) {
			w.text(v.Field(0).String(), p)
			return
		}
	}
	switch t.Kind() {
	case reflect.Pointer:
		w.value(v.Elem(), p)
	case reflect.Struct:
		w.WriteByte('{')
		w.members(v, p, true)
		w.WriteByte('}')
	case reflect.Map:
		w.WriteByte('{')
		named := keys(v)
		for i, name := range slices.Sorted(maps.Keys(named)) {
			w.name(name, p, i == 0)
			w.value(v.MapIndex(named[name]), p.member(name))
		}
		w.WriteByte('}')
	case reflect.Slice:
		w.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				w.WriteByte(',')
			}
			w.value(v.Index(i), p.element(i))
		}
		w.WriteByte(']')
	default:
		w.other(v.Interface(), p)
	}
}

// keys returns the keys of a map, by name.
func keys(m reflect.Value) map[string]reflect.Value {
	named := make(map[string]reflect.Value, m.Len())
	for _, key := range m.MapKeys() {
		named[key.String()] = key
	}
	return named
}

// members writes the members of a struct that are not empty, and after the type those
// of the Scheme.
func (w *writer) members(v reflect.Value, p *path, first bool) {
	s := shapes[v.Type()]
	for _, name := range s.names {
		field, isType := v.FieldByIndex(s.fields[name]), s.scheme != nil && name == "type"
		if isType {
			field = reflect.ValueOf(w.typeOf(v, s, p))
		}
		if !isEmpty(field) {
			w.name(name, p, first)
			w.value(field, p.member(name))
			first = false
		}
		if isType && isScheme(v.FieldByIndex(s.scheme)) {
			w.members(v.FieldByIndex(s.scheme).Elem().Elem(), p, first)
		}
	}
}

// typeOf returns the name of the type of the Scheme of v.
func (w *writer) typeOf(v reflect.Value, s shape, p *path) string {
	given, scheme := v.FieldByIndex(s.fields["type"]).String(), v.FieldByIndex(s.scheme)
	if !isScheme(scheme) {
		w.add(p, "has no Scheme")
		return given
	}
	name := ""
	for i, t := range schemeTypes {
		if t == scheme.Elem().Type().Elem() {
			name = schemeNames[i]
		}
	}
	if given != "" && given != name {
		w.add(p.member("type"), "%s is not the type of a %s", shown(given), scheme.Elem().Type().Elem().Name())
	}
	return name
}

// isScheme reports whether v has a Scheme.
func isScheme(v reflect.Value) bool { return !v.IsNil() && !v.Elem().IsNil() }

// isEmpty reports whether a document leaves a member out: the reader makes the same of
// an absent member.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Map, reflect.Slice:
		return v.Len() == 0
	case reflect.Struct:
		s := shapes[v.Type()]
		return s.scheme == nil && !slices.ContainsFunc(s.names, func(name string) bool { return !isEmpty(v.FieldByIndex(s.fields[name])) })
	}
	return v.IsZero()
}

// name writes the name of the next member.
func (w *writer) name(name string, p *path, first bool) {
	if !first {
		w.WriteByte(',')
	}
	w.text(name, p.member(name))
	w.WriteByte(':')
}

func (w *writer) text(s string, p *path) {
	if !utf8.ValidString(s) {
		w.add(p, "is not valid UTF-8")
	}
	w.other(s, p)
}

// other writes what encoding/json can write.
func (w *writer) other(v any, p *path) {
	encoder := json.NewEncoder(&w.Buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		w.add(p, "%v", err)
	}
}
