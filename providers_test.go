package connectorauth_test

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// realProvider is a file of testdata/providers: a provider's dialect, what its
// documentation asks of requests, and how it responds. None of it was tried
// against the provider itself.
type realProvider struct {
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
		Dialect      json.RawMessage // a dialect.OAuth2
	}

	Authorize     parameters              // of the authorization request
	Callback      parameters              // what the provider makes of the callback
	TokenRequests []realTokenRequest      // the first with the grant_type of a request holds
	Responses     []realTokenResponse     // the first with the grant_type of a request holds; none means as authtest's
	Refusal       *realTokenResponse      // of the token endpoint; absent means as authtest's
	API           struct{ Header string } // where the API wants the token alone; empty means a Bearer token
	Rejected      *realTokenResponse      // in place of the API's 401

	KeepsRefreshTokens bool           // a response to a refresh has no refresh token
	NoRenewal          bool           // when the token is rejected, the owner must authorize again
	Error              string         // what the error says once the owner must authorize again
	Lifetime           string         // of tokens; empty means 1h, "unknown" that the token has no expiry
	Extra              map[string]any // what Token must have as Extra
}

// parameters says which parameters must be there, and how they are called and
// valued where the standard is followed.
type parameters struct {
	Has    map[string]string // once; an empty value means any but the empty one
	Lacks  []string
	Rename map[string]string // must be there once, and the new name must not
	Set    map[string]string
}

func (p parameters) apply(v url.Values) (problems []string) {
	for name, value := range p.Has {
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

// realTokenRequest is what a token request must be like.
type realTokenRequest struct {
	Grant       string // grant_type; empty means every other
	Auth        string // "basic", "secret as user", "body", or "query": a GET with all in its query
	Path        string // after that of authtest's token endpoint
	ContentType string // empty means any
	Header      map[string]string
	Params      parameters
	used        bool
}

// check makes a token request the standard one.
func (want *realTokenRequest) check(r *http.Request, form url.Values, tokenURL, secret string) (problems []string) {
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
	problems = append(problems, want.Params.apply(form)...)
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
		problems = append(problems, parameters{Has: map[string]string{"client_id": "", "client_secret": ""}}.apply(form)...)
	default:
		demand(false, "the file has auth %q", want.Auth)
	}
	demand(r.Method == method, "the method is %s", r.Method)
	return problems
}

// realTokenResponse is how a provider responds.
type realTokenResponse struct {
	Grant  string         // grant_type; empty means every other
	Status int            // 0 means 200
	Form   bool           // not JSON but a form
	Merge  map[string]any // into authtest's response; null removes a member
	Body   any            // instead; a text of $ and a name stands for that member of authtest's response
}

func (resp realTokenResponse) write(w http.ResponseWriter, standard map[string]any) {
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

// read reads a file. Unknown members are errors.
func (p *realProvider) read(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	require.NoError(t, dec.Decode(p))
	require.NotEmpty(t, p.Source)
	require.NotEmpty(t, p.TokenRequests)
}

// config returns the config of a connector, for the client of fake.
func (p *realProvider) config(t *testing.T, fake *authtest.Provider) connectorauth.OAuth2Config {
	config := connectorauth.OAuth2Config{
		ClientID: fake.ClientID, ClientSecret: connectorauth.Secret(fake.ClientSecret), ClientAuth: p.Config.ClientAuth,
		TokenURL: strings.ReplaceAll(cmp.Or(p.Config.TokenURL, "{tokenUrl}"), "{tokenUrl}", fake.TokenURL),
		Scopes:   p.Config.Scopes, HTTPClient: fake.Client(),
	}
	if p.Config.ClientAuth == "" {
		config.ClientAuth = nil
	}
	if config.Scopes == nil {
		config.Scopes = []string{"read", "write"}
	}
	switch p.Config.Grant {
	case "authorization_code":
		config.Grant = connectorauth.AuthorizationCode{AuthURL: fake.AuthURL, Params: p.Config.AuthParams, DisablePKCE: p.Config.DisablePKCE}
	case "client_credentials":
		config.Grant = connectorauth.ClientCredentials{}
	}
	var err error
	if p.Config.RenewBefore != "" {
		config.RenewBefore, err = time.ParseDuration(p.Config.RenewBefore)
		require.NoError(t, err)
	}
	if p.Config.Dialect != nil {
		text := strings.ReplaceAll(string(p.Config.Dialect), "{tokenUrl}", fake.TokenURL)
		dec := json.NewDecoder(strings.NewReader(text))
		dec.DisallowUnknownFields()
		require.NoError(t, dec.Decode(&config.Dialect))
		again, err := json.Marshal(config.Dialect)
		require.NoError(t, err)
		assert.JSONEq(t, text, string(again), "the dialect is written as it was read")
	}
	return config
}

func TestDialectsOfProviders(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "providers", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			t.Parallel()
			var p realProvider
			p.read(t, file)
			fake := authtest.New(authtest.Config{ClientSecret: p.Config.ClientSecret, NoRotation: p.KeepsRefreshTokens})
			t.Cleanup(fake.Close)
			p.bend(t, fake)
			config := p.config(t, fake)
			c, err := connectorauth.NewOAuth2(config)
			require.NoError(t, err)
			p.live(t, fake, config, c)
			for _, want := range p.TokenRequests {
				assert.True(t, want.used, "no token request was of the grant %q", want.Grant)
			}
		})
	}
}

// live goes through consent, API call, renewal and the end of the grant.
func (p *realProvider) live(t *testing.T, fake *authtest.Provider, config connectorauth.OAuth2Config, c *connectorauth.OAuth2) {
	_, byOwner := config.Grant.(connectorauth.AuthorizationCode)
	if byOwner {
		authURL, pending, err := c.Begin(t.Context(), "http://127.0.0.1/callback")
		require.NoError(t, err)
		callback, err := fake.Authorize(authURL)
		require.NoError(t, err)
		require.NoError(t, c.Finish(t.Context(), pending, callback.Query()))
	}
	p.requireCall(t, c, fake)

	before := fake.Stats().TokenRequests
	fake.ExpireAccessTokens()
	if !p.NoRenewal {
		p.requireCall(t, c, fake)
		require.Equal(t, before+1, fake.Stats().TokenRequests, "token requests of the renewal")
		if !byOwner || config.Dialect.Extend != (dialect.TokenExchange{}) {
			return
		}
		fake.RevokeGrants()
	}
	_, err := connectorauth.NewClient(c, fake.Client()).Get(fake.BearerURL)
	require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
	assert.ErrorContains(t, err, p.Error)
}

// requireCall calls the API and looks at the token.
func (p *realProvider) requireCall(t *testing.T, c *connectorauth.OAuth2, fake *authtest.Provider) {
	t.Helper()
	status, body := get(t, c, fake.Client(), fake.BearerURL)
	require.Equal(t, 200, status, body)
	var who authtest.Identity
	require.NoError(t, json.Unmarshal([]byte(body), &who))
	require.Equal(t, "OAuth2", who.AuthType)
	token, err := c.Token(t.Context())
	require.NoError(t, err)
	if p.Lifetime == "unknown" {
		assert.Zero(t, token.Expiry)
	} else {
		lifetime, err := time.ParseDuration(cmp.Or(p.Lifetime, "1h"))
		require.NoError(t, err)
		assert.WithinDuration(t, time.Now().Add(lifetime), token.Expiry, time.Minute)
	}
	for name, value := range p.Extra {
		assert.Equal(t, value, token.Extra(name), name)
	}
}
