package consent

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/scrub"
)

// ErrNotAllowed is the error with which Config.Flow says that nobody is signed in,
// or that the connector belongs to another person. The handler responds with
// status 403.
var ErrNotAllowed = errors.New("consent: this person may not connect this account")

// Reason says in a word why a consent failed. connect.js gives the same words to
// the page, and the word "closed" if the person closed the popup.
type Reason string

// The reasons.
const (
	ReasonDenied     Reason = "denied"      // the account owner did not allow access
	ReasonInvalid    Reason = "invalid"     // the request or the callback is malformed, or lacks or repeats a parameter
	ReasonUnknown    Reason = "unknown"     // this browser has no consent with the callback's state: finished before, or begun in another browser. Or the page was loaded again
	ReasonExpired    Reason = "expired"     // the consent took longer than ten minutes, or than the connector's ConsentLifetime
	ReasonUsed       Reason = "used"        // the callback came a second time
	ReasonMixUp      Reason = "mixup"       // the callback is from another provider, or for another person's connector
	ReasonNotAllowed Reason = "not_allowed" // Config.Flow returned ErrNotAllowed
	ReasonRefused    Reason = "refused"     // the provider refused the application, see TokenError; the account owner cannot help
	ReasonProvider   Reason = "provider"    // the provider is down or its response cannot be read; try again later
	ReasonUnusable   Reason = "unusable"    // the service does not accept the credential that the consent has brought
	ReasonStore      Reason = "store"       // a store failed: the consent could not be checked, or the token could not be saved
	ReasonUnrecorded Reason = "unrecorded"  // the token is saved, but Config.Done returned an error
	ReasonDuplicate  Reason = "duplicate"   // the person has connected this account already
	ReasonInternal   Reason = "internal"    // Config.Flow or Begin failed in another way
)

// again reports whether the page about a failure offers to start the consent again.
// After some failures, the account may be connected all the same.
func (r Reason) again() bool {
	return r != "" && r != ReasonUsed && r != ReasonUnrecorded
}

// Error says why a consent failed.
type Error struct {
	Reason Reason
	err    error
}

// Error returns the reason and the cause. Of the callback, the text contains at
// most the provider's error code and explanation (see [connectorauth.TokenError]) or
// a foreign issuer, without unsafe characters.
func (e *Error) Error() string {
	text := "consent: " + string(e.Reason)
	if e.err != nil {
		text += ": " + e.err.Error()
	}
	return text
}

// Unwrap returns the cause, such as a *connectorauth.TokenError. Nil means none.
func (e *Error) Unwrap() error { return e.err }

func fail(reason Reason, err error) *Error { return &Error{reason, err} }

// flowError returns the Error for an error of Config.Flow.
func flowError(err error) *Error {
	if errors.Is(err, ErrNotAllowed) {
		return fail(ReasonNotAllowed, err)
	}
	return fail(cmp.Or(reasonOf(err), ReasonInternal), err)
}

// reasonOf returns the reason that an error has by itself, or none: that of a Flow that knows
// more, such as one of package accounts.
func reasonOf(err error) Reason {
	var named interface{ ConsentReason() string }
	if errors.As(err, &named) {
		if kind := Reason(named.ConsentReason()); english.Failed[kind] != (Text{}) {
			return kind
		}
	}
	return ""
}

// denials are the codes with which providers say that the account owner did not
// allow access: those of RFC 6749 and of OAuth1's problem reporting, and those of
// Apple, LinkedIn, Microsoft and others.
var denials = []string{"access_denied", "user_refused", "permission_denied", "user_cancelled_authorize", "user_cancelled_login", "user_denied", "authorization_declined"}

// classify returns the Error for an error of Begin or Finish. The reason otherwise
// is for an error of unknown type.
func classify(err error, otherwise Reason) *Error {
	if kind := reasonOf(err); kind != "" {
		return fail(kind, err)
	}
	var token *connectorauth.TokenError
	if errors.As(err, &token) {
		switch {
		case slices.Contains(denials, token.Code):
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

// unbound returns the refusal of a provider in a callback without a reference, or nil
// if the callback is none. Nobody knows whose consent the provider has refused, or
// whether the callback is from a provider at all.
func unbound(callback url.Values) *Error {
	if _, err := reference(callback); err != errNoReference {
		return nil
	}
	code := cmp.Or(callback.Get("error"), callback.Get("oauth_problem"))
	if code == "" || len(callback["error"]) > 1 || len(callback["oauth_problem"]) > 1 {
		return nil
	}
	refusal := &unboundRefusal{code: scrub.Text(code, 64), description: scrub.Text(callback.Get("error_description"), 200)}
	switch code {
	case "server_error", "temporarily_unavailable":
		return fail(ReasonProvider, refusal)
	}
	if slices.Contains(denials, code) {
		return fail(ReasonDenied, refusal)
	}
	return fail(ReasonRefused, refusal)
}

// An unboundRefusal is a provider's refusal that may belong to any consent, in the
// words of whoever sent the callback.
type unboundRefusal struct{ code, description string }

// Error returns what came.
func (e *unboundRefusal) Error() string {
	text := "a callback without a state says: " + e.code
	if e.description != "" {
		text += " (" + e.description + ")"
	}
	return text
}

// isUnbound reports whether e is from unbound. A nil e is not.
func (e *Error) isUnbound() bool { return e != nil && errors.As(e.err, new(*unboundRefusal)) }

// status returns the HTTP status of the page about e.
func (e *Error) status() int {
	switch e.Reason {
	case ReasonDenied, ReasonUnknown, ReasonNotAllowed, ReasonUnusable:
		return http.StatusForbidden
	case ReasonInvalid, ReasonMixUp:
		return http.StatusBadRequest
	case ReasonExpired:
		return http.StatusGone
	case ReasonUsed, ReasonDuplicate:
		return http.StatusConflict
	case ReasonRefused, ReasonProvider:
		return http.StatusBadGateway
	case ReasonStore:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
