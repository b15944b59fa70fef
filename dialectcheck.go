package connectorauth

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/internal/origin"
)

// authParams are the parameters of an authorization request that the library
// sets itself, and tokenParams those of token requests.
var (
	authParams  = []string{"response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method"}
	tokenParams = []string{"grant_type", "code", "redirect_uri", "client_id", "client_secret", "code_verifier", "refresh_token"}
)

// Parameters that a request is nothing without.
var (
	vitalAuthParams  = []string{"code_challenge", "code_challenge_method"}
	vitalTokenParams = []string{"code", "client_secret", "code_verifier", "refresh_token", "username", "password"}
)

// problems lists what is wrong with the dialect, within its config.
func (d *Dialect) problems(c *OAuth2Config) (list []error) {
	add := func(format string, args ...any) { list = append(list, fmt.Errorf("Dialect: "+format, args...)) }
	join := func(errs []error) {
		for _, err := range errs {
			add("%w", err)
		}
	}
	if hasControl(d.ScopeSeparator) {
		add("ScopeSeparator: has a control character")
	}
	for _, scope := range c.Scopes {
		if d.ScopeSeparator != "" && strings.Contains(scope, d.ScopeSeparator) {
			add("ScopeSeparator: it is within the scope %q; give each scope its own element", scope)
		}
	}
	join(checkNames("AuthNames", d.AuthNames, authParams, vitalAuthParams))
	join(checkNames("TokenNames", d.TokenNames, append([]string{"scope", "username", "password"}, tokenParams...), vitalTokenParams))
	if rename("state", d.AuthNames) != "state" {
		add("AuthNames: state must keep its name, which it has in the callback too")
	}
	if d.TokenEncoding < TokenForm || d.TokenEncoding > TokenGet {
		add("TokenEncoding: unknown value %d", d.TokenEncoding)
	}
	join(checkTokenHeader(d.TokenHeader, c))
	sent := sentNames(tokenParams, d.TokenNames)
	if _, ok := c.Grant.(PasswordCredentials); ok {
		sent = append(sent, sentNames([]string{"username", "password"}, d.TokenNames)...)
	}
	if _, byOwner := c.Grant.(AuthorizationCode); !byOwner && len(c.Scopes) > 0 {
		sent = append(sent, rename("scope", d.TokenNames))
	}
	if d.RepeatState {
		sent = append(sent, "state")
	}
	join(checkParams("TokenParams", d.TokenParams, sent))
	join(checkParams("RefreshParams", d.RefreshParams, slices.DeleteFunc(sentNames(tokenParams, d.TokenNames),
		func(name string) bool { return name == rename("redirect_uri", d.TokenNames) })))
	if u, err := url.Parse(c.TokenURL); err == nil && d.TokenEncoding >= TokenQuery {
		join(checkParams("TokenURL", u.Query(), sent))
	}
	if _, err := origin.Endpoint(d.RefreshURL); d.RefreshURL != "" && err != nil {
		add("RefreshURL: %w", err)
	}
	join(d.LongLived.problems("LongLived"))
	join(d.Extend.problems("Extend"))
	if a := d.Answer; a.ExpiryFormat < ExpirySeconds || a.ExpiryFormat > ExpiryRFC3339 {
		add("Answer: ExpiryFormat: unknown value %d", a.ExpiryFormat)
	}
	if d.Answer.Lifetime < 0 {
		add("Answer: Lifetime: is negative; 0 means until the API rejects the token")
	}
	if slices.Contains(d.DeadGrantCodes, "") || slices.Contains(d.CallbackValues, "") {
		add("DeadGrantCodes, CallbackValues: an element is empty; remove it")
	}
	if _, err := d.place(); err != nil {
		add("Placement: %w", err)
	}
	for i, r := range d.Rejections {
		if err := r.problem(); err != nil {
			add("Rejections[%d]: %w", i, err)
		}
	}
	join(d.contradictions(c.Grant))
	return list
}

// contradictions lists fields that have no meaning beside others.
func (d *Dialect) contradictions(grant Grant) (list []error) {
	switch grant.(type) {
	case AuthorizationCode:
		if d.Extend != (Swap{}) && (d.RefreshURL != "" || len(d.RefreshParams) > 0 || d.KeepRefreshToken) {
			list = append(list, errors.New("Extend: is in place of refresh tokens; remove RefreshURL, RefreshParams and KeepRefreshToken, or Extend"))
		}
		return list
	case ClientCredentials:
		if d.RefreshURL != "" || len(d.RefreshParams) > 0 || d.KeepRefreshToken {
			list = append(list, errors.New("RefreshURL, RefreshParams, KeepRefreshToken: the client credentials grant repeats itself and never refreshes; remove them"))
		}
	}
	if len(d.AuthNames) > 0 || d.CodeName != "" || len(d.CallbackValues) > 0 || d.RepeatState || d.LongLived != (Swap{}) || d.Extend != (Swap{}) {
		list = append(list, errors.New("AuthNames, CodeName, CallbackValues, RepeatState, LongLived, Extend: they concern the AuthorizationCode grant; remove them, or change Grant"))
	}
	return list
}

