// Package check collects everything that is wrong with a config, so a
// constructor reports all problems at once.
package check

import (
	"errors"
	"fmt"
)

// A List holds problems, each under the name of a config field. The zero value
// is empty.
type List struct{ problems []error }

// Add appends a problem with a formatted text. The text begins with the name of
// the field, as in "Key: is empty".
func (l *List) Add(format string, args ...any) {
	l.problems = append(l.problems, fmt.Errorf(format, args...))
}

// Field appends err under the name of a field. A nil err adds nothing. Joined
// errors become one problem each.
func (l *List) Field(field string, err error) {
	for _, problem := range split(err) {
		l.Add("%s: %w", field, problem)
	}
}

// Join appends err, whose text names the field. A nil err adds nothing.
func (l *List) Join(err error) { l.problems = append(l.problems, split(err)...) }

// Len returns the number of problems.
func (l *List) Len() int { return len(l.problems) }

// Err returns the problems of the config called name as one error, or nil if
// there are none.
func (l *List) Err(name string) error {
	if len(l.problems) == 0 {
		return nil
	}
	return fmt.Errorf("connectorauth: %s: %w", name, l.Joined())
}

// Joined returns the problems as one error without the name of a config, or nil
// if there are none.
func (l *List) Joined() error { return errors.Join(l.problems...) }

// split returns the errors joined in err. An error with several causes and a text
// of its own is a single error.
func split(err error) []error {
	if err == nil {
		return nil
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		if joined := errors.Join(several.Unwrap()...); joined != nil && joined.Error() == err.Error() {
			return several.Unwrap()
		}
	}
	return []error{err}
}

// Custom appends the problems of another config, which err lists under its own name.
func (l *List) Custom(err error) {
	if err != nil {
		l.Join(errors.Unwrap(err))
	}
}
