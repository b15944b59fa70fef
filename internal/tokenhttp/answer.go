package tokenhttp

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
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
	Expiry       time.Time     // in place of Lifetime where the answer has a point in time; zero if that has passed
	// Extra are all other members of an answer with an access token. Numbers are
	// json.Number; a form-encoded answer has strings only.
	Extra map[string]any
}

// Paths say where the members of an answer are. A path is the name of a member,
// or names joined by dots for one that is nested; in a list, a number counts
// from 0. Empty means the name in RFC 6749.
type Paths struct {
	AccessToken, RefreshToken, Expiry, Scope, Error, Description string

	Format ExpiryFormat // of Expiry
}

// withNames fills in the names of RFC 6749.
func (p Paths) withNames() Paths {
	return Paths{
		AccessToken:  cmp.Or(p.AccessToken, "access_token"),
		RefreshToken: cmp.Or(p.RefreshToken, "refresh_token"),
		Expiry:       cmp.Or(p.Expiry, "expires_in"),
		Scope:        cmp.Or(p.Scope, "scope"),
		Error:        cmp.Or(p.Error, "error"),
		Description:  cmp.Or(p.Description, "error_description"),
		Format:       p.Format,
	}
}

// Lookup returns what is at path in v, decoded JSON; nil if nothing is.
func Lookup(v any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		switch inner := v.(type) {
		case map[string]any:
			v = inner[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(inner) {
				return nil
			}
			v = inner[i]
		default:
			return nil
		}
	}
	return v
}

// remove takes the member at path out of values.
func remove(values map[string]any, path string) {
	parent, name := any(values), path
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		parent, name = Lookup(values, path[:i]), path[i+1:]
	}
	if members, ok := parent.(map[string]any); ok {
		delete(members, name)
	}
}

// errNotAnAnswer is returned for text that no OAuth2 server would send.
var errNotAnAnswer = errors.New("the answer is neither a JSON object nor a form")

// maxLifetime keeps a lifetime representable, far beyond any real one.
const maxLifetime = 100 * 365 * 24 * time.Hour

// parse reads the body of an answer, JSON or form-encoded. Providers label
// either as anything, so the text itself decides.
func parse(body []byte, p Paths) (map[string]any, error) {
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
	if err != nil || !form.Has(p.AccessToken) && !form.Has(p.Error) {
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
func answer(values map[string]any, p Paths) Answer {
	a := Answer{
		AccessToken:  text(Lookup(values, p.AccessToken)),
		TokenType:    text(values["token_type"]),
		RefreshToken: text(Lookup(values, p.RefreshToken)),
		Scope:        text(Lookup(values, p.Scope)),
	}
	a.Lifetime, a.Expiry = expiry(text(Lookup(values, p.Expiry)), p.Format)
	if a.AccessToken != "" {
		for _, path := range []string{p.AccessToken, "token_type", p.RefreshToken, p.Expiry, p.Scope} {
			remove(values, path)
		}
		a.Extra = values
	}
	return a
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

// ExpiryFormat is how an answer tells when the access token expires.
type ExpiryFormat int

// The formats.
const (
	Seconds      ExpiryFormat = iota // from now
	Milliseconds                     // from now
	Unix                             // seconds since 1970, or milliseconds if there are too many of them
	RFC3339                          // a date
)

// expiry reads a lifetime or a point in time, however it is written.
func expiry(s string, format ExpiryFormat) (lifetime time.Duration, at time.Time) {
	s = strings.TrimSpace(s)
	if format == RFC3339 {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return 0, time.Time{}
		}
		return 0, future(at)
	}
	number, err := strconv.ParseFloat(s, 64)
	if err != nil || !(number > 0) {
		return 0, time.Time{}
	}
	if format == Milliseconds || format == Unix && number > 1e11 { // in seconds, that is the year 5138
		number /= 1000
	}
	if format == Unix {
		return 0, future(time.UnixMilli(int64(min(number, 1e11) * 1000)))
	}
	return time.Duration(min(number, maxLifetime.Seconds()) * float64(time.Second)), time.Time{}
}

// future returns at, or the zero time if that has passed: a provider does not
// grant what has expired, so one of the clocks is wrong.
func future(at time.Time) time.Time {
	switch left := time.Until(at); {
	case left <= 0:
		return time.Time{}
	case left > maxLifetime:
		return time.Now().Add(maxLifetime)
	}
	return at
}

// failure picks the error of RFC 6749 section 5.2 out of an answer. Some
// providers make it an object, or have one in every answer, 0 for none.
func failure(values map[string]any, p Paths) (code, description string) {
	description = text(Lookup(values, p.Description))
	switch e := Lookup(values, p.Error).(type) {
	case bool:
		if e {
			code = "error"
		}
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
		if code = text(e); code == "0" {
			code = ""
		}
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
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil || errors.Is(err, strconv.ErrRange) {
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
