//go:build unix

package serve

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// reached reports whether a signal of this process has reached the program too: a terminal
// sends the signals of keys to the process group in the foreground, and the program is in the
// process group of this process.
func reached(sig os.Signal) bool { return sig == syscall.SIGINT && inForeground() }

// inForeground reports whether the process group of this process is the one in the foreground
// of a terminal.
func inForeground() bool {
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false // there is no terminal
	}
	defer tty.Close()
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}
