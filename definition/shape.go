package definition

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/jws"
	"github.com/connectorauth/connectorauth/internal/oauth1"
)

// A shape lists the members of a struct in documents.
type shape struct {
	names  []string
	fields map[string][]int // index of the field, by name
	scheme []int            // index of the field of type Scheme; nil means none
}

// shapes are the shapes of all structs of a document. enumerations are the words of
// enumerations that do not check themselves.
var (
	shapes = sync.OnceValue(func() map[reflect.Type]shape {
		return shapesOf(append(slices.Clone(schemeTypes), reflect.TypeFor[Definition]()))
	})
	enumerations = map[reflect.Type][]string{
		reflect.TypeFor[Format]():                         formats(),
		reflect.TypeFor[From]():                           {string(FromToken), string(FromCallback)},
		reflect.TypeFor[connectorauth.ClientAuthMethod](): check.ClientAuthMethods,
		reflect.TypeFor[assertion.Algorithm]():            jws.Algorithms,
		reflect.TypeFor[dialect.SignatureMethod]():        oauth1.Methods,
	}
)

// shapesOf returns the shapes of types, and of all structs below.
func shapesOf(types []reflect.Type) map[reflect.Type]shape {
	all := map[reflect.Type]shape{}
	for len(types) > 0 {
		t := types[0]
		types = types[1:]
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			types = append(types, t.Elem())
		case reflect.Struct:
			if _, done := all[t]; !done {
				all[t] = shapeOf(t)
				for _, index := range all[t].fields {
					types = append(types, t.FieldByIndex(index).Type)
				}
			}
		}
	}
	return all
}

// shapeOf returns the shape of a struct. The fields of embedded structs are fields of
// the struct. What cannot be data, such as a function, is no field.
func shapeOf(t reflect.Type) shape {
	s := shape{fields: map[string][]int{}}
	for _, f := range reflect.VisibleFields(t) {
		isData := f.IsExported() && f.Type.Kind() != reflect.Func && (f.Type.Kind() != reflect.Interface || f.Type.NumMethod() == 0)
		switch {
		case f.Type == schemeType:
			s.scheme = f.Index
		case isData && !f.Anonymous:
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" || name == "-" {
				name = lowerCamel(f.Name)
			}
			s.names = append(s.names, name)
			s.fields[name] = f.Index
		}
	}
	return s
}

// keys returns the keys of m in order.
func keys[V any](m map[string]V) []string {
	if len(m) == 0 {
		return nil
	}
	list := make([]string, 0, len(m)) // slices.Sorted would grow a list for each name
	for key := range m {
		list = append(list, key)
	}
	slices.Sort(list)
	return list
}

// lowerCamel returns the name of a Go field in documents: authUrl for AuthURL.
func lowerCamel(name string) string {
	letters := []rune(name)
	for i := range letters {
		followed := i+1 < len(letters) && unicode.IsLower(letters[i+1])
		if i == 0 || unicode.IsUpper([]rune(name)[i-1]) && !followed {
			letters[i] = unicode.ToLower(letters[i])
		}
	}
	return string(letters)
}
