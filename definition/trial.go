package definition

import (
	"cmp"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/template"
)

// trial makes a connector of each method, so the constructors list their mistakes
// when a definition is read, and not for the first account.
func (c *checker) trial() {
	for i := range c.d.Methods {
		m, p := &c.d.Methods[i], (*path)(nil).member("methods").element(i)
		b := &builder{
			d: c.d, inputs: c.d.inputs(m), filler: template.Filler{Values: map[string]string{}},
			c: m.sampleConnection(c.d),
		}
		b.c.trial = true
		for _, input := range b.inputs {
			b.filler.Values[input.Name] = input.sample()
		}
		_, err := b.connect(m)
		if err == nil {
			continue
		}
		problems := strings.Split(err.Error(), "\n")
		for j, problem := range problems {
			if slices.Contains(problems[:j], problem) {
				continue // of another request with the same credential
			}
			c.refused(p, m, strings.TrimPrefix(problem, "definition: "+c.d.Name+": "))
		}
	}
}

// refused lists a mistake that a constructor has found, at the member with the mistake.
func (c *checker) refused(p *path, m *Method, text string) {
	scheme := m.Scheme
	for i := range m.And {
		if rest, ok := strings.CutPrefix(text, and(i)); ok {
			p, scheme, text = p.member("and").element(i), m.And[i].Scheme, rest
		}
	}
	if _, foreign := scheme.(*Foreign); !foreign {
		p, text = locate(p, reflect.ValueOf(scheme).Elem(), text)
	}
	c.add(p, "%s", text)
}

// and begins a mistake of one of Method.And.
func and(i int) string { return fmt.Sprintf("And[%d]: ", i) }

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
	case i.Format == FormatURL:
		return "https://x" + end + "/x"
	case i.Format == FormatInteger:
		return "1"
	case i.Format == FormatUUID:
		return "123e4567-e89b-12d3-a456-426614174000"
	}
	return cmp.Or(i.Default, i.Example, "x")
}
