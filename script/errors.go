package script

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/lazy"
	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/connectorauth/connectorauth/script/internal/engine"
)

// The causes of an [Error], for [errors.Is].
var (
	// ErrAborted says that a handler returned false.
	ErrAborted = errors.New("script: the handler returned false")
	// ErrSession says that a handler threw an AuthSessionException: the session at
	// the service has ended. A renewed token does not help.
	ErrSession = errors.New("script: the session at the service has ended")
	// ErrLimit says that a script took too long, called too deep or made too large a
	// value.
	ErrLimit = errors.New("script: the script exceeded a limit")
)

// An Error says why a script does not compile, or why a handler failed. If a
// request fails again after an AuthRefreshException and the renewal, the Error
// matches [connectorauth.ErrCredentialRejected].
type Error struct {
	// Event is the event of the handler. Empty if the script does not compile.
	Event string
	// Line and Column are the place in the source, from 1. 0 if unknown.
	Line, Column int
	// Message is the value that the script threw, or the mistake in the script.
	// Credentials and control characters are removed. A message has at most about
	// 500 bytes.
	Message string

	cause error
}

// Error returns the event, the place and the message.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("script: ")
	if e.Event != "" {
		b.WriteString(e.Event + ": ")
	}
	if e.Line > 0 {
		fmt.Fprintf(&b, "line %d, column %d: ", e.Line, e.Column)
	}
	b.WriteString(e.Message)
	return b.String()
}

// Unwrap returns ErrAborted, ErrSession, ErrLimit,
// connectorauth.ErrCredentialRejected or nil.
func (e *Error) Unwrap() error { return e.cause }

// thrown is what prelude.js tells of a thrown value. As an error, thrown is the
// failure of a handler.
type thrown struct {
	kind, message, stack string
	line, column         int
}

func (thrown) Error() string { return "script: the script threw" }

func readThrown(text []byte) (t thrown) {
	parts := strings.SplitN(string(text), "\x00", 5)
	if len(parts) < 5 {
		t.message = "threw a value that cannot be described"
		return t
	}
	t.kind, t.stack, t.message = parts[0], parts[3], parts[4]
	t.line, _ = strconv.Atoi(parts[1])
	t.column, _ = strconv.Atoi(parts[2])
	return t
}

// place is a line and a column in the stack of an error.
var place = lazy.Regexp(`\bscript:(\d{1,7}):(\d{1,7})`)

// at writes the place into e: where the innermost call in the script made the error,
// or else the throw statement.
func (t thrown) at(e *Error) {
	if t.stack == "" { // an error of prelude.js has no place in the script
		e.Line, e.Column = t.line, t.column
	}
	if found := place().FindStringSubmatch(t.stack); found != nil {
		e.Line, _ = strconv.Atoi(found[1])
		e.Column, _ = strconv.Atoi(found[2])
	} else if strings.Contains(t.stack, "prelude:") { // the package has thrown, after the handler
		e.Line = 0
	}
	e.Line = engine.Line(e.Line)
	if e.Line == 0 {
		e.Column = 0
	}
}

// compileError returns the Error for an error of the compiler.
func (t thrown) compileError() *Error {
	e := &Error{Message: scrub.Text(t.message, maxMessage)}
	t.at(e)
	return e
}

// failure returns the Error for an error in the handler of event.
func (r *run) failure(event string, err error) *Error {
	e := &Error{Event: event}
	var t thrown
	var refused refusal
	switch {
	case errors.Is(err, errTime):
		e.Message, e.cause = fmt.Sprintf("took longer than %v", r.limit), ErrLimit
	case errors.Is(err, engine.ErrTrap):
		e.Message, e.cause = "calls nest too deep", ErrLimit
	case errors.As(err, &t):
		e.Message = t.message
		switch {
		case t.kind == "AuthRefreshException":
			e.cause = connectorauth.ErrCredentialRejected
		case t.kind == "AuthSessionException":
			e.cause = ErrSession
		case t.message == "RangeError: Maximum call stack size exceeded":
			e.Message, e.cause = "calls or values nest too deep", ErrLimit
		case strings.HasPrefix(t.message, "InternalError: "): // such as: string too long
			e.cause = ErrLimit
		}
		t.at(e)
	case errors.As(err, &refused):
		e.Message, e.cause = refused.message, refused.cause
	default:
		e.Message = err.Error()
	}
	e.Message = r.scrubbed(e.Message)
	return e
}

// A refusal is an error with a change by a script that cannot be applied.
type refusal struct {
	message string
	cause   error // ErrAborted, ErrLimit or nil
}

func (r refusal) Error() string { return r.message }

// invalid returns a refusal without a cause.
func invalid(format string, args ...any) error {
	return refusal{message: fmt.Sprintf(format, args...)}
}

// tooLarge returns a refusal with the cause ErrLimit.
func tooLarge(format string, args ...any) error {
	return refusal{fmt.Sprintf(format, args...), ErrLimit}
}

// maxMessage is the length in bytes at which a message is cut.
const maxMessage = 500
