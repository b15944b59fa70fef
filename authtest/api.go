package authtest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// An Identity is the JSON response of the API endpoints: who was authenticated,
// and how. An Identity has no secret.
type Identity struct {
	AuthType string `json:"auth_type"`        // None, ApiKey, Basic, OAuth1, OAuth2, AuthFields, Assertion or Session
	Client   string `json:"client,omitempty"` // the application, for OAuth1 and OAuth2
	User     string `json:"user,omitempty"`   // the account owner; empty if only the application is known
	ID       string `json:"id,omitempty"`     // the ID of the account: see Owner
	Label    string `json:"label,omitempty"`  // the label of the account: see Owner
	Grant    string `json:"grant,omitempty"`  // the grant_type of the grant, for OAuth2
	Scope    string `json:"scope,omitempty"`  // the scopes of the access token, for OAuth2
	Key      string `json:"key,omitempty"`    // the thumbprint of the key to which the access token is bound (RFC 9449)
}

// A refusal says why an API request was refused. The response is the refusal as
// JSON.
type refusal struct {
	status      int
	challenge   string // the value of the WWW-Authenticate header
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

// api returns an endpoint. check looks for a single kind of credential in a
// request.
func (p *Provider) api(check func(w http.ResponseWriter, r *http.Request) (Identity, *refusal)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		identity, refused := check(w, r)
		if refused == nil && p.elsewhere(r, identity.User) {
			refused = &refusal{http.StatusUnauthorized, `Tenant realm="authtest"`, "unauthorized", "the account belongs to another tenant"}
		}
		p.mu.Lock()
		if refused == nil {
			p.stats.APIAccepted++
		} else {
			p.stats.APIRefused++
		}
		p.mu.Unlock()
		if refused != nil {
			w.Header().Set("WWW-Authenticate", refused.challenge)
			writeJSON(w, refused.status, refused)
			return
		}
		writeJSON(w, http.StatusOK, identity)
	}
}

func (p *Provider) open(http.ResponseWriter, *http.Request) (Identity, *refusal) {
	return Identity{AuthType: "None"}, nil
}

// bearer requires an OAuth2 access token (RFC 6750), with a proof if the token is bound to
// a key (RFC 9449).
func (p *Provider) bearer(w http.ResponseWriter, r *http.Request) (Identity, *refusal) {
	token, description := p.bearerToken(r)
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case token != nil && token.thumbprint != "":
		if refused := p.proven(w, r, token); refused != nil {
			return Identity{}, refused
		}
		fallthrough
	case token != nil:
		identity := p.owners.identity("OAuth2", token.user)
		identity.Client, identity.Grant, identity.Scope, identity.Key = cmp.Or(token.client, p.ClientID), token.kind, token.scope, token.thumbprint
		return identity, nil
	case strings.EqualFold(scheme, "DPoP"):
		return Identity{}, dpopRefusal("invalid_token", description)
	case description == "": // a request without credentials gets no error code (RFC 6750 section 3.1)
		return Identity{}, p.pointed(r, &refusal{http.StatusUnauthorized, `Bearer realm="authtest"`, "unauthorized", "an access token is required"})
	}
	return Identity{}, p.pointed(r, bearerRefusal(http.StatusUnauthorized, "invalid_token", description, ""))
}

func bearerRefusal(status int, code, description, scope string) *refusal {
	challenge := fmt.Sprintf(`Bearer realm="authtest", error=%q, error_description=%q`, code, description)
	if scope != "" {
		challenge += fmt.Sprintf(", scope=%q", scope)
	}
	return &refusal{status, challenge, code, description}
}

const scopePath = "/api/scope"

// ScopeURL returns an endpoint that requires an access token, as BearerURL
// does, and all the given scopes. Spaces separate scopes. Without the scopes,
// the response is insufficient_scope with the given status: 403 as in RFC 6750
// section 3.1, or 401 as from some providers.
func (p *Provider) ScopeURL(status int, scope string) string {
	return p.URL + scopePath + "?" + url.Values{"status": {strconv.Itoa(status)}, "scope": {scope}}.Encode()
}

