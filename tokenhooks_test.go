package connectorauth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTokenHooksSeeAndChangeTokenRequests(t *testing.T) {
	p := authtest.NewProvider(t)
	c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL,
		Grant: connectorauth.AuthorizationCode{AuthURL: p.AuthURL},
	}))
	var order []string
	note := func(name string) func(*connectorauth.Exchange) error {
		return func(e *connectorauth.Exchange) error {
			order = append(order, name)
			e.Request.Header.Set("X-Step", name)
			assert.Empty(t, e.Auth)
			if e.Response != nil {
				body := string(must(e.ResponseBody(1000)))
				e.SetResponseBody([]byte(strings.Replace(body, "{", `{"step":"`+name+`",`, 1)))
			}
			return nil
		}
	}
	hooked := connectorauth.WithHooks(c, connectorauth.Hooks{
		BeforeAuthorize: func(_ context.Context, u *url.URL) error { u.RawQuery += "&audience=a"; return nil },
		BeforeToken:     note("token"), AfterToken: note("got token"), BeforeRefresh: note("refresh"), AfterRefresh: note("got refresh"),
	}).(*connectorauth.OAuth2)
	authURL, pending, err := hooked.Begin(t.Context(), "http://127.0.0.1/callback")
	require.NoError(t, err)
	assert.Contains(t, authURL, "&audience=a")
	callback := must(p.Authorize(authURL))
	require.NoError(t, hooked.Finish(t.Context(), pending, callback.Query()))
	assert.Equal(t, "got token", must(hooked.Token(t.Context())).Extra("step"))
	p.RevokeAccessTokens()
	status, _ := get(t, hooked, nil, p.BearerURL)
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, []string{"token", "got token", "refresh", "got refresh"}, order)
	assert.Equal(t, "refresh", p.Requests(p.TokenURL)[1].Header.Get("X-Step"))

	// The two connectors have one token, and the first one knows no hooks.
	assert.Equal(t, must(hooked.Token(t.Context())).AccessToken, must(c.Token(t.Context())).AccessToken)
	p.RevokeAccessTokens()
	get(t, c, nil, p.BearerURL)
	assert.Len(t, order, 4)
	assert.Equal(t, 3, p.Stats().TokenRequests)
}

func TestTokenHookThatFailsEndsTheTokenRequest(t *testing.T) {
	p := authtest.NewProvider(t)
	c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Grant: connectorauth.ClientCredentials{},
	}))
	for name, hooks := range map[string]connectorauth.Hooks{
		"abort": {BeforeToken: func(*connectorauth.Exchange) error { return errBroken }},
		"quote": {BeforeToken: func(e *connectorauth.Exchange) error {
			return errors.New(e.Request.Header.Get("Authorization") + p.ClientSecret)
		}},
		"astray":  {BeforeToken: func(e *connectorauth.Exchange) error { e.Request.URL.Host = "evil.example"; return nil }},
		"refused": {AfterToken: func(*connectorauth.Exchange) error { return errBroken }},
	} {
		_, err := connectorauth.WithHooks(c, hooks).(*connectorauth.OAuth2).Token(t.Context())
		var failed *connectorauth.TokenError
		require.ErrorAs(t, err, &failed, name)
		assert.Equal(t, name == "abort" || name == "refused", errors.Is(err, errBroken), name)
		assert.Equal(t, name == "astray", errors.Is(err, connectorauth.ErrHostNotAllowed), name)
		assert.NotContains(t, err.Error(), p.ClientSecret)
		assert.NotContains(t, err.Error(), base64.StdEncoding.EncodeToString([]byte(p.ClientID + ":"))[:8])
		c = must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Grant: connectorauth.ClientCredentials{},
		})) // one that has not just failed
	}
}