// rename returns what the parameter with that standard name is called; empty if
// it is left out.
func rename(standard string, names map[string]string) string {
	if name, ok := names[standard]; ok {
		return name
	}
	return standard
}

// sentNames returns what the library's own parameters are called.
func sentNames(standard []string, names map[string]string) (sent []string) {
	for _, s := range standard {
		if name := rename(s, names); name != "" {
			sent = append(sent, name)
		}
	}
	return sent
}

// checkNames checks the names given to parameters of one kind of request.
func checkNames(field string, names map[string]string, standard, vital []string) (list []error) {
	for _, name := range slices.Sorted(maps.Keys(names)) {
		switch {
		case !slices.Contains(standard, name):
			list = append(list, fmt.Errorf("%s: the library sends no %q; the keys are standard names", field, name))
		case hasControl(names[name]):
			list = append(list, fmt.Errorf("%s: the name for %s has a control character", field, name))
		case names[name] == "" && slices.Contains(vital, name):
			list = append(list, fmt.Errorf("%s: %s cannot be left out", field, name))
		}
	}
	sent := sentNames(standard, names)
	slices.Sort(sent)
	if len(slices.Compact(sent)) != len(sentNames(standard, names)) {
		list = append(list, fmt.Errorf("%s: two parameters have the same name", field))
	}
	return list
}

// checkParams refuses further parameters that would take the place of those sent.
func checkParams(field string, params url.Values, sent []string) (list []error) {
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if slices.Contains(sent, name) {
			list = append(list, fmt.Errorf("%s: %s is set by the library; remove it, or give the library's parameter another name", field, name))
		}
	}
	return list
}

func checkTokenHeader(header http.Header, c *OAuth2Config) (list []error) {
	for _, name := range slices.Sorted(maps.Keys(header)) {
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case !isToken(name) || slices.Contains(forbiddenHeaders, canonical):
			list = append(list, fmt.Errorf("TokenHeader: %q is not a header to set here", name))
		case canonical == "Authorization" && c.ClientSecret != "" && c.ClientAuth != ClientAuthBody:
			list = append(list, errors.New("TokenHeader: Authorization is set by ClientAuth; remove it, or set ClientAuthBody"))
		case slices.ContainsFunc(header[name], hasControl):
			list = append(list, fmt.Errorf("TokenHeader: a value of %s has a control character", name))
		}
	}
	return list
}

func (s Swap) problems(field string) (list []error) {
	if s != (Swap{}) && s.GrantType == "" {
		list = append(list, fmt.Errorf("%s: GrantType: is empty", field))
	}
	if _, err := origin.Endpoint(s.URL); s.URL != "" && err != nil {
		list = append(list, fmt.Errorf("%s: URL: %w", field, err))
	}
	return list
}

// prefix comes before the access token.
func (d *Dialect) prefix() string {
	if d.Placement == (Placement{}) {
		return "Bearer "
	}
	return d.Placement.Prefix
}

// place returns where the access token goes.
func (d *Dialect) place() (placement, error) {
	p := d.Placement
	if p.In == InHeader && p.Name == "" {
		p.Name = "Authorization"
	}
	if hasControl(p.Prefix) {
		return placement{}, errors.New("Prefix: has a control character")
	}
	if p.In == InBody {
		return placement{}, errors.New("In: an access token cannot go into the body; use InHeader, InQuery or InCookie")
	}
	return newPlacement(p.In, p.Name)
}

// clone returns a copy that shares nothing with d.
func (d Dialect) clone() *Dialect {
	d.AuthNames, d.TokenNames = maps.Clone(d.AuthNames), maps.Clone(d.TokenNames)
	d.CallbackValues, d.DeadGrantCodes = slices.Clone(d.CallbackValues), slices.Clone(d.DeadGrantCodes)
	d.Rejections = slices.Clone(d.Rejections)
	d.TokenHeader = d.TokenHeader.Clone()
	d.TokenParams, d.RefreshParams = cloneValues(d.TokenParams), cloneValues(d.RefreshParams)
	return &d
}

func cloneValues(v url.Values) url.Values { return url.Values(http.Header(v).Clone()) }
