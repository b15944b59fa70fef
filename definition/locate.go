package definition

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/connectorauth/connectorauth/internal/lazy"
)

var (
	// fields matches what a mistake of a constructor begins with: a field of its config, an
	// element of a list, or several fields.
	fields = lazy.Regexp(`^([A-Z]\w*(?:(?:, | and )[A-Z]\w*)*)(?:\[([0-9]+)\])?: `)
	// field matches the name of one field.
	field = lazy.Regexp(`\b[A-Z]\w*`)
)

// locate returns where a mistake of a constructor is in the document, and what is wrong in
// the words of documents. at is the place of v, a struct of a document.
func locate(at *path, v reflect.Value, text string) (*path, string) {
	for v.Kind() == reflect.Struct {
		match := fields().FindStringSubmatch(text)
		if match == nil {
			break
		}
		if names := field().FindAllString(match[1], -1); len(names) > 1 {
			return at, inDocuments(match[1]) + ": " + inDocuments(text[len(match[0]):])
		}
		inner, value := find(at, v, match[1])
		if inner == nil {
			break
		}
		at, v, text = inner, reflect.Indirect(value), text[len(match[0]):]
		if i, err := strconv.Atoi(match[2]); err == nil && v.Kind() == reflect.Slice && i < v.Len() {
			at, v = at.element(i), reflect.Indirect(v.Index(i))
		}
	}
	return at, inDocuments(text)
}

// find returns the member of v that has a field of a constructor: a field of v itself, or
// of a struct in v, because configs are flat. A nil path means that there is none.
func find(at *path, v reflect.Value, name string) (*path, reflect.Value) {
	s := shapes()[v.Type()]
	for _, member := range s.names {
		index := s.fields[member]
		if v.Type().FieldByIndex(index).Name == name {
			return at.member(member), v.FieldByIndex(index)
		}
	}
	if s.scheme != nil && isScheme(v.FieldByIndex(s.scheme)) {
		return find(at, v.FieldByIndex(s.scheme).Elem().Elem(), name)
	}
	for _, member := range s.names {
		if inner := reflect.Indirect(v.FieldByIndex(s.fields[member])); inner.Kind() == reflect.Struct {
			if found, value := find(at.member(member), inner, name); found != nil {
				return found, value
			}
		}
	}
	return nil, reflect.Value{}
}

// inDocuments writes the fields in a text as members. A word of English that is a field
// too, such as Key, is a field at the beginning of a list of fields alone.
func inDocuments(text string) string {
	list := text != "" && fields().MatchString(text+": ")
	return field().ReplaceAllStringFunc(text, func(name string) string {
		member := lowerCamel(name)
		for _, s := range shapes() {
			if _, ok := s.fields[member]; ok && (list || strings.ToLower(member) != member) {
				return member
			}
		}
		return name
	})
}
