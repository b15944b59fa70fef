package definition

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
)

const (
	maxFindings = 100              // how many mistakes an Error lists
	maxKept     = 10 * maxFindings // how many mistakes are looked for
	maxElements = 1000             // of a list, or of an object whose members are names
)

// A reader puts the values of a document into Go values, and lists what does not fit.
type reader struct {
	file, src string
	kinds     []Kind
	types     []string // the names of all kinds of credentials
	root      node
	found     []finding
	more      int // mistakes beyond maxKept
}

// finding is a Finding that has an offset in place of a position.
type finding struct {
	at   int
	path string
	text string
}

// addAt lists a mistake at an offset.
func (r *reader) addAt(at int, p *path, format string, args ...any) {
	if len(r.found) >= maxKept {
		r.more++
		return
	}
	r.found = append(r.found, finding{at, p.String(), fmt.Sprintf(format, args...)})
}

// add lists a mistake of the value at p.
func (r *reader) add(p *path, format string, args ...any) {
	at := 0
	if len(r.found) < maxKept {
		at = p.in(&r.root)
	}
	r.addAt(at, p, format, args...)
}

// err returns the mistakes as one error, or nil if there are none.
func (r *reader) err() error {
	if len(r.found) == 0 {
		return nil
	}
	slices.SortStableFunc(r.found, func(a, b finding) int { return a.at - b.at })
	listed := r.found[:min(len(r.found), maxFindings)]
	e := &Error{More: len(r.found) - len(listed) + r.more}
	for _, f := range listed {
		line, column := position(r.src, f.at)
		e.Findings = append(e.Findings, Finding{r.file, line, column, f.path, f.text})
	}
	return e
}

// shorthand is a struct that a document may write as a text.
type shorthand interface{ short(text string) }

var (
	authType        = reflect.TypeFor[connectorauth.AuthType]()
	stringType      = reflect.TypeFor[string]()
	durationType    = reflect.TypeFor[time.Duration]()
	schemeType      = reflect.TypeFor[Scheme]()
	shorthandType   = reflect.TypeFor[shorthand]()
	unmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// decode puts n into to.
func (r *reader) decode(n *node, to reflect.Value, p *path) {
	t := to.Type()
	if n.kind == null {
		r.addAt(int(n.at), p, "is null; leave the member out")
		return
	}
	switch kind := t.Kind(); {
	case t == durationType:
		if r.is(n, text, p) {
			r.duration(n, to, p)
		}
		return
	case t == stringType:
		if r.is(n, text, p) {
			to.SetString(n.text)
		}
		return
	case kind == reflect.String:
		if r.is(n, text, p) {
			r.text(n, to, p)
		}
		return
	case n.kind != object && kind == reflect.Struct && reflect.PointerTo(t).Implements(shorthandType):
		if n.kind != text {
			r.addAt(int(n.at), p, "is %s; want text in quotes, or an object", n.kind)
		}
		to.Addr().Interface().(shorthand).short(n.text)
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		to.Set(reflect.New(t.Elem()))
		r.decode(n, to.Elem(), p)
	case reflect.Struct:
		if r.is(n, object, p) {
			r.object(n, to, p)
		}
	case reflect.Map:
		if r.is(n, object, p) && r.few(n, len(n.list), p) {
			to.Set(reflect.MakeMapWithSize(t, len(n.list)))
			inner := path{parent: p, isName: true}
			value := reflect.New(t.Elem()).Elem()
			for i := range n.list {
				m := &n.list[i]
				inner.name = m.name
				value.SetZero()
				r.decode(&m.value, value, &inner)
				to.SetMapIndex(reflect.ValueOf(m.name), value)
			}
		}
	case reflect.Slice:
		if r.is(n, array, p) && r.few(n, len(n.list), p) {
			to.Set(reflect.MakeSlice(t, len(n.list), len(n.list)))
			inner := path{parent: p}
			for i := range n.list {
				inner.index = i
				r.decode(&n.list[i].value, to.Index(i), &inner)
			}
		}
	case reflect.Bool:
		if r.is(n, boolean, p) {
			to.SetBool(n.text == "true")
		}
	case reflect.Int:
		if r.is(n, number, p) {
			value, err := strconv.Atoi(n.text)
			if err != nil {
				r.addAt(int(n.at), p, "want a whole number")
			}
			to.SetInt(int64(value))
		}
	case reflect.Interface:
		to.Set(reflect.ValueOf(n.tree()))
	default:
		panic("definition: no document has a " + t.String())
	}
}

// is reports whether n is of a kind, and lists the mistake if not.
func (r *reader) is(n *node, want kind, p *path) bool {
	quotes := ""
	if want == text && (n.kind == number || n.kind == boolean) {
		quotes = " in quotes"
	}
	if n.kind != want {
		r.addAt(int(n.at), p, "is %s; want %s%s", n.kind, want, quotes)
	}
	return n.kind == want
}

// few reports whether a list is short enough, and lists the mistake if not.
func (r *reader) few(n *node, elements int, p *path) bool {
	if elements > maxElements {
		r.addAt(int(n.at), p, "has more than %d elements", maxElements)
	}
	return elements <= maxElements
}

func (r *reader) duration(n *node, to reflect.Value, p *path) {
	d, err := time.ParseDuration(n.text)
	if err != nil || d <= 0 {
		r.addAt(int(n.at), p, "want a positive duration such as 1h30m; a day is 24h")
	}
	to.SetInt(int64(d))
}

// text reads a text, or a word of an enumeration.
func (r *reader) text(n *node, to reflect.Value, p *path) {
	list, limited := enumerations[to.Type()]
	if to.Type() == authType {
		list, limited = r.types, true
	}
	switch {
	case limited && !slices.Contains(list, n.text):
		r.addAt(int(n.at), p, "%s is none of %s%s", shown(n.text), strings.Join(list, ", "), r.hint(n.text, list))
	case reflect.PointerTo(to.Type()).Implements(unmarshalerType):
		if err := to.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(n.text)); err != nil {
			r.addAt(int(n.at), p, "%s", strings.TrimPrefix(err.Error(), "dialect: "))
		}
	default:
		to.SetString(n.text)
	}
}

