package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// A benchmark is one run of go test.
type benchmark struct {
	folder string // of the package
	names  string // a regular expression for the names after "Benchmark"
	time   string // how long each benchmark runs, or how often
	count  int    // how often each benchmark is repeated; a ratio wants five
	env    string // a variable of the environment; empty: none
}

// benchmarks are all that the page has.
var benchmarks = []benchmark{
	{folder: ".", names: "RoundTrip|Path", time: "100ms", count: 5},
	{folder: ".", names: "Ratio", time: "500ms", count: 5},
	{folder: ".", names: "Expired", time: "5x", count: 1},
	{folder: "./assertion", names: "Assertion|DPoP", time: "500ms", count: 5},
	{folder: "./definition", names: "Load|Connect", time: "500ms", count: 5},
	{folder: "./internal/inject", names: "Place", time: "200ms", count: 3},
	{folder: "./internal/oauth1", names: "Sign", time: "200ms", count: 3},
	{folder: "./script", names: "Bearer", time: "500ms", count: 3},
	{folder: "./script", names: "Tenants|Hostile|Messages", time: "1x", count: 1},
	{folder: "./tokenstore/sqltest", names: "SQLiteLocks", time: "3x", count: 1},
	{folder: "./internal/benchmarks", names: "Bearer|BearerParallel|OAuth1|JSON|XML|Script", time: "500ms", count: 5},
	{folder: "./internal/benchmarks", names: "JSONv2", time: "500ms", count: 5, env: "GOEXPERIMENT=jsonv2"},
	{folder: "./internal/benchmarks", names: "Growth", time: "2s", count: 1},
	{folder: "./internal/benchmarks", names: "Locks", time: "200ms", count: 1},
	{folder: "./internal/benchmarks", names: "Memory|FileStore", time: "1x", count: 1},
	{folder: "./internal/benchmarks", names: "Wire", time: "2s", count: 3},
	{folder: "./internal/benchmarks", names: "Renewal", time: "11x", count: 1},
}

// measure runs the benchmarks, and returns their output, with the machine and the date.
// The output goes to standard error too.
func measure() ([]byte, error) {
	var out bytes.Buffer
	both := io.MultiWriter(&out, os.Stderr)
	fmt.Fprintf(both, "date: %s\nmachine: %s\n", time.Now().UTC().Format(time.DateOnly), machine())
	for _, b := range benchmarks {
		command := exec.Command("go", "test", "-run", "^$", "-benchmem", "-timeout", "20m",
			"-bench", "^Benchmark("+b.names+")$", "-benchtime", b.time, "-count", fmt.Sprint(b.count), b.folder)
		command.Env = append(command.Environ(), b.env)
		command.Stdout, command.Stderr = both, both
		if err := command.Run(); err != nil {
			return nil, fmt.Errorf("the benchmarks %s of %s: %w", b.names, b.folder, err)
		}
	}
	return out.Bytes(), nil
}

// machine describes the machine: processor, cores, operating system, Go version, and how
// many other programs wanted the processor.
func machine() string {
	model := firstMatch("/proc/cpuinfo", `(?m)^model name\s*: (.*)$`, runtime.GOARCH)
	system := firstMatch("/etc/os-release", `(?m)^PRETTY_NAME="?([^"\n]*)`, runtime.GOOS)
	version, _ := exec.Command("go", "env", "GOVERSION").Output()
	load := firstMatch("/proc/loadavg", `^\S+`, "unknown")
	return fmt.Sprintf("%s, %d cores, %s, %s; load %s at the beginning", model, runtime.NumCPU(), system, strings.TrimSpace(string(version)), load)
}

// firstMatch returns what the last group of the pattern matches in a file, or otherwise.
func firstMatch(file, pattern, otherwise string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return otherwise
	}
	if match := regexp.MustCompile(pattern).FindSubmatch(text); match != nil {
		return string(match[len(match)-1])
	}
	return otherwise
}
