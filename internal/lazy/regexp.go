// Package lazy makes what a package needs at its first use, so that a program which
// imports the package and does not use it starts no later.
package lazy

import (
	"regexp"
	"sync"
)

// Regexp returns a function that compiles expr at its first call. The function panics
// if expr is no regular expression, and is safe for concurrent use.
func Regexp(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
