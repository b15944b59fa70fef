package ports

import (
	"errors"
	"strings"
	"syscall"
)

// Taken reports whether an error of net.Listen means a port in use by another program. Errors of
// Plan 9 are words.
func Taken(err error) bool {
	var words syscall.ErrorString
	return errors.As(err, &words) && strings.Contains(string(words), "in use")
}
