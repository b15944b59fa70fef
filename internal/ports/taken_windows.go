package ports

import (
	"errors"
	"syscall"
)

// inUse is WSAEADDRINUSE, which package syscall does not name.
const inUse = syscall.Errno(10048)

// Taken reports whether an error of net.Listen says that another program has the port.
func Taken(err error) bool { return errors.Is(err, inUse) }
