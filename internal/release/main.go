// Release makes a release of all modules of the repository, in a folder of its own, and tries
// the release as a user would. Nothing is published, and the checkout stays as it is.
//
//	go run ./internal/release -to DIR v0.1.0   makes and tries the release
//	go run ./internal/release -short v0.1.0    the same in a temporary folder, for this system alone
//	go run ./internal/release api              compares the API with that of the last release
//	go run ./internal/release licenses         writes docs/licenses.md
//
// Run the program in the root folder of the repository. docs/releasing.md has the steps before
// and after.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"golang.org/x/mod/semver"
)

func main() {
	log.SetFlags(0)
	to := flag.String("to", "", "folder for the release; empty means a temporary folder, which is removed")
	short := flag.Bool("short", false, "build the command line for this system alone, and once")
	flag.Parse()
	if err := run(flag.Args(), *to, *short); err != nil {
		log.Fatal("release: ", err)
	}
}

// run runs one of the commands.
func run(args []string, to string, short bool) error {
	if len(args) != 1 {
		return fmt.Errorf("want one version or command, after the flags, and not %q", args)
	}
	what := args[0]
	modules, err := published(".")
	if err != nil {
		return err
	}
	switch {
	case what == "api":
		return compare(modules, os.Stdout)
	case what == "licenses":
		page, err := licenses(modules)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join("docs", "licenses.md"), page, 0o644)
	case !semver.IsValid(what) || semver.Canonical(what) != what:
		return fmt.Errorf("want a version such as v0.1.0, or api, or licenses, and not %q", what)
	}
	temporary := to == ""
	if temporary {
		if to, err = os.MkdirTemp("", "release"); err != nil {
			return err
		}
		defer os.RemoveAll(to)
	}
	r, err := prepare(modules, what, to)
	if err != nil {
		return err
	}
	r.temporary = temporary
	if err := r.try(); err != nil {
		return fmt.Errorf("a program that requires the modules: %w", err)
	}
	if err := r.build(short); err != nil {
		return fmt.Errorf("the command line: %w", err)
	}
	return r.explain(os.Stdout)
}

// errChanges says that the release would lack what is not committed.
var errChanges = errors.New("the checkout has changes: commit them first")
