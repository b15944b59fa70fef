package definition

import (
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/internal/template"
)

// input checks an input, which may stand in templates from now on.
func (c *checker) input(p *path, i *Input) {
	switch {
	case i.Name == "":
		c.missing(p.member("name"))
	case !template.IsName(i.Name):
		c.add(p.member("name"), "%s is no name of an input; use letters, digits and '_'", shown(i.Name))
	}
	named := func(at *path, name string) {
		if c.inputs[name] != nil || c.former[name] {
			c.add(at, "%s is the name of two inputs", shown(name))
		}
	}
	named(p.member("name"), i.Name)
	c.inputs[i.Name] = i
	for j, was := range i.Was {
		if !template.IsName(was) {
			c.add(p.member("was").element(j), "%s is no name of an input; use letters, digits and '_'", shown(was))
		}
		named(p.member("was").element(j), was)
		c.former[was] = true
	}
	c.limits(p, &i.Limits)
	switch {
	case i.Default != "" && i.Secret:
		c.add(p.member("default"), "a secret has no default, because a definition is no secret")
	case i.Default != "":
		if err := i.Limits.check(i.Default); err != nil {
			c.add(p.member("default"), "%v", err)
		}
	}
	if i.Example != "" && i.Limits.check(i.Example) != nil {
		c.add(p.member("example"), "is no value that the input allows")
	}
}

// limits checks what limits a value.
func (c *checker) limits(p *path, l *Limits) {
	if l.Pattern != "" {
		var err error
		if l.pattern, err = parsePattern(l.Pattern); err != nil {
			c.add(p.member("pattern"), "%v", err)
		}
	}
	l.origins = !slices.ContainsFunc(l.Enum, func(choice Choice) bool { return !choice.isOrigin() })
	for i, choice := range l.Enum {
		if slices.IndexFunc(l.Enum, func(other Choice) bool { return other.Value == choice.Value }) < i || choice.Value == "" {
			c.add(p.member("enum").element(i), "is empty, or there twice")
		}
	}
	for i, suffix := range l.Suffixes {
		at := p.member("suffixes").element(i)
		if !strings.HasPrefix(suffix, ".") {
			c.add(at, "must begin with a dot, such as .example.com")
		} else if err := checkSuffix(suffix, l.Suffixes); err != nil {
			c.add(at, "%v", err)
		}
	}
	switch {
	case l.AnyHost && c.d.anyHost && c.d.guard == nil:
		c.d.guard = newGuard()
	case l.AnyHost && !c.d.anyHost:
		c.add(p.member("anyHost"), "the program does not allow inputs that lead to any host; give suffixes or an enum, or set Options.AnyHost")
	}
}
