package ports

import (
	"errors"
	"strings"
	"syscall"
)

// Taken reports whether an error of net.Listen says that another program has the port. Errors of
// Plan 9 are words.
func Taken(err error) bool {
	var words syscall.ErrorString
	return errors.As(err, &words) && strings.Contains(string(words), "in use")
}
