// Compile makes the definitions of the catalogue of a seed of facts:
//
//	go run ./internal/compile path/to/providers.json 2026-11-27
//
// in the folder of the module, with the date of the facts. Compile writes the folders services and drafts anew, but
// for files without the member x-compiled, which people have written, and left-out.md, which
// says what stays out and why. The folder overrides has what people have decided.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go run ./internal/compile path/to/providers.json 2026-11-27")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], "."); err != nil {
		fmt.Fprintln(os.Stderr, "compile:", err)
		os.Exit(1)
	}
}

// run compiles the seed into the folder of the module. date is that of the facts.
func run(seed, date, folder string) error {
	overrides, err := readOverrides(folder + "/overrides")
	if err != nil {
		return err
	}
	providers, err := readSeed(seed, overrides)
	if err != nil {
		return err
	}
	w := &writer{folder: folder, date: date, counts: map[string]int{}, pending: map[string]string{}}
	for i := range providers {
		s := &service{provider: &providers[i], override: overrides[providers[i].Slug]}
		switch {
		case s.override.Out != "":
			w.out(s, s.override.Out)
		case s.BaseURL == nil:
			w.out(s, "no source says where the API is")
		default:
			err := s.compile()
			shelf := ""
			if err == nil {
				shelf, err = s.shelf()
			}
			if err != nil {
				w.out(s, err.Error())
				continue
			}
			if err = s.override.finish(&s.d); err == nil {
				err = w.write(s, shelf)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", s.Slug, err)
			}
		}
	}
	if err := w.replace(); err != nil {
		return err
	}
	return w.report()
}
