package main

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// tolerance is the part of a count by which another run may differ. Two runs of a program
// differ by less than 1 %.
const tolerance = 0.03

// A system is what counts depend on: the version of Go, the operating system and the
// processor's architecture.
type system string

// here returns the system of this program.
func here() system {
	return system(fmt.Sprintf("%s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH))
}

// release returns s without the third number of the Go version: minor releases leave the
// code of a program as it is.
func (s system) release() string {
	version, rest, _ := strings.Cut(string(s), " ")
	if parts := strings.Split(version, "."); len(parts) > 2 {
		version = strings.Join(parts[:2], ".")
	}
	return version + " " + rest
}

// A count is how many instructions one request of a path takes.
type count struct {
	path         string
	instructions float64
}

// counts are the counts of all paths on one system.
type counts struct {
	of  system
	all []count
}

// header begins the file of the counts.
const header = `# The instructions of one request. Written by
#
#	go run ./internal/benchmarks/instructions -update
`

// String returns the text of the file.
func (c counts) String() string {
	var b strings.Builder
	b.WriteString(header)
	fmt.Fprintln(&b, c.of)
	for _, one := range c.all {
		fmt.Fprintf(&b, "%-26s %8.0f\n", one.path, one.instructions)
	}
	return b.String()
}

// parse reads the text of the file.
func parse(text string) (c counts, err error) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case c.of == "":
			c.of = system(line)
		default:
			space := strings.LastIndexByte(line, ' ')
			value, err := strconv.ParseFloat(line[space+1:], 64)
			if err != nil || space < 0 || !(value > 0) {
				return counts{}, fmt.Errorf("the line %q has no count: write the counts anew by -update", line)
			}
			c.all = append(c.all, count{strings.TrimSpace(line[:space]), value})
		}
	}
	if len(c.all) == 0 {
		return counts{}, errors.New("there are no counts: write the counts anew by -update")
	}
	return c, nil
}

// get returns the count of a path, and 0 if the path has none.
func (c counts) get(path string) float64 {
	for _, one := range c.all {
		if one.path == path {
			return one.instructions
		}
	}
	return 0
}

// comparable reports whether counts of s can be compared with c.
func (c counts) comparable(s system) bool { return c.of.release() == s.release() }

// table returns a line for each path: the count, and the change since kept, if kept has
// a count of the path.
func (c counts) table(kept counts) string {
	var b strings.Builder
	for _, one := range c.all {
		fmt.Fprintf(&b, "%-26s %8.0f", one.path, one.instructions)
		if before := kept.get(one.path); before > 0 {
			fmt.Fprintf(&b, " %+6.1f %%", 100*(one.instructions/before-1))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// compare returns an error that names the paths whose counts differ from kept by more
// than the tolerance, or are in only c or only kept.
func (c counts) compare(kept counts) error {
	var wrong []string
	for _, one := range c.all {
		before := kept.get(one.path)
		change := one.instructions/before - 1
		switch {
		case before == 0:
			wrong = append(wrong, fmt.Sprintf("%s is not in the file", one.path))
		case change > tolerance:
			wrong = append(wrong, fmt.Sprintf("%s takes %.1f %% more instructions", one.path, 100*change))
		case change < -tolerance:
			wrong = append(wrong, fmt.Sprintf("%s takes %.1f %% less instructions", one.path, -100*change))
		}
	}
	for _, one := range kept.all {
		if !slices.ContainsFunc(c.all, func(other count) bool { return other.path == one.path }) {
			wrong = append(wrong, fmt.Sprintf("%s is in the file, and is no path", one.path))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%s; the tolerance is %.0f %%. Find out why; if the change is meant, run %q and commit %s with the numbers in the message",
		strings.Join(wrong, "; "), math.Round(100*tolerance), "go run ./internal/benchmarks/instructions -update", file)
}
