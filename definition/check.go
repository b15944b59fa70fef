package definition

import (
	"maps"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/internal/inject"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/template"
)

// maxCommon is how many inputs, methods, headers, parameters and base URLs a definition
// has: each header is checked with each method.
const maxCommon = 50

// A checker lists the mistakes of a definition that fits the format.
type checker struct {
	*reader
	d        *Definition
	inputs   map[string]*Input
	former   map[string]bool    // names of inputs
	captures map[string]*Limits // what the token or the session brings
	late     bool               // captures may stand where inputs may
	scoped   bool               // {scopes} may too
}

// definition checks all of the document.
func (c *checker) definition() {
	var root *path
	for _, list := range [...]struct {
		name  string
		count int
	}{{"inputs", len(c.d.Inputs)}, {"methods", len(c.d.Methods)}, {"headers", len(c.d.Headers)}, {"params", len(c.d.Params)}, {"baseUrls", len(c.d.BaseURLs)}} {
		if list.count > maxCommon {
			c.add(root.member(list.name), "has more than %d elements", maxCommon)
			return
		}
	}
	c.name(root.member("name"), c.d.Name)
	for i, was := range c.d.Was {
		c.name(root.member("was").element(i), was)
	}
	c.revision(root.member("revision"))
	for i, link := range c.d.Links {
		if u, err := origin.Endpoint(link.URL); err != nil || u.Scheme != "https" {
			c.add(root.member("links").element(i).member("url"), "want an https URL")
		}
	}
	c.inputs, c.former = map[string]*Input{}, map[string]bool{}
	for i := range c.d.Inputs {
		c.input(root.member("inputs").element(i), &c.d.Inputs[i])
	}
	if n, there := root.member("methods").find(&c.root); len(c.d.Methods) == 0 && (!there || n.kind == array) {
		c.add(root.member("methods"), "is missing; give at least one method, with the type None for a service without credentials")
	}
	names, defaults := map[string]bool{}, 0
	for i := range c.d.Methods {
		m, p := &c.d.Methods[i], root.member("methods").element(i)
		named := func(at *path, name string) {
			c.name(at, name)
			if names[name] {
				c.add(at, "%s is the name of two methods", shown(name))
			}
			names[name] = true
		}
		named(p.member("name"), m.Name)
		for j, was := range m.Was {
			named(p.member("was").element(j), was)
		}
		if m.Default {
			if defaults++; defaults > 1 {
				c.add(p.member("default"), "another method is the default already")
			}
		}
		c.method(p, m)
	}
	c.test(root.member("test"))
	slices.SortStableFunc(c.found, func(a, b finding) int { return a.at - b.at }) // a common member is checked with each method
	c.found = slices.CompactFunc(c.found, func(a, b finding) bool { return a == b })
}

func (c *checker) name(p *path, name string) {
	switch {
	case name == "":
		c.missing(p)
	case !valid(name):
		c.add(p, "%s is no name; use at most 64 lower-case letters, digits, '-' and '_'", shown(name))
	}
}

// method checks a method, and what depends on its inputs.
func (c *checker) method(p *path, m *Method) {
	common, former := c.inputs, c.former
	if len(m.Inputs) > 0 {
		c.inputs, c.former = maps.Clone(common), maps.Clone(former)
	}
	for i := range m.Inputs {
		c.input(p.member("inputs").element(i), &m.Inputs[i])
	}
	c.captures = nil
	if s, ok := m.Scheme.(capturing); ok {
		for i := 0; s.captured(i) != nil; i++ {
			c.captured(p.member("captures").element(i), s.captured(i))
		}
	}
	if m.Scheme != nil {
		m.Scheme.check(c, p)
	}
	if _, ok := m.Scheme.(*OAuth2); !ok && m.RefreshLifetime > 0 {
		c.add(p.member("refreshLifetime"), "is for refresh tokens, which only an OAuth2 has")
	} else if !ok && m.RefreshIdle > 0 {
		c.add(p.member("refreshIdle"), "is for refresh tokens, which only an OAuth2 has")
	}
	switch m.Scheme.(type) {
	case nil, *OAuth2, *Session, *Foreign:
	default:
		if m.RenewBefore > 0 {
			c.add(p.member("renewBefore"), "is for tokens and sessions, which only an OAuth2 and a Session have")
		}
	}
	for i, and := range m.And {
		if and.Scheme != nil {
			and.Scheme.check(c, p.member("and").element(i))
		}
		if o, ok := and.Scheme.(*OAuth2); ok && o.Issuer != nil {
			c.add(p.member("and").element(i).member("issuer"), "is for the first credential of a method only; make this credential the first, or name its endpoints")
		}
		if consents(and.Scheme) {
			c.add(p.member("and").element(i), "needs a consent, for which a program has the first credential of a method only; make this credential the first")
		}
	}
	var root *path
	c.late = true
	switch {
	case m.BaseURL != "":
		c.base(p.member("baseUrl"), m.BaseURL)
	case c.d.BaseURL != "":
		c.base(root.member("baseUrl"), c.d.BaseURL)
	default:
		c.add(root.member("baseUrl"), "is missing")
	}
	for _, name := range keys(c.d.BaseURLs) {
		if c.d.BaseURLs[name] == "" {
			c.add(root.member("baseUrls").member(name), "is empty")
		}
		c.base(root.member("baseUrls").member(name), c.d.BaseURLs[name])
		c.name(root.member("baseUrls").member(name), name)
	}
	for _, name := range keys(c.d.Headers) {
		at := root.member("headers").member(name)
		if err := inject.CheckHeaderName(name); err != nil || strings.EqualFold(name, "Content-Type") {
			c.add(at, "is not a header to set here")
		}
		c.text(at, c.d.Headers[name])
	}
	for _, name := range keys(c.d.Params) {
		c.text(root.member("params").member(name), c.d.Params[name])
	}
	c.late = false
	c.inputs, c.former = common, former
}

