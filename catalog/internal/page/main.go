// Page writes docs/catalog.md and docs/catalog-drafts.md of the definitions: run
//
//	go run ./internal/page
//
// in the folder of the module after a definition has changed.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	for _, shelf := range []string{"services", "drafts"} {
		text, err := page(".", shelf)
		if err == nil {
			err = os.WriteFile(filepath.Join("..", "docs", pages[shelf]), []byte(text), 0o644)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "page:", err)
			os.Exit(1)
		}
	}
}
