package definition

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
)

// The limits of a pattern: a definition must not be able to keep a program busy.
const (
	maxPattern = 500  // in bytes
	maxProgram = 2000 // in steps
)

var errPattern = errors.New("is no regular expression (RE2) of at most 500 bytes and 2,000 repetitions")

// A pattern is a regular expression for a whole value. Most patterns of a set of
// definitions are never used, so a pattern is compiled for its first value.
type pattern struct {
	whole    string
	once     sync.Once
	compiled *regexp.Regexp
}

// parsePattern reads a pattern for a whole value.
func parsePattern(text string) (*pattern, error) {
	if len(text) > maxPattern {
		return nil, errPattern
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	var wrong *syntax.Error
	if errors.As(err, &wrong) {
		return nil, fmt.Errorf("is no regular expression (RE2): %s %s", wrong.Code, shown(wrong.Expr))
	}
	if err != nil || steps(parsed) > maxProgram {
		return nil, errPattern
	}
	p := &pattern{whole: "^(?:" + text + ")$"}
	if strings.Contains(text, `\Q`) { // which may quote the end too
		if _, err := syntax.Parse(p.whole, syntax.Perl); err != nil {
			return nil, errPattern
		}
	}
	return p, nil
}

// matches reports whether p is the whole value.
func (p *pattern) matches(value string) bool {
	p.once.Do(func() { p.compiled = regexp.MustCompile(p.whole) })
	return p.compiled.MatchString(value)
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
