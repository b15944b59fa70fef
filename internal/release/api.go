package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/exp/apidiff"
	"golang.org/x/mod/semver"
	"golang.org/x/tools/go/packages"
)

// breaking is the heading in CHANGELOG.md below which the next release tells what it breaks.
const breaking = "### Breaking changes"

// compare compares the API of each module with that of the last release, and writes the
// differences. A change that breaks programs is an error, unless the changelog has a heading
// for such changes.
func compare(modules []*module, w io.Writer) error {
	last, err := lastRelease()
	if err != nil {
		return err
	}
	if last == "" {
		_, err := fmt.Fprintln(w, "No release is tagged: there is nothing to compare with.")
		return err
	}
	dir, err := os.MkdirTemp("", "api")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	old := filepath.Join(dir, "old")
	if err := command(".", nil, "git", "clone", "-q", "--branch", last, ".", old); err != nil {
		return err
	}
	// The clone has the module files of the release, which require published modules: the
	// workspace of the clone puts the folders of the clone in their place.
	broken := false
	for _, m := range modules {
		if _, err := os.Stat(filepath.Join(old, m.Dir, "go.mod")); err != nil {
			fmt.Fprintf(w, "%s is new\n", m.Path)
			continue
		}
		report, err := difference(filepath.Join(old, m.Dir), m.Dir)
		if err != nil {
			return fmt.Errorf("%s: %w", m.Path, err)
		}
		for _, change := range report.Changes {
			kind := "compatible"
			if !change.Compatible {
				kind, broken = "BREAKING", true
			}
			fmt.Fprintf(w, "%s: %s: %s\n", m.Path, kind, change.Message)
		}
	}
	if broken && !announced() {
		return fmt.Errorf("the API breaks programs that use %s: tell what changes, and what to do, below %q in the first part of CHANGELOG.md", last, breaking)
	}
	return nil
}

// lastRelease returns the tag of the last release that the checkout knows, or empty.
func lastRelease() (string, error) {
	out, err := exec.Command("git", "tag", "--list", "v*").Output()
	if err != nil {
		return "", fmt.Errorf("git tag: %w", err)
	}
	tags := slices.DeleteFunc(strings.Fields(string(out)), func(tag string) bool { return !semver.IsValid(tag) })
	if len(tags) == 0 {
		return "", nil
	}
	return slices.MaxFunc(tags, semver.Compare), nil
}

// announced reports whether the first part of the changelog tells of breaking changes.
func announced() bool {
	text, err := os.ReadFile("CHANGELOG.md")
	if err != nil {
		return false
	}
	parts := bytes.SplitN(text, []byte("\n## "), 3)
	return len(parts) > 1 && bytes.Contains(parts[1], []byte("\n"+breaking+"\n"))
}

// difference returns how the API of the packages below a folder differs from that of another
// folder. Internal packages and programs have no API.
func difference(old, new string) (apidiff.Report, error) {
	before, err := load(old)
	if err != nil {
		return apidiff.Report{}, err
	}
	after, err := load(new)
	if err != nil {
		return apidiff.Report{}, err
	}
	return apidiff.ModuleChanges(before, after), nil
}

// load loads the packages that have an API, with their types.
func load(dir string) (*apidiff.Module, error) {
	config := &packages.Config{Dir: dir, Mode: packages.NeedName | packages.NeedTypes | packages.NeedImports | packages.NeedDeps | packages.NeedModule | packages.NeedTypesInfo | packages.NeedSyntax}
	all, err := packages.Load(config, "./...")
	if err != nil {
		return nil, err
	}
	m := &apidiff.Module{}
	for _, p := range all {
		for _, e := range p.Errors {
			return nil, e
		}
		m.Path = p.Module.Path
		if p.Name == "main" || slices.Contains(strings.Split(p.PkgPath, "/"), "internal") || strings.Contains(p.PkgPath, "/internal/") {
			continue
		}
		m.Packages = append(m.Packages, p.Types)
	}
	return m, nil
}
