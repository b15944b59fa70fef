package catalog

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/words"
)

//go:embed services/*.json drafts/*.json
var files embed.FS

// Options say which definitions a program wants.
type Options struct {
	// Drafts allows definitions with one witness. The zero value leaves drafts out.
	Drafts bool
	// AnyHost allows definitions of products that people host themselves: see
	// [definition.Options]. The zero value refuses such definitions.
	AnyHost bool
	// Scopes take the place of the scopes of each OAuth2 method: the scopes that the program
	// wants, in the words of the service. Empty means the scopes of the catalogue.
	Scopes []string
}

// Find returns the definition of a service by its name, or by a former name. Find reads the
// document of the service alone, at each call: a program keeps the definition. The error for
// an unknown name suggests similar names.
func Find(name string, options Options) (*definition.Definition, error) {
	e, err := lookup(name, options)
	switch {
	case err != nil:
		return nil, err
	case e.Draft && !options.Drafts:
		return nil, fmt.Errorf("catalog: %s is a draft, which one witness describes; set Options.Drafts to use drafts", e.Name)
	case e.AnyHost && !options.AnyHost:
		return nil, fmt.Errorf("catalog: accounts of %s may be at any host; set Options.AnyHost, and see \"Any host\" in package definition", e.Name)
	}
	return e.parse(options)
}

// Load returns the definitions of all services that the options allow, for a program that
// offers every service. Without Options.AnyHost, definitions that need AnyHost are left out.
// Load takes a fraction of a second: a program keeps the Set.
func Load(options Options) (*definition.Set, error) {
	var all []*definition.Definition
	for _, e := range List(options) {
		d, err := e.parse(options)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return definition.NewSet(all...)
}

// lookup finds a service. The index of all services is read only if no file has the name.
func lookup(name string, options Options) (*Entry, error) {
	if slices.ContainsFunc([]byte(name), func(b byte) bool { return b == '/' || b == '.' || b == '\\' }) {
		return nil, fmt.Errorf("catalog: %q is no name of a service", name)
	}
	for _, shelf := range shelves {
		if text, err := files.ReadFile(shelf + "/" + name + ".json"); err == nil {
			return read(shelf, text)
		}
	}
	for _, e := range index() {
		if slices.Contains(e.Was, name) {
			return e, nil
		}
	}
	hint := ""
	if near := nearest(name, options); len(near) > 0 {
		hint = "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return nil, fmt.Errorf("catalog: no service %q%s", name, hint)
}

// nearest returns up to three names that are like name: names that the options allow, or
// names of other services if the options allow no such name.
func nearest(name string, options Options) (near []string) {
	for _, options := range []Options{options, {Drafts: true, AnyHost: true}} {
		if name == "" {
			return nil
		}
		for _, e := range Search(name, options) {
			near = append(near, e.Name)
		}
		if len(near) > 0 {
			return near[:min(3, len(near))]
		}
		for _, e := range List(options) {
			near = append(near, e.Name)
		}
		if one := words.Nearest(name, near); one != "" {
			return []string{one}
		}
		near = nil
	}
	return nil
}

// parse reads the whole definition.
func (e *Entry) parse(options Options) (*definition.Definition, error) {
	allow := definition.Options{AnyHost: options.AnyHost}
	d, err := definition.Parse(e.Name+".json", e.document, allow)
	if err != nil || len(options.Scopes) == 0 {
		return d, err
	}
	wanted := make([]definition.Scope, len(options.Scopes))
	for i, name := range options.Scopes {
		wanted[i].Name = name
	}
	d.Methods = slices.Clone(d.Methods)
	for i := range d.Methods {
		if scheme, ok := d.Methods[i].Scheme.(*definition.OAuth2); ok {
			other := *scheme
			other.Scopes = wanted
			d.Methods[i].Scheme = &other
		}
	}
	document, err := d.Document()
	if err != nil {
		return nil, err
	}
	return definition.Parse(e.Name+".json", document, allow)
}