// object reads the members of a struct, and of the Scheme that its type names.
func (r *reader) object(n *node, to reflect.Value, p *path) {
	s := shapes()[to.Type()]
	var scheme Scheme
	if s.scheme != nil {
		if scheme = r.scheme(n, p); scheme != nil {
			to.FieldByIndex(s.scheme).Set(reflect.ValueOf(scheme))
		}
	}
	inner := path{parent: p, isName: true} // one for all members keeps the garbage down
	for i := range n.list {
		m := &n.list[i]
		inner.name = m.name
		if index, ok := s.fields[m.name]; ok {
			r.decode(&m.value, to.FieldByIndex(index), &inner)
		} else if !r.ofScheme(m, scheme, &inner) && (scheme != nil || s.scheme == nil) && !strings.HasPrefix(m.name, "x-") {
			r.addAt(int(m.at), &inner, "is no member here%s", r.member(m.name, append(slices.Clip(s.names), namesOf(scheme)...)))
		}
	}
}

// ofScheme reads a member of a Scheme, and reports whether there is such a member.
func (r *reader) ofScheme(m *member, scheme Scheme, p *path) bool {
	switch s := scheme.(type) {
	case nil:
		return false
	case *Foreign:
		if s.kind.find(m.name) == nil {
			return false
		}
		if r.is(&m.value, text, p) {
			s.Members[m.name] = m.value.text
		}
		return true
	}
	value := reflect.ValueOf(scheme).Elem()
	index, ok := shapes()[value.Type()].fields[m.name]
	if ok {
		r.decode(&m.value, value.FieldByIndex(index), p)
	}
	return ok
}

// namesOf lists the members of a Scheme, which may be nil.
func namesOf(scheme Scheme) []string {
	switch s := scheme.(type) {
	case nil:
		return nil
	case *Foreign:
		return s.kind.names()
	}
	return shapes()[reflect.TypeOf(scheme).Elem()].names
}

// scheme returns a new Scheme of the type that n names, or nil.
func (r *reader) scheme(n *node, p *path) Scheme {
	for i := range n.list {
		if m := &n.list[i]; m.name == "type" && m.value.kind == text {
			if t := schemeOf(m.value.text); t != nil {
				return reflect.New(t).Interface().(Scheme)
			}
			for i := range r.kinds {
				if r.kinds[i].Name == m.value.text {
					return &Foreign{Members: map[string]string{}, kind: &r.kinds[i]}
				}
			}
			return nil // the enumeration lists the mistake
		}
	}
	r.addAt(int(n.at), p, "has no type; add \"type\", with one of %s", strings.Join(r.types, ", "))
	return nil
}

// tree returns n as encoding/json would decode n into an any, with numbers as they are
// written.
func (n *node) tree() any {
	switch n.kind {
	case object:
		members := make(map[string]any, len(n.list))
		for i := range n.list {
			members[n.list[i].name] = n.list[i].value.tree()
		}
		return members
	case array:
		elements := make([]any, len(n.list))
		for i := range n.list {
			elements[i] = n.list[i].value.tree()
		}
		return elements
	case number:
		return json.Number(n.text)
	case boolean:
		return n.text == "true"
	case null:
		return nil
	}
	return n.text
}
