// Package child runs a part of a test in another process, which the test can
// kill or stop. The other process is the test binary itself, started again.
//
//	var jobs = child.Jobs{"save": func(dir string) error { ... }}
//
//	func TestMain(m *testing.M) {
//		child.Main(jobs)
//		os.Exit(m.Run())
//	}
//
//	func TestKilledWhileSaving(t *testing.T) {
//		process := child.Start(t, "save", t.TempDir())
//		...
//		process.Kill()
//	}
package child

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
)

// The environment variables of a child process: the name of the job, and the
// job's argument.
const (
	nameVariable     = "CONNECTORAUTH_TEST_CHILD"
	argumentVariable = "CONNECTORAUTH_TEST_CHILD_ARGUMENT"
)

// Jobs are what a child process can do, by name. A job gets the argument of
// Start, and prints to standard output what the test should read.
type Jobs map[string]func(argument string) error

// Main does nothing in the process of the tests. In a child process, Main does
// the job named in Start, and exits. The exit status is 1 if the job fails. Call
// Main first in TestMain.
func Main(all ...Jobs) {
	name := os.Getenv(nameVariable)
	if name == "" {
		return
	}
	err := errors.New("no such job")
	for _, jobs := range all {
		if job := jobs[name]; job != nil {
			err = job(os.Getenv(argumentVariable))
		}
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "child: %s: %v\n", name, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Pause makes a job wait until the test calls [Process.EndPause].
func Pause() { io.Copy(io.Discard, os.Stdin) }

// A Process is a child process.
type Process struct {
	*os.Process
	command *exec.Cmd
	output  *bufio.Scanner
	input   io.WriteCloser
}

// Start starts a child process for the named job. The end of the test kills the
// child process.
func Start(t testing.TB, name, argument string) *Process {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), nameVariable+"="+name, argumentVariable+"="+argument)
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	check(t, err)
	output, err := command.StdoutPipe()
	check(t, err)
	check(t, command.Start())
	p := &Process{Process: command.Process, command: command, output: bufio.NewScanner(output), input: input}
	t.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
	})
	return p
}

// Line waits for the next line of output. The test fails if the process ends
// without another line.
func (p *Process) Line(t testing.TB) string {
	t.Helper()
	if !p.output.Scan() {
		t.Fatalf("the child process ended without a line of output: %v", p.output.Err())
	}
	return p.output.Text()
}

// Rest waits for the end of the process and returns the remaining lines of
// output.
func (p *Process) Rest() (lines []string) {
	for p.output.Scan() {
		lines = append(lines, p.output.Text())
	}
	p.command.Wait()
	return lines
}

// EndPause ends the Pause of the job. A job can pause only once.
func (p *Process) EndPause(t testing.TB) {
	t.Helper()
	check(t, p.input.Close())
}

// Say writes a line to the standard input of the job.
func (p *Process) Say(t testing.TB, line string) {
	t.Helper()
	_, err := io.WriteString(p.input, line+"\n")
	check(t, err)
}

// Wait waits for the end of the process. The error says how the process failed.
// Read the last line of output before the call: Wait discards further output.
func (p *Process) Wait() error { return p.command.Wait() }

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
