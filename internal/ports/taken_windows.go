package ports

import (
	"errors"
	"syscall"
)

// inUse is WSAEADDRINUSE, which package syscall does not name.
const inUse = syscall.Errno(10048)

// Taken reports whether an error of net.Listen means a port in use by another program.
func Taken(err error) bool { return errors.Is(err, inUse) }
