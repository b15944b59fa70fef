package authtest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/connectorauth/connectorauth/authtest"
)

const callbackURL = "http://127.0.0.1:9/callback?keep=%2E"

// start starts a provider and returns the provider's configuration for x/oauth2.
func start(t *testing.T, c authtest.Config) (*authtest.Provider, *oauth2.Config, context.Context) {
	t.Helper()
	p := authtest.New(c)
	t.Cleanup(p.Close)
	config := &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.ClientSecret, RedirectURL: callbackURL, Scopes: []string{"read", "write"},
		Endpoint: oauth2.Endpoint{AuthURL: p.AuthURL, TokenURL: p.TokenURL, AuthStyle: oauth2.AuthStyleInHeader},
	}
	return p, config, context.WithValue(t.Context(), oauth2.HTTPClient, p.Client())
}

// call sends an API request and returns the response.
func call(t *testing.T, client *http.Client, req *http.Request) (*http.Response, authtest.Identity, string) {
	t.Helper()
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	var identity authtest.Identity
	json.Unmarshal(body, &identity)
	return resp, identity, string(body)
}

func get(t *testing.T, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	require.NoError(t, err)
	return req
}

func withBearer(req *http.Request, token string) *http.Request {
	req.Header.Set("Authorization", "Bearer "+token)
	return req
}

// postToken posts a form to the token endpoint as the registered client.
func postToken(t *testing.T, p *authtest.Provider, form url.Values) (*http.Response, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", p.TokenURL, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(p.ClientID), url.QueryEscape(p.ClientSecret))
	resp, err := p.Client().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	answer := map[string]any{}
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&answer))
	return resp, answer
}

func TestAuthorizationCodeWithPKCE(t *testing.T) {
	for name, c := range map[string]authtest.Config{
		"http": {}, "https": {TLS: true}, "in memory": {InMemory: true}, "in memory, https": {InMemory: true, TLS: true},
	} {
		t.Run(name, func(t *testing.T) {
			p, config, ctx := start(t, c)
			verifier := oauth2.GenerateVerifier()
			callback, err := p.Authorize(config.AuthCodeURL("the state", oauth2.S256ChallengeOption(verifier)))
			require.NoError(t, err)
			assert.True(t, strings.HasPrefix(callback.String(), callbackURL+"&"), callback)
			assert.Equal(t, "the state", callback.Query().Get("state"))
			assert.False(t, callback.Query().Has("iss"))

			sent := time.Now()
			token, err := config.Exchange(ctx, callback.Query().Get("code"), oauth2.VerifierOption(verifier))
			require.NoError(t, err)
			assert.WithinDuration(t, sent.Add(time.Hour), token.Expiry, 5*time.Second)
			assert.NotEmpty(t, token.RefreshToken)
			assert.Equal(t, "read write", token.Extra("scope"))

			resp, identity, _ := call(t, p.Client(), withBearer(get(t, p.BearerURL+"/items/7?x=1"), token.AccessToken))
			assert.Equal(t, 200, resp.StatusCode)
			assert.Equal(t, authtest.Identity{AuthType: "OAuth2", Client: p.ClientID, User: p.Username, Grant: "authorization_code", Scope: "read write"}, identity)
			assert.Equal(t, map[string]int{"authorization_code": 1}, p.Stats().Issued)
		})
	}
}

func TestRefreshRotatesAndReuseRevokesTheFamily(t *testing.T) {
	p, config, ctx := start(t, authtest.Config{})
	first, err := config.PasswordCredentialsToken(ctx, p.Username, p.Password)
	require.NoError(t, err)
	old := &oauth2.Token{RefreshToken: first.RefreshToken}
	second, err := config.TokenSource(ctx, old).Token()
	require.NoError(t, err)
	assert.NotEqual(t, first.RefreshToken, second.RefreshToken)
	assert.NotEqual(t, first.AccessToken, second.AccessToken)

	_, err = config.TokenSource(ctx, old).Token()
	assert.ErrorContains(t, err, "invalid_grant")
	resp, _, _ := call(t, p.Client(), withBearer(get(t, p.BearerURL), second.AccessToken))
	assert.Equal(t, 401, resp.StatusCode)
	_, err = config.TokenSource(ctx, &oauth2.Token{RefreshToken: second.RefreshToken}).Token()
	assert.ErrorContains(t, err, "revoked")

	stats := p.Stats()
	assert.Equal(t, map[string]int{"password": 1, "refresh_token": 1}, stats.Issued)
	assert.Equal(t, 4, stats.TokenRequests)
	assert.Equal(t, 1, stats.ReuseDetected)
	assert.Equal(t, 1, stats.RevokedGrants)
}