// known returns the limits of a value, or nil.
func (c *checker) known(name string) *Limits {
	if i := c.inputs[name]; i != nil {
		return &i.Limits
	}
	if c.scoped && name == scopesName {
		return &Limits{}
	}
	if c.late {
		return c.captures[name]
	}
	return nil
}

// names lists the names that have no value.
func (c *checker) names(p *path, names []string) {
	if len(names) == 0 {
		return
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) { // names are those of a URL, and stay
		if c.known(name) == nil && len(c.found) < maxKept {
			c.add(p, "there is no value for {%s} here%s", name, hint(name, keys(c.inputs)))
		}
	}
}

// text checks a template. An empty one is absent, and a text without braces is as it is.
func (c *checker) text(p *path, s string) {
	if !strings.ContainsAny(s, "{}") {
		return
	}
	t, err := template.Parse(s)
	if err != nil {
		c.add(p, "%v", err)
		return
	}
	c.names(p, t.Names())
	c.d.texts[s] = t
}

// lateText checks a template in which captured values may stand.
func (c *checker) lateText(p *path, s string) {
	defer func(late bool) { c.late = late }(c.late)
	c.late = true
	c.text(p, s)
}

// public checks a template of what errors, records or browsers show.
func (c *checker) public(p *path, s string) {
	c.text(p, s)
	c.noSecret(p, c.d.texts[s].Names())
}

// noSecret lists the secrets among names.
func (c *checker) noSecret(p *path, names []string) {
	for _, name := range names {
		if i := c.inputs[name]; i != nil && i.Secret {
			c.add(p, "{%s} is a secret, and errors, records and browsers show this text; put the secret elsewhere", name)
		}
	}
}

// lists checks the templates of headers or parameters.
func (c *checker) lists(p *path, lists map[string][]string) {
	for _, name := range keys(lists) {
		for i, s := range lists[name] {
			c.text(p.member(name).element(i), s)
		}
	}
}

// url checks the template of a URL. An empty one is absent.
func (c *checker) url(p *path, s string) {
	if s == "" {
		return
	}
	u, ok := c.origin(p, s)
	if !ok {
		return
	}
	c.names(p, u.names)
	c.noSecret(p, u.names)
	c.d.urls[s] = u
}

// base checks the template of a base URL, in which captured values may stand.
func (c *checker) base(p *path, s string) {
	c.url(p, s)
	if u := c.d.urls[s]; u != nil && (strings.ContainsAny(u.rest, "?") || strings.HasSuffix(u.rest, "/")) {
		c.add(p, "a base URL has no query and no slash at its end; use params for parameters")
	}
}

// origin checks the origin of the template of a URL.
func (c *checker) origin(p *path, s string) (*urlTemplate, bool) {
	u, known := c.d.urls[s] // but its names may have other limits here
	if !known {
		var err error
		if u, err = parseURL(s); err != nil {
			c.add(p, "%v", err)
			return nil, false
		}
	}
	if u.literal() {
		return u, true // which template.ParseURL has checked
	}
	var inOrigin []string
	for _, part := range append(slices.Clone(u.host), hostPart{name: u.whole}) {
		if part.name != "" {
			inOrigin = append(inOrigin, part.name)
		}
	}
	c.names(p, inOrigin)
	c.noSecret(p, inOrigin)
	for _, name := range inOrigin {
		if i := c.inputs[name]; i != nil && i.Optional && i.Default == "" {
			c.add(p, "{%s} stands in a host, and is optional; give the input a default", name)
		}
		if c.inputs[name] == nil && u.port != "" {
			c.add(p, "a captured value in a host, and a port, exclude each other")
		}
	}
	if err := u.checkHosts(c.known); err != nil {
		c.add(p, "%v", err)
		return u, false
	}
	return u, true
}
