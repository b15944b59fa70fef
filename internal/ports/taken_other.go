//go:build !windows && !plan9

package ports

import (
	"errors"
	"syscall"
)

// Taken reports whether an error of net.Listen says that another program has the port.
func Taken(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }
