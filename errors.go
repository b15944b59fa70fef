package connectorauth

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/connectorauth/connectorauth/internal/inject"
	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/connectorauth/connectorauth/internal/scrub"
	"golang.org/x/oauth2"
)

// Errors on which a program can act. Test with [errors.Is]; the texts are not
// part of the API. An http.Client wraps errors in a *url.Error; errors.Is and
// errors.As see through.
var (
	// ErrReauthRequired: the connector's grant is revoked, expired or used up, or
	// never existed. Only the account owner can help, by a new consent.
	ErrReauthRequired = errors.New("connectorauth: the account owner must authorize again")

	// ErrNotConnected: there is no token yet, so the account owner must authorize for
	// the first time; or the token was deleted from the store. An error that matches
	// ErrNotConnected matches ErrReauthRequired too. A grant that was revoked or used up
	// matches ErrReauthRequired alone.
	ErrNotConnected error = notConnected{}

	// ErrHostNotAllowed: the request goes to a place that must not see the
	// credentials. Nothing was sent and no token was fetched.
	ErrHostNotAllowed = errors.New("connectorauth: credentials are not allowed there")

	// ErrCredentialRejected is for Hooks.AfterResponse to return: the API's response
	// says, in its own way, that the credential is no longer valid. The connector
	// renews the credential and sends the request once more. If that is impossible
	// or does not help, the caller gets this error. The [RenewalError] of a 401 that
	// follows directly on a renewal matches ErrCredentialRejected too.
	ErrCredentialRejected = errors.New("connectorauth: the response says that the credential is no longer valid")

	// ErrBodyNotInjectable: the credentials belong into the request's body, and
	// this body cannot carry them. Nothing was sent. Only multipart is streamed: the
	// service may have received the fields, and the parts before the one that has
	// the name of a field.
	ErrBodyNotInjectable = inject.ErrNotInjectable

	// ErrNoRevocation: the config does not say how to tell the provider that a token is not
	// needed any more. Forget does without.
	ErrNoRevocation = errors.New("connectorauth: the config has no RevokeURL of an OAuth2, no Revoke of a Custom, and no Logout of package session: set one, or use Forget, which does not tell the provider")

	// ErrShutdown: a token request would be necessary, and [Shared.Shutdown] was
	// called. The account is not lost: the next process goes on.
	ErrShutdown = renew.ErrShutdown
)

// A TokenError is a failed request to a provider's token endpoint, or the refusal
// in a provider's callback. A TokenError matches [ErrReauthRequired] if the grant
// is no longer valid. errors.As also finds an *oauth2.RetrieveError with the
// status and the fields of RFC 6749, but without a body.
type TokenError struct {
	// StatusCode is the HTTP status of the response. 0 means no response.
	StatusCode int
	// Code is the error code of RFC 6749 sections 4.1.2.1 and 5.2, such as
	// "invalid_grant". Empty if the response has none.
	Code string
	// Description is the provider's explanation, for developers: without control
	// characters and credentials, and bounded in length.
	Description string
	// RetryAfter is how long the provider asks to wait. 0 if the provider does not
	// say.
	RetryAfter time.Duration
	// Endpoint is the URL of the token request, without a query. Empty for a refusal
	// in a callback, and for a token that an OAuth1 API refused.
	Endpoint string
	// Account is the Account of the connector's config, which may be empty.
	Account string

	dead    bool   // only the account owner can help
	refused bool   // in the callback, not at the token endpoint
	byAPI   bool   // the API refused the token
	request string // what was requested; empty means a token
	before  bool   // the request failed before, and is not made again now
	missing bool   // with before: nobody knows whether the provider took the refresh token
	inDoubt bool   // the request was sent, and nobody knows the outcome
	cause   error  // why there is no usable response
}

// notConnected is the type of ErrNotConnected.
type notConnected struct{}

// Error says what is missing.
func (notConnected) Error() string { return "connectorauth: the account owner has not authorized yet" }

// Is reports whether target is ErrReauthRequired.
func (notConnected) Is(target error) bool { return target == ErrReauthRequired }

// A subject is what a token request is about: the account, and the URL of the
// request.
type subject struct{ account, url string }

