package tokenhttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// An Answer is what a token endpoint granted (RFC 6749 section 5.1).
type Answer struct {
	AccessToken  string
	TokenType    string        // as the provider wrote it; empty if absent
	RefreshToken string        // empty if absent
	Scope        string        // empty if absent
	Lifetime     time.Duration // 0 if absent, or no positive number
	// Values are all members of the answer, those above included. Numbers are
	// json.Number; a form-encoded answer has strings only.
	Values map[string]any
}

// errNotAnAnswer is returned for text that no OAuth2 server would send.
var errNotAnAnswer = errors.New("the answer is neither a JSON object nor a form")

// maxLifetime keeps a lifetime representable, far beyond any real one.
const maxLifetime = 100 * 365 * 24 * time.Hour

// parse reads the body of an answer, JSON or form-encoded. Providers label
// either as anything, so the text itself decides.
func parse(body []byte) (map[string]any, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if len(body) > 0 && body[0] == '{' {
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.UseNumber()
		var values map[string]any
		if err := dec.Decode(&values); err != nil {
			return nil, errors.New("the answer is not complete JSON")
		}
		return values, nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || !form.Has("access_token") && !form.Has("error") {
		return nil, errNotAnAnswer
	}
	values := make(map[string]any, len(form))
	for name := range form {
		values[name] = form.Get(name)
	}
	return values, nil
}

// answer picks the members that RFC 6749 defines. Only the access token must be
// there; a member that does not parse counts as absent, so that it cannot cost
// the others.
func answer(values map[string]any) Answer {
	return Answer{
		AccessToken:  text(values["access_token"]),
		TokenType:    text(values["token_type"]),
		RefreshToken: text(values["refresh_token"]),
		Scope:        text(values["scope"]),
		Lifetime:     lifetime(values["expires_in"]),
		Values:       values,
	}
}

// text returns v as a string: a number as it was written, a list joined by
// spaces, anything else as empty.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = text(v[i])
		}
		return strings.Join(parts, " ")
	}
	return ""
}

// lifetime reads a number of seconds, however it is written.
func lifetime(v any) time.Duration {
	seconds, err := strconv.ParseFloat(strings.TrimSpace(text(v)), 64)
	if err != nil || !(seconds > 0) {
		return 0
	}
	return time.Duration(math.Min(seconds, maxLifetime.Seconds()) * float64(time.Second))
}

// failure picks the error of RFC 6749 section 5.2 out of an answer. Some
// providers make it an object.
func failure(values map[string]any) (code, description string) {
	description = text(values["error_description"])
	switch e := values["error"].(type) {
	case map[string]any:
		for _, member := range []string{"code", "type", "status"} {
			if code = text(e[member]); code != "" {
				break
			}
		}
		if description == "" {
			description = text(e["message"])
		}
		if code == "" {
			code = "error"
		}
	default:
		code = text(e)
	}
	return code, description
}

// An Error is a token request that brought no token.
type Error struct {
	StatusCode  int    // 0 without an answer
	Code        string // empty if the answer had none
	Description string
	RetryAfter  time.Duration
	InDoubt     bool  // the request went out and its answer was lost or unreadable
	Cause       error // what kept the answer from coming or from being read
}

// Error names the status and the code.
func (e *Error) Error() string {
	return fmt.Sprintf("token request: status %d, error %q: %v", e.StatusCode, e.Code, e.Cause)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// retryAfter reads a Retry-After header: seconds or a date (RFC 9110 section 10.2.3).
func retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		return max(time.Duration(seconds)*time.Second, 0)
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(time.Until(date), 0)
	}
	return 0
}

// Clean makes a provider's words fit for a log line: secrets and control
// characters are taken out, and no more than limit bytes are kept.
func Clean(s string, limit int, secrets ...string) string {
	for _, secret := range secrets {
		if len(secret) >= 4 { // shorter ones would make the text unreadable and are no secrets
			s = strings.ReplaceAll(s, secret, "[redacted]")
		}
	}
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, s)
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "..."
	}
	return s
}
