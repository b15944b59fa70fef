package check

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/challenge"
	"github.com/connectorauth/connectorauth/internal/inject"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// A Client is the part of an OAuth2 config that a dialect must fit.
type Client struct {
	TokenURL string
	Scopes   []string
	// Resources reports whether requests have resource indicators (RFC 8707).
	Resources bool
	// Header reports whether client authentication sets the Authorization header.
	Header bool
	// Consent reports whether the account owner's consent obtains the first token.
	Consent bool
	// PKCE reports whether the consent has a code challenge (RFC 7636).
	PKCE bool
	// Refreshes reports whether the grant uses refresh tokens.
	Refreshes bool
	// Params are the standard names of the grant's own parameters.
	Params []string
	// Auth are the standard names of the parameters of client authentication.
	Auth []string
}

// authorization returns the standard names of what the authorization request sends.
func (c *Client) authorization() []string {
	sent := []string{"response_type", "client_id", "redirect_uri", "state"}
	if len(c.Scopes) > 0 {
		sent = append(sent, "scope")
	}
	if c.PKCE {
		sent = append(sent, "code_challenge", "code_challenge_method")
	}
	return append(sent, c.resource()...)
}

// token returns the standard names of what the request of a code or of another grant
// sends.
func (c *Client) token(d *dialect.OAuth2) []string {
	sent := append(append(append([]string{"grant_type"}, c.Auth...), c.Params...), c.resource()...)
	switch {
	case c.Consent:
		sent = append(sent, "code", "redirect_uri")
		if c.PKCE {
			sent = append(sent, "code_verifier")
		}
		if d.RepeatState {
			sent = append(sent, "state")
		}
	case len(c.Scopes) > 0:
		sent = append(sent, "scope")
	}
	return sent
}

// refresh returns the standard names of what the request with a refresh token sends.
func (c *Client) refresh() []string {
	if !c.Refreshes {
		return nil
	}
	return append(append([]string{"grant_type", "refresh_token"}, c.Auth...), c.resource()...)
}

// resource returns the standard name of resource indicators, if there are any.
func (c *Client) resource() []string {
	if c.Resources {
		return []string{"resource"}
	}
	return nil
}

// Parameters that the library may send, by their standard names.
var (
	authParams  = []string{"response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method", "resource"}
	tokenParams = []string{"scope", "username", "password", "grant_type", "code", "redirect_uri", "client_id", "client_secret", "code_verifier", "refresh_token", "resource"}
)

// Parameters without which a request is useless.
var (
	vitalAuthParams  = []string{"code_challenge", "code_challenge_method"}
	vitalTokenParams = []string{"code", "client_secret", "code_verifier", "refresh_token", "username", "password"}
)

// Dialect reports what is wrong with d, used by a client like c.
func Dialect(d *dialect.OAuth2, c Client) error {
	l := new(List)
	if wire.HasControl(d.ScopeSeparator) {
		l.Add("ScopeSeparator: has a control character")
	}
	for _, scope := range c.Scopes {
		if d.ScopeSeparator != "" && strings.Contains(scope, d.ScopeSeparator) {
			l.Add("ScopeSeparator: is part of the scope %q; give each scope its own element", scope)
		}
	}
	checkNames(l, "AuthNames", d.AuthNames, authParams, vitalAuthParams)
	checkNames(l, "TokenNames", d.TokenNames, tokenParams, vitalTokenParams)
	if len(d.AuthNames) > 0 { // standard names differ from each other
		checkClash(l, "AuthNames", SentNames(c.authorization(), d.AuthNames))
	}
	if len(d.TokenNames) > 0 {
		checkClash(l, "TokenNames", SentNames(c.token(d), d.TokenNames), SentNames(c.refresh(), d.TokenNames))
	}
	if Rename("state", d.AuthNames) != "state" {
		l.Add("AuthNames: state must keep its name, because the callback uses the standard name")
	}
	if !d.TokenEncoding.Valid() {
		l.Add("TokenEncoding: unknown value %q: use form, json, query or get", d.TokenEncoding)
	}
	checkTokenHeader(l, d.TokenHeader, c)
	checkTokenParams(l, d, c)
	checkURL(l, "RefreshURL", d.RefreshURL)
	l.Field("Regions", regions(d))
	checkExchange(l, "LongLived", d.LongLived, d, c)
	checkExchange(l, "Extend", d.Extend, d, c)
	if !d.Response.ExpiryFormat.Valid() {
		l.Add("Response: ExpiryFormat: unknown value %q: use seconds, milliseconds, unix or rfc3339", d.Response.ExpiryFormat)
	}
	if d.Response.Lifetime < 0 {
		l.Add("Response: Lifetime: is negative; 0 means until the API rejects the token")
	}
	if slices.Contains(d.InvalidGrantCodes, "") || slices.Contains(d.CallbackValues, "") {
		l.Add("InvalidGrantCodes, CallbackValues: an element is empty; remove the empty element")
	}
	_, _, err := TokenPlace(d.Placement)
	l.Field("Placement", err)
	for i, r := range d.Rejections {
		if err := challenge.CheckRejection(r); err != nil {
			l.Add("Rejections[%d]: %w", i, err)
		}
	}
	contradictions(l, d, c)
	return l.Joined()
}

