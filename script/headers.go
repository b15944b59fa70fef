package script

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/dop251/goja"
)

const maxHeaders = 64 << 10 // length of all new headers together, in bytes

// headers is the object with the headers of a request or a response. The object has
// a string for each name.
type headers struct {
	object   *goja.Object
	original map[string]string // the strings before any change, by name
}

// newHeaders returns an object with the headers in h.
func (r *run) newHeaders(h http.Header) *headers {
	s := &headers{r.vm.NewObject(), make(map[string]string, len(h))}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		s.original[name] = strings.Join(h[name], ", ")
		s.object.Set(name, s.original[name])
	}
	return s
}

// applyHeaders writes the script's changes to the named global into h. Upper and
// lower case of a header name mean the same: a header with another spelling replaces
// the old header.
func (r *run) applyHeaders(global string, before *headers, h http.Header) error {
	object, ok := r.vm.GlobalObject().Get(global).(*goja.Object)
	if !ok {
		return invalid("%s must be an object", global)
	}
	names := object.Keys()
	for name := range before.original {
		if !slices.Contains(names, name) {
			delete(h, name)
		}
	}
	size := 0
	for _, name := range names {
		values, err := r.headerValues(object.Get(name))
		if err != nil {
			return invalid("%s: a header value %v", global, err)
		}
		if was, ok := before.original[name]; ok && len(values) == 1 && values[0] == was {
			continue
		}
		canonical := http.CanonicalHeaderKey(name)
		if !isToken(name) {
			return invalid("%s: a header name is empty or has an invalid character", global)
		}
		if slices.Contains(framing, canonical) {
			return invalid("%s: a script cannot set %s, which the HTTP client controls", global, canonical)
		}
		for old := range h {
			if strings.EqualFold(old, name) {
				delete(h, old)
			}
		}
		for _, value := range values {
			if size += len(name) + len(value); size > maxHeaders {
				return tooLarge("%s is larger than %d bytes", global, maxHeaders)
			}
		}
		if len(values) > 0 {
			h[canonical] = values
		}
	}
	return nil
}

// framing are the headers about the connection, the length of the body and the
// route. The HTTP client sets these headers.
var framing = []string{
	"Connection", "Content-Length", "Host", "Keep-Alive", "Proxy-Authorization",
	"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// headerValues returns the header values in v: none for null and undefined, each
// element of an array, otherwise the text of v.
func (r *run) headerValues(v goja.Value) ([]string, error) {
	if v == nil || goja.IsNull(v) || goja.IsUndefined(v) {
		return nil, nil
	}
	list := []goja.Value{v}
	if o, ok := v.(*goja.Object); ok {
		if o.ClassName() != "Array" {
			return nil, errors.New("is an object; want a string")
		}
		list = list[:0]
		for _, i := range o.Keys() {
			list = append(list, o.Get(i))
		}
	}
	values := make([]string, len(list))
	for i, v := range list {
		if _, nested := v.(*goja.Object); nested || v == nil {
			return nil, errors.New("is an object; want a string")
		}
		values[i] = v.String()
		if strings.ContainsFunc(values[i], func(c rune) bool { return isControl(c) && c != '\t' }) {
			return nil, errors.New("has a control character, such as a line break")
		}
	}
	return values, nil
}
