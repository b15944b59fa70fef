package endpoint

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// A Token is what a token response granted (RFC 6749 section 5.1).
type Token struct {
	AccessToken  string
	TokenType    string        // as the provider wrote it; empty if absent
	RefreshToken string        // empty if absent
	Scope        string        // empty if absent
	Lifetime     time.Duration // 0 if absent, or not a positive number
	Expiry       time.Time     // in place of Lifetime where the response has a point in time; zero if in the past
	// RefreshLifetime and RefreshExpiry are those of the refresh token.
	RefreshLifetime time.Duration
	RefreshExpiry   time.Time
	// Extra are the other members of a response with an access token. Numbers are
	// json.Number; a form-encoded response has strings only.
	Extra map[string]any
}

// Token reads a token response. paths say where to look, each in turn until an
// access token is found; none means the places in RFC 6749. An error is a
// *Failure. Together with a failure, the Token may have a refresh token, which
// replaces the former refresh token.
func (r *Response) Token(paths ...dialect.Response) (Token, error) {
	if len(paths) == 0 {
		paths = []dialect.Response{{}}
	}
	first := withNames(paths[0])
	values, err := parse(r.Body, first)
	if err != nil {
		return Token{}, r.Fail(err)
	}
	code, description := refusal(values, first)
	fail := r.Fail(nil)
	fail.Code, fail.Description = scrub.Text(code, 64, r.Secrets...), scrub.Text(description, 200, r.Secrets...)
	fail.InDoubt = false
	if !r.Granted() || code != "" {
		return Token{}, fail
	}
	refresh := ""
	for _, p := range paths {
		t := token(values, withNames(p))
		if t.AccessToken != "" {
			return t, nil
		}
		refresh = cmp.Or(refresh, t.RefreshToken)
	}
	fail.InDoubt, fail.Cause = refresh == "", fmt.Errorf("the response has no %s", first.AccessToken)
	return Token{RefreshToken: refresh}, fail
}

// withNames fills in the names of RFC 6749.
func withNames(p dialect.Response) dialect.Response {
	p.AccessToken = cmp.Or(p.AccessToken, "access_token")
	p.RefreshToken = cmp.Or(p.RefreshToken, "refresh_token")
	p.Expiry = cmp.Or(p.Expiry, "expires_in")
	p.Scope = cmp.Or(p.Scope, "scope")
	p.Error = cmp.Or(p.Error, "error")
	p.ErrorDescription = cmp.Or(p.ErrorDescription, "error_description")
	return p
}

// parse reads the body of a token response: JSON or a form. Providers label
// either as anything, so the text decides.
func parse(body []byte, p dialect.Response) (map[string]any, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if len(body) > 0 && body[0] == '{' {
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.UseNumber()
		var values map[string]any
		if err := dec.Decode(&values); err != nil {
			return nil, errors.New("the response is not complete JSON")
		}
		return values, nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || !form.Has(p.AccessToken) && !form.Has(p.Error) {
		return nil, errors.New("the response is neither a JSON object nor a form")
	}
	values := make(map[string]any, len(form))
	for name := range form {
		values[name] = form.Get(name)
	}
	return values, nil
}

// token picks the members that RFC 6749 defines. Only the access token is
// required; a member that does not parse counts as absent, so that the other
// members are not lost.
func token(values map[string]any, p dialect.Response) Token {
	t := Token{
		AccessToken:  text(wire.Lookup(values, p.AccessToken)),
		TokenType:    text(values["token_type"]),
		RefreshToken: text(wire.Lookup(values, p.RefreshToken)),
		Scope:        text(wire.Lookup(values, p.Scope)),
	}
	t.Lifetime, t.Expiry = expiry(text(wire.Lookup(values, p.Expiry)), p.ExpiryFormat)
	refresh := p.RefreshExpiry
	if refresh == "" {
		if refresh = "refresh_token_expires_in"; wire.Lookup(values, refresh) == nil {
			refresh = "refresh_expires_in" // as Keycloak writes
		}
	}
	t.RefreshLifetime, t.RefreshExpiry = expiry(text(wire.Lookup(values, refresh)), p.ExpiryFormat)
	if t.AccessToken != "" {
		for _, path := range []string{p.AccessToken, "token_type", p.RefreshToken, p.Expiry, p.Scope} {
			remove(values, path)
		}
		t.Extra = values
	}
	return t
}

// remove takes the member at path out of values.
func remove(values map[string]any, path string) {
	parent, name := any(values), path
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		parent, name = wire.Lookup(values, path[:i]), path[i+1:]
	}
	if members, ok := parent.(map[string]any); ok {
		delete(members, name)
	}
}

// text returns v as a string: a number as written, a list joined by spaces,
// anything else as empty.
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

// maxLifetime keeps a lifetime representable. Real lifetimes are far shorter.
const maxLifetime = 100 * 365 * 24 * time.Hour

// expiry reads a lifetime or a point in time.
func expiry(s string, format dialect.ExpiryFormat) (lifetime time.Duration, at time.Time) {
	s = strings.TrimSpace(s)
	if format == dialect.ExpiryRFC3339 {
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
	unix := format == dialect.ExpiryUnix
	if format == dialect.ExpiryMilliseconds || unix && number > 1e11 { // in seconds, 1e11 is the year 5138
		number /= 1000
	}
	if unix {
		return 0, future(time.UnixMilli(int64(min(number, 1e11) * 1000)))
	}
	return time.Duration(min(number, maxLifetime.Seconds()) * float64(time.Second)), time.Time{}
}

// future returns at, or the zero time if at is in the past: a provider does not
// grant an expired token, so a clock is wrong.
func future(at time.Time) time.Time {
	switch left := time.Until(at); {
	case left <= 0:
		return time.Time{}
	case left > maxLifetime:
		return time.Now().Add(maxLifetime)
	}
	return at
}

// refusal picks the error of RFC 6749 section 5.2 out of a response. Some
// providers make the error an object, or have an error in every response, 0 for
// success.
func refusal(values map[string]any, p dialect.Response) (code, description string) {
	description = text(wire.Lookup(values, p.ErrorDescription))
	switch e := wire.Lookup(values, p.Error).(type) {
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
		description = cmp.Or(description, text(e["message"]))
		code = cmp.Or(code, "error")
	default:
		if code = text(e); code == "0" {
			code = ""
		}
	}
	return code, description
}
