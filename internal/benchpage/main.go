// Benchpage runs the benchmarks of all modules, and writes docs/benchmarks.md.
//
//	go run ./internal/benchpage                       # some ten minutes
//	go run ./internal/benchpage -worst-day            # also the tests of the worst day: half an hour
//	go run ./internal/benchpage 2> log                # keeps the output of go test
//	go run ./internal/benchpage -log log              # writes the page once more, and measures nothing
//
// Run the program in the root folder of the repository, on a machine without other work.
// The page has a row for each goal. If a benchmark of a row is missing, there is no page,
// and the error names the row.
//
// The figures of the worst day come from the last run with -worst-day: the file
// internal/benchpage/worstday.txt keeps the figures, with their date. The tests want the
// servers of .ci/run.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"time"
)

const (
	pageFile         = "docs/benchmarks.md"
	worstDayFile     = "internal/benchpage/worstday.txt"
	instructionsFile = "internal/benchmarks/instructions/counts.txt"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("benchpage: ")
	kept := flag.String("log", "", "a file with the output of an earlier run; empty means to run the benchmarks")
	worstDay := flag.Bool("worst-day", false, "run the tests of the worst day, and write "+worstDayFile)
	flag.Parse()
	if err := run(*kept, *worstDay); err != nil {
		log.Fatal(err)
	}
}

// run measures, or reads what was measured, and writes the page.
func run(kept string, worstDay bool) error {
	if worstDay {
		if err := measureWorstDay(time.Now()); err != nil {
			return err
		}
	}
	output, err := os.ReadFile(kept)
	if kept == "" {
		output, err = measure()
	}
	if err != nil {
		return err
	}
	figures, err := os.ReadFile(worstDayFile)
	if err != nil {
		return err
	}
	instructions, err := os.ReadFile(instructionsFile)
	if err != nil {
		return err
	}
	v := newValues(string(output), string(figures))
	text, err := v.page(string(instructions))
	if err != nil {
		return err
	}
	if err := os.WriteFile(pageFile, text, 0o644); err != nil {
		return err
	}
	fmt.Println("wrote", pageFile)
	return nil
}
