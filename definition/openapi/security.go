package openapi

import (
	"slices"
	"strconv"
	"strings"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/importer"
)

// An alternative is one way through the security of the document: schemes that go along
// with a request together.
type alternative struct {
	at      importer.Value
	schemes []string
	taken   int // by how many operations
}

// methods makes a method of each alternative.
func (i *imported) methods() {
	alternatives, public := i.alternatives()
	if len(alternatives) == 0 && !public {
		alternatives = i.undeclared()
	}
	total := 0
	for _, o := range i.operations() {
		if !isOpen(i.securityOf(o)) {
			total++
		}
	}
	for n, a := range alternatives {
		if n >= maxMethods || len(i.def.Methods) > maxMethods-maxWays {
			i.Note(a.at, "is left out, and so are all further alternatives: there are too many")
			break
		}
		before := len(i.def.Methods)
		i.alternative(a)
		if a.taken < total && len(i.def.Methods) > before {
			i.Note(a.at, "%d of %d operations take the method %s", a.taken, total, i.def.Methods[before].Name)
		}
	}
	if len(alternatives) == 0 && public {
		i.add(i.root.Get("security"), "none", "", everybody)
	}
	if len(i.def.Methods) == 0 && !i.Pending {
		i.Reopen(i.root.Get("security"), none)
	}
}

// none is the question how to authenticate where the document has no usable way.
var none = importer.OpenQuestion("security", "declares nothing that a definition can say; how do requests authenticate? Besides the choices: header NAME, query NAME or cookie NAME for a key",
	definition.Choice{Value: "none", Title: "without credentials"}, definition.Choice{Value: "basic", Title: "user name and password"},
	definition.Choice{Value: "bearer", Title: "a token in the header Authorization"})

// maxMethods is how many methods a definition has.
const maxMethods = 50

// securityOf returns the requirements of an operation.
func (i *imported) securityOf(o operation) importer.Value {
	if own := o.at.Get("security"); own.Exists() {
		return own
	}
	return i.root.Get("security")
}

// isOpen reports whether requirements let everybody in.
func isOpen(security importer.Value) bool {
	return len(security.Elements()) == 0 || slices.ContainsFunc(security.Elements(), isNone)
}

// isNone reports whether a requirement is {}.
func isNone(requirement importer.Value) bool {
	for range requirement.Members() {
		return false
	}
	return requirement.IsObject()
}

// alternatives returns the alternatives of the document and of its operations, each once,
// with the scopes that any of them names. public means that the document lets everybody
// in somewhere.
func (i *imported) alternatives() (list []*alternative, public bool) {
	byKey, seen := map[string]*alternative{}, map[[2]string]bool{}
	i.scopes = map[string][]string{}
	read := func(security importer.Value, count int) {
		for _, requirement := range security.Elements() {
			var schemes []string
			for name, scopes := range requirement.Members() {
				schemes = append(schemes, name)
				for _, scope := range scopes.Elements() {
					if s := scope.Text(); s != "" && len(i.scopes[name]) < maxScopes && !seen[[2]string{name, s}] {
						seen[[2]string{name, s}] = true
						i.scopes[name] = append(i.scopes[name], s)
					}
				}
			}
			sorted := slices.Sorted(slices.Values(schemes))
			key := strings.Join(sorted, "\x00")
			a := byKey[key]
			if a == nil {
				a = &alternative{at: requirement, schemes: schemes}
				byKey[key] = a
				if len(schemes) > 0 {
					list = append(list, a)
				}
			}
			a.taken += count
		}
	}
	top, inherit := i.root.Get("security"), 0
	for _, o := range i.operations() {
		if !o.at.Get("security").Exists() {
			inherit++
		}
	}
	read(top, inherit)
	optional := len(list) > 0 && slices.ContainsFunc(top.Elements(), isNone)
	public = top.IsList() && isOpen(top)
	for _, o := range i.operations() {
		if own := o.at.Get("security"); own.Exists() {
			read(own, 1)
			public = public || isOpen(own)
		}
	}
	if optional {
		list = append(list, &alternative{at: top, taken: len(i.operations())})
	}
	return list, public
}

// undeclared asks which schemes count where no operation names one.
func (i *imported) undeclared() []*alternative {
	at := i.root.Get("security")
	q := none
	declared := i.declaredSchemes()
	for name := range declared.Members() {
		q.Choices = append(slices.Clip(q.Choices), definition.Choice{Value: name, Title: "the scheme of that name"})
	}
	answer, ok := i.Ask(at, q)
	if !ok {
		return nil
	}
	if declared.Get(answer).Exists() {
		return []*alternative{{at: declared.Get(answer), schemes: []string{answer}, taken: len(i.operations())}}
	}
	switch kind, name, _ := strings.Cut(answer, " "); kind {
	case "none":
		i.add(at, kind, "", everybody)
	case "basic":
		i.add(at, kind, "", i.basic("basic", ""))
	case "bearer":
		i.add(at, kind, "", i.bearer("token", ""))
	case "header", "query", "cookie":
		i.add(at, kind, "", i.key("apiKey", "", dialect.Placement{In: dialect.Location(kind), Name: name}))
	default:
		i.Reopen(at, q)
	}
	return nil
}

// maxWays is how many methods one alternative makes, and maxTogether how many schemes an
// alternative has.
const maxWays, maxTogether = 10, 20

// alternative makes the methods of an alternative: one for each combination of the ways
// through its schemes.
func (i *imported) alternative(a *alternative) {
	if len(a.schemes) == 0 {
		i.add(a.at, "none", "", everybody)
		return
	}
	if len(a.schemes) > maxTogether {
		i.Note(a.at, "is left out: more than %d schemes go together", maxTogether)
		return
	}
	combined := []way{{}}
	for _, name := range a.schemes {
		found := i.scheme(a.at, name)
		if len(found.list) == 0 {
			if !found.pending {
				i.Note(a.at, "is left out: the scheme %s cannot be a definition", strconv.Quote(importer.Short(name)))
			}
			return
		}
		var next []way
		for _, before := range combined {
			for _, w := range found.list {
				next = append(next, before.and(w))
			}
		}
		combined = next[:min(len(next), maxWays)]
		if len(next) > maxWays {
			i.Note(a.at, "has more than %d combinations; the others are left out", maxWays)
		}
	}
	for _, w := range combined {
		suffix := ""
		if len(combined) > 1 {
			suffix = w.flow
		}
		var names []string
		for _, name := range a.schemes {
			names = append(names, last(name))
		}
		i.add(a.at, importer.Slug(strings.Join(names, "-")), suffix, w)
	}
}

// last returns what names a scheme: a name, or the last part of a URI.
func last(scheme string) string { return scheme[strings.LastIndexAny(scheme, "/#")+1:] }
