package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// path is the path of the root module, with which the paths of all other modules begin.
const path = "github.com/connectorauth/connectorauth"

// A module is a module that a release publishes.
type module struct {
	Path string
	Dir  string // below the root folder; "." is the root module
	file *modfile.File
}

// tag returns the tag of a version of the module.
func (m *module) tag(version string) string {
	if m.Dir == "." {
		return version
	}
	return m.Dir + "/" + version
}

// name returns the folder of the module, or what a person calls the root.
func (m *module) name() string {
	if m.Dir == "." {
		return "the root module"
	}
	return m.Dir
}

// ours returns the modules of the repository that the module requires.
func (m *module) ours() (paths []string) {
	for _, r := range m.file.Require {
		if isOurs(r.Mod.Path) {
			paths = append(paths, r.Mod.Path)
		}
	}
	return paths
}

// isOurs reports whether a module is of this repository.
func isOurs(name string) bool { return name == path || strings.HasPrefix(name, path+"/") }

// published returns the modules that a release publishes, each after the modules that it
// requires. Examples, and what only tests need, are not published.
func published(root string) ([]*module, error) {
	out, err := exec.Command("git", "-C", root, "ls-files", "go.mod", "*/go.mod").Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	var found []*module
	for _, name := range strings.Fields(string(out)) {
		dir := filepath.ToSlash(filepath.Dir(name))
		if parts := strings.Split(dir, "/"); slices.Contains(parts, "internal") || parts[0] == "examples" || parts[len(parts)-1] == "sqltest" {
			continue
		}
		m := &module{Dir: dir}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return nil, err
		}
		if m.file, err = modfile.Parse(name, text, nil); err != nil {
			return nil, err
		}
		m.Path = m.file.Module.Mod.Path
		found = append(found, m)
	}
	return sorted(found)
}

// sorted returns the modules, each after the modules that it requires.
func sorted(modules []*module) (order []*module, err error) {
	done := map[string]bool{}
	for len(order) < len(modules) {
		before := len(order)
		for _, m := range modules {
			missing := func(name string) bool { return !done[name] }
			if !done[m.Path] && !slices.ContainsFunc(m.ours(), missing) {
				order, done[m.Path] = append(order, m), true
			}
		}
		if len(order) == before {
			return nil, fmt.Errorf("some modules require each other, or a module that is not published: %d of %d have an order", len(order), len(modules))
		}
	}
	return order, nil
}
