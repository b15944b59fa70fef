package check

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth/internal/wire"
)

var errControl = errors.New("has a control character; look for a line break at its end")

// Text reports what is wrong with a user name or password: control characters (RFC
// 7617 section 2, RFC 6749 appendix A.15 and A.16), and bytes that are not UTF-8.
func Text(value string) error {
	switch {
	case wire.HasControl(value):
		return errControl
	case !utf8.ValidString(value):
		return errors.New("is not valid UTF-8")
	}
	return nil
}

// Lines reports what is wrong with a text that may have several lines: a control
// character at an end, which was pasted by mistake.
func Lines(value string) error {
	if value != "" && (wire.HasControl(value[:1]) || wire.HasControl(value[len(value)-1:])) {
		return errControl
	}
	return nil
}

// Printable reports what is wrong with a client ID or client secret (RFC 6749
// appendix A.1 and A.2): all but %x20-7E.
func Printable(value string) error {
	switch {
	case wire.HasControl(value):
		return errControl
	case strings.ContainsFunc(value, func(r rune) bool { return r > '~' }):
		return errors.New("has a character outside of printable ASCII, which RFC 6749 does not allow")
	}
	return nil
}

// Scope reports what is wrong with a scope (RFC 6749 section 3.3).
func Scope(scope string) error {
	wrong := func(s string) bool {
		return s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' })
	}
	switch {
	case !wrong(scope):
		return nil
	case !wrong(strings.TrimSpace(scope)):
		return errors.New("has a space or a line break at an end; remove the space or line break")
	}
	return errors.New("is not one scope; give each scope its own element")
}