// TokenPlace returns where an access token goes, and what comes before the
// token.
func TokenPlace(p dialect.Placement) (place inject.Place, prefix string, err error) {
	prefix = p.Prefix
	if p == (dialect.Placement{Exact: p.Exact}) {
		prefix = "Bearer "
	}
	var l List
	if p.Name == "" && (p.In == "" || p.In == dialect.InHeader) {
		p.Name = "Authorization"
	}
	if wire.HasControl(p.Prefix) {
		l.Add("Prefix: has a control character")
	}
	l.Join(inject.CheckPrefix(p.In, p.Prefix))
	if p.Exact {
		l.Join(inject.CheckSpelling(p.In, p.Name))
	}
	if p.In == dialect.InBody {
		l.Add("In: an access token cannot go into the body; use InHeader, InQuery, InCookie or InPath")
	} else {
		place, err = inject.NewPlace(p.In, p.Name)
		l.Join(err)
	}
	return place, prefix, l.Joined()
}

// Rename returns what a provider calls the parameter with that standard name.
// Empty means that the provider's requests leave the parameter out.
func Rename(standard string, names map[string]string) string {
	if name, ok := names[standard]; ok {
		return name
	}
	return standard
}

// SentNames returns what a provider calls the parameters with those standard
// names, without parameters that are left out.
func SentNames(standard []string, names map[string]string) (sent []string) {
	for _, s := range standard {
		if name := Rename(s, names); name != "" {
			sent = append(sent, name)
		}
	}
	return sent
}

// AuthRequest reports what is wrong with an authorization URL, or with further
// parameters of the authorization request of a client like c.
func AuthRequest(authURL string, params url.Values, names map[string]string, c Client) error {
	var l List
	query := url.Values{}
	if u, err := origin.Endpoint(authURL); err != nil {
		l.Field("AuthURL", err)
	} else {
		query = u.Query()
	}
	if len(query)+len(params) == 0 { // and nothing can be set twice
		return l.Joined()
	}
	for _, name := range SentNames(c.authorization(), names) {
		if query.Has(name) || params.Has(name) {
			l.Add("AuthURL, Params: %s is set by the library; remove %[1]s", name)
		}
	}
	return l.Joined()
}

// contradictions lists fields without a meaning beside others.
func contradictions(l *List, d *dialect.OAuth2, c Client) {
	refreshes := d.RefreshURL != "" || len(d.RefreshParams) > 0 || d.KeepRefreshToken
	none := dialect.TokenExchange{}
	if !c.Refreshes && refreshes {
		l.Add("RefreshURL, RefreshParams, KeepRefreshToken: the client credentials grant repeats itself and never refreshes; remove them")
	}
	if c.Consent {
		if d.Extend != none && refreshes {
			l.Add("Extend: replaces refresh tokens; remove RefreshURL, RefreshParams and KeepRefreshToken, or Extend")
		}
		return
	}
	if len(d.AuthNames) > 0 || d.CodeName != "" || len(d.CallbackValues) > 0 || d.RepeatState || d.LongLived != none || d.Extend != none || d.Regions.Callback != "" {
		l.Add("AuthNames, CodeName, CallbackValues, RepeatState, LongLived, Extend, Regions.Callback: are for the AuthorizationCode grant; remove them, or change Grant")
	}
}