func TestAuthorizeHookCannotUndoTheProtection(t *testing.T) {
	c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "c", TokenURL: "https://p.example/token", Grant: connectorauth.AuthorizationCode{AuthURL: "https://p.example/authorize"},
	}))
	for _, change := range []func(u *url.URL){
		func(u *url.URL) { u.RawQuery = strings.Replace(u.RawQuery, "state=", "state=x", 1) },
		func(u *url.URL) { u.RawQuery += "&state=2" },
		func(u *url.URL) { u.RawQuery = strings.Replace(u.RawQuery, "code_challenge=", "x=", 1) },
		func(u *url.URL) { u.RawQuery = strings.Replace(u.RawQuery, "S256", "plain", 1) },
		func(u *url.URL) { u.RawQuery = strings.Replace(u.RawQuery, "127.0.0.1", "127.0.0.2", 1) },
		func(u *url.URL) { u.Host = "evil.example" },
		func(u *url.URL) { u.Scheme = "http" },
		func(u *url.URL) { u.User = url.User("somebody") },
		func(u *url.URL) { u.Opaque = "//evil.example/authorize" },
		func(u *url.URL) { panic("no") },
	} {
		hooked := connectorauth.WithHooks(c, connectorauth.Hooks{BeforeAuthorize: func(_ context.Context, u *url.URL) error { change(u); return nil }}).(*connectorauth.OAuth2)
		authURL, pending, err := hooked.Begin(t.Context(), "http://127.0.0.1/callback")
		require.ErrorContains(t, err, "hook")
		assert.Empty(t, authURL+string(pending))
	}
}

func TestTokenHookThatUsesItsOwnConnectorFailsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var client *http.Client
		c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "client", ClientSecret: "secret", TokenURL: "https://p.example/token", Grant: connectorauth.ClientCredentials{},
			HTTPClient: &http.Client{Transport: &fakehttp.Base{}},
		}))
		hooked := connectorauth.WithHooks(c, connectorauth.Hooks{BeforeToken: func(*connectorauth.Exchange) error {
			_, err := client.Get(home)
			return err
		}})
		client = connectorauth.NewClient(hooked, &http.Client{Transport: &fakehttp.Base{}})
		began := time.Now()
		_, err := client.Get(home)
		require.ErrorContains(t, err, "uses its own connector")
		assert.Zero(t, time.Since(began))
	})
}

// net/http, and many a base, repeats a request that has a GetBody.
func TestHookedTokenRequestCannotBeRepeatedByItsBase(t *testing.T) {
	for _, encoding := range []dialect.Encoding{dialect.EncodeForm, dialect.EncodeJSON, dialect.EncodeQuery, dialect.EncodeGet} {
		asked := 0
		c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "client", ClientSecret: clientSecret, TokenURL: "https://login.example.test/token", Grant: connectorauth.ClientCredentials{},
			Dialect: dialect.OAuth2{TokenEncoding: encoding},
			HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
				asked++
				assert.Nil(t, req.GetBody, encoding)
				return fakehttp.Respond(200, `{"access_token":"a"}`), nil
			})},
		}))
		must(connectorauth.WithHooks(c, connectorauth.Hooks{BeforeToken: func(e *connectorauth.Exchange) error {
			e.SetRequestBody([]byte("changed=1"))
			return nil
		}}).(*connectorauth.OAuth2).Token(t.Context()))
		assert.Equal(t, 1, asked)
	}
}

func TestSiblingsOfWithHooksKeepTheirOwnTokenHooks(t *testing.T) {
	var order string
	hooks := func(name string) connectorauth.Hooks {
		return connectorauth.Hooks{BeforeAuthorize: func(context.Context, *url.URL) error { order += name; return nil }}
	}
	c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", TokenURL: "https://login.example.test/token", Grant: connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/auth"},
	}))
	for path, hooked := range hookedTree(c, hooks) {
		order = ""
		_, _, err := hooked.(*connectorauth.OAuth2).Begin(t.Context(), callbackURL)
		require.NoError(t, err)
		assert.Equal(t, path, order)
	}
}

func TestTokenHookThatFailsAtAConsentLosesNoToken(t *testing.T) {
	c, _ := dialected(t, config2{Grant: connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/auth"}}, nil)
	hooked := connectorauth.WithHooks(c, connectorauth.Hooks{AfterToken: func(*connectorauth.Exchange) error { return errBroken }}).(*connectorauth.OAuth2)
	authURL, pending, err := hooked.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	state := must(url.Parse(authURL)).Query().Get("state")
	require.ErrorIs(t, hooked.Finish(t.Context(), pending, url.Values{"state": {state}, "code": {"c"}}), errBroken)
	assert.Equal(t, "a", must(c.Token(t.Context())).AccessToken)
}
