package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
)

// measure counts the instructions of all paths, as many at a time as there are cores.
func measure() (counts, error) {
	folder, err := os.MkdirTemp("", "instructions")
	if err != nil {
		return counts{}, err
	}
	defer os.RemoveAll(folder)
	program, err := build(folder)
	if err != nil {
		return counts{}, err
	}
	c := counts{of: here(), all: make([]count, len(paths))}
	failures := make([]error, len(paths))
	turns := make(chan struct{}, runtime.NumCPU())
	var all sync.WaitGroup
	for i, p := range paths {
		all.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			instructions, err := p.measure(program)
			c.all[i], failures[i] = count{p.name, instructions}, err
		})
	}
	all.Wait()
	for i, err := range failures {
		if err != nil {
			return counts{}, fmt.Errorf("%s: %w", paths[i].name, err)
		}
	}
	return c, nil
}

// build builds this program, and returns the file. The file of go run has no names of
// functions.
func build(folder string) (program string, err error) {
	program = filepath.Join(folder, "instructions")
	command := exec.Command("go", "build", "-o", program, "./internal/benchmarks/instructions")
	command.Env = append(command.Environ(), "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return program, nil
}

// measure returns the instructions of one request.
func (p path) measure(program string) (float64, error) {
	once, err := callgrind(program, p.name, p.n)
	if err != nil {
		return 0, err
	}
	twice, err := callgrind(program, p.name, 2*p.n)
	if err != nil {
		return 0, err
	}
	return float64(twice-once) / float64(p.n), nil
}

// environment makes runs of one program alike. Memory is not collected, and threads of
// the runtime have little to do. Callgrind does not know all instructions of all
// processors, and GODEBUG leaves what each amd64 processor has.
var environment = []string{"GOMAXPROCS=1", "GOGC=off", "GODEBUG=cpu.all=off,asyncpreemptoff=1"}

// callgrind returns the instructions of the program when the program sends n requests.
func callgrind(program, name string, n int) (int64, error) {
	profile := fmt.Sprintf("%s %s %d", program, name, n)
	command := exec.Command("valgrind", "--tool=callgrind", "--compress-strings=no", "--compress-pos=no",
		"--callgrind-out-file="+profile, program, "-path", name, "-n", strconv.Itoa(n))
	command.Env = append(command.Environ(), environment...)
	if out, err := command.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("valgrind: %w\n%s", err, out)
	}
	read, err := os.Open(profile)
	if err != nil {
		return 0, err
	}
	defer read.Close()
	return sum(read)
}

// unequal are functions with code for each kind of processor.
var unequal = []string{"crypto/sha1.block"}

// sum reads a profile of callgrind, and returns the instructions of all functions but the
// unequal ones. A line fn= begins a function. A line of two numbers has the number of a
// source line, and its instructions. After a line calls=, the next line has the
// instructions of the called function, which are counted there.
func sum(profile io.Reader) (total int64, err error) {
	lines := bufio.NewScanner(profile)
	lines.Buffer(nil, 1<<20)
	skip, called := false, false
	for lines.Scan() {
		line := lines.Text()
		if name, found := strings.CutPrefix(line, "fn="); found {
			skip = isUnequal(name)
		}
		if strings.HasPrefix(line, "calls=") {
			called = true
			continue
		}
		position, cost, found := strings.Cut(line, " ")
		if _, err := strconv.Atoi(position); !found || err != nil {
			continue
		}
		if !called && !skip {
			instructions, err := strconv.ParseInt(cost, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("callgrind's profile has the line %q", line)
			}
			total += instructions
		}
		called = false
	}
	return total, lines.Err()
}

// isUnequal reports whether the function has code for each kind of processor.
func isUnequal(function string) bool {
	for _, prefix := range unequal {
		if strings.HasPrefix(function, prefix) {
			return true
		}
	}
	return false
}
