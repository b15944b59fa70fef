// Package leaktest finds goroutines that tests have started and not ended.
package leaktest

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Main runs the tests of m and exits. Call Main at the end of TestMain. After
// the last test, Main calls the functions end, which stop what tests have in
// common, and goroutines have a minute to end. If any goroutine still
// runs then, Main prints the stacks and exits with status 1.
func Main(m *testing.M, end ...func()) {
	code := m.Run()
	for _, f := range end {
		f()
	}
	if left := remaining(time.Minute); code == 0 && len(left) > 0 {
		fmt.Fprintf(os.Stderr, "leaktest: %d goroutines still run after the tests; their stacks are:\n\n%s\n", len(left), strings.Join(left, "\n\n"))
		code = 1
	}
	os.Exit(code)
}

// remaining waits until all goroutines of tests have ended, but not longer than
// patience. remaining returns the stacks of the goroutines still running.
func remaining(patience time.Duration) (left []string) {
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		if left = stacks(); len(left) == 0 || time.Now().After(end) {
			return left
		}
	}
}

// stacks returns the stack of every running goroutine of a test.
func stacks() (left []string) {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	for i, stack := range strings.Split(string(buf), "\n\n") {
		if i > 0 && !harmless(stack) { // stack 0 is the stack of this goroutine
			left = append(left, stack)
		}
	}
	return left
}

// harmless reports whether a goroutine with this stack belongs to the runtime or
// to package testing, and not to a test.
func harmless(stack string) bool {
	for _, owner := range []string{"testing.(*M).", "testing.runFuzz", "os/signal.", "runtime.ensureSigM", "runtime.ReadTrace", "created by runtime"} {
		if strings.Contains(stack, owner) {
			return true
		}
	}
	return false
}
