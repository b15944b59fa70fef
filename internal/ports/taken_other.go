//go:build !windows && !plan9

package ports

import (
	"errors"
	"syscall"
)

// Taken reports whether an error of net.Listen means a port in use by another program.
func Taken(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }
