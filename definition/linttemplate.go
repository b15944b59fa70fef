package definition

import (
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/internal/lazy"
)

// Names as templates of other languages write them: ${name} and {{name}}.
var (
	dollar = lazy.Regexp(`\$\{([A-Za-z0-9_]+)\}`)
	twice  = lazy.Regexp(`\{\{([A-Za-z0-9_]+)\}\}`)
	names  = lazy.Regexp(`[A-Za-z0-9_]+`)
)

// templates looks at the texts of a definition, and returns the names that may stand in
// them: too many rather than too few.
func (l *linter) templates(n *node, p *path, used map[string]bool) {
	if n.kind == text && strings.Contains(n.text, "{") {
		if found := dollar().FindStringSubmatch(n.text); found != nil && l.isInput(found[1]) {
			l.addAt(int(n.at), p, "sends the $ before the value; write {%s}", found[1])
		}
		if found := twice().FindStringSubmatch(n.text); found != nil && l.isInput(found[1]) {
			l.addAt(int(n.at), p, "sends {%s} as it stands, and not the value; write one brace", found[1])
		}
		for _, name := range names().FindAllString(twice().ReplaceAllString(n.text, ""), -1) {
			used[name] = true
		}
	}
	hasInputs := p == nil || !p.isName && p.parent.parent == nil // of the definition, or of a method
	for i := range n.list {
		m := &n.list[i]
		switch {
		case n.kind == array:
			l.templates(&m.value, p.element(i), used)
		case !strings.HasPrefix(m.name, "x-") && !(hasInputs && m.name == "inputs"):
			l.templates(&m.value, p.member(m.name), used)
		}
	}
}

// isInput reports whether an input has a name.
func (l *linter) isInput(name string) bool {
	has := func(list []Input) bool {
		return slices.ContainsFunc(list, func(i Input) bool { return i.Name == name })
	}
	return has(l.d.Inputs) || slices.ContainsFunc(l.d.Methods, func(m Method) bool { return has(m.Inputs) })
}

// unused lists the secrets that no template has: programs do not see secrets.
func (l *linter) unused(p *path, list []Input, used map[string]bool) {
	for i := range list {
		if name := list[i].Name; list[i].Secret && !used[name] {
			l.add(p.element(i), "is a secret in no template, so that nothing sends it; write {%s} where it belongs", name)
		}
	}
}

// isKey looks at the input of a private key.
func (l *linter) isKey(p *path, s string) {
	for _, i := range l.d.inputs(l.m) {
		if s == "{"+i.Name+"}" && i.Format != FormatKey {
			l.add(p, "has line breaks mostly, which the input %s takes with the format key alone", i.Name)
		}
	}
}
