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

// What a program can tell apart, with [errors.Is].
var (
	// ErrAborted: a handler returned false.
	ErrAborted = errors.New("script: the handler returned false")
	// ErrSession: a handler threw an AuthSessionException. The session at the service
	// is over, and what begins a new one is not a matter of tokens.
	ErrSession = errors.New("script: the session at the service is over")
	// ErrLimit: the script took too long, nested too deep or made something too
	// large.
	ErrLimit = errors.New("script: over the limit")
)

// An Error is a script that does not compile, or a handler that failed. It
// matches [connectorauth.ErrCredentialRejected] for an AuthRefreshException that
// did not help.
type Error struct {
	// Event is the event whose handler failed; empty if the script does not compile.
	Event string
	// Line and Column are where, from 1; 0 if that is not known.
	Line, Column int
	// Message is what the script threw, or what is wrong with it. Credentials and
	// control characters are taken out, and its length is bounded.
	Message string

	cause error
}

// Error gives all of it.
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

// Unwrap returns one of the errors that can be told apart, or nil.
func (e *Error) Unwrap() error { return e.cause }

func (e *Error) at(p file.Position) { e.Line, e.Column = p.Line, p.Column }

// compileError describes why a script does not compile.
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

// failure describes what went wrong in the handler of event.
func (r *run) failure(event string, err error) *Error {
	e := &Error{Event: event}
	switch err := err.(type) { // not by errors.As and Error, which run code of the script
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
	e.Message = clean(e.Message, r.known())
	return e
}

// A refusal is what a script did or made that cannot be taken over.
type refusal struct {
	message string
	cause   error // ErrAborted, ErrLimit or nil
}

func (r refusal) Error() string { return r.message }

// invalid returns the refusal of something that cannot be sent.
func invalid(format string, args ...any) error {
	return refusal{message: fmt.Sprintf(format, args...)}
}

// tooLarge returns the refusal of something that is over a limit.
func tooLarge(format string, args ...any) error {
	return refusal{fmt.Sprintf(format, args...), ErrLimit}
}

// position returns the place in the script of the innermost call.
func position(stack []goja.StackFrame) file.Position {
	for i := range stack {
		if p := stack[i].Position(); p.Line > 0 {
			return p
		}
	}
	return file.Position{}
}

// describe returns the text of a thrown value, and what it stands for.
func (r *run) describe(v goja.Value) (message string, cause error) {
	err := r.protect(func() error { // there may be getters and a toString of the script's
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

// clean makes what a script said fit for a log line.
func clean(s string, secrets []string) string {
	const limit = 500
	for _, secret := range secrets {
		if len(secret) >= 4 { // shorter ones would make the text unreadable and are no secrets
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

// known returns the secrets that the script could have got at, in the forms that
// it is likely to give them.
func (r *run) known() []string {
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
		if _, rest, ok := strings.Cut(value, " "); ok { // after the scheme
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
	// A secret may be part of another.
	slices.SortFunc(list, func(a, b string) int { return len(b) - len(a) })
	return list
}

// sensitive reports whether what goes by a name is likely to be a secret.
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
