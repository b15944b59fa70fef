package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/challenge"
	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/connectorauth/connectorauth/internal/template"
)

// obtain renews the session old, or logs in.
func (s *service) obtain(ctx context.Context, old connectorauth.CustomCredential, _ *http.Response) (connectorauth.CustomCredential, error) {
	if s.renew != nil && s.isWhole(old) {
		next, err := s.run(ctx, old, s.renew)
		var failed *failure
		if err == nil || !errors.As(err, &failed) || !failed.answered {
			return next, err
		}
	}
	return s.run(ctx, connectorauth.CustomCredential{}, s.login...)
}

// isWhole reports whether session has all captures. A session that a program with another
// config has stored may lack some.
func (s *service) isWhole(session connectorauth.CustomCredential) bool {
	return !slices.ContainsFunc(s.names, func(name string) bool { return session.More[name] == "" && name != s.lifetime.Expiry })
}

// revoke logs out.
func (s *service) revoke(ctx context.Context, session connectorauth.CustomCredential) error {
	_, err := s.run(ctx, session, s.logout)
	var failed *failure
	if errors.As(err, &failed) && failed.refused {
		return nil // the session was over
	}
	return err
}

// run makes requests in order, and returns the session old with what the requests have
// captured.
func (s *service) run(ctx context.Context, old connectorauth.CustomCredential, requests ...*request) (none connectorauth.CustomCredential, err error) {
	began := time.Now() // a lifetime from here ends early rather than late
	f := s.filler(old)
	for _, r := range requests {
		if err := s.send(ctx, r, f, old); err != nil {
			return none, err
		}
	}
	if end, _ := s.lifetime.end(f.Values, began); requests[0] == s.renew && !end.After(old.Expiry) {
		if _, told := s.renew.captures[s.lifetime.Expiry]; !told {
			delete(f.Values, s.lifetime.Expiry) // the date is that of the session before
		}
	}
	next := connectorauth.CustomCredential{More: map[string]connectorauth.Secret{}}
	for _, name := range s.names {
		if value, ok := f.Values[name]; ok {
			next.More[name] = connectorauth.Secret(value)
		}
	}
	next.Expiry, next.Note = s.lifetime.end(f.Values, began)
	return next, nil
}

// failure is a request without success.
type failure struct {
	error
	answered bool // the service has answered, and does not ask for a pause
	refused  bool // the service does not accept the credentials of the request
}

// Unwrap returns what a program may test for.
func (f *failure) Unwrap() error { return f.error }

// refusing are the statuses by which services refuse credentials, or lock an account.
var refusing = []int{
	http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusLocked,
}

// send makes a request once, and adds what the response has to the values of f.
func (s *service) send(ctx context.Context, r *request, f *template.Filler, old connectorauth.CustomCredential) error {
	call := endpoint.Call{
		Build:     func(ctx context.Context) (*http.Request, []string, error) { return r.build(ctx, f) },
		Base:      s.base,
		Redirects: true,
	}
	if r.auth != nil {
		call.Auth = r.auth.Wrap
	}
	resp, err := call.Do(ctx)
	if err != nil {
		return r.unanswered(err)
	}
	if r.auth != nil {
		if why := connectorauth.RenewalError(resp.Response); why != nil {
			return fmt.Errorf("session: %s: the connector in Auth: %w", r.name, why)
		}
	}
	status := &connectorauth.TokenError{StatusCode: resp.StatusCode, RetryAfter: endpoint.RetryAfter(resp.Header), Endpoint: r.url.Beginning()}
	redirect := resp.StatusCode/100 == 3
	switch {
	case slices.Contains(refusing, resp.StatusCode) || s.refuses(resp):
		return r.refused(status)
	case redirect && slices.ContainsFunc(slices.Collect(maps.Values(r.captures)), func(s source) bool { return !s.inHead() }),
		redirect && len(r.captures) == 0 && r != s.logout:
		return r.failed(fmt.Errorf("%w: the service responds with a redirect, which is not followed; give the final URL", status), status)
	case !redirect && !resp.Granted():
		return r.failed(status, status)
	}
	return s.capture(r, resp, f, old, status)
}

// unanswered is the error of a request without a response.
func (r *request) unanswered(err error) error {
	var call *endpoint.Failure
	if errors.As(err, &call) {
		if call.StatusCode != 0 { // too long, or damaged
			return r.failed(fmt.Errorf("the response with status %d: %w", call.StatusCode, call.Cause), &connectorauth.TokenError{StatusCode: call.StatusCode})
		}
		err = call.Cause
	}
	if errors.Is(err, connectorauth.ErrReauthRequired) {
		// The connector in Auth needs its owner, and this account needs nothing else.
		return fmt.Errorf("session: %s to %s: the connector in Auth: %w: %w", r.name, r.url.Beginning(), connectorauth.ErrNotConnected, err)
	}
	return fmt.Errorf("session: %s to %s: %w", r.name, r.url.Beginning(), err)
}

// failed is the error of a response of no use, which may be of use later.
func (r *request) failed(err error, status *connectorauth.TokenError) error {
	pause := status.StatusCode == http.StatusTooManyRequests || status.StatusCode == http.StatusServiceUnavailable || status.RetryAfter > 0
	return &failure{error: fmt.Errorf("session: %s: %w", r.name, err), answered: !pause}
}

// refused is the error of a response that says that the credentials are wrong.
func (r *request) refused(why error) error {
	return &failure{
		error:    fmt.Errorf("session: %s was refused: %w: %w", r.name, connectorauth.ErrReauthRequired, why),
		answered: true, refused: true,
	}
}

// refuses reports whether a response is one of the refusals of the config.
func (s *service) refuses(resp *endpoint.Response) bool {
	if len(s.refusals) == 0 {
		return false
	}
	seen := *resp.Response
	seen.Body = io.NopCloser(bytes.NewReader(resp.Body))
	return challenge.Rejects(s.refusals, &seen)
}

// capture adds what the response has to the values of f.
func (s *service) capture(r *request, resp *endpoint.Response, f *template.Filler, old connectorauth.CustomCredential, status error) error {
	reading := reading{Response: resp}
	found := 0
	for _, name := range slices.Sorted(maps.Keys(r.captures)) {
		value, err := reading.get(r.captures[name])
		if err != nil {
			return r.failed(fmt.Errorf("the value for %q %w", name, err), &connectorauth.TokenError{})
		}
		_, kept := old.More[name]
		switch {
		case value != "":
			found++
			f.Values[name] = value
		case name == s.lifetime.Expiry:
			delete(f.Values, name) // an expiry of the session before says nothing
		case !kept:
			return r.refused(fmt.Errorf("the response has no value for %q: %w", name, status))
		}
	}
	if found == 0 && len(r.captures) > 0 {
		return r.refused(fmt.Errorf("the response has none of the values to capture: %w", status))
	}
	return nil
}
