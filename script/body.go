package script

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja"
)

// A body is the body of a request or a response in a script. The body is read when
// the script first uses the value, and written only if the script has changed the
// value.
type body struct {
	*run
	empty       string // value of an empty body, in JSON
	read        func() ([]byte, error)
	contentType func() string

	known    bool       // value is set
	assigned bool       // the script has assigned a new value
	data     []byte     // the bytes from read
	isForm   bool       // value is encoded as a form
	value    goja.Value // the value in the script
	original string     // the encoded value before any change
}

// define makes the global of the body, if the script mentions the name.
func (b *body) define(name string) error {
	if !b.script.mentions(name) {
		return nil
	}
	return b.vm.GlobalObject().DefineAccessorProperty(name, b.vm.ToValue(b.get), b.vm.ToValue(b.set), goja.FLAG_TRUE, goja.FLAG_TRUE)
}

// get is the getter of the global.
func (b *body) get(goja.FunctionCall) goja.Value {
	if !b.known {
		b.load()
	}
	return b.value
}

// set is the setter of the global.
func (b *body) set(call goja.FunctionCall) goja.Value {
	b.known, b.assigned, b.isForm = true, true, b.kind() == formType
	b.value = call.Argument(0)
	return nil
}

const formType = "application/x-www-form-urlencoded"

// kind returns the media type in Content-Type. Empty means none or malformed.
func (b *body) kind() string {
	kind, _, _ := mime.ParseMediaType(b.contentType())
	return kind
}

// load reads the body and sets the value. load throws an exception in the script if
// the body cannot be read.
func (b *body) load() {
	var err error
	b.clock.pause(func() { b.data, err = b.read() })
	if err != nil {
		panic(b.vm.NewTypeError("the body cannot be read: " + err.Error()))
	}
	b.known, b.value = true, b.decode()
	if b.original, err = b.encode(); err != nil {
		panic(err)
	}
}

// decode returns the value for the bytes of the body: an object for JSON or a form,
// a string for other text, and undefined for bytes that are not UTF-8.
func (b *body) decode() goja.Value {
	kind := b.kind()
	if b.isForm = kind == formType; len(b.data) == 0 {
		return b.parseJSON(b.empty)
	}
	if !utf8.Valid(b.data) {
		b.isForm = false
		return goja.Undefined()
	}
	s := strings.TrimPrefix(string(b.data), "\ufeff")
	if b.isForm {
		if pairs, ok := parseForm(s); ok {
			return b.formObject(pairs)
		}
		b.isForm = false
	}
	if trimmed := strings.TrimSpace(s); kind == "application/json" || strings.HasSuffix(kind, "+json") ||
		strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") {
		v, err := b.parse(goja.Undefined(), b.vm.ToValue(s))
		if err == nil {
			return v
		}
		if _, notJSON := err.(*goja.Exception); !notJSON {
			panic(err)
		}
	}
	return b.vm.ToValue(s)
}

// apply writes the body if the script has changed the value.
func (b *body) apply(write func([]byte), h http.Header) error {
	if !b.known {
		return nil
	}
	now, err := b.encode()
	if err != nil || now == b.original && !b.assigned {
		return err
	}
	if int64(len(now)) > b.maxBody {
		return tooLarge("the new body is longer than %d bytes", b.maxBody)
	}
	if !isString(b.value) && now != "" && h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json")
	}
	write([]byte(now))
	return nil
}

// encode returns the value as the text of a body.
func (b *body) encode() (string, error) {
	if goja.IsUndefined(b.value) || goja.IsNull(b.value) {
		return "", nil
	}
	if isString(b.value) {
		return b.value.String(), nil
	}
	if o, ok := b.value.(*goja.Object); ok && b.isForm {
		return b.encodeForm(o)
	}
	v, err := b.stringify(goja.Undefined(), b.value)
	if err != nil {
		return "", err
	}
	if goja.IsUndefined(v) {
		return "", invalid("the body is a value that JSON cannot write, such as a function")
	}
	return v.String(), nil
}

func isString(v goja.Value) bool {
	_, ok := v.(goja.String)
	return ok
}

// A pair is a name and a value of a form.
type pair struct{ name, value string }

// parseForm returns the pairs of a form in their order.
func parseForm(s string) (pairs []pair, ok bool) {
	for part := range strings.SplitSeq(s, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return nil, false
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return nil, false
		}
		pairs = append(pairs, pair{name, value})
	}
	return pairs, true
}

// formObject returns an object with the pairs of a form. The value of a repeated
// name is an array.
func (b *body) formObject(pairs []pair) *goja.Object {
	values := make(map[string][]any)
	for _, p := range pairs {
		values[p.name] = append(values[p.name], p.value)
	}
	o := b.vm.NewObject()
	for _, p := range pairs {
		if list := values[p.name]; len(list) == 1 {
			o.Set(p.name, list[0])
		} else {
			o.Set(p.name, b.vm.NewArray(list...))
		}
	}
	return o
}

// encodeForm is the reverse of formObject. null and undefined are left out.
func (b *body) encodeForm(o *goja.Object) (string, error) {
	var parts []string
	add := func(name string, v goja.Value) error {
		if _, nested := v.(*goja.Object); nested {
			return invalid("a value of a form must not be an object")
		}
		if v != nil && !goja.IsUndefined(v) && !goja.IsNull(v) {
			parts = append(parts, url.QueryEscape(name)+"="+url.QueryEscape(v.String()))
		}
		return nil
	}
	for _, name := range o.Keys() {
		v := o.Get(name)
		list, ok := v.(*goja.Object)
		if !ok || list.ClassName() != "Array" {
			if err := add(name, v); err != nil {
				return "", err
			}
			continue
		}
		for _, i := range list.Keys() {
			if err := add(name, list.Get(i)); err != nil {
				return "", err
			}
		}
	}
	return strings.Join(parts, "&"), nil
}

// secrets returns the values in the original body that are secret by their name:
// see sensitive.
func (b *body) secrets() (list []string) {
	if pairs, ok := parseForm(string(b.data)); ok && b.isForm {
		for _, p := range pairs {
			if sensitive(p.name) {
				list = append(list, p.value)
			}
		}
		return list
	}
	var v any
	if json.Unmarshal(b.data, &v) != nil {
		return nil
	}
	var collect func(name string, v any)
	collect = func(name string, v any) {
		switch v := v.(type) {
		case string:
			if sensitive(name) {
				list = append(list, v)
			}
		case []any:
			for _, member := range v {
				collect(name, member)
			}
		case map[string]any:
			for name, member := range v {
				collect(name, member)
			}
		}
	}
	collect("", v)
	return list
}
