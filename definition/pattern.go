package definition

import (
	"errors"
	"regexp"
	"regexp/syntax"
)

// The limits of a pattern: a definition must not be able to keep a program busy.
const (
	maxPattern = 500  // in bytes
	maxProgram = 2000 // in steps
)

var errPattern = errors.New("is no regular expression (RE2) of at most 500 bytes and 2,000 repetitions")

// compile reads a pattern for a whole value.
func compile(pattern string) (*regexp.Regexp, error) {
	if len(pattern) > maxPattern {
		return nil, errPattern
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil || steps(parsed) > maxProgram {
		return nil, errPattern
	}
	return regexp.Compile("^(?:" + pattern + ")$")
}

// steps estimates how large a pattern becomes.
func steps(re *syntax.Regexp) int {
	total := 1 + len(re.Rune)
	for _, sub := range re.Sub {
		total += steps(sub)
	}
	if re.Op == syntax.OpRepeat {
		total *= max(re.Min, re.Max, 1)
	}
	return total
}
