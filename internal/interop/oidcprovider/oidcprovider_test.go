// Package oidcprovider_test checks OAuth2 connectors against oidc-provider, a
// certified OpenID provider for Node.js: it names its issuer in callbacks, wants
// PKCE, and revokes the grant when a refresh token comes twice.
package oidcprovider_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/interop/npm"
	"github.com/connectorauth/connectorauth/tokenstore"
)

const (
	clientID    = "client"
	secret      = "p@ss:w/+r d&=%?~" // RFC 6749 section 2.3.1 wants it form-encoded
	redirectURL = "http://127.0.0.1/callback?account=1"
	issuer      = "http://127.0.0.1"
)

// install puts the server and its packages into a folder, once for all tests.
var install = sync.OnceValues(func() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "oidcprovider"); err != nil {
		return "", err
	}
	if err := os.CopyFS(dir, os.DirFS("testdata")); err != nil {
		return "", err
	}
	return dir, npm.Install(dir)
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := install(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// start runs a provider and returns its address. further are a list of further clients
// in JSON, and a profile of FAPI.
func start(t *testing.T, further ...string) string {
	t.Helper()
	dir, err := install()
	if err != nil {
		if os.Getenv("CONNECTORAUTH_TEST_REQUIRE") == "1" {
			t.Fatal(err)
		}
		t.Skipf("no oidc-provider: %v", err)
	}
	args := append([]string{filepath.Join(dir, "server.mjs"), clientID, secret, redirectURL}, further...)
	server := exec.Command("node", args...)
	server.Stderr = io.Discard // warnings about a set-up for tests
	in, err := server.StdinPipe()
	require.NoError(t, err)
	out, err := server.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		in.Close() // which it takes as its end
		server.Wait()
	})
	port, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return "http://127.0.0.1:" + strings.TrimSpace(port)
}

func config(base string, grant connectorauth.Grant) connectorauth.OAuth2Config {
	return connectorauth.OAuth2Config{ClientID: clientID, ClientSecret: secret, TokenURL: base + "/token", Grant: grant}
}

func code(base string) connectorauth.AuthorizationCode {
	return connectorauth.AuthorizationCode{AuthURL: base + "/auth", Issuer: issuer, Params: url.Values{"prompt": {"consent"}}}
}

// connected returns a connector whose owner has consented.
func connected(t *testing.T, config connectorauth.OAuth2Config) *connectorauth.OAuth2 {
	t.Helper()
	config.Scopes = []string{"openid", "offline_access"}
	c, err := connectorauth.NewOAuth2(config)
	require.NoError(t, err)
	authURL, pending, err := c.Begin(t.Context(), redirectURL)
	require.NoError(t, err)
	require.NoError(t, c.Finish(t.Context(), pending, consent(t, authURL)))
	return c
}

var formAction = regexp.MustCompile(`action="([^"]+)"`)

// consent goes through the provider's pages, as the owner's browser does, and
// returns the query of the callback.
func consent(t *testing.T, authURL string) url.Values {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	arrived := errors.New("arrived")
	var callback *url.URL
	browser := &http.Client{Jar: jar, CheckRedirect: func(req *http.Request, _ []*http.Request) error {
		if req.URL.Path == "/callback" {
			callback = req.URL
			return arrived
		}
		return nil
	}}
	resp, err := browser.Get(authURL)
	for pages := 0; callback == nil; pages++ {
		require.NoError(t, err)
		page, err2 := io.ReadAll(resp.Body)
		resp.Body.Close()
		require.NoError(t, err2)
		action := formAction.FindSubmatch(page)
		require.True(t, action != nil && pages < 5, "no form on the page: %s", page)
		form := url.Values{"prompt": {"login"}, "login": {"owner"}, "password": {"any"}}
		if strings.Contains(string(page), `value="consent"`) {
			form = url.Values{"prompt": {"consent"}}
		}
		target, err2 := resp.Request.URL.Parse(string(action[1]))
		require.NoError(t, err2)
		target.Scheme, target.Host = resp.Request.URL.Scheme, resp.Request.URL.Host // its issuer has no port
		resp, err = browser.PostForm(target.String(), form)
	}
	require.ErrorIs(t, err, arrived)
	return callback.Query()
}

// call uses the API.
func call(t *testing.T, c connectorauth.Connector, base string) (status int, body string) {
	t.Helper()
	resp, err := connectorauth.NewClient(c, nil).Get(base + "/api")
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(text)
}

// expire makes the API refuse the present token.
func expire(t *testing.T, c *connectorauth.OAuth2, base string) {
	t.Helper()
	resp, err := connectorauth.NewClient(c, nil).Get(base + "/expire")
	require.NoError(t, err)
	resp.Body.Close()
}

func TestClientCredentials(t *testing.T) {
	base := start(t)
	for name, edit := range map[string]func(*connectorauth.OAuth2Config){
		"Basic": func(*connectorauth.OAuth2Config) {},
		"body": func(c *connectorauth.OAuth2Config) {
			c.ClientID, c.ClientAuth = clientID+"-post", connectorauth.ClientSecretPost
		},
	} {
		t.Run(name, func(t *testing.T) {
			config := config(base, connectorauth.ClientCredentials{})
			edit(&config)
			c, err := connectorauth.NewOAuth2(config)
			require.NoError(t, err)
			status, body := call(t, c, base)
			assert.Equal(t, 200, status)
			assert.JSONEq(t, fmt.Sprintf(`{"client":%q}`, config.ClientID), body)
			expire(t, c, base)
			status, _ = call(t, c, base)
			assert.Equal(t, 200, status, "the grant is repeated")
		})
	}
}

