// Instructions counts the instructions of the hottest paths, and compares the counts with
// the file counts.txt. Counts tell a small change from a busy machine, and times do not.
//
//	go run ./internal/benchmarks/instructions           # prints a table
//	go run ./internal/benchmarks/instructions -update   # also writes counts.txt
//	go run ./internal/benchmarks/instructions -check    # fails if a count is 3 % off
//
// Run the program in the root folder of the repository. Instructions needs valgrind, whose
// tool callgrind counts. Without valgrind, or where counts.txt is of another Go version or
// another system, the program says so and compares nothing; with
// CONNECTORAUTH_TEST_REQUIRE=1 in the environment, the program fails instead.
//
// The program builds and starts itself under callgrind, for n requests of a path and for 2 n. The
// difference is the cost of n requests: what a program does before and after is in both.
// So that the counts are the same everywhere, the garbage collector is off, one thread
// runs Go code, GODEBUG switches the optional features of the processor off, and the
// blocks of SHA-1, for which each processor has other code, do not count.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
)

// file has the counts of the last update.
const file = "internal/benchmarks/instructions/counts.txt"

func main() {
	log.SetFlags(0)
	log.SetPrefix("instructions: ")
	name := flag.String("path", "", "send requests of this path, and count nothing")
	n := flag.Int("n", 0, "how many requests to send")
	update := flag.Bool("update", false, "write "+file)
	check := flag.Bool("check", false, "compare the counts with "+file)
	flag.Parse()
	if *name != "" {
		send(*name, *n)
		return
	}
	err := run(*update, *check)
	var skipped notHere
	if errors.As(err, &skipped) && os.Getenv("CONNECTORAUTH_TEST_REQUIRE") == "" {
		fmt.Println("instructions:", err)
		return
	}
	if err != nil {
		log.Fatal(err)
	}
}

// A notHere is the reason why this machine cannot count or compare.
type notHere string

func (n notHere) Error() string { return string(n) }

// run counts, prints a table, and writes or compares the counts.
func run(update, check bool) error {
	if _, err := exec.LookPath("valgrind"); err != nil {
		return notHere("valgrind is not installed, so nothing was counted: install the package valgrind")
	}
	var kept counts
	if check {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if kept, err = parse(string(text)); err != nil {
			return err
		}
		if !kept.comparable(here()) {
			return notHere(fmt.Sprintf("%s has the counts of %s, and this is %s: write the counts anew by -update", file, kept.of, here()))
		}
	}
	measured, err := measure()
	if err != nil {
		return err
	}
	fmt.Print(measured.table(kept))
	if update {
		return os.WriteFile(file, []byte(measured.String()), 0o644)
	}
	if check {
		return measured.compare(kept)
	}
	return nil
}
