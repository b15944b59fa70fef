package definition

import (
	"cmp"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/template"
)

// trial makes a connector of each method, so that the constructors list their mistakes
// when a definition is read, and not for the first account.
func (c *checker) trial() {
	for i := range c.d.Methods {
		m, p := &c.d.Methods[i], (*path)(nil).member("methods").element(i)
		b := &builder{
			d: c.d, trial: true, inputs: c.d.inputs(m), filler: template.Filler{Values: map[string]string{}},
			c: m.sampleConnection(c.d),
		}
		for _, input := range b.inputs {
			b.filler.Values[input.Name] = input.sample()
		}
		_, err := b.connect(m)
		if err == nil {
			continue
		}
		for line, problem := range strings.Split(err.Error(), "\n") {
			at, text := p, strings.TrimPrefix(problem, "definition: "+c.d.Name+": ")
			if which := slices.IndexFunc(b.ends, func(end int) bool { return line < end }); which == 0 {
				at, text = inDocument(p, m.Scheme, text)
			} else if which > 0 {
				at, text = inDocument(p.member("and").element(which-1), m.And[which-1].Scheme, text)
			}
			c.add(at, "%s", text)
		}
	}
}

// field matches the field of a config that a problem of a constructor begins with, and
// several matches several fields.
var (
	field   = regexp.MustCompile(`^([A-Z][A-Za-z0-9]*)(?:\[([0-9]+)\])?: `)
	several = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*(?:, [A-Z][A-Za-z0-9]*)+: `)
)

// inDocument returns the place of a problem in the document, and the rest of the text. A
// field whose place is not known stays in the text.
func inDocument(p *path, scheme Scheme, text string) (*path, string) {
	value := reflect.ValueOf(scheme)
	for {
		found := field.FindStringSubmatch(text)
		if found == nil {
			return p, several.ReplaceAllStringFunc(text, func(names string) string {
				list := strings.Split(names, ", ")
				for i := range list {
					list[i] = lowerCamel(list[i])
				}
				return strings.Join(list, ", ")
			})
		}
		at, inner := memberAt(p, value, lowerCamel(found[1]))
		if at == nil {
			return p, text
		}
		if index, err := strconv.Atoi(found[2]); err == nil {
			if inner.Kind() != reflect.Slice || index >= inner.Len() {
				return p, text
			}
			at, inner = at.element(index), inner.Index(index)
		}
		p, value, text = at, inner, text[len(found[0]):]
	}
}

// memberAt returns the place and the value of a member of a struct, or of a struct in the
// struct that the document has: a constructor knows fewer levels than a document. Nil means
// that there is none.
func memberAt(p *path, value reflect.Value, name string) (*path, reflect.Value) {
	value = reflect.Indirect(value)
	if value.Kind() == reflect.Interface {
		value = reflect.Indirect(value.Elem())
	}
	if value.Kind() != reflect.Struct {
		return nil, value
	}
	s := shapes[value.Type()]
	if index, ok := s.fields[name]; ok {
		return p.member(name), value.FieldByIndex(index)
	}
	for _, other := range s.names {
		if at, inner := memberAt(p.member(other), value.FieldByIndex(s.fields[other]), name); at != nil {
			return at, inner
		}
	}
	return nil, value
}

// sampleConnection returns a registration of a program that the method takes. Nothing is
// sent.
func (m *Method) sampleConnection(d *Definition) *Connection {
	var base http.RoundTripper = http.DefaultTransport // stands for one with a certificate
	if g := m.guard(d); g != nil {
		base = g.public
	}
	c := &Connection{Client: Client{ID: "x", Secret: "x"}}
	for _, credential := range append([]Credential{m.Credential}, m.And...) {
		o, ok := credential.Scheme.(*OAuth2)
		if !ok {
			continue
		}
		switch o.ClientAuth {
		case connectorauth.ClientAuthTLS, connectorauth.ClientAuthSelfSignedTLS:
			c.HTTPClient = &http.Client{Transport: base}
			fallthrough
		case connectorauth.ClientAuthNone:
			c.Client.Secret = ""
		}
	}
	return c
}

// sample returns a value that the formats allow.
func (i *Input) sample() string {
	end := ".example.com"
	if len(i.Suffixes) > 0 {
		end = i.Suffixes[0]
	}
	switch {
	case len(i.Enum) > 0:
		return cmp.Or(i.Default, i.Enum[0].Value)
	case i.Format == FormatHost:
		return "x" + end
	case i.Format == FormatOrigin:
		return "https://x" + end
	case i.Format == FormatInteger:
		return "1"
	case i.Format == FormatUUID:
		return "123e4567-e89b-12d3-a456-426614174000"
	}
	return cmp.Or(i.Default, i.Example, "x")
}
