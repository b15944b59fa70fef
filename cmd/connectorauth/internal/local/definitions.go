package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/connectorauth/connectorauth/awsauth"
	"github.com/connectorauth/connectorauth/catalog"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/definition/yaml"
	"github.com/connectorauth/connectorauth/digestauth"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/mcp"
)

// Options are what definitions may say on this machine: all kinds of credentials, and any
// host, because the person who names the host is the person who gives the credential. finder
// and registrar serve MCP servers.
func Options(finder *discovery.Finder, registrar *discovery.Registrar) definition.Options {
	return definition.Options{AnyHost: true, Kinds: []definition.Kind{
		awsauth.Kind(awsauth.Default()), digestauth.Kind(), mcp.Kind(mcp.KindConfig{Finder: finder, Registrar: registrar}),
	}}
}

// Parse reads a definition in JSON, or in YAML if the name of the file ends so.
func Parse(file string, document []byte, options definition.Options) (*definition.Definition, error) {
	if IsYAML(file) {
		return yaml.Parse(file, document, options)
	}
	return definition.Parse(file, document, options)
}

// IsYAML reports whether the name of a file promises YAML.
func IsYAML(file string) bool {
	ending := strings.ToLower(filepath.Ext(file))
	return ending == ".yaml" || ending == ".yml"
}

// Imported returns the definitions in the folder of imported definitions. A file with mistakes
// is left out, unless the file is named as wanted: then the mistakes are the error.
func Imported(dir, wanted string, options definition.Options) ([]*definition.Definition, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []*definition.Definition
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		name, isJSON := strings.CutSuffix(entry.Name(), ".json")
		if !isJSON {
			continue
		}
		document, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) && !isLink(path) {
			continue // somebody has removed the file since
		}
		if err != nil {
			return nil, err
		}
		d, err := Parse(path, document, options)
		switch {
		case err == nil:
			all = append(all, d)
		case name == wanted:
			return nil, err
		}
	}
	return all, nil
}

// isLink reports whether a path is a link, be it to a file that is missing.
func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// An UnknownError says that no definition has a name.
type UnknownError struct {
	Name string
	Near []string // names that were probably meant, at most three
}

// Error suggests names.
func (e *UnknownError) Error() string {
	return fmt.Sprintf("there is no service %q%s", e.Name, Meant(e.Near))
}

// Meant returns the end of an error that suggests names.
func Meant(near []string) string {
	if len(near) == 0 {
		return "; run connectorauth catalog search, or connectorauth import a definition"
	}
	return "; did you mean " + strings.Join(near, " or ") + "?"
}

// Find returns the definition of a service, by a present or former name: an imported
// definition, the definition of MCP servers, or a definition of the catalogue. draft
// reports that a single witness describes the service.
func (a *Accounts) Find(name string) (d *definition.Definition, draft bool, err error) {
	return Lookup(a.home.Definitions(), name, a.options, mcp.KindConfig{Finder: a.finder, Registrar: a.registrar})
}

// Lookup is Find without accounts: dir is the folder of imported definitions, and servers says
// how MCP servers are found.
func Lookup(dir, name string, options definition.Options, servers mcp.KindConfig) (d *definition.Definition, draft bool, err error) {
	imported, err := Imported(dir, name, options)
	if err != nil {
		return nil, false, err
	}
	for _, d := range imported {
		if d.Name == name || slices.Contains(d.Was, name) {
			return d, false, nil
		}
	}
	if name == "mcp" {
		d, err := mcp.AnyServer(servers)
		return d, false, err
	}
	if d, err := catalog.Find(name, catalog.Options{AnyHost: true}); err == nil {
		return d, false, nil
	}
	if d, err := catalog.Find(name, catalog.Options{AnyHost: true, Drafts: true}); err == nil {
		return d, true, nil
	}
	names := []string{"mcp"}
	for _, d := range imported {
		names = append(names, d.Name)
	}
	all := catalog.Options{AnyHost: true, Drafts: true}
	for _, e := range catalog.List(all) {
		names = append(names, e.Name)
	}
	near := Near(name, names)
	if !strings.ContainsFunc(name, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
		return nil, false, &UnknownError{name, near} // a search would find the whole catalogue
	}
	for _, e := range catalog.Search(name, all) {
		if len(near) < 3 && !slices.Contains(near, e.Name) {
			near = append(near, e.Name)
		}
	}
	return nil, false, &UnknownError{name, near}
}