func TestClientCredentials(t *testing.T) {
	p, _, ctx := start(t, authtest.Config{})
	for _, style := range []oauth2.AuthStyle{oauth2.AuthStyleInHeader, oauth2.AuthStyleInParams} {
		config := clientcredentials.Config{ClientID: p.ClientID, ClientSecret: p.ClientSecret, TokenURL: p.TokenURL, Scopes: []string{"jobs"}, AuthStyle: style}
		token, err := config.Token(ctx)
		require.NoError(t, err)
		assert.Empty(t, token.RefreshToken)
		_, identity, _ := call(t, p.Client(), withBearer(get(t, p.BearerURL), token.AccessToken))
		assert.Equal(t, authtest.Identity{AuthType: "OAuth2", Client: p.ClientID, Grant: "client_credentials", Scope: "jobs"}, identity)
	}
}

func TestTokenRequestErrorsExplainThemselves(t *testing.T) {
	p, _, _ := start(t, authtest.Config{})
	_, refresh := p.IssueTokens("read")
	for name, c := range map[string]struct {
		form        url.Values
		code, words string
	}{
		"no grant_type":        {url.Values{}, "invalid_request", "grant_type is required"},
		"unknown grant":        {url.Values{"grant_type": {"magic"}}, "unsupported_grant_type", "client_credentials"},
		"repeated":             {url.Values{"grant_type": {"password", "password"}}, "invalid_request", "more than once"},
		"no code":              {url.Values{"grant_type": {"authorization_code"}}, "invalid_request", "code is required"},
		"unknown code":         {url.Values{"grant_type": {"authorization_code"}, "code": {"x"}}, "invalid_grant", "unknown"},
		"no user":              {url.Values{"grant_type": {"password"}, "password": {"x"}}, "invalid_request", "username and password"},
		"wrong password":       {url.Values{"grant_type": {"password"}, "username": {p.Username}, "password": {"x"}}, "invalid_grant", "wrong"},
		"no refresh token":     {url.Values{"grant_type": {"refresh_token"}}, "invalid_request", "refresh_token is required"},
		"unknown refresh":      {url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}}, "invalid_grant", "unknown"},
		"more scope":           {url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "scope": {"read write"}}, "invalid_scope", "more than the grant has"},
		"two authentications":  {url.Values{"grant_type": {"client_credentials"}, "client_id": {p.ClientID}, "client_secret": {p.ClientSecret}}, "invalid_request", "not by both"},
		"two different client": {url.Values{"grant_type": {"client_credentials"}, "client_id": {"x"}}, "invalid_request", "differs"},
	} {
		t.Run(name, func(t *testing.T) {
			resp, answer := postToken(t, p, c.form)
			assert.Equal(t, 400, resp.StatusCode)
			assert.Equal(t, c.code, answer["error"])
			assert.Contains(t, answer["error_description"], c.words)
			assert.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
		})
	}
}

func TestClientAuthentication(t *testing.T) {
	p, _, _ := start(t, authtest.Config{})
	escapedID, escapedSecret := url.QueryEscape(p.ClientID), url.QueryEscape(p.ClientSecret)
	inBody := "grant_type=client_credentials&client_id=" + escapedID
	for name, c := range map[string]struct {
		edit   func(r *http.Request)
		body   string
		status int
		words  string
	}{
		"Basic":             {func(r *http.Request) { r.SetBasicAuth(escapedID, escapedSecret) }, "grant_type=client_credentials", 200, ""},
		"Basic, raw secret": {func(r *http.Request) { r.SetBasicAuth(p.ClientID, p.ClientSecret) }, "grant_type=client_credentials", 401, "form-urlencode"},
		"Basic, wrong":      {func(r *http.Request) { r.SetBasicAuth(escapedID, "x") }, "grant_type=client_credentials", 401, "secret is wrong"},
		"Basic, unknown":    {func(r *http.Request) { r.SetBasicAuth("x", "x") }, "grant_type=client_credentials", 401, "id is unknown"},
		"not Basic":         {func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, "grant_type=client_credentials", 401, "not Basic"},
		"two headers":       {func(r *http.Request) { r.Header["Authorization"] = []string{"Basic eDp4", "Basic eDp4"} }, "grant_type=client_credentials", 400, "more than one"},
		"body":              {nil, inBody + "&client_secret=" + escapedSecret, 200, ""},
		"body, no secret":   {nil, inBody, 401, "must send it"},
		"nothing":           {nil, "grant_type=client_credentials", 401, "client authentication is missing"},
		"JSON":              {func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, "{}", 400, "Content-Type"},
		"malformed":         {nil, "a=%zz", 400, "well-formed"},
		"secret in the URL": {func(r *http.Request) { r.URL.RawQuery = "client_secret=" + escapedSecret }, inBody, 400, "never in the URL"},
		"GET":               {func(r *http.Request) { r.Method = "GET" }, "", 405, "POST"},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequest("POST", p.TokenURL, strings.NewReader(c.body))
			require.NoError(t, err)
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if c.edit != nil {
				c.edit(req)
			}
			resp, _, body := call(t, p.Client(), req)
			assert.Equal(t, c.status, resp.StatusCode, body)
			assert.Contains(t, body, c.words)
			assert.Equal(t, c.status == 401, strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Basic realm="))
			if c.status != 200 {
				assert.NotContains(t, body, p.ClientSecret)
			}
		})
	}
}

