package endpoint

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// A Token is what a token response granted (RFC 6749 section 5.1).
type Token struct {
	AccessToken  string
	TokenType    string    // as the provider wrote it; empty if absent
	RefreshToken string    // empty if absent
	Scope        string    // empty if absent
	Expiry       time.Time // zero if the response names none
	// RefreshExpiry is that of the refresh token.
	RefreshExpiry time.Time
	// Unread is why an expiry in the response is of no use, or nil.
	Unread error
	// Extra are the other members of a response with an access token. Numbers are
	// json.Number; a form-encoded response has strings only.
	Extra map[string]any
}

// Token reads the response to a token request that began at issued: lifetimes count
// from there. paths say where to look, each in turn until an
// access token is found; none means the places in RFC 6749. An error is a
// *Failure. Together with a failure, the Token may have a refresh token, which
// replaces the former refresh token.
func (r *Response) Token(issued time.Time, paths ...dialect.Response) (Token, error) {
	if len(paths) == 0 {
		paths = []dialect.Response{{}}
	}
	first := withNames(paths[0])
	values, err := r.parse(first)
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
		t := token(values, withNames(p), issued)
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
func (r *Response) parse(p dialect.Response) (map[string]any, error) {
	body := r.Text()
	if len(body) > 0 && body[0] == '{' {
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.UseNumber()
		var values map[string]any
		if err := dec.Decode(&values); err != nil {
			return nil, r.unreadable("the response is not complete JSON")
		}
		return values, nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || !form.Has(p.AccessToken) && !form.Has(p.Error) {
		return nil, r.unreadable("the response is neither a JSON object nor a form")
	}
	values := make(map[string]any, len(form))
	for name := range form {
		values[name] = form.Get(name)
	}
	return values, nil
}

// token picks the members that RFC 6749 defines. Only the access token is
// required; a member that does not parse counts as absent, so the other
// members are not lost.
func token(values map[string]any, p dialect.Response, issued time.Time) Token {
	t := Token{
		AccessToken:  text(wire.Lookup(values, p.AccessToken)),
		TokenType:    text(values["token_type"]),
		RefreshToken: text(wire.Lookup(values, p.RefreshToken)),
		Scope:        text(wire.Lookup(values, p.Scope)),
	}
	refresh := p.RefreshExpiry
	if refresh == "" {
		if refresh = "refresh_token_expires_in"; wire.Lookup(values, refresh) == nil {
			refresh = "refresh_expires_in" // as Keycloak writes
		}
	}
	var unread, unreadRefresh error
	t.Expiry, unread = Ends(wire.Lookup(values, p.Expiry), p.ExpiryFormat, issued)
	t.RefreshExpiry, unreadRefresh = Ends(wire.Lookup(values, refresh), p.ExpiryFormat, issued)
	t.Unread = cmp.Or(unread, unreadRefresh)
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
	list, ok := v.([]any)
	if !ok {
		return word(v)
	}
	parts := make([]string, len(list))
	for i := range list {
		parts[i] = word(list[i])
	}
	return strings.Join(parts, " ")
}

// word is text without lists: joining lists of lists would take quadratic time.
func word(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
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
		code = text(e)
	}
	if code == "0" {
		code = ""
	}
	return code, description
}
