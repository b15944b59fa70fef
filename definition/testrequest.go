package definition

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/internal/challenge"
	"github.com/connectorauth/connectorauth/internal/template"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// test checks the test request, which may have the inputs that all methods have.
func (c *checker) test(p *path) {
	t := c.d.Test
	if t == nil {
		return
	}
	defer func(common map[string]*Input) { c.inputs = common }(c.inputs)
	c.inputs = c.ofAllMethods()
	method, rest, _ := strings.Cut(t.Request, " ")
	if !wire.IsToken(method) || strings.ToUpper(method) != method || method == http.MethodConnect || !strings.HasPrefix(rest, "/") {
		c.add(p.member("request"), "want a method and a path, such as GET /me")
	} else if u, err := template.ParseURL("https://example.com" + rest); err != nil {
		c.add(p.member("request"), "%v", err)
	} else {
		c.names(p.member("request"), u.Names())
		c.noSecret(p.member("request"), u.Names())
	}
	if method == http.MethodHead && t.ID+t.Label != "" {
		c.add(p.member("request"), "the response to HEAD has no body for id and label; use GET")
	}
	if t.Body != nil {
		c.testBody(p.member("body"), method)
	}
	for i, r := range t.Rejections {
		if err := challenge.CheckRejection(r); err != nil {
			at, text := locate(p.member("rejections").element(i), reflect.ValueOf(r), err.Error())
			c.add(at, "%s", text)
		}
	}
	for i := range c.d.Methods {
		if m := &c.d.Methods[i]; !m.carries(method) {
			c.add(p.member("request"), "the fields of the method %s do not go along with %s, so the test would say nothing of the account; add %s to methods of the fields, or use another request", shown(m.Name), method, method)
		}
	}
	if _, ok := c.d.BaseURLs[t.Base]; t.Base != "" && !ok {
		c.add(p.member("base"), "%s is none of baseUrls%s", shown(t.Base), c.hint(t.Base, keys(c.d.BaseURLs)))
	}
	for i, status := range t.OK {
		if status < 100 || status > 599 {
			c.add(p.member("ok").element(i), "is no status")
		}
	}
	if t.ID != "" && !isPointer(t.ID) {
		c.add(p.member("id"), "want a JSON Pointer (RFC 6901), such as /user/id")
	}
	label, err := template.ParsePointers(t.Label)
	if err != nil {
		c.add(p.member("label"), "%v", err)
	}
	for _, pointer := range label.Names() {
		if !isPointer(pointer) {
			c.add(p.member("label"), "want JSON Pointers (RFC 6901) in braces, such as {/user/name}")
		}
	}
}

// carries reports whether a request with an HTTP method has a credential of m. Fields go
// along with some methods only.
func (m *Method) carries(method string) bool {
	all := append([]Credential{m.Credential}, m.And...)
	return slices.ContainsFunc(all, func(c Credential) bool {
		fields, ok := c.Scheme.(*AuthFields)
		if !ok {
			return true
		}
		if len(fields.Methods) == 0 {
			return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
		}
		return slices.ContainsFunc(fields.Methods, func(known string) bool { return strings.EqualFold(known, method) })
	})
}

// consents reports whether a person must consent before a credential works.
func consents(s Scheme) bool {
	switch s := s.(type) {
	case *OAuth2:
		return s.Grant.AuthorizationCode != nil || s.Grant.DeviceCode != nil
	case *OAuth1:
		return s.RequestTokenURL != ""
	case *Foreign:
		return s.Consents()
	}
	return false
}

// testBody checks the body of the test request.
func (c *checker) testBody(p *path, method string) {
	var err error
	if c.d.body, err = template.ParseJSON(c.d.Test.Body); err != nil {
		c.add(p, "%v", err)
	}
	if method == http.MethodGet || method == http.MethodHead {
		c.add(p, "a %s has no body; remove the body, or use POST", method)
	}
	names := c.d.body.Names()
	c.names(p, names)
	for _, name := range names {
		if i := c.inputs[name]; i != nil && i.Secret {
			c.add(p, "{%s} is a secret, which a redirect would take along; a credential of the method carries secrets", name)
		}
	}
}

// ofAllMethods returns the inputs that all accounts have. One that is a secret of some is a
// secret.
func (c *checker) ofAllMethods() map[string]*Input {
	inputs, count := maps.Clone(c.inputs), map[string]int{}
	for i := range c.d.Methods {
		m := &c.d.Methods[i]
		for j := range m.Inputs {
			input := &m.Inputs[j]
			count[input.Name]++
			if known := inputs[input.Name]; known == nil || !known.Secret {
				inputs[input.Name] = input
			}
		}
	}
	for name, n := range count {
		if n < len(c.d.Methods) && c.inputs[name] == nil {
			delete(inputs, name)
		}
	}
	return inputs
}

// isPointer reports whether s is a JSON Pointer to a member.
func isPointer(s string) bool {
	for i := range len(s) {
		if s[i] == '~' && (i+1 == len(s) || s[i+1] != '0' && s[i+1] != '1') {
			return false
		}
	}
	return strings.HasPrefix(s, "/")
}
