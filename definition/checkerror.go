package definition

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrNoTest: the definition has no test, so nothing can be said of an account.
var ErrNoTest = errors.New("the definition has no test; add a member test")

// A CheckReason is why an account does not work.
type CheckReason string

// The reasons.
const (
	// ReasonRefused: the credential is wrong, or is no longer good. A token that the service
	// refuses right after its renewal counts as refused.
	ReasonRefused CheckReason = "refused"
	// ReasonForbidden: the credential lacks a right or a scope.
	ReasonForbidden CheckReason = "forbidden"
	// ReasonNotFound: there is no such host, or nothing at the address.
	ReasonNotFound CheckReason = "not_found"
	// ReasonMoved: the service redirects to another origin.
	ReasonMoved CheckReason = "moved"
	// ReasonUnavailable: the service, the way to the service, or its token endpoint does not
	// work now.
	ReasonUnavailable CheckReason = "unavailable"
	// ReasonStatus: the status is another one than the test allows.
	ReasonStatus CheckReason = "status"
	// ReasonNotJSON: the response is no JSON of at most 1 MiB.
	ReasonNotJSON CheckReason = "not_json"
	// ReasonNoMember: the response lacks what Test.ID and Test.Label name.
	ReasonNoMember CheckReason = "no_member"
)

// A CheckError says why an account does not work, and what to do. The text has neither a
// credential nor a body.
type CheckError struct {
	Definition string // its name
	Reason     CheckReason
	StatusCode int           // 0 means no response
	RetryAfter time.Duration // how long the service asks to wait; 0 means that the service does not say
	Inputs     []string      // the names of inputs that may be wrong

	titles []string // of Inputs
	detail string   // what is missing
	cause  error
}

// Error says what is wrong, and what to do.
func (e *CheckError) Error() string {
	what, check := e.words()
	text := "definition: " + e.Definition + ": " + what + e.detail
	if e.StatusCode != 0 {
		text += fmt.Sprintf(" (status %d)", e.StatusCode)
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	if len(e.titles) > 0 {
		check = "check " + strings.Join(e.titles, ", ")
	}
	if e.Reason == ReasonForbidden {
		check += "; the credential needs more rights in the service, or more scopes"
	}
	if e.Reason == ReasonUnavailable && e.RetryAfter > 0 {
		check = "try again after " + e.RetryAfter.Round(time.Second).String()
	}
	return text + "; " + strings.TrimPrefix(check, "; ")
}

// words says what is wrong, and what to do where no input may be wrong.
func (e *CheckError) words() (what, check string) {
	switch e.Reason {
	case ReasonRefused:
		return "the service refused the credential", "connect the account again"
	case ReasonForbidden:
		return "the service does not allow the credential what the test does", ""
	case ReasonNotFound:
		return "the service has nothing at the address of the test", "check the base URL and the test of the definition"
	case ReasonMoved:
		return "the service leads to another host, which does not see the credential", "check the base URL and the test of the definition"
	case ReasonUnavailable:
		return "the service does not respond as services do that work", "try again later"
	case ReasonStatus:
		return "the service responds with a status that the test does not expect", "check the test of the definition"
	case ReasonNotJSON:
		return "the response to the test is no JSON of at most 1 MiB", "check the base URL and the test of the definition"
	}
	return "the response to the test has nothing to name the account by at ", "check the test of the definition, and whether the service reports an error there"
}

// Unwrap returns the error of the request, such as connectorauth.ErrReauthRequired, or
// nil if there was a response.
func (e *CheckError) Unwrap() error { return e.cause }

// Temporary reports whether the account may work later, without anybody's help.
func (e *CheckError) Temporary() bool { return e.Reason == ReasonUnavailable }
