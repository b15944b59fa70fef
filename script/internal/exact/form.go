package exact

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"unicode/utf8"
)

// A Form is the text of a form or a query, in parts between ampersands.
type Form []Pair

// A Pair is a part of a form.
type Pair struct {
	Name, Value string
	raw         string
	empty       bool // nothing between two ampersands
}

// Spelled returns the value as the form spells the value.
func (p Pair) Spelled() string {
	_, value, _ := strings.Cut(p.raw, "=")
	return value
}

// MaxParts is how many parts a form may have: each costs more than its bytes.
const MaxParts = 20_000

// TooLong reports whether a form has more than MaxParts.
func TooLong(form []byte) bool { return bytes.Count(form, []byte{'&'}) >= MaxParts }

// ParseForm reads a form (application/x-www-form-urlencoded). ok says whether all
// percent-encodings are valid; a text with an invalid encoding stands for itself.
func ParseForm(text string) (form Form, ok bool) {
	if text == "" {
		return nil, true
	}
	ok = true
	unescape := func(s string) string {
		u, err := url.QueryUnescape(s)
		if err != nil {
			ok = false
			return s
		}
		return string([]rune(u)) // bytes that are not UTF-8 become U+FFFD, as in the script
	}
	for part := range strings.SplitSeq(text, "&") {
		name, value, _ := strings.Cut(part, "=")
		form = append(form, Pair{unescape(name), unescape(value), part, part == ""})
	}
	return form, ok
}

// Names returns the names of a form, each once, in their order.
func (f Form) Names() (names []string) {
	known := make(map[string]bool)
	for _, p := range f {
		if !p.empty && !known[p.Name] {
			known[p.Name] = true
			names = append(names, p.Name)
		}
	}
	return names
}

// Values returns the values of each name.
func (f Form) Values() map[string][]string {
	values := make(map[string][]string)
	for _, p := range f {
		if !p.empty {
			values[p.Name] = append(values[p.Name], p.Value)
		}
	}
	return values
}

// JSON returns the form as a JSON object. The value of a repeated name is an array.
func (f Form) JSON() []byte {
	values := f.Values()
	out := []byte{'{'}
	for i, name := range f.Names() {
		if i > 0 {
			out = append(out, ',')
		}
		var value any = values[name]
		if len(values[name]) == 1 {
			value = values[name][0]
		}
		n, _ := json.Marshal(name) // strings: cannot fail
		v, _ := json.Marshal(value)
		out = append(append(append(out, n...), ':'), v...)
	}
	return append(out, '}')
}

// Merge returns the form with other values: the values of a name in their order. A
// pair whose value is the same stays as it is spelled. escape spells new names and
// values. names has the order of new names.
func (f Form) Merge(names []string, values map[string][]string, escape func(string) string) string {
	var parts []string
	used := make(map[string]int)
	for _, p := range f {
		i := used[p.Name]
		wanted := values[p.Name]
		switch {
		case p.empty:
			parts = append(parts, p.raw)
			continue
		case i >= len(wanted):
		case wanted[i] == p.Value:
			parts = append(parts, p.raw)
		default:
			parts = append(parts, escape(p.Name)+"="+escape(wanted[i]))
		}
		used[p.Name]++
	}
	for _, name := range names {
		for _, value := range values[name][min(used[name], len(values[name])):] {
			parts = append(parts, escape(name)+"="+escape(value))
		}
	}
	return strings.Join(parts, "&")
}

// FormValues reads a JSON object as the values of a form. A null is left out.
func FormValues(object []byte) (names []string, values map[string][]string, err error) {
	t, err := Parse(object)
	if err == nil && t.kind(0) != '{' {
		err = errors.New("a form must be an object")
	}
	if err != nil {
		return nil, nil, err
	}
	values = make(map[string][]string)
	t.members(0, func(at, value int) {
		name := t.string(at)
		add := func(_, value int) {
			switch t.kind(value) {
			case '{', '[':
				err = errors.New("a value of a form must not be an object")
			case '"':
				text := t.string(value)
				if !utf8.ValidString(text) {
					err = errors.New("a text has a half of a surrogate pair, which UTF-8 cannot write")
				}
				values[name] = append(values[name], text)
			case 'n':
			default:
				values[name] = append(values[name], string(t.raw(value)))
			}
		}
		names = append(names, name)
		if t.kind(value) == '[' {
			t.members(value, add)
		} else {
			add(nothing, value)
		}
	})
	return names, values, err
}
