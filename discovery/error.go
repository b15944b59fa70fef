package discovery

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// An Error is a request for metadata, or about a registration, that failed. The text has no
// credential.
type Error struct {
	// URL is where the request went, without a query.
	URL string
	// StatusCode is the HTTP status of the response. 0 means no response.
	StatusCode int
	// Code is the error code of RFC 7591 section 3.2.2, such as "invalid_redirect_uri".
	// Empty if the response has none.
	Code string
	// Description is the server's explanation, for developers: without control characters
	// and credentials, and bounded in length.
	Description string
	// RetryAfter is how long the server asks to wait. 0 if the server does not say.
	RetryAfter time.Duration

	temporary bool   // another place failed for now
	before    *Error // of the place that was tried before; nil: none
	cause     error  // why there is no usable response; nil: the status says so
}

// Error names the URL and the reason, of each place that was tried.
func (e *Error) Error() string {
	var places []string
	for ; e != nil; e = e.before {
		places = append([]string{e.place()}, places...)
	}
	return "connectorauth: discovery: " + strings.Join(places, "; ")
}

// place says what failed at one place.
func (e *Error) place() string {
	var b strings.Builder
	b.WriteString(e.URL)
	if e.StatusCode != 0 && e.cause == nil {
		fmt.Fprintf(&b, ": status %d", e.StatusCode)
	}
	if e.Code != "" {
		b.WriteString(": " + e.Code)
	}
	if e.Description != "" {
		fmt.Fprintf(&b, " (%s)", e.Description)
	}
	if e.cause != nil {
		fmt.Fprintf(&b, ": %v", e.cause)
	}
	return b.String()
}

// Missing reports whether each place that was tried responded with status 404.
func (e *Error) Missing() bool {
	for ; e != nil; e = e.before {
		if e.StatusCode != http.StatusNotFound {
			return false
		}
	}
	return true
}

// Unwrap returns why there was no usable response, such as an *egress.Error, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Temporary reports whether the same request may succeed later: there was no response, or
// the status is 408, 429 or 5xx, at one of the places at least.
func (e *Error) Temporary() bool {
	return e.temporary || e.StatusCode == 0 || e.StatusCode == http.StatusRequestTimeout ||
		e.StatusCode == http.StatusTooManyRequests || e.StatusCode >= 500
}
