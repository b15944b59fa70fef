package connectorauth

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// timestampRefused is the oauth_problem (OAuth Problem Reporting extension) of a
// clock that is wrong.
const timestampRefused = "timestamp_refused"

// deadProblems are the problems of a renewal that no later one will mend.
var deadProblems = map[string]bool{
	"token_expired": true, "token_rejected": true, "token_revoked": true, "token_used": true,
	"permission_denied": true, "user_refused": true, "additional_authorization_required": true,
}

// answered notes what a refusal says about the request's token and time.
func (s *signed) answered(resp *http.Response) {
	s.problem = challenge(resp, "oauth_problem")
	if s.problem == "" && resp.StatusCode == http.StatusUnauthorized {
		head, _ := peek(resp, 2<<10)
		s.problem = value(string(head), "oauth_problem")
	}
	if s.problem == timestampRefused || s.problem == "" && resp.StatusCode == http.StatusUnauthorized {
		s.clock.correct(resp, s.ahead, s.problem == timestampRefused)
	}
}

// blamesClock reports whether the timestamp may be why the request was refused.
func (s *signed) blamesClock() bool { return s.problem == "" || s.problem == timestampRefused }

// blamesToken reports whether the token may be why, and there is one that can
// be replaced.
func (s *signed) blamesToken() bool {
	return s.from != nil && (s.problem == "" || strings.HasPrefix(s.problem, "token_"))
}

const (
	clockTolerance = 60           // seconds; services allow for some minutes
	maxClockError  = 24 * 60 * 60 // seconds; beyond that the Date is not to be believed
)

// A serviceClock is what a service's refusals have shown of its clock.
type serviceClock struct {
	ahead atomic.Int64 // of the clock here, in seconds
}

// correct reads the service's time in the refusal of a request that was signed
// so far ahead. Unless the timestamp is to blame, a difference within the
// tolerance is no reason for it.
func (c *serviceClock) correct(resp *http.Response, sent int64, blamed bool) {
	theirs, ok := serviceTime(resp)
	if !ok {
		return
	}
	ahead := theirs - time.Now().Unix()
	off := max(ahead-sent, sent-ahead)
	switch {
	case max(ahead, -ahead) > maxClockError:
	case off > clockTolerance, blamed && off > 1:
		c.ahead.Store(ahead)
	}
}

// serviceTime returns the time that an answer shows, in Unix seconds.
func serviceTime(resp *http.Response) (seconds int64, ok bool) {
	from, to, _ := strings.Cut(challenge(resp, "oauth_acceptable_timestamps"), "-")
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	if err1 == nil && err2 == nil {
		return first + (last-first)/2, true
	}
	date, err := http.ParseTime(resp.Header.Get("Date"))
	return date.Unix(), err == nil
}

// challenge returns a parameter of the WWW-Authenticate headers.
func challenge(resp *http.Response, name string) string {
	for _, header := range resp.Header["Www-Authenticate"] {
		if v := value(header, name); v != "" {
			return v
		}
	}
	return ""
}

// value finds name=value or name="value" in a challenge or a form. A value of
// other than letters, digits, "_", "-" and "." ends there.
func value(text, name string) string {
	_, rest, _ := strings.Cut(text, name+"=")
	rest = strings.TrimPrefix(rest, `"`)
	end := strings.IndexFunc(rest, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' || r == '-' || r == '.')
	})
	if end >= 0 {
		rest = rest[:end]
	}
	return rest[:min(len(rest), 64)]
}
