package pages

import (
	"cmp"
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/definition"
)

// Errors of requests.
var (
	errCrossSite = errors.New("pages: the request comes from a page of another site")
	errService   = errors.New("pages: there is no such service")
	errMethod    = errors.New("pages: the service has no such method")
	errKey       = &readError{http.StatusBadRequest, "key must be that of a form"}
	errUsed      = &readError{http.StatusBadRequest, "key was used for another service"}
	errScope     = &readError{http.StatusBadRequest, "scopes must be among those of the form, each once"}
)

// A readError is a request that cannot be read. Its text is for developers, and quotes no
// value.
type readError struct {
	status int
	text   string
}

func (e *readError) Error() string { return "pages: " + e.text }

// A fieldError is a value for which no form asks.
type fieldError struct{ field string }

func (e *fieldError) Error() string { return "pages: the form has no such field" }

// A failure is an error in words for a person, and the JSON of an error.
type failure struct {
	// Reason is a word for programs.
	Reason  string `json:"reason"`
	Message string `json:"message"`
	// Fields are what is wrong with values, by the name of the field.
	Fields map[string]string `json:"fields,omitempty"`
	// Account is the ID of the account that the owner has already.
	Account string `json:"account,omitempty"`
	// Detail is for developers.
	Detail string `json:"detail,omitempty"`

	status   int
	internal bool // a person cannot help
}

// explain returns the failure of an error, in the language of the person.
func (x *exchange) explain(err error) failure {
	var read *readError
	var field *fieldError
	var values *definition.InputError
	var duplicate *accounts.DuplicateError
	switch {
	case errors.Is(err, errCrossSite):
		return x.failure("cross_site", http.StatusForbidden)
	case errors.Is(err, consent.ErrNotAllowed):
		return x.failure("not_allowed", http.StatusForbidden)
	case errors.Is(err, accounts.ErrNotFound):
		return x.failure("not_found", http.StatusNotFound)
	case errors.Is(err, errService):
		return x.failure("no_service", http.StatusNotFound)
	case errors.Is(err, errMethod):
		return x.failure("no_method", http.StatusNotFound)
	case errors.As(err, &read):
		f := x.failure("invalid", read.status)
		f.Detail = read.text
		return f
	case errors.As(err, &field):
		f := x.failure("values", http.StatusUnprocessableEntity)
		f.Fields = map[string]string{short(field.field): x.in.text("field.unknown")}
		return f
	case errors.As(err, &values):
		f := x.failure("values", http.StatusUnprocessableEntity)
		f.Fields = x.mistakes(values)
		return f
	case errors.Is(err, accounts.ErrOtherIdentity):
		return x.failure("other_identity", http.StatusConflict)
	case errors.As(err, &duplicate):
		f := x.failure("duplicate", http.StatusConflict)
		f.Account = duplicate.ID
		return f
	case errors.Is(err, accounts.ErrSuperseded):
		return x.failure("superseded", http.StatusConflict)
	case errors.Is(err, accounts.ErrDisconnected):
		return x.failure("disconnected", http.StatusConflict)
	case errors.Is(err, accounts.ErrConnecting), errors.Is(err, accounts.ErrNoConsent):
		return x.failure("connecting", http.StatusConflict)
	}
	return x.tested(err)
}

// tested returns the failure of an error of a test, or of a token.
func (x *exchange) tested(err error) failure {
	var check *definition.CheckError
	var token *connectorauth.TokenError
	switch {
	case errors.As(err, &check):
		return x.checked(check)
	case errors.Is(err, connectorauth.ErrReauthRequired):
		return x.failure("refused", http.StatusUnprocessableEntity)
	case errors.As(err, &token) && token.Temporary():
		x.retryAfter(token.RetryAfter)
		return x.failure("unavailable", http.StatusServiceUnavailable)
	case errors.As(err, &token):
		return x.failure("refused", http.StatusUnprocessableEntity)
	case x.ended(err), errors.Is(err, connectorauth.ErrShutdown):
		return x.failure("interrupted", http.StatusServiceUnavailable)
	}
	f := x.failure("internal", http.StatusInternalServerError)
	f.internal = true
	return f
}

// ended reports whether an error is the end of the request. A timeout of the program's own, such
// as one of a database, is an error as any other.
func (x *exchange) ended(err error) bool {
	return x.r.Context().Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded))
}

// checked returns the failure of a test.
func (x *exchange) checked(err *definition.CheckError) failure {
	status := http.StatusUnprocessableEntity
	if err.Temporary() {
		status = http.StatusServiceUnavailable
		x.retryAfter(err.RetryAfter)
	}
	reason := string(err.Reason)
	if err.Reason == definition.ReasonNotFound {
		reason = "no_address" // not_found is an account that is not there
	}
	f := x.failure(reason, status)
	for _, input := range err.Inputs {
		if f.Fields == nil {
			f.Fields = map[string]string{}
		}
		f.Fields[input] = x.in.text("field.suspect")
	}
	return f
}

// failure returns the failure with a reason, whose text is that of "failed." and the reason.
func (x *exchange) failure(reason string, status int) failure {
	if !x.in.has("failed." + reason) { // a reason of a later version of package definition
		reason = "status"
	}
	return failure{Reason: reason, Message: x.in.text("failed." + reason), status: status}
}

// retryAfter tells a client when to try again (RFC 9110 section 10.2.3).
func (x *exchange) retryAfter(wait time.Duration) {
	if wait > 0 {
		x.w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
}

// mistakes returns the texts of mistakes, by the names of the inputs.
func (x *exchange) mistakes(err *definition.InputError) map[string]string {
	texts := map[string]string{}
	d, _ := x.definition(err.Definition)
	for _, p := range err.Problems {
		if texts[p.Input] == "" {
			texts[p.Input] = x.mistake(p, input(d, x.method, p.Input))
		}
	}
	return texts
}

// mistake returns what is wrong with the value of an input.
func (x *exchange) mistake(p definition.InputProblem, i definition.Input) string {
	switch p.Reason {
	case definition.InputMissing, definition.InputNoChoice, definition.InputSpace:
		return x.in.text("field." + string(p.Reason))
	case definition.InputPattern:
		return x.in.text("field.pattern", "example", i.Example)
	case definition.InputFormat:
		return x.in.text("field.format." + string(i.Format))
	case definition.InputHost:
		if len(i.Suffixes) > 0 {
			return x.in.text("field.host", "suffixes", strings.Join(i.Suffixes, ", "))
		}
	}
	return x.in.text("field.unusable")
}

// input returns an input of a method by name.
func input(d *definition.Definition, method, name string) definition.Input {
	if d != nil {
		inputs := slices.Clone(d.Inputs)
		if m := methodOf(d, method); m != nil {
			inputs = append(inputs, m.Inputs...)
		}
		for _, i := range inputs {
			if i.Name == name {
				i.Format = cmp.Or(i.Format, definition.FormatText)
				return i
			}
		}
	}
	return definition.Input{Name: name}
}