func TestCodeIsBoundToRedirectAndVerifier(t *testing.T) {
	p, config, _ := start(t, authtest.Config{})
	verifier := oauth2.GenerateVerifier()
	challenge := oauth2.S256ChallengeOption(verifier)
	for name, c := range map[string]struct {
		options []oauth2.AuthCodeOption
		form    url.Values
		words   string
	}{
		"good":               {[]oauth2.AuthCodeOption{challenge}, url.Values{"redirect_uri": {callbackURL}, "code_verifier": {verifier}}, ""},
		"redirect decoded":   {[]oauth2.AuthCodeOption{challenge}, url.Values{"redirect_uri": {"http://127.0.0.1:9/callback?keep=."}, "code_verifier": {verifier}}, "byte for byte"},
		"no verifier":        {[]oauth2.AuthCodeOption{challenge}, url.Values{"redirect_uri": {callbackURL}}, "code_verifier is required"},
		"short verifier":     {[]oauth2.AuthCodeOption{challenge}, url.Values{"redirect_uri": {callbackURL}, "code_verifier": {"x"}}, "43 to 128"},
		"wrong verifier":     {[]oauth2.AuthCodeOption{challenge}, url.Values{"redirect_uri": {callbackURL}, "code_verifier": {oauth2.GenerateVerifier()}}, "does not match"},
		"unexpected verifer": {nil, url.Values{"redirect_uri": {callbackURL}, "code_verifier": {verifier}}, "had no code_challenge"},
	} {
		t.Run(name, func(t *testing.T) {
			callback, err := p.Authorize(config.AuthCodeURL("s", c.options...))
			require.NoError(t, err)
			c.form.Set("grant_type", "authorization_code")
			c.form.Set("code", callback.Query().Get("code"))
			resp, answer := postToken(t, p, c.form)
			if c.words == "" {
				assert.Equal(t, 200, resp.StatusCode, answer)
				return
			}
			assert.Equal(t, "invalid_grant", answer["error"])
			assert.Contains(t, answer["error_description"], c.words)
		})
	}
}

func TestRefreshOptions(t *testing.T) {
	t.Run("without rotation", func(t *testing.T) {
		p, _, _ := start(t, authtest.Config{NoRotation: true})
		_, refresh := p.IssueTokens("read write")
		for range 2 {
			resp, answer := postToken(t, p, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "scope": {"read"}})
			assert.Equal(t, 200, resp.StatusCode)
			assert.NotContains(t, answer, "refresh_token")
			assert.Equal(t, "read", answer["scope"])
		}
	})
	t.Run("for every grant", func(t *testing.T) {
		p, _, _ := start(t, authtest.Config{RefreshGrants: []string{"client_credentials"}})
		_, answer := postToken(t, p, url.Values{"grant_type": {"client_credentials"}})
		assert.Contains(t, answer, "refresh_token")
		assert.NotContains(t, answer, "scope")
		_, answer = postToken(t, p, url.Values{"grant_type": {"password"}, "username": {p.Username}, "password": {p.Password}})
		assert.NotContains(t, answer, "refresh_token")
	})
	t.Run("short lifetime", func(t *testing.T) {
		p, _, _ := start(t, authtest.Config{TokenLifetime: 1500 * time.Millisecond})
		_, answer := postToken(t, p, url.Values{"grant_type": {"client_credentials"}})
		assert.EqualValues(t, 2, answer["expires_in"])
	})
}

func TestPublicClient(t *testing.T) {
	p, config, ctx := start(t, authtest.Config{PublicClient: true})
	config.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	callback, err := p.Authorize(config.AuthCodeURL("s"))
	require.NoError(t, err)
	assert.Contains(t, callback.Query().Get("error_description"), "must use PKCE")

	verifier := oauth2.GenerateVerifier()
	callback, err = p.Authorize(config.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)))
	require.NoError(t, err)
	_, err = config.Exchange(ctx, callback.Query().Get("code"), oauth2.VerifierOption(verifier))
	require.NoError(t, err)

	_, err = (&clientcredentials.Config{ClientID: p.ClientID, TokenURL: p.TokenURL, AuthStyle: oauth2.AuthStyleInParams}).Token(ctx)
	assert.ErrorContains(t, err, "unauthorized_client")
}
