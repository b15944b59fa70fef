package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// The command line, and the systems for which the command line is built.
const commandLine = path + "/cmd/connectorauth"

var systems = []string{"darwin/amd64", "darwin/arm64", "linux/amd64", "linux/arm64", "windows/amd64"}

// try makes a module outside of the repository that requires each module of the release, and
// runs its program.
func (r *release) try() error {
	dir := filepath.Join(r.dir, "trial")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := command(dir, r.env(), "go", "mod", "init", "example.com/trial"); err != nil {
		return err
	}
	get := []string{"get"}
	var program bytes.Buffer
	program.WriteString("package main\n\nimport (\n")
	for _, m := range r.modules {
		if m.Path != commandLine {
			get = append(get, m.Path+"@"+r.version)
			fmt.Fprintf(&program, "\t_ %q\n", m.Path)
		}
	}
	program.WriteString(")\n\nfunc main() {}\n")
	if err := os.WriteFile(filepath.Join(dir, "main.go"), program.Bytes(), 0o644); err != nil {
		return err
	}
	if err := command(dir, r.env(), "go", get...); err != nil {
		return err
	}
	for _, args := range [][]string{{"mod", "tidy"}, {"vet", "."}, {"run", "."}} {
		if err := command(dir, r.env(), "go", args...); err != nil {
			return err
		}
	}
	return nil
}

// build installs the command line for each system, as users do, and writes the checksums. A
// second build without the build cache must give the same bytes. A short build is for this
// system alone, and there is no second one.
func (r *release) build(short bool) error {
	targets := systems
	if short {
		targets = []string{runtime.GOOS + "/" + runtime.GOARCH}
	}
	var sums bytes.Buffer
	for _, target := range targets {
		text, err := r.install(target, "go")
		if err != nil {
			return err
		}
		name := "connectorauth_" + r.version + "_" + strings.ReplaceAll(target, "/", "_")
		if strings.HasPrefix(target, "windows/") {
			name += ".exe"
		}
		if err := os.MkdirAll(filepath.Join(r.dir, "bin"), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(r.dir, "bin", name), text, 0o755); err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(text), name)
		if short {
			continue
		}
		again, err := r.install(target, "again", "GOCACHE="+filepath.Join(r.dir, "again", "cache"))
		if err != nil {
			return err
		}
		if !bytes.Equal(text, again) {
			return fmt.Errorf("%s: a second build gives other bytes", target)
		}
	}
	return os.WriteFile(filepath.Join(r.dir, "bin", "sha256sums.txt"), sums.Bytes(), 0o644)
}

// install returns the program for a system. name is the folder below which the go command works.
func (r *release) install(target, name string, more ...string) ([]byte, error) {
	system, processor, _ := strings.Cut(target, "/")
	dir := filepath.Join(r.dir, name)
	env := append(r.env(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+processor, "GOPATH="+dir, "GOMODCACHE="+filepath.Join(dir, "mod"))
	if err := command(r.dir, append(env, more...), "go", "install", "-trimpath", commandLine+"@"+r.version); err != nil {
		return nil, err
	}
	program := filepath.Join(dir, "bin", system+"_"+processor, "connectorauth")
	if target == runtime.GOOS+"/"+runtime.GOARCH {
		program = filepath.Join(dir, "bin", "connectorauth")
	}
	if system == "windows" {
		program += ".exe"
	}
	return os.ReadFile(program)
}
