package connectorauth

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"

	rfc5849 "github.com/connectorauth/connectorauth/internal/oauth1"
	"github.com/connectorauth/connectorauth/internal/renew"
)

// signed is what one request carries.
type signed struct {
	s       *oauth1Scheme
	ahead   int64                          // the clock's correction when the request was signed
	from    *renew.Generation[oauth1Token] // the token; nil for a token that never changes
	problem string                         // oauth_problem of the response, or empty
	body    bytes.Reader                   // reads the body, if the signature needed the body
}

func (*signed) auth(int) Secret { return "" }

// rejected reports status 401, and the refusals of the OAuth Problem Reporting
// extension whatever their status.
func (c *signed) rejected(resp *http.Response) bool {
	if resp.StatusCode < 400 {
		return false
	}
	c.learn(resp, "")
	return resp.StatusCode == http.StatusUnauthorized || rfc5849.Problem(resp.Header) != ""
}

// learn notes what a refusal says about the token and the time. inBody is the
// problem in a body that was read before; empty if the body was not read.
func (c *signed) learn(resp *http.Response, inBody string) {
	if c.problem = rfc5849.ResponseProblem(resp); c.problem == "" {
		c.problem = inBody
	}
	blamed := c.problem == rfc5849.TimestampRefused
	if theirs, ok := rfc5849.ServerTime(resp); ok && (blamed || c.problem == "" && resp.StatusCode == http.StatusUnauthorized) {
		c.s.clock.Correct(theirs, c.ahead, blamed)
	}
}

// blamesClock reports whether the timestamp may be the reason of the refusal.
func (c *signed) blamesClock() bool { return c.problem == "" || c.problem == rfc5849.TimestampRefused }

// blamesToken reports whether the token may be the reason of the refusal, and the
// token can be replaced.
func (c *signed) blamesToken() bool {
	return c.from != nil && (c.problem == "" || strings.HasPrefix(c.problem, "token_"))
}

// replace obtains another token if the token may be to blame. A corrected clock
// is enough too.
func (c *signed) replace(ctx context.Context) error {
	err := errNotRenewable
	if c.blamesToken() {
		if _, err = c.s.engine.Replace(ctx, oauth1Renewal{c.s, c.problem}, c.from); err == nil {
			return nil
		}
	}
	if c.blamesClock() && c.s.clock.Ahead() != c.ahead && !isFinal(err) {
		return nil
	}
	return err
}

func (c *signed) replaceLater(ctx context.Context) error {
	switch {
	case c.blamesToken():
		return c.s.engine.ReplaceLater(ctx, oauth1Renewal{c.s, c.problem}, c.from)
	case c.blamesClock() && c.s.clock.Ahead() != c.ahead:
		return errClock
	}
	return errNotRenewable
}

// errClock is why a request with a body for one use was refused for now.
var errClock = errors.New("connectorauth: the clock was wrong, and the body of the request cannot be sent again; later requests are signed with the service's time")

// rejectedAgain notes that the new token, or the corrected time, did not help.
func (c *signed) rejectedAgain() (err error) {
	if c.blamesToken() && c.from.Young(c.from.Value.Issued) {
		err = c.s.engine.RejectedAgain(c.from)
	}
	if c.blamesClock() {
		c.s.clock.Reset(c.ahead)
	}
	return err
}
