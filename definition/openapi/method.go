package openapi

import (
	"cmp"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/importer"
)

// A way is a set of credentials that lets requests in.
type way struct {
	flow    string // tells ways through one scheme apart
	parts   []part
	inputs  []definition.Input
	pending bool // a question is open
}

// A part is one credential.
type part struct {
	scheme     string            // its name in the document
	credential definition.Scheme // nil means that the transport of the program has the credential
	title      string
	place      string // where the credential goes; two credentials need two places
	same       string // equal for credentials that are the same
}

// everybody is the way without credentials.
var everybody = way{parts: []part{{credential: &definition.None{}, title: "No credentials", same: "none"}}}

// and returns the way that needs both.
func (w way) and(other way) way {
	return way{
		flow: strings.Trim(w.flow+"-"+other.flow, "-"), parts: slices.Concat(w.parts, other.parts),
		inputs: slices.Concat(w.inputs, other.inputs), pending: w.pending || other.pending,
	}
}

// add makes a method of a way.
func (i *imported) add(at importer.Value, name, suffix string, w way) {
	if tokens := w.tokens(); len(tokens) > 1 {
		i.Note(at, "is left out: %s are tokens that are renewed, and an account has one", strings.Join(tokens, " and "))
		return
	}
	w.pending = i.Watch(func() { i.single(at, &w) }) || w.pending
	var carried, titles, same []string
	m := definition.Method{Inputs: w.inputs}
	for _, p := range w.parts {
		same = append(same, p.same)
		if p.credential == nil {
			continue
		}
		carried, titles = append(carried, p.scheme), append(titles, p.title)
		c := definition.Credential{Scheme: p.credential}
		if _, ok := p.credential.(*definition.OAuth2); ok && m.Scheme != nil { // which comes first, for Connected.Credential
			c, m.Credential = m.Credential, c
		}
		if m.Scheme == nil {
			m.Credential = c
		} else {
			m.And = append(m.And, c)
		}
	}
	if m.Scheme == nil {
		m.Credential, titles = everybodysCredential, []string{everybody.parts[0].title}
	}
	slices.Sort(same)
	key := strings.Join(same, "\n")
	if other, ok := i.same[key]; ok {
		i.Note(at, "is left out: requests carry the same as with the method %s", other)
		return
	}
	m.Title = i.title(strings.Join(titles, " and "), strings.Join(carried, " and "))
	m.Name = importer.Slug(strings.Trim(cmp.Or(name, "method")+"-"+suffix, "-"))
	if i.names[m.Name] {
		m.Name = importer.Unique(i.names, m.Name[:min(len(m.Name), 56)], "-")
	}
	if !w.pending {
		if err := importer.TryPart(i.def, &m, ""); err != nil {
			i.Note(at, "is left out: %s", strings.TrimPrefix(err.Error(), "methods[0]."))
			return
		}
	}
	i.names[m.Name], i.same[key] = true, m.Name
	i.def.Methods = append(i.def.Methods, m)
}

var everybodysCredential = definition.Credential{Scheme: &definition.None{}}

// tokens returns the schemes whose tokens are renewed.
func (w way) tokens() (list []string) {
	for _, p := range w.parts {
		if _, ok := p.credential.(*definition.OAuth2); ok {
			list = append(list, p.scheme)
		}
	}
	return list
}

// title returns a title that no other method has.
func (i *imported) title(title, schemes string) string {
	if slices.ContainsFunc(i.def.Methods, func(m definition.Method) bool { return m.Title == title }) {
		return title + " (" + importer.Short(schemes) + ")"
	}
	return title
}

// single asks which credential goes into a place that two want.
func (i *imported) single(at importer.Value, w *way) {
	for a := 0; a < len(w.parts); a++ {
		b := slices.IndexFunc(w.parts, func(p part) bool { return p.place == w.parts[a].place })
		if b == a || w.parts[a].place == "" {
			continue
		}
		first, second := w.parts[b].scheme, w.parts[a].scheme
		answer, ok := i.Ask(at, importer.Question("double:"+first+"+"+second, "wants two credentials in the "+w.parts[a].place+"; which one goes there?",
			definition.Choice{Value: first}, definition.Choice{Value: second}))
		switch {
		case !ok:
			continue
		case answer == first:
			b = a
		}
		w.parts = slices.Delete(w.parts, b, b+1)
		a = -1
		w.trim()
	}
}

// trim removes inputs of credentials that are gone.
func (w *way) trim() {
	w.inputs = slices.DeleteFunc(slices.Clone(w.inputs), func(in definition.Input) bool {
		return !slices.ContainsFunc(w.parts, func(p part) bool { return uses(p.credential, in.Name) })
	})
}

// uses reports whether a credential has an input in its templates.
func uses(credential definition.Scheme, name string) bool {
	document, err := (&definition.Definition{Methods: []definition.Method{{Credential: definition.Credential{Scheme: credential}}}}).Document()
	return err == nil && strings.Contains(string(document), "{"+name+"}")
}
