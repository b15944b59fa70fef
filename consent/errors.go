package consent

import (
	"errors"
	"net/http"

	"github.com/connectorauth/connectorauth"
)

// ErrNotAllowed is for Config.Flow to return where nobody is signed in, or the
// connector is not theirs: the answer is 403 rather than 500.
var ErrNotAllowed = errors.New("consent: not allowed to connect this")

// Reason is why a consent failed, in a word. connect.js gives the same words to
// the page, and "closed" where the person closed the window.
type Reason string

// The reasons, and what each tells a program.
const (
	ReasonDenied     Reason = "denied"      // the account owner said no
	ReasonInvalid    Reason = "invalid"     // the request or the callback is malformed, incomplete or repeats a parameter
	ReasonUnknown    Reason = "unknown"     // no such consent is under way in this browser: answered before, or begun elsewhere
	ReasonExpired    Reason = "expired"     // it took longer than ten minutes
	ReasonUsed       Reason = "used"        // the callback came a second time
	ReasonMixUp      Reason = "mixup"       // the callback is from another provider, or for another person's connector
	ReasonNotAllowed Reason = "not_allowed" // Config.Flow returned ErrNotAllowed
	ReasonRefused    Reason = "refused"     // the provider refused the application: see the TokenError; people cannot mend that
	ReasonProvider   Reason = "provider"    // the provider is down or answers nonsense; try later
	ReasonStore      Reason = "store"       // a store failed, so that the consent could not be checked or its token not be saved
	ReasonInternal   Reason = "internal"    // Config.Flow or Begin failed in another way
)

// Error is a consent that failed.
type Error struct {
	Reason Reason
	err    error
}

// Error describes the failure, without anything that a callback carried but the
// cleaned error code of a [connectorauth.TokenError].
func (e *Error) Error() string {
	text := "consent: " + string(e.Reason)
	if e.err != nil {
		text += ": " + e.err.Error()
	}
	return text
}

// Unwrap returns the error behind it, such as a *connectorauth.TokenError.
func (e *Error) Unwrap() error { return e.err }

func fail(reason Reason, err error) *Error { return &Error{reason, err} }

// flowError classifies an error of Config.Flow.
func flowError(err error) *Error {
	if errors.Is(err, ErrNotAllowed) {
		return fail(ReasonNotAllowed, err)
	}
	return fail(ReasonInternal, err)
}

// classify says what an error of Begin or Finish means; otherwise is the reason
// of those that say nothing themselves.
func classify(err error, otherwise Reason) *Error {
	var token *connectorauth.TokenError
	if errors.As(err, &token) {
		switch {
		case token.Code == "access_denied", token.Code == "user_refused", token.Code == "permission_denied":
			return fail(ReasonDenied, err)
		case token.Temporary():
			return fail(ReasonProvider, err)
		}
		return fail(ReasonRefused, err)
	}
	var callback interface{ BadCallback() (kind string) }
	if errors.As(err, &callback) {
		switch kind := Reason(callback.BadCallback()); kind {
		case ReasonExpired, ReasonUsed, ReasonMixUp:
			return fail(kind, err)
		}
		return fail(ReasonInvalid, err)
	}
	return fail(otherwise, err)
}

// status returns the HTTP status of a page about e.
func (e *Error) status() int {
	switch e.Reason {
	case ReasonDenied, ReasonUnknown, ReasonNotAllowed:
		return http.StatusForbidden
	case ReasonInvalid, ReasonMixUp:
		return http.StatusBadRequest
	case ReasonExpired:
		return http.StatusGone
	case ReasonUsed:
		return http.StatusConflict
	case ReasonRefused, ReasonProvider:
		return http.StatusBadGateway
	case ReasonStore:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
