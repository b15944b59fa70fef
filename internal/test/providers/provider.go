// Package providers has providers as their documentation describes them, and leads
// accounts through their lives with fakes of the providers.
package providers

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/stretchr/testify/require"
)

//go:embed testdata/*.json
var files embed.FS

// A Provider is a file of testdata: a provider's dialect, what its documentation asks of
// requests, and how it responds. None of it was tried against the provider itself.
type Provider struct {
	Name   string
	Source string // the documentation
	Note   string // what is special, and what the documentation leaves open
	Config struct {
		Grant        string
		AuthParams   url.Values
		DisablePKCE  bool
		ClientAuth   connectorauth.ClientAuthMethod
		ClientSecret string          // empty means one that needs encoding
		Scopes       []string        // absent means read and write
		TokenURL     string          // {tokenUrl}, here and in Dialect, is the URL of authtest's
		RenewBefore  string          // a duration
		Dialect      json.RawMessage // a dialect.OAuth2; {url} in it is the URL of authtest's
	}

	ScopeSeparator string // between the scopes of an authorization request; empty means a space

	Authorize     parameters      // of the authorization request
	Callback      parameters      // what the provider makes of the callback
	TokenRequests []tokenRequest  // the first with the grant_type of a request holds
	Responses     []tokenResponse // the first with the grant_type of a request holds; none means as authtest's
	Refusal       *tokenResponse  // of the token endpoint; absent means as authtest's
	API           apiPlace        // empty means a Bearer token
	Rejected      *tokenResponse  // in place of the API's 401

	Revokes            bool           // there is an endpoint as in RFC 7009
	KeepsRefreshTokens bool           // a response to a refresh has no refresh token
	NoRenewal          bool           // when the token is rejected, the owner must authorize again
	Error              string         // what the error says once the owner must authorize again
	Lifetime           string         // of tokens; empty means 1h, "unknown" that the token has no expiry
	Extra              map[string]any // what Token must have as Extra; $scope is the scopes that were asked for

	scopes string // those of the account, with spaces
}

// apiPlace is where the API wants the token alone, and what comes before the token.
type apiPlace struct{ Header, Prefix string }

// parameters says which parameters must be there, and how they are called and
// valued where the standard is followed.
type parameters struct {
	Has    map[string]string // once; an empty value means any but the empty one
	Lacks  []string
	Rename map[string]string // must be there once, and the new name must not
	Set    map[string]string
}

// apply makes v standard. scopes are those of the account.
func (p parameters) apply(v url.Values, scopes string) (problems []string) {
	for name, value := range p.Has {
		if value == "$scope" {
			value = scopes
		}
		if got := v.Get(name); len(v[name]) != 1 || got == "" || value != "" && got != value {
			problems = append(problems, fmt.Sprintf("%s is %q, want %q", name, v[name], value))
		}
	}
	for _, name := range p.Lacks {
		if v.Has(name) {
			problems = append(problems, name+" is there, and is not documented")
		}
	}
	for from, to := range p.Rename {
		if v.Has(to) || len(v[from]) != 1 {
			problems = append(problems, fmt.Sprintf("want %s once and no %s", from, to))
		}
		v[to] = v[from]
		v.Del(from)
	}
	for name, value := range p.Set {
		v.Set(name, value)
	}
	return problems
}

// tokenRequest is what a token request must be like.
type tokenRequest struct {
	Grant       string // grant_type; empty means every other
	Auth        string // "basic", "secret as user", "body", or "query": a GET with all in its query
	Path        string // after that of authtest's token endpoint
	ContentType string // empty means any
	Header      map[string]string
	Params      parameters
	used        bool
}

// check makes a token request the standard one.
func (want *tokenRequest) check(r *http.Request, form url.Values, tokenURL, secret, scopes string) (problems []string) {
	want.used = true
	demand := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Sprintf(format, args...))
		}
	}
	for name, value := range want.Header {
		demand(r.Header.Get(name) == value, "%s is %q", name, r.Header.Get(name))
	}
	contentType := r.Header.Get("Content-Type")
	demand(want.ContentType == "" || contentType == want.ContentType, "Content-Type is %s", contentType)
	demand(tokenURL+want.Path == "http://"+r.Host+r.URL.Path, "the path is %s", r.URL.Path)
	problems = append(problems, want.Params.apply(form, scopes)...)
	user, password, basic := r.BasicAuth()
	method := http.MethodPost
	switch want.Auth {
	case "basic":
		demand(basic, "want Basic")
	case "secret as user":
		demand(basic && user == secret && password == "", "want the secret as the user name")
		r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("client:"+secret)))
	case "body", "query":
		if demand(r.Header.Get("Authorization") == "", "want no Authorization"); want.Auth == "body" {
			demand(r.URL.RawQuery == "", "want all in the body")
		} else {
			method = http.MethodGet
			demand(r.ContentLength == 0 && len(r.TransferEncoding) == 0, "want no body")
		}
		problems = append(problems, parameters{Has: map[string]string{"client_id": "", "client_secret": ""}}.apply(form, scopes)...)
	default:
		demand(false, "the file has auth %q", want.Auth)
	}
	demand(r.Method == method, "the method is %s", r.Method)
	return problems
}

// tokenResponse is how a provider responds.
type tokenResponse struct {
	Grant  string         // grant_type; empty means every other
	Status int            // 0 means 200
	Form   bool           // not JSON but a form
	Merge  map[string]any // into authtest's response; null removes a member
	Body   any            // instead; a text of $ and a name stands for that member of authtest's response
}

func (resp tokenResponse) write(w http.ResponseWriter, standard map[string]any) {
	body := fill(resp.Body, standard)
	if resp.Merge != nil {
		for name, value := range resp.Merge {
			if standard[name] = value; value == nil {
				delete(standard, name)
			}
		}
		body = standard
	}
	text, contentType := new(bytes.Buffer), "application/json; charset=utf-8"
	if json.NewEncoder(text).Encode(body); resp.Form {
		form := url.Values{}
		for name, value := range body.(map[string]any) {
			form.Set(name, fmt.Sprint(value))
		}
		text, contentType = bytes.NewBufferString(form.Encode()), "application/x-www-form-urlencoded"
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(cmp.Or(resp.Status, http.StatusOK))
	w.Write(text.Bytes())
}

// fill replaces the texts that stand for members of the standard response.
// Members that the standard response has not are left out.
func fill(template any, standard map[string]any) any {
	switch template := template.(type) {
	case string:
		if name, ok := strings.CutPrefix(template, "$"); ok {
			return standard[name]
		}
	case map[string]any:
		filled := map[string]any{}
		for name, member := range template {
			if value := fill(member, standard); value != nil {
				filled[name] = value
			}
		}
		return filled
	}
	return template
}

// Names returns the names of all files.
func Names(t testing.TB) (names []string) {
	t.Helper()
	found, err := fs.Glob(files, "testdata/*.json")
	require.NoError(t, err)
	for _, file := range found {
		names = append(names, strings.TrimSuffix(path.Base(file), ".json"))
	}
	require.NotEmpty(t, names)
	return names
}

// Read reads a file. Unknown members are errors.
func Read(t testing.TB, name string) *Provider {
	t.Helper()
	text, err := files.ReadFile("testdata/" + name + ".json")
	require.NoError(t, err)
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	p := new(Provider)
	require.NoError(t, dec.Decode(p))
	require.NotEmpty(t, p.Source)
	require.NotEmpty(t, p.TokenRequests)
	return p
}
