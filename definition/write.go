package definition

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Document returns the JSON document of the definition: indented, the members in the
// order of the fields, empty members left out. Parse reads the document to an equal
// definition. Members whose names begin with "x-" are lost: Parse does not read them.
// Document does not check what Parse checks, so a program can make a Definition in Go,
// and Parse the document of the Definition. A Version of 0 is written
// as 1, and an empty Type as the type of the Scheme. The error names each member that
// cannot be written: a text that is not UTF-8, a Scheme that is nil or of another Type.
func (d *Definition) Document() ([]byte, error) {
	w := &writer{}
	complete := *d
	if complete.Version == 0 {
		complete.Version = version
	}
	if complete.Revision == 1 {
		complete.Revision = 0 // the default
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
		w.text(duration(time.Duration(v.Int())), p)
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
		sorted := slices.SortedFunc(slices.Values(v.MapKeys()), func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for i, key := range sorted {
			w.name(key.String(), p, i == 0)
			w.value(v.MapIndex(key), p.member(key.String()))
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

// duration returns d without the units at the end that are 0: 2h for 2h0m0s.
func duration(d time.Duration) string {
	s := d.String()
	if short, ok := strings.CutSuffix(s, "m0s"); ok {
		s = short + "m"
	}
	if short, ok := strings.CutSuffix(s, "h0m"); ok {
		s = short + "h"
	}
	return s
}

// members writes the members of a struct that are not empty, and after the type those
// of the Scheme.
func (w *writer) members(v reflect.Value, p *path, first bool) {
	s := shapes()[v.Type()]
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
			w.scheme(v.FieldByIndex(s.scheme).Interface().(Scheme), p)
		}
	}
}

// scheme writes the members of a Scheme after the type.
func (w *writer) scheme(s Scheme, p *path) {
	foreign, ok := s.(*Foreign)
	if !ok {
		w.members(reflect.ValueOf(s).Elem(), p, false)
		return
	}
	for _, name := range keys(foreign.Members) {
		if text := foreign.Members[name]; text != "" {
			w.name(name, p, false)
			w.text(text, p.member(name))
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
	if foreign, ok := scheme.Interface().(*Foreign); ok && foreign.kind != nil {
		return foreign.kind.Name
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
		s := shapes()[v.Type()]
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