func TestWrongClientSecretIsRefusedForGood(t *testing.T) {
	base := start(t)
	config := config(base, connectorauth.ClientCredentials{})
	config.ClientSecret = "another"
	c, err := connectorauth.NewOAuth2(config)
	require.NoError(t, err)
	_, err = c.Token(t.Context())
	var failed *connectorauth.TokenError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, "invalid_client", failed.Code)
	assert.False(t, failed.Temporary())
	assert.NotErrorIs(t, err, connectorauth.ErrReauthRequired)
}

func TestAuthorizationCodeAndRotation(t *testing.T) {
	base := start(t)
	c := connected(t, config(base, code(base)))
	for range 5 {
		status, body := call(t, c, base)
		assert.Equal(t, 200, status)
		assert.JSONEq(t, `{"client":"client","account":"owner"}`, body)
		expire(t, c, base)
	}
	token, err := c.Token(t.Context())
	require.NoError(t, err)
	assert.NotEmpty(t, token.Extra("id_token"))
}

func TestFiftyCallersRenewOnce(t *testing.T) {
	base := start(t)
	c := connected(t, config(base, code(base)))
	for range 5 {
		expire(t, c, base)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				status, _ := call(t, c, base)
				assert.Equal(t, 200, status, "a second refresh with one token would have ended the grant")
			})
		}
		all.Wait()
	}
}

func TestReusedRefreshTokenEndsTheGrant(t *testing.T) {
	base := start(t)
	store := new(tokenstore.Memory)
	config := config(base, code(base))
	config.Store, config.Account = store, "owner"
	c := connected(t, config)
	stolen, _, err := store.Load(t.Context(), "owner")
	require.NoError(t, err)

	expire(t, c, base)
	status, _ := call(t, c, base) // with another refresh token from here on
	require.Equal(t, 200, status)
	thief := new(tokenstore.Memory)
	require.NoError(t, thief.Save(t.Context(), "owner", stolen))
	config.Store = thief
	other, err := connectorauth.NewOAuth2(config)
	require.NoError(t, err)
	_, err = connectorauth.NewClient(other, nil).Get(base + "/api")
	require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
	_, err = connectorauth.NewClient(c, nil).Get(base + "/api")
	require.ErrorIs(t, err, connectorauth.ErrReauthRequired, "the provider trusts neither of them any more")
}

func TestRevokedTokensAreDeadAtTheProvider(t *testing.T) {
	base := start(t)
	store := new(tokenstore.Memory)
	config := config(base, code(base))
	config.Store, config.Account, config.RevokeURL = store, "owner", base+"/token/revocation"
	c := connected(t, config)
	token, err := c.Token(t.Context())
	require.NoError(t, err)
	kept, _, err := store.Load(t.Context(), "owner")
	require.NoError(t, err)
	bare := func() int {
		req, err := http.NewRequest(http.MethodGet, base+"/api", nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+token.AccessToken)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		resp.Body.Close()
		return resp.StatusCode
	}
	require.Equal(t, 200, bare())

	wrong := config
	wrong.ClientSecret = "another"
	stranger, err := connectorauth.NewOAuth2(wrong)
	require.NoError(t, err)
	require.ErrorContains(t, stranger.Revoke(t.Context()), "invalid_client")
	require.Equal(t, 200, bare(), "nothing was revoked")

	require.NoError(t, c.Revoke(t.Context()))
	assert.Equal(t, 401, bare())
	_, err = c.Token(t.Context())
	require.ErrorIs(t, err, connectorauth.ErrNotConnected)
	require.NoError(t, store.Save(t.Context(), "owner", kept)) // as a backup would
	require.ErrorIs(t, c.Renew(t.Context()), connectorauth.ErrReauthRequired, "the refresh token is dead too")
}

func TestCallbackOfAnotherIssuerIsRefused(t *testing.T) {
	base := start(t)
	grant := code(base)
	grant.Issuer = "https://another.example"
	config := config(base, grant)
	config.Scopes = []string{"openid", "offline_access"}
	c, err := connectorauth.NewOAuth2(config)
	require.NoError(t, err)
	authURL, pending, err := c.Begin(t.Context(), redirectURL)
	require.NoError(t, err)
	callback := consent(t, authURL)
	require.Equal(t, issuer, callback.Get("iss"), "RFC 9207")
	assert.ErrorContains(t, c.Finish(t.Context(), pending, callback), "issuer")
}

func TestProviderWantsPKCE(t *testing.T) {
	base := start(t)
	grant := code(base)
	grant.DisablePKCE = true
	c, err := connectorauth.NewOAuth2(config(base, grant))
	require.NoError(t, err)
	authURL, pending, err := c.Begin(t.Context(), redirectURL)
	require.NoError(t, err)
	var refused *connectorauth.TokenError
	require.ErrorAs(t, c.Finish(t.Context(), pending, consent(t, authURL)), &refused)
	assert.Equal(t, "invalid_request", refused.Code)
}

func TestTokenFromElsewhereIsRenewed(t *testing.T) {
	base := start(t)
	store := new(tokenstore.Memory)
	first := config(base, code(base))
	first.Store, first.Account = store, "owner"
	connected(t, first)
	stored, _, err := store.Load(t.Context(), "owner")
	require.NoError(t, err)
	refresh := regexp.MustCompile(`"refresh_token":"([^"]+)"`).FindSubmatch(stored)
	require.NotNil(t, refresh)

	moved, err := connectorauth.NewOAuth2(config(base, code(base)))
	require.NoError(t, err)
	require.NoError(t, moved.SetToken(t.Context(), &oauth2.Token{RefreshToken: string(refresh[1])}))
	status, _ := call(t, moved, base)
	assert.Equal(t, 200, status)
}
