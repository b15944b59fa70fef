package script

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/dop251/goja"
)

const maxHeaders = 64 << 10 // bytes of all headers that a script sets

// headers is an http.Header as a script sees it: an object with one string per
// name.
type headers struct {
	object *goja.Object
	shown  map[string]string // by name as shown
}

func (r *run) showHeaders(h http.Header) *headers {
	s := &headers{r.vm.NewObject(), make(map[string]string, len(h))}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		s.shown[name] = strings.Join(h[name], ", ")
		s.object.Set(name, s.shown[name])
	}
	return s
}

// takeHeaders carries what the global of that name has become into h. Names count
// whatever their case: one that is spelled in another way replaces the old one.
func (r *run) takeHeaders(global string, before *headers, h http.Header) error {
	object, ok := r.vm.GlobalObject().Get(global).(*goja.Object)
	if !ok {
		return invalid("%s is no object any more", global)
	}
	names := object.Keys()
	for name := range before.shown {
		if !slices.Contains(names, name) {
			delete(h, name)
		}
	}
	size := 0
	for _, name := range names {
		values, err := r.headerValues(object.Get(name))
		if err != nil {
			return invalid("%s: a header %v", global, err)
		}
		if was, ok := before.shown[name]; ok && len(values) == 1 && values[0] == was {
			continue
		}
		canonical := http.CanonicalHeaderKey(name)
		if !isToken(name) {
			return invalid("%s: a name has a character that no header name can have", global)
		}
		if slices.Contains(framing, canonical) {
			return invalid("%s: %s belongs to HTTP itself and cannot be set", global, canonical)
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

// framing are the headers that say where a message ends or which way it goes.
var framing = []string{
	"Connection", "Content-Length", "Host", "Keep-Alive", "Proxy-Authorization",
	"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// headerValues returns the values that v stands for: none for null and undefined,
// those of an array, else its text.
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
			return nil, errors.New("has a control character, such as a line break, in its value")
		}
	}
	return values, nil
}
