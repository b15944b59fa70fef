package definition

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/template"
)

// withoutSecret are the client authentications that send no secret.
var withoutSecret = []connectorauth.ClientAuthMethod{
	connectorauth.ClientAuthNone, connectorauth.ClientAuthTLS, connectorauth.ClientAuthSelfSignedTLS,
}

// trial makes a connector of each method, so that the constructors list their mistakes
// when a definition is read, and not for the first account.
func (c *checker) trial() {
	for i := range c.d.Methods {
		m, p := &c.d.Methods[i], (*path)(nil).member("methods").element(i)
		b := &builder{
			d: c.d, trial: true, inputs: c.d.inputs(m), filler: template.Filler{Values: map[string]string{}},
			c: &Connection{Client: Client{ID: "x", Secret: "x"}},
		}
		for _, input := range b.inputs {
			b.filler.Values[input.Name] = input.sample()
		}
		for _, credential := range append([]Credential{m.Credential}, m.And...) {
			if o, ok := credential.Scheme.(*OAuth2); ok && slices.Contains(withoutSecret, o.ClientAuth) {
				b.c.Client.Secret = ""
				b.c.HTTPClient = &http.Client{Transport: http.DefaultTransport} // a certificate needs one; nothing is sent
			}
		}
		_, err := b.connect(m)
		if err == nil {
			continue
		}
		for _, problem := range strings.Split(err.Error(), "\n") {
			c.add(p, "%s", strings.TrimPrefix(problem, "definition: "+c.d.Name+": "))
		}
	}
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
