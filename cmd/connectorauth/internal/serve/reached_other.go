//go:build !unix

package serve

import "os"

// reached reports whether a signal of this process has reached the program too: a console
// tells all of its processes.
func reached(os.Signal) bool { return true }
