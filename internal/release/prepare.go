package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
	mod "golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// A release is a version of all modules, in a folder:
//
//	source   a clone of the repository with the commit and the tags of the release
//	proxy    the modules, as a module proxy serves them
//	go       what the go command makes
//	bin      the command line for each system, and checksums
type release struct {
	modules []*module
	version string
	dir     string

	temporary bool // dir is removed at the end
}

// prepare makes the commit, the tags and the module files of a release.
func prepare(modules []*module, version, to string) (*release, error) {
	dir, err := filepath.Abs(to)
	if err != nil {
		return nil, err
	}
	r := &release{modules: modules, version: version, dir: dir}
	if out, err := exec.Command("git", "status", "--porcelain").Output(); err != nil || len(out) > 0 {
		return nil, errChanges
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("%s is not empty", to)
	}
	if err := command(".", nil, "git", "clone", "-q", ".", r.source("")); err != nil {
		return nil, err
	}
	if out, err := exec.Command("git", "remote", "get-url", "origin").Output(); err == nil {
		if err := command(r.source(""), nil, "git", "remote", "set-url", "origin", strings.TrimSpace(string(out))); err != nil {
			return nil, err
		}
	}
	for _, m := range modules {
		if err := r.rewrite(m); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Path, err)
		}
		if err := r.serve(m); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Path, err)
		}
	}
	return r, r.commit()
}

// source returns a path in the clone.
func (r *release) source(name string) string { return filepath.Join(r.dir, "source", name) }

// rewrite makes a module require the modules of the same release, and not those of folders
// beside the module: a user has no such folders, and go install refuses replace directives.
func (r *release) rewrite(m *module) error {
	name := r.source(filepath.Join(m.Dir, "go.mod"))
	text, err := required(name, r.version)
	if err != nil {
		return err
	}
	if err := os.WriteFile(name, text, 0o644); err != nil {
		return err
	}
	return command(filepath.Dir(name), r.env(), "go", "mod", "tidy")
}

// required returns the text of a go.mod file that requires a version of each module of the
// repository, and replaces none.
func required(name, version string) ([]byte, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	file, err := modfile.Parse(name, text, nil)
	if err != nil {
		return nil, err
	}
	for _, require := range file.Require {
		if isOurs(require.Mod.Path) {
			if err := file.AddRequire(require.Mod.Path, version); err != nil {
				return nil, err
			}
		}
	}
	for _, replace := range file.Replace {
		if !isOurs(replace.Old.Path) {
			return nil, fmt.Errorf("%s replaces %s, which users would not get", name, replace.Old.Path)
		}
		if err := file.DropReplace(replace.Old.Path, replace.Old.Version); err != nil {
			return nil, err
		}
	}
	file.Cleanup()
	return file.Format()
}

// serve puts a module into the folder of the proxy.
func (r *release) serve(m *module) error {
	escaped, err := mod.EscapePath(m.Path)
	if err != nil {
		return err
	}
	dir := filepath.Join(r.dir, "proxy", filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	file := func(suffix string) string { return filepath.Join(dir, r.version+suffix) }
	text, err := os.ReadFile(r.source(filepath.Join(m.Dir, "go.mod")))
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		file(".mod"): string(text), file(".info"): fmt.Sprintf(`{"Version":%q}`, r.version), filepath.Join(dir, "list"): r.version + "\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	archive, err := os.Create(file(".zip"))
	if err != nil {
		return err
	}
	defer archive.Close()
	if err := zip.CreateFromDir(archive, mod.Version{Path: m.Path, Version: r.version}, r.source(m.Dir)); err != nil {
		return err
	}
	return archive.Close()
}

// env returns the environment of a go command: the modules of the release come from the folder
// of the proxy, and others from the machine's module cache or from where they always come from.
func (r *release) env() []string {
	setting := func(name string) string {
		out, _ := exec.Command("go", "env", name).Output()
		return strings.TrimSpace(string(out))
	}
	proxies := []string{"file://" + filepath.ToSlash(filepath.Join(r.dir, "proxy")), "file://" + filepath.ToSlash(filepath.Join(setting("GOMODCACHE"), "cache", "download"))}
	if usual := setting("GOPROXY"); usual != "" {
		proxies = append(proxies, usual)
	}
	return []string{
		"GOWORK=off", "GOFLAGS=-modcacherw", "GOPROXY=" + strings.Join(proxies, ","), "GONOSUMDB=" + path,
		"GOPATH=" + filepath.Join(r.dir, "go"), "GOMODCACHE=" + filepath.Join(r.dir, "go", "mod"), "GOCACHE=" + setting("GOCACHE"),
	}
}

// commit commits the module files to the clone, and sets the tags.
func (r *release) commit() error {
	git := func(args ...string) error { return command(r.source(""), nil, "git", args...) }
	if err := git("commit", "-q", "-a", "-m", "Release "+r.version+": the modules require each other by version"); err != nil {
		return err
	}
	for _, m := range r.modules {
		if err := git("tag", m.tag(r.version)); err != nil {
			return err
		}
	}
	return nil
}

// explain writes what is left to do by hand.
func (r *release) explain(w io.Writer) error {
	if r.temporary {
		_, err := fmt.Fprintf(w, "The release %s is made and tried, and removed again. To keep a release, give -to DIR.\n", r.version)
		return err
	}
	fmt.Fprintf(w, "The release %s is made and tried. To publish the release, push the tags of the clone:\n\n  git -C %s push origin", r.version, r.source(""))
	for _, m := range r.modules {
		fmt.Fprintf(w, " \\\n    %s", m.tag(r.version))
	}
	_, err := fmt.Fprintf(w, "\n")
	return err
}

// command runs a program in a folder, with more variables.
func command(dir string, env []string, name string, args ...string) error {
	c := exec.Command(name, args...)
	c.Dir, c.Env = dir, append(c.Environ(), env...)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}
