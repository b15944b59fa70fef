package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/modfile"
)

// write writes files below a new folder.
func write(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
	return dir
}

func TestEachPublishedModuleComesAfterThoseItRequires(t *testing.T) {
	modules, err := published("../..")
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, m := range modules {
		for _, name := range m.ours() {
			assert.True(t, seen[name], "%s comes before %s", m.Path, name)
		}
		seen[m.Path] = true
		assert.NotContains(t, m.Dir, "internal")
		assert.NotContains(t, m.Dir, "examples")
		assert.NotContains(t, m.Dir, "sqltest")
	}
	for _, name := range []string{path, path + "/script", commandLine} {
		assert.True(t, seen[name], name)
	}
	assert.Equal(t, "v0.1.0", modules[slices.IndexFunc(modules, func(m *module) bool { return m.Path == path })].tag("v0.1.0"))
	assert.Equal(t, "script/v0.1.0", modules[slices.IndexFunc(modules, func(m *module) bool { return m.Path == path+"/script" })].tag("v0.1.0"))
}

func TestAModuleOfAnotherRepositoryIsNotOurs(t *testing.T) {
	assert.True(t, isOurs(path))
	assert.True(t, isOurs(path+"/script"))
	assert.False(t, isOurs(path+"-fork"))
}

func TestModulesWithoutAnOrderAreRefused(t *testing.T) {
	var modules []*module
	for name, other := range map[string]string{"a": "b", "b": "a"} {
		file, err := modfile.Parse("go.mod", []byte("module "+path+"/"+name+"\n\nrequire "+path+"/"+other+" v0.0.0\n"), nil)
		require.NoError(t, err)
		modules = append(modules, &module{Path: path + "/" + name, Dir: name, file: file})
	}
	_, err := sorted(modules)
	require.ErrorContains(t, err, "require each other")
}

func TestAReleaseRequiresItsOwnModulesByVersion(t *testing.T) {
	dir := write(t, map[string]string{"go.mod": "module " + path + "/script\n\ngo 1.25.0\n\nrequire (\n\t" + path + " v0.0.0\n\tgolang.org/x/oauth2 v0.36.0\n)\n\nreplace " + path + " => ../\n"})
	text, err := required(filepath.Join(dir, "go.mod"), "v0.1.0")
	require.NoError(t, err)
	assert.Equal(t, "module "+path+"/script\n\ngo 1.25.0\n\nrequire (\n\t"+path+" v0.1.0\n\tgolang.org/x/oauth2 v0.36.0\n)\n", string(text))

	dir = write(t, map[string]string{"go.mod": "module " + path + "/script\n\nreplace golang.org/x/oauth2 => ../fork\n"})
	_, err = required(filepath.Join(dir, "go.mod"), "v0.1.0")
	require.ErrorContains(t, err, "golang.org/x/oauth2, which users would not get")
}

func TestAnIncompatibleChangeOfTheAPIIsFound(t *testing.T) {
	source := func(text string) string {
		return write(t, map[string]string{"go.mod": "module example.com/m\n\ngo 1.25.0\n", "m.go": "package m\n\n" + text, "internal/i/i.go": "package i\n\n" + text, "cmd/m/main.go": "package main\n\nfunc main() {}\n"})
	}
	old := source("// F does nothing.\nfunc F() {}\n")
	for name, row := range map[string]struct {
		text string
		want []string // a ! stands before an incompatible change
	}{
		"the same":          {"// F does something.\nfunc F() { println() }\n", nil},
		"more":              {"func F() {}\n\nfunc G() {}\n", []string{"G: added"}},
		"another parameter": {"func F(int) {}\n", []string{"!F: changed from func() to func(int)"}},
		"less":              {"func f() {}\n", []string{"!F: removed"}},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := difference(old, source(row.text))
			require.NoError(t, err)
			var got []string
			for _, c := range report.Changes {
				mark := ""
				if !c.Compatible {
					mark = "!"
				}
				got = append(got, mark+strings.TrimPrefix(c.Message, "./"))
			}
			assert.Equal(t, row.want, got)
		})
	}
	_, err := difference(old, source("func F( {}\n"))
	require.Error(t, err)
}

func TestOnlyLicencesThatAskForANoticeAreAllowed(t *testing.T) {
	mit, err := os.ReadFile("../../LICENSE")
	require.NoError(t, err)
	names, err := licenseOf(write(t, map[string]string{"LICENSE": string(mit)}))
	require.NoError(t, err)
	assert.Equal(t, "MIT", names)
	names, err = licenseOf(write(t, map[string]string{"LICENCE.md": string(mit)}))
	require.NoError(t, err)
	assert.Equal(t, "MIT", names)
	for name, want := range map[string]string{"none": "has no licence", "unknown": "of no known kind", "AGPL": "AGPL-3.0"} {
		files := map[string]string{"none": "", "unknown": "Do what I say.", "AGPL": "This program is free software: you can redistribute it and/or modify it under the terms of the GNU Affero General Public License as published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version."}
		dir := write(t, map[string]string{"LICENSE": files[name]})
		if name == "none" {
			require.NoError(t, os.Remove(filepath.Join(dir, "LICENSE")))
		}
		_, err := licenseOf(dir)
		require.ErrorContains(t, err, want, name)
	}
}

func TestThePageOfLicencesIsOfToday(t *testing.T) {
	t.Chdir("../..")
	modules, err := published(".")
	require.NoError(t, err)
	want, err := licenses(modules)
	require.NoError(t, err)
	got, err := os.ReadFile("docs/licenses.md")
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "run go run ./internal/release licenses")
}
