package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A repository is a small one of the root module and of script, in the present folder.
type repository struct{ t *testing.T }

func newRepository(t *testing.T) repository {
	t.Helper()
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	for _, who := range []string{"AUTHOR", "COMMITTER"} {
		t.Setenv("GIT_"+who+"_NAME", "somebody")
		t.Setenv("GIT_"+who+"_EMAIL", "somebody@example.com")
	}
	t.Setenv("GOWORK", "off")
	dir := write(t, map[string]string{
		"go.mod":        "module " + path + "\n\ngo 1.25.0\n",
		"root.go":       "package connectorauth\n\nfunc F() {}\n",
		"LICENSE":       "Do what I say.\n",
		"CHANGELOG.md":  "# Changes\n\n## Next\n\nNothing.\n",
		"script/go.mod": "module " + path + "/script\n\ngo 1.25.0\n\nrequire " + path + " v0.0.0\n\nreplace " + path + " => ../\n",
		"script/s.go":   "package script\n\nimport \"" + path + "\"\n\nfunc G() { connectorauth.F() }\n",
	})
	t.Chdir(dir)
	r := repository{t}
	r.git("init", "-q")
	r.commit()
	return r
}

func (r repository) git(args ...string) string {
	r.t.Helper()
	out, err := exec.Command("git", args...).CombinedOutput()
	require.NoError(r.t, err, "%s", out)
	return strings.TrimSpace(string(out))
}

func (r repository) commit() {
	r.t.Helper()
	r.git("add", ".")
	r.git("commit", "-q", "--allow-empty", "-m", "a change")
}

func (r repository) write(name, text string) {
	r.t.Helper()
	require.NoError(r.t, os.WriteFile(name, []byte(text), 0o644))
}

// compare returns the lines of the comparison with the last release.
func (r repository) compare() (string, error) {
	r.t.Helper()
	modules, err := published(".")
	require.NoError(r.t, err)
	var out bytes.Buffer
	err = compare(modules, &out)
	return out.String(), err
}

// The API is compared with the highest version, and a break needs a heading in the part of the
// changelog that the next release will have.
func TestAChangeThatBreaksProgramsMustBeAnnounced(t *testing.T) {
	r := newRepository(t)
	r.git("tag", "vendor") // no version
	out, err := r.compare()
	require.NoError(t, err)
	assert.Contains(t, out, "No release is tagged")

	r.git("tag", "v0.9.0")
	r.write("root.go", "package connectorauth\n\nfunc F() {}\n\nfunc H() {}\n")
	r.commit()
	r.git("tag", "v0.10.0")
	r.write("root.go", "package connectorauth\n\nfunc F() {}\n\nfunc H() {}\n\nfunc I() {}\n")
	out, err = r.compare()
	require.NoError(t, err)
	assert.Contains(t, out, "I: added")
	assert.NotContains(t, out, "H: added")

	r.write("root.go", "package connectorauth\n\nfunc F() {}\n")
	out, err = r.compare()
	require.ErrorContains(t, err, "v0.10.0")
	assert.Contains(t, out, path+": BREAKING: ")

	r.write("CHANGELOG.md", "# Changes\n\n## Next\n\nNothing.\n\n## v0.10.0\n\n"+breaking+"\n\nOld ones.\n")
	_, err = r.compare()
	require.ErrorContains(t, err, "CHANGELOG.md", "the heading of an old release")

	r.write("CHANGELOG.md", "# Changes\n\n## Next\n\n"+breaking+"\n\nH is gone.\n")
	out, err = r.compare()
	require.NoError(t, err)
	assert.Contains(t, out, path+": BREAKING: ")
}

func TestAReleaseNeedsACommitAndAnEmptyFolder(t *testing.T) {
	r := newRepository(t)
	modules, err := published(".")
	require.NoError(t, err)
	to := t.TempDir()
	r.write("more.go", "package connectorauth\n")
	_, err = prepare(modules, "v0.1.0", to)
	require.ErrorIs(t, err, errChanges)
	r.commit()
	full := write(t, map[string]string{"mine.txt": "keep this"})
	_, err = prepare(modules, "v0.1.0", full)
	require.ErrorContains(t, err, "is not empty")
	for _, version := range []string{"", "0.1.0", "v1", "v0.1", "v0.1.0+build"} {
		require.ErrorContains(t, run([]string{version}, to, true), "want a version", version)
	}
	for _, args := range [][]string{nil, {"v0.1.0", "-to", to}, {"v0.1.0", "api"}} {
		require.ErrorContains(t, run(args, "", true), "one version or command, after the flags", args)
	}
}

// The clone of a release has a commit whose modules require each other by version, a tag for
// each module, and the remote of the checkout. The checkout itself stays as it is.
func TestAReleaseIsAClone(t *testing.T) {
	r := newRepository(t)
	r.git("remote", "add", "origin", "https://git.example/connectorauth")
	before := r.git("rev-parse", "HEAD")
	modules, err := published(".")
	require.NoError(t, err)
	made, err := prepare(modules, "v0.1.0", t.TempDir())
	require.NoError(t, err)
	clone := func(args ...string) string { return r.git(append([]string{"-C", made.source("")}, args...)...) }
	assert.Equal(t, "script/v0.1.0\nv0.1.0", clone("tag", "--list", "--points-at", "HEAD"))
	assert.Equal(t, before, clone("rev-parse", "HEAD~1"))
	assert.Equal(t, "https://git.example/connectorauth", clone("remote", "get-url", "origin"))
	assert.Empty(t, clone("status", "--porcelain", "--untracked-files=no"))
	text := clone("show", "script/v0.1.0:script/go.mod")
	assert.Contains(t, text, "require "+path+" v0.1.0")
	assert.NotContains(t, text, "replace")
	for _, file := range []string{".mod", ".info", ".zip"} {
		assert.FileExists(t, filepath.Join(made.dir, "proxy", filepath.FromSlash(path), "script", "@v", "v0.1.0"+file))
	}
	assert.Equal(t, before, r.git("rev-parse", "HEAD"))
	assert.Empty(t, r.git("tag", "--list"))
	assert.Empty(t, r.git("status", "--porcelain"))

	var left bytes.Buffer
	require.NoError(t, made.explain(&left))
	assert.Contains(t, left.String(), "push origin \\\n    v0.1.0 \\\n    script/v0.1.0\n")
	made.temporary = true
	left.Reset()
	require.NoError(t, made.explain(&left))
	assert.NotContains(t, left.String(), "push", "the clone is removed")
	assert.Contains(t, left.String(), "-to DIR")
}
