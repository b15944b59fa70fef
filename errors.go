package connectorauth

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/internal/inject"
	"github.com/connectorauth/connectorauth/internal/renew"
)

// What a program can act on. Test with [errors.Is]; the texts are not part of
// the API. An error that leaves an http.Client is wrapped in a *url.Error, which
// errors.Is and errors.As look through.
var (
	// ErrReauthRequired: the connector's grant is gone (revoked, expired, used up,
	// or never there). Only the account owner can help, by consenting again.
	ErrReauthRequired = errors.New("connectorauth: the account owner must authorize again")

	// ErrHostNotAllowed: the request goes to a place that must not see the
	// credentials. Nothing was sent and no token was fetched.
	ErrHostNotAllowed = errors.New("connectorauth: credentials are not allowed there")

	// ErrCredentialRejected is for a [Hooks].AfterResponse to return: the response
	// says, in its own way, that the credential is no longer good. It is renewed and
	// the request sent once more. If that cannot be, or does not help, the caller
	// gets this error.
	ErrCredentialRejected = errors.New("connectorauth: the response says that the credential is no longer good")

	// ErrBodyNotInjectable: credentials belong into the request's body, and this
	// body cannot carry them. Nothing was sent.
	ErrBodyNotInjectable = inject.ErrNotInjectable
)

// A TokenError is a failed exchange with a provider's token endpoint, or the
// refusal that a provider sent to the consent callback. It matches
// [ErrReauthRequired] if the grant is dead.
type TokenError struct {
	// StatusCode is the HTTP status of the answer; 0 if there was none.
	StatusCode int
	// Code is the error code of RFC 6749 sections 4.1.2.1 and 5.2, such as
	// "invalid_grant"; empty if the answer had none.
	Code string
	// Description is the provider's own explanation, for developers: control
	// characters and credentials are taken out, and its length is bounded.
	Description string
	// RetryAfter is how long the provider asked to wait; 0 if it did not say.
	RetryAfter time.Duration

	dead    bool
	refused bool  // in the consent callback rather than at the token endpoint
	inDoubt bool  // the request went out, and its answer was lost
	cause   error // what kept the answer from coming or from being read
}

// Error describes the failure without any credential or response body.
func (e *TokenError) Error() string {
	var b strings.Builder
	b.WriteString("connectorauth: ")
	if e.refused {
		b.WriteString("the provider refused the authorization")
	} else {
		b.WriteString("token request failed")
	}
	if e.StatusCode != 0 {
		fmt.Fprintf(&b, " with status %d", e.StatusCode)
	}
	if e.Code != "" {
		fmt.Fprintf(&b, ": %s", e.Code)
	}
	if e.Description != "" {
		fmt.Fprintf(&b, " (%s)", e.Description)
	}
	if e.cause != nil {
		fmt.Fprintf(&b, ": %v", e.cause)
	}
	if e.dead {
		b.WriteString("; the account owner must authorize again")
	}
	return b.String()
}

// Is reports whether target is [ErrReauthRequired] and the grant is dead.
func (e *TokenError) Is(target error) bool { return e.dead && target == ErrReauthRequired }

// Unwrap returns what kept the answer from coming, such as a
// context.DeadlineExceeded of the token request, or nil.
func (e *TokenError) Unwrap() error { return e.cause }

// Temporary reports whether the same request may succeed later: there was no
// answer, or it was 408, 429, 5xx or not an OAuth error, or its code says so.
func (e *TokenError) Temporary() bool {
	switch e.Code {
	case "invalid_request": // some servers answer so when two requests collide
		return !e.refused
	case "", "server_error", "temporarily_unavailable", "slow_down":
		return true
	}
	return e.StatusCode == http.StatusRequestTimeout || e.StatusCode == http.StatusTooManyRequests || e.StatusCode >= 500
}

// verdict tells the renewal engine what a failed token request means.
func verdict(err error) renew.Verdict {
	var failed *TokenError
	switch {
	case errors.Is(err, ErrReauthRequired):
		return renew.Verdict{Kind: renew.Dead}
	case !errors.As(err, &failed):
		return renew.Verdict{}
	case failed.inDoubt:
		return renew.Verdict{Kind: renew.InDoubt, After: failed.RetryAfter}
	case failed.Temporary():
		return renew.Verdict{After: failed.RetryAfter}
	}
	return renew.Verdict{Kind: renew.Refused, After: failed.RetryAfter}
}
