package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// A dependency is a module of somebody else, which a published module brings to its users.
type dependency struct {
	Path, Version, Dir string
}

// permissive are the licences that a dependency may have: those that ask for a notice alone.
var permissive = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}

// licenses returns the page that lists the dependencies of each published module, and their
// licences. A licence that is none of permissive is an error.
func licenses(modules []*module) ([]byte, error) {
	users := map[dependency][]string{}
	for _, m := range modules {
		found, err := dependencies(m)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Path, err)
		}
		for _, d := range found {
			users[d] = append(users[d], m.name())
		}
	}
	var page bytes.Buffer
	page.WriteString("# Licences of dependencies\n\nWritten by `go run ./internal/release licenses`: do not edit the page by hand.\n\n" +
		"The modules that a program gets with each module of this repository. What only tests need is not listed.\n\n" +
		"| dependency | version | licence | comes with |\n| --- | --- | --- | --- |\n")
	for _, d := range slices.SortedFunc(maps.Keys(users), func(a, b dependency) int { return cmp.Compare(a.Path+a.Version, b.Path+b.Version) }) {
		license, err := licenseOf(d.Dir)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.Path, err)
		}
		fmt.Fprintf(&page, "| %s | %s | %s | %s |\n", d.Path, d.Version, license, strings.Join(users[d], ", "))
	}
	return page.Bytes(), nil
}

// dependencies returns the modules of others whose packages are compiled into programs that use
// the module.
func dependencies(m *module) ([]dependency, error) {
	c := exec.Command("go", "list", "-deps", "-json=Module", "./...")
	c.Dir, c.Env, c.Stderr = m.Dir, append(c.Environ(), "GOWORK=off"), os.Stderr
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	found := map[dependency]bool{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct{ Module *dependency }
		if err := decoder.Decode(&p); err == io.EOF {
			return slices.Collect(maps.Keys(found)), nil
		} else if err != nil {
			return nil, err
		}
		if p.Module != nil && !isOurs(p.Module.Path) {
			found[*p.Module] = true
		}
	}
}

// licenseOf returns the SPDX names of the licences in a folder.
func licenseOf(dir string) (string, error) {
	names, err := filepath.Glob(filepath.Join(dir, "LICEN[SC]E*"))
	if err != nil || len(names) == 0 {
		return "", fmt.Errorf("%s has no licence", dir)
	}
	found := map[string]bool{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		for _, match := range licensecheck.Scan(text).Match {
			found[match.ID] = true
		}
	}
	ids := slices.Sorted(maps.Keys(found))
	for _, id := range ids {
		if !slices.Contains(permissive, id) {
			return "", fmt.Errorf("the licence %s is none of %s: look whether users may have the dependency", id, strings.Join(permissive, ", "))
		}
	}
	if len(ids) == 0 {
		return "", fmt.Errorf("the licence in %s is of no known kind", dir)
	}
	return strings.Join(ids, ", "), nil
}