// newTokenError returns the error of a failed call. An error that is not a
// *endpoint.Failure keeps its type: nothing was sent.
func (s subject) newTokenError(err error) error {
	var failed *endpoint.Failure
	if !errors.As(err, &failed) {
		return s.name(err)
	}
	return s.fill(&TokenError{
		StatusCode: failed.StatusCode, Code: failed.Code, Description: failed.Description, RetryAfter: failed.RetryAfter,
		inDoubt: failed.InDoubt, cause: failed.Cause,
	})
}

// fill returns e with the account and the endpoint.
func (s subject) fill(e *TokenError) *TokenError {
	e.Account, e.Endpoint = s.account, scrub.WithoutQuery(s.url)
	return e
}

// name returns err with a text that ends with the account and the endpoint.
// http.Client names the URL of the API alone.
func (s subject) name(err error) error {
	if s.account != "" {
		err = fmt.Errorf("%w; account %q", err, s.account)
	}
	if s.url != "" {
		err = fmt.Errorf("%w; token endpoint %s", err, scrub.WithoutQuery(s.url))
	}
	return err
}

// Error describes the failure without a credential or a response body.
func (e *TokenError) Error() string {
	var b strings.Builder
	b.WriteString("connectorauth: ")
	switch {
	case e.refused:
		b.WriteString("the provider refused the authorization")
	case e.request != "":
		b.WriteString("the " + e.request)
	case e.byAPI:
		b.WriteString("the API refused the token")
	case e.pauses():
		b.WriteString("no token request") // another account's request may have failed
	case e.before:
		b.WriteString("an earlier token request")
	default:
		b.WriteString("token request")
	}
	if e.Account != "" {
		fmt.Fprintf(&b, " for %q", e.Account)
	}
	if e.Endpoint != "" {
		b.WriteString(" to " + e.Endpoint)
	}
	if e.pauses() {
		why := "an earlier request failed, or the provider asked for a pause"
		if e.missing {
			why = "the response to a renewal is missing, perhaps because a process has ended; the refresh token may be used up"
		}
		fmt.Fprintf(&b, " for %v: %s", e.RetryAfter.Round(time.Second), why)
		return b.String()
	}
	if !e.refused && !e.byAPI {
		b.WriteString(" failed")
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
	if e.before && e.RetryAfter > 0 {
		fmt.Fprintf(&b, "; the next token request is made in %v at the earliest", e.RetryAfter.Round(time.Second))
	}
	if e.dead {
		b.WriteString("; the account owner must authorize again")
	}
	return b.String()
}

// pauses reports whether nothing was sent, and no refusal of this account is known.
func (e *TokenError) pauses() bool { return e.before && !e.dead && e.Code == "" && e.RetryAfter > 0 }

// Is reports whether target is [ErrReauthRequired] and the grant is no longer
// valid.
func (e *TokenError) Is(target error) bool { return e.dead && target == ErrReauthRequired }

// As fills in an *oauth2.RetrieveError, for programs that test for the error of
// golang.org/x/oauth2. Without a response, there is none to fill in.
func (e *TokenError) As(target any) bool {
	to, ok := target.(**oauth2.RetrieveError)
	if !ok || e.StatusCode == 0 {
		return false
	}
	*to = &oauth2.RetrieveError{
		Response: &http.Response{
			StatusCode: e.StatusCode, Status: fmt.Sprintf("%d %s", e.StatusCode, http.StatusText(e.StatusCode)),
			Header: http.Header{}, Body: http.NoBody,
		},
		ErrorCode: e.Code, ErrorDescription: e.Description,
	}
	return true
}

// Unwrap returns why there was no usable response, such as a
// context.DeadlineExceeded of the token request, or nil.
func (e *TokenError) Unwrap() error { return e.cause }

// Temporary reports whether the same request may succeed later: there was no
// response, or the response has status 408, 429 or 5xx, is not an OAuth error, or
// has a code that says so.
func (e *TokenError) Temporary() bool {
	switch e.Code {
	case "invalid_request": // some servers give this code when two requests collide
		return !e.refused
	case "", "server_error", "temporarily_unavailable", "slow_down":
		return true
	case "use_dpop_nonce", "invalid_dpop_proof": // the next proof has the provider's nonce and time
		return true
	}
	return e.StatusCode == http.StatusRequestTimeout || e.StatusCode == http.StatusTooManyRequests || e.StatusCode >= 500
}