// checkNames checks the names given to the parameters of one kind of request.
func checkNames(l *List, field string, names map[string]string, standard, vital []string) {
	for _, name := range slices.Sorted(maps.Keys(names)) {
		switch {
		case !slices.Contains(standard, name):
			l.Add("%s: the library sends no %q; the keys are standard names: %s", field, name, strings.Join(standard, ", "))
		case wire.HasControl(names[name]):
			l.Add("%s: the name for %s has a control character", field, name)
		case names[name] == "" && slices.Contains(vital, name):
			l.Add("%s: %s cannot be left out", field, name)
		}
	}
}

// checkClash refuses two parameters of one request with the same name. requests are
// the names that each kind of request sends.
func checkClash(l *List, field string, requests ...[]string) {
	var clashes []string
	for _, sent := range requests {
		for i, name := range sent {
			if slices.Contains(sent[:i], name) && !slices.Contains(clashes, name) {
				clashes = append(clashes, name)
				l.Add("%s: two parameters have the same name %q", field, name)
			}
		}
	}
}

// checkTokenParams refuses further parameters that would replace parameters of
// the library.
func checkTokenParams(l *List, d *dialect.OAuth2, c Client) {
	inQuery := d.TokenEncoding == dialect.EncodeQuery || d.TokenEncoding == dialect.EncodeGet
	if len(d.TokenParams)+len(d.RefreshParams) == 0 && !inQuery {
		return
	}
	sent, refresh := SentNames(c.token(d), d.TokenNames), SentNames(c.refresh(), d.TokenNames)
	checkParams(l, "TokenParams", d.TokenParams, sent)
	checkParams(l, "RefreshParams", d.RefreshParams, refresh)
	if !inQuery {
		return
	}
	if d.RefreshURL == "" {
		sent = append(sent, refresh...)
	} else if u, err := url.Parse(d.RefreshURL); err == nil {
		checkParams(l, "RefreshURL", u.Query(), refresh)
	}
	if u, err := url.Parse(c.TokenURL); err == nil {
		checkParams(l, "TokenURL", u.Query(), sent)
	}
}

func checkParams(l *List, field string, params url.Values, sent []string) {
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if slices.Contains(sent, name) {
			l.Add("%s: %s is set by the library; remove %[2]s, or give the library's parameter another name", field, name)
		}
	}
}

func checkTokenHeader(l *List, header http.Header, c Client) {
	for _, name := range slices.Sorted(maps.Keys(header)) {
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case !wire.IsToken(name) || inject.IsForbiddenHeader(canonical):
			l.Add("TokenHeader: %q is not a header to set here", name)
		case canonical == "Authorization" && c.Header:
			l.Add("TokenHeader: Authorization is set by ClientAuth; remove it, or set ClientSecretPost")
		case slices.ContainsFunc(header[name], wire.HasControl):
			l.Add("TokenHeader: a value of %s has a control character", name)
		}
	}
}

func checkExchange(l *List, field string, e dialect.TokenExchange, d *dialect.OAuth2, c Client) {
	if e == (dialect.TokenExchange{}) {
		return
	}
	if e.GrantType == "" {
		l.Add("%s: GrantType: is empty", field)
	}
	sent := SentNames(append([]string{"grant_type"}, c.Auth...), d.TokenNames)
	checkClash(l, field, append(sent, cmp.Or(e.Name, "access_token")))
	checkURL(l, field+": URL", e.URL)
}

func checkURL(l *List, field, raw string) {
	if raw != "" {
		_, err := origin.Endpoint(raw)
		l.Field(field, err)
	}
}
