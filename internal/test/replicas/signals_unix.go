//go:build unix

package replicas

import (
	"syscall"
	"testing"
)

// terminate asks the replica to end.
func terminate(t *testing.T, r *replica) {
	t.Helper()
	check(t, r.Signal(syscall.SIGTERM))
}

// stop stops the replica until resume.
func stop(t *testing.T, r *replica) {
	t.Helper()
	check(t, r.Signal(syscall.SIGSTOP))
}

func resume(t *testing.T, r *replica) {
	t.Helper()
	check(t, r.Signal(syscall.SIGCONT))
}
