package script

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/connectorauth/connectorauth"
	"github.com/dop251/goja"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/parser"
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

func (e *Error) at(p file.Position) { e.Line, e.Column = p.Line, p.Column }

// compileError returns the Error for an error of the compiler.
func compileError(err error) *Error {
	e := &Error{Message: clean(err.Error(), nil)}
	var list parser.ErrorList
	var syntax *goja.CompilerSyntaxError
	var reference *goja.CompilerReferenceError
	switch {
	case errors.As(err, &list) && len(list) > 0:
		e.Message = clean(list[0].Message, nil)
		e.at(list[0].Position)
	case errors.As(err, &syntax):
		e.Message = clean(syntax.Message, nil)
		e.at(syntax.File.Position(syntax.Offset))
	case errors.As(err, &reference):
		e.Message = clean(reference.Message, nil)
		e.at(reference.File.Position(reference.Offset))
	}
	return e
}

// failure returns the Error for an error in the handler of event.
func (r *run) failure(event string, err error) *Error {
	e := &Error{Event: event}
	switch err := err.(type) { // errors.As and err.Error() could run code of the script
	case *goja.InterruptedError:
		e.Message, e.cause = fmt.Sprintf("took longer than %v", r.limit), ErrLimit
		e.at(position(err.Stack()))
	case *goja.StackOverflowError:
		e.Message, e.cause = fmt.Sprintf("calls nest deeper than %d", maxDepth), ErrLimit
		e.at(position(err.Stack()))
	case *goja.Exception:
		e.Message, e.cause = r.describe(err.Value())
		e.at(position(err.Stack()))
	case rejected:
		e.Message, e.cause = r.describe(err.value)
	case refusal:
		e.Message, e.cause = err.message, err.cause
	default:
		e.Message = err.Error()
	}
	e.Message = clean(e.Message, r.knownSecrets())
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

// position returns the place of the innermost call in the script. The zero value
// means unknown.
func position(stack []goja.StackFrame) file.Position {
	for i := range stack {
		if p := stack[i].Position(); p.Line > 0 {
			return p
		}
	}
	return file.Position{}
}

// describe returns the text of a thrown value, and the cause for Error: nil unless
// the value is one of the two exceptions, or takes too long to describe.
func (r *run) describe(v goja.Value) (message string, cause error) {
	err := r.protect(func() error { // the value may have getters and a toString of the script
		o, ok := v.(*goja.Object)
		for p := o; p != nil; p = p.Prototype() {
			switch p {
			case r.refresh:
				cause = connectorauth.ErrCredentialRejected
			case r.session:
				cause = ErrSession
			}
		}
		if ok && o.Get("name") == nil && o.Get("message") != nil {
			v = o.Get("message")
		}
		message = v.String()
		return nil
	})
	if err != nil {
		message = "threw a value that cannot be described"
	}
	if _, late := err.(*goja.InterruptedError); late {
		cause = ErrLimit
	}
	return message, cause
}

// clean returns s as text for a log line: without secrets and control characters,
// and cut to 500 bytes.
func clean(s string, secrets []string) string {
	const limit = 500
	for _, secret := range secrets {
		if len(secret) >= 4 { // a shorter value is no secret, and removing it could make the text unreadable
			s = strings.ReplaceAll(s, secret, "[redacted]")
		}
	}
	s = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) || c == unicode.ReplacementChar {
			return ' '
		}
		return c
	}, s)
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "..."
	}
	return s
}

// knownSecrets returns every secret that the script could read, in plain and in
// common encodings. Longer secrets come first.
func (r *run) knownSecrets() []string {
	list := append([]string(nil), r.secrets...)
	add := func(values ...string) { list = append(list, values...) }
	if e := r.exchange; e != nil {
		add(string(e.Auth))
		for name, values := range e.Request.Header {
			if name == "Authorization" || name == "Cookie" || sensitive(name) {
				add(values...)
			}
		}
		for _, b := range []*body{r.request, r.response} {
			if b != nil {
				add(b.secrets()...)
			}
		}
	}
	if r.endpoint != nil {
		for name, values := range r.endpoint.Query() {
			if sensitive(name) {
				add(values...)
			}
		}
	}
	for _, value := range list {
		if _, rest, ok := strings.Cut(value, " "); ok { // the credential after the scheme of an Authorization header
			add(rest)
			value = rest
		}
		if pair, err := base64.StdEncoding.DecodeString(value); err == nil {
			if _, password, ok := strings.Cut(string(pair), ":"); ok {
				add(string(pair), password)
			}
		}
	}
	for _, value := range list[:len(list):len(list)] {
		unpadded := strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(value)), "=")
		add(unpadded, strings.NewReplacer("+", "-", "/", "_").Replace(unpadded), hex.EncodeToString([]byte(value)),
			url.QueryEscape(value), url.PathEscape(value), fmt.Sprintf("%q", value)[1:])
	}
	// A secret can contain another secret: remove the longer secret first.
	slices.SortFunc(list, func(a, b string) int { return len(b) - len(a) })
	return list
}

// sensitive reports whether a value with this name is probably a secret.
func sensitive(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "token_type", "tokentype":
		return false
	case "code", "key", "pass", "pwd", "sig", "signature":
		return true
	}
	for _, part := range []string{"token", "secret", "password", "passwd", "assertion", "verifier", "apikey", "api_key", "api-key", "credential"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}
