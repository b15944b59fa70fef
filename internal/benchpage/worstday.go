package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// stores are the stores whose abandoned locks are on the page.
var stores = []struct{ name, figure string }{
	{"SQLite", "SQLite"}, {"SQLite with WAL", "SQLite_with_WAL"}, {"PostgreSQL", "PostgreSQL"},
	{"MariaDB", "MySQL"}, {"File", "File"}, {"Redis", "Redis"},
}

// worstDayTests are the arguments of go test. The tests run one after the other, so that
// no test takes the processors of another.
var worstDayTests = [][]string{
	{"-run", "^(TestCrowdCostsFewTransactions|TestCrowdBehindAnAbandonedLock|TestProgramsStartWithExpiredTokens)$", "./tokenstore/sqltest"},
	{"-run", "^TestFileCrowdBehindAnAbandonedLock$", "./tokenstore"},
	{"-run", "^TestCrowdBehindAnAbandonedLock$", "./tokenstore/redisstore"},
}

// A figure is what a line in the log of a test tells. The first group of line has the
// value, and $1 in the name stands for the first group of test.
type figure struct{ test, line, name, unit string }

var figures = []figure{
	{`^TestCrowdCostsFewTransactions/(\d+)_values_of_Shared$`, `connectors: ([\d.]+) transactions a second`, "Crowd/$1", "transactions/s"},
	{`^TestCrowdCostsFewTransactions/(\d+)_values_of_Shared$`, `the last one through (\S+) after the save`, "Crowd/$1", "s-after-save"},
	{`^TestCrowdBehindAnAbandonedLock/(.+)$`, `the last one through (\S+) after the save`, "Abandoned/$1", "s-after-save"},
	{`^TestFileCrowdBehindAnAbandonedLock$`, `the last one through (\S+) after the save`, "Abandoned/File", "s-after-save"},
	{`^TestCrowdBehindAnAbandonedLock$`, `the last one through (\S+) after the save`, "Abandoned/Redis", "s-after-save"},
	{`^TestProgramsStartWithExpiredTokens/(\d+)_processes,_each_`, `order \| ([\d.]+) \|`, "Start/$1", "s"},
	{`^TestProgramsStartWithExpiredTokens/(\d+)_processes,_each_`, `order \| [\d.]+ \| ([\d.]+) \|`, "Start/$1", "s-without-the-library"},
	{`^TestProgramsStartWithExpiredTokens/(\d+)_processes,_each_`, `at most (\d+) token requests at a time`, "Start/$1", "requests-at-a-time"},
}

// slow are the failures of a test whose figures are worth a row: the page tells of a goal
// without success. Figures of a test with another failure mean nothing.
var slow = regexp.MustCompile(`the goal is|connectors cost|4 processes need`)

// failure matches the lines that a failed test writes with its error, as against a log.
var failure = regexp.MustCompile(`^\s+\w+\.go:\d+: .*(came twice|were renewed, of|did not get|another token|token requests$|at a time$|nobody renews)`)

// measureWorstDay runs the tests, and writes their figures into the file. What the tests
// print goes to standard error too.
func measureWorstDay(now time.Time) error {
	var log bytes.Buffer
	for _, arguments := range worstDayTests {
		command := exec.Command("go", append([]string{"test", "-count=1", "-v", "-timeout", "40m"}, arguments...)...)
		command.Env = append(command.Environ(), "CONNECTORAUTH_TEST_WORST_DAY=1", "CONNECTORAUTH_TEST_REQUIRE=1")
		command.Stdout, command.Stderr = io.MultiWriter(&log, os.Stderr), os.Stderr
		if err := command.Run(); err != nil && !slow.Match(log.Bytes()) {
			return fmt.Errorf("go test %s: %w", strings.Join(arguments, " "), err)
		}
	}
	text, err := readWorstDay(log.String(), now.UTC().Format(time.DateOnly))
	if err != nil {
		return err
	}
	return os.WriteFile(worstDayFile, []byte(text), 0o644)
}

// readWorstDay returns the text of the file: the figures of the log, as go test writes
// benchmarks.
func readWorstDay(log, date string) (string, error) {
	lines := map[string]string{}
	test := ""
	for line := range strings.Lines(log) {
		line = strings.TrimRight(line, "\n")
		if rest, found := strings.CutPrefix(line, "=== "); found {
			if words := strings.Fields(rest); len(words) == 2 {
				test = words[1]
			}
			continue
		}
		if failure.MatchString(line) && !isFigure(line) {
			return "", fmt.Errorf("%s has failed: %s", test, strings.TrimSpace(line))
		}
		for _, f := range figures {
			if err := f.read(test, line, lines); err != nil {
				return "", err
			}
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "date: %s\n# Written by go run ./internal/benchpage -worst-day: the figures of the tests of the worst day.\npkg: worst-day\n", date)
	var names []string
	for name := range lines {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "Benchmark%s 1%s\n", name, lines[name])
	}
	return b.String(), nil
}

// isFigure reports whether a line has a figure.
func isFigure(line string) bool {
	return slices.ContainsFunc(figures, func(f figure) bool { return regexp.MustCompile(f.line).MatchString(line) })
}

// read adds the figure to the lines, if the line of the test has the figure. A time is in
// seconds.
func (f figure) read(test, line string, lines map[string]string) error {
	pattern := regexp.MustCompile(f.test)
	match, found := pattern.FindStringSubmatchIndex(test), regexp.MustCompile(f.line).FindStringSubmatch(line)
	if match == nil || found == nil {
		return nil
	}
	value, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		took, err := time.ParseDuration(found[1])
		if err != nil {
			return fmt.Errorf("%s: the line %q has no figure", test, line)
		}
		value = took.Seconds()
	}
	name := string(pattern.ExpandString(nil, f.name, test, match))
	lines[name] += fmt.Sprintf(" %.3g %s", value, f.unit)
	return nil
}
