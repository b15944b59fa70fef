//go:build unix

package script_test

import (
	"syscall"
	"time"
)

// processTime returns how long the processors have worked for the process.
func processTime() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
