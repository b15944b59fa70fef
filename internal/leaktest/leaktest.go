// Package leaktest fails a test binary that ends with goroutines of its own
// still running.
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

// Main runs the tests of m and exits; call it from TestMain. Goroutines get
// five seconds to end after the last test.
func Main(m *testing.M) {
	code := m.Run()
	if left := remaining(5 * time.Second); code == 0 && len(left) > 0 {
		fmt.Fprintf(os.Stderr, "leaktest: %d goroutines still run after the tests:\n\n%s\n", len(left), strings.Join(left, "\n\n"))
		code = 1
	}
	os.Exit(code)
}

// remaining returns the stacks of goroutines that outlive the patience.
func remaining(patience time.Duration) (left []string) {
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		if left = stacks(); len(left) == 0 || time.Now().After(end) {
			return left
		}
	}
}

func stacks() (left []string) {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	for i, stack := range strings.Split(string(buf), "\n\n") {
		if i > 0 && !harmless(stack) { // the first one is this goroutine
			left = append(left, stack)
		}
	}
	return left
}

// harmless reports whether the goroutine belongs to the runtime or the test
// framework rather than to a test.
func harmless(stack string) bool {
	for _, owner := range []string{"testing.(*M).", "testing.runFuzz", "os/signal.", "runtime.ensureSigM", "runtime.ReadTrace", "created by runtime"} {
		if strings.Contains(stack, owner) {
			return true
		}
	}
	return false
}