func (p *Provider) scoped(w http.ResponseWriter, r *http.Request) (Identity, *refusal) {
	identity, refused := p.bearer(w, r)
	if want := r.URL.Query().Get("scope"); refused == nil && !hasScopes(identity.Scope, want) {
		status := http.StatusForbidden
		if r.URL.Query().Get("status") == "401" {
			status = http.StatusUnauthorized
		}
		return Identity{}, p.pointed(r, bearerRefusal(status, "insufficient_scope", "the access token lacks a scope", want))
	}
	return identity, refused
}

const (
	keyHeader = "X-Api-Key"
	keyName   = "api_key" // of the query parameter, the cookie and the body field
	keyPath   = "/api/key/path"
)

func (p *Provider) keyHeader(_ http.ResponseWriter, r *http.Request) (Identity, *refusal) {
	return p.key("header "+keyHeader, r.Header.Values(keyHeader))
}

func (p *Provider) keyAuthorization(_ http.ResponseWriter, r *http.Request) (Identity, *refusal) {
	values := slices.Clone(r.Header.Values("Authorization"))
	for i, value := range values {
		if _, key, ok := strings.Cut(value, " "); ok && p.owners.byKey[value] == nil {
			values[i] = key
		}
	}
	return p.key("header Authorization", values)
}

func (p *Provider) keyQuery(_ http.ResponseWriter, r *http.Request) (Identity, *refusal) {
	return p.key("query parameter "+keyName, r.URL.Query()[keyName])
}

func (p *Provider) keyCookie(_ http.ResponseWriter, r *http.Request) (Identity, *refusal) {
	var values []string
	for _, cookie := range r.CookiesNamed(keyName) {
		values = append(values, cookie.Value)
	}
	return p.key("cookie "+keyName, values)
}

func (p *Provider) keyBody(_ http.ResponseWriter, r *http.Request) (Identity, *refusal) {
	fields, err := bodyFields(r)
	if err != nil {
		return Identity{}, keyRefusal(http.StatusUnsupportedMediaType, err.Error())
	}
	var values []string
	for _, value := range fields[keyName] {
		values = append(values, fmt.Sprint(value))
	}
	return p.key("body field "+keyName, values)
}

func (p *Provider) keyInPath(_ http.ResponseWriter, r *http.Request) (Identity, *refusal) {
	rest := strings.TrimPrefix(withoutTenant(r.URL.EscapedPath()), keyPath)
	segment, _, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	key, err := url.PathUnescape(segment)
	if err != nil || key == "" {
		return p.key("path", nil)
	}
	return p.key("path", []string{key})
}

// key checks the API keys that a request has in a place.
func (p *Provider) key(place string, found []string) (Identity, *refusal) {
	switch {
	case len(found) == 0:
		return Identity{}, keyRefusal(http.StatusUnauthorized, "the API key is missing: send the key in the "+place)
	case len(found) > 1:
		return Identity{}, keyRefusal(http.StatusBadRequest, "the API key is present more than once in the "+place)
	case p.owners.byKey[found[0]] == nil:
		return Identity{}, keyRefusal(http.StatusUnauthorized, "the API key in the "+place+" is wrong")
	}
	return p.owners.identity("ApiKey", p.owners.byKey[found[0]].Username), nil
}

func keyRefusal(status int, description string) *refusal {
	return &refusal{status, `ApiKey realm="authtest"`, "unauthorized", description}
}

func (p *Provider) basic(_ http.ResponseWriter, r *http.Request) (Identity, *refusal) {
	username, password, ok := r.BasicAuth()
	ok = ok && len(r.Header.Values("Authorization")) == 1
	if !ok || p.owners.signIn(username, password) == nil {
		return basicRefusal("send the user name and password in a single Basic Authorization header, as UTF-8 (RFC 7617)")
	}
	return p.owners.identity("Basic", username), nil
}

// basicKey requires an API key where Basic has the user name.
func (p *Provider) basicKey(_ http.ResponseWriter, r *http.Request) (Identity, *refusal) {
	key, password, ok := r.BasicAuth()
	owner := p.owners.byKey[key]
	if !ok || len(r.Header.Values("Authorization")) != 1 || owner == nil || password != "" {
		return basicRefusal("send the API key as the user name, and an empty password, in a single Basic Authorization header (RFC 7617)")
	}
	return p.owners.identity("Basic", owner.Username), nil
}

func basicRefusal(description string) (Identity, *refusal) {
	return Identity{}, &refusal{http.StatusUnauthorized, `Basic realm="authtest", charset="UTF-8"`, "unauthorized", description}
}

func (p *Provider) fields(_ http.ResponseWriter, r *http.Request) (Identity, *refusal) {
	refuse := func(status int, description string) (Identity, *refusal) {
		return Identity{}, &refusal{status, `AuthFields realm="authtest"`, "unauthorized", description}
	}
	found, err := bodyFields(r)
	if err != nil {
		return refuse(http.StatusUnsupportedMediaType, err.Error())
	}
	for name, want := range p.Fields {
		switch values := found[name]; {
		case len(values) == 0:
			return refuse(http.StatusUnauthorized, "the field "+name+" is missing from the body")
		case len(values) > 1:
			return refuse(http.StatusBadRequest, "the field "+name+" is present more than once")
		case !matches(values[0], want):
			return refuse(http.StatusUnauthorized, fmt.Sprintf("the field %s is wrong: send the right value, as a %T", name, want))
		}
	}
	return Identity{AuthType: "AuthFields"}, nil
}

// formText is a value from a form. A form does not say the type of a value.
type formText string

// matches reports whether found, a value from a body, is equal to want. want is
// a string, int, float64 or bool.
func matches(found, want any) bool {
	text := fmt.Sprint(want)
	switch found := found.(type) {
	case formText:
		return equal(string(found), text)
	case json.Number:
		_, isString := want.(string)
		return !isString && found.String() == text
	}
	return found == want
}

// bodyFields returns the fields of a form or a JSON object. A field has several
// values if the body repeats the name.
func bodyFields(r *http.Request) (map[string][]any, error) {
	fields := map[string][]any{}
	body := bodyOf(r)
	switch kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind {
	case formType:
		form, err := url.ParseQuery(string(body))
		for name, values := range form {
			for _, value := range values {
				fields[name] = append(fields[name], formText(value))
			}
		}
		if err != nil {
			return nil, fmt.Errorf("the body is not a well-formed form")
		}
	case jsonType:
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.UseNumber()
		if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
			return nil, fmt.Errorf("the body is not a JSON object")
		}
		for decoder.More() {
			name, _ := decoder.Token()
			var value any
			if err := decoder.Decode(&value); err != nil {
				return nil, fmt.Errorf("the body is not well-formed JSON")
			}
			fields[fmt.Sprint(name)] = append(fields[fmt.Sprint(name)], value)
		}
		if end, err := decoder.Token(); err != nil || end != json.Delim('}') || decoder.More() {
			return nil, fmt.Errorf("the body is not well-formed JSON")
		}
	default:
		return nil, fmt.Errorf("the Content-Type must be %s or %s", formType, jsonType)
	}
	return fields, nil
}

const redirectPath = "/redirect"

// RedirectURL returns an endpoint whose response is a redirect to the URL to,
// with the given status. to may be relative.
func (p *Provider) RedirectURL(status int, to string) string {
	return p.URL + redirectPath + "?" + url.Values{"status": {strconv.Itoa(status)}, "to": {to}}.Encode()
}

func serveRedirect(w http.ResponseWriter, r *http.Request) {
	status, err := strconv.Atoi(r.URL.Query().Get("status"))
	if err != nil || status < 300 || status > 399 {
		http.Error(w, "authtest: status must be 300 to 399", http.StatusBadRequest)
		return
	}
	w.Header().Set("Location", r.URL.Query().Get("to"))
	w.WriteHeader(status)
}
