package connectorauth_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// identity requests url and returns who the API says it is.
func identity(t *testing.T, p *authtest.Provider, c connectorauth.Connector, url string) (who authtest.Identity) {
	t.Helper()
	code, body := get(t, c, direct(p), url)
	require.Equal(t, 200, code, body)
	require.NoError(t, json.Unmarshal([]byte(body), &who))
	return who
}

func TestEachGrantObtainsAToken(t *testing.T) {
	for _, auth := range []connectorauth.ClientAuth{connectorauth.ClientSecretBasic, connectorauth.ClientSecretPost} {
		p := authtest.NewProvider(t)
		for grant, user := range map[connectorauth.Grant]string{
			connectorauth.ClientCredentials{}: "",
			connectorauth.PasswordCredentials{Username: p.Username, Password: connectorauth.Secret(p.Password)}: p.Username,
		} {
			c := connect(t, p, func(config *connectorauth.OAuth2Config) {
				config.Grant, config.ClientAuth, config.Scopes = grant, auth, []string{"read", "write"}
			})
			who := identity(t, p, c, p.BearerURL)
			assert.Equal(t, user, who.User)
			assert.Equal(t, "read write", who.Scope)
		}
		c := connect(t, p, func(config *connectorauth.OAuth2Config) {
			config.ClientAuth, config.Scopes = auth, []string{"read", "write"}
		})
		pending, callback := consented(t, p, c)
		require.NoError(t, c.Finish(t.Context(), pending, callback))
		assert.Equal(t, authtest.Identity{AuthType: "OAuth2", Client: p.ClientID, User: p.Username, Grant: "authorization_code", Scope: "read write"}, identity(t, p, c, p.BearerURL))

		for _, r := range p.Requests(p.TokenURL) {
			form, _ := url.ParseQuery(string(r.Body))
			inBody := auth == connectorauth.ClientSecretPost
			assert.Equal(t, inBody, form.Has("client_secret"))
			assert.Equal(t, inBody, r.Header.Get("Authorization") == "", "one way of client authentication")
			assert.Empty(t, r.URL.RawQuery)
		}
		assert.Equal(t, 3, p.Stats().TokenRequests, "no way is found out by trial")
	}
}

func TestRefreshTokenRotates(t *testing.T) {
	p := authtest.NewProvider(t)
	c := connect(t, p, nil)
	issue(t, p, c, time.Hour)
	for range 5 {
		p.ExpireAccessTokens()
		assert.Equal(t, 200, status(t, p, c, p.BearerURL))
	}
	sent := map[string]bool{}
	for _, form := range forms(t, p) {
		sent[form.Get("refresh_token")] = true
		assert.False(t, form.Has("scope"), "a refresh asks for no scope, least of all a wider one")
	}
	assert.Len(t, sent, 5, "each once")
	assert.Zero(t, p.Stats().ReuseDetected)
}

func TestAbsentRefreshTokenKeepsTheOldOne(t *testing.T) {
	p := authtest.New(authtest.Config{NoRotation: true})
	t.Cleanup(p.Close)
	c := connect(t, p, nil)
	issue(t, p, c, time.Hour)
	for range 3 {
		p.ExpireAccessTokens()
		assert.Equal(t, 200, status(t, p, c, p.BearerURL))
	}
	sent := forms(t, p)
	require.Len(t, sent, 3)
	assert.Equal(t, sent[0]["refresh_token"], sent[2]["refresh_token"])
}

func TestGrantedScopeReplacesTheRequestedOne(t *testing.T) {
	p := authtest.NewProvider(t)
	c := connect(t, p, func(config *connectorauth.OAuth2Config) {
		config.Grant, config.Scopes = connectorauth.ClientCredentials{}, []string{"read", "admin"}
	})
	p.Inject(p.TokenURL, 1, authtest.EditAnswer(func(answer map[string]any) { answer["scope"] = []string{"read", "list"} }))
	token, err := c.Token(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "read list", token.Extra("scope"))
}

func TestScopeAndExtraOutliveARefreshThatOmitsThem(t *testing.T) {
	p := authtest.NewProvider(t)
	store := new(tokenstore.Memory)
	with := func(config *connectorauth.OAuth2Config) {
		config.Scopes, config.Store, config.Account = []string{"read"}, store, "alice"
	}
	c := connect(t, p, with)
	pending, callback := consented(t, p, c)
	p.Inject(p.TokenURL, 1, authtest.EditAnswer(func(answer map[string]any) {
		answer["instance_url"], answer["id"], answer["team"] = "https://eu1.example.com", json.Number("12345678901234567890"), map[string]any{"id": "T1"}
	}))
	p.Inject(p.TokenURL, 1, authtest.EditAnswer(func(answer map[string]any) { delete(answer, "scope") }))
	require.NoError(t, c.Finish(t.Context(), pending, callback))
	p.ExpireAccessTokens()
	require.Equal(t, 200, status(t, p, c, p.BearerURL))
	for _, c := range []*connectorauth.OAuth2{c, connect(t, p, with)} { // in memory and from the store
		token, err := c.Token(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "read", token.Extra("scope"))
		assert.Equal(t, "https://eu1.example.com", token.Extra("instance_url"))
		assert.Equal(t, "12345678901234567890", fmt.Sprint(token.Extra("id")))
		assert.Equal(t, map[string]any{"id": "T1"}, token.Extra("team"))
		assert.Nil(t, token.Extra("access_token"))
	}
}

func TestTokenFitsGolangOrgXOAuth2(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, nil)
		pending, callback := consented(t, p, c)
		p.Inject(p.TokenURL, 1, authtest.Delay(10*time.Second))
		began := time.Now()
		require.NoError(t, c.Finish(t.Context(), pending, callback))
		token, err := c.Token(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "Bearer", token.TokenType)
		assert.Empty(t, token.RefreshToken, "it stays with the connector")
		assert.True(t, token.Expiry.Equal(began.Add(time.Hour)), "a lifetime counts from before the request")
		client := &http.Client{Transport: &oauth2.Transport{Source: c.TokenSource(t.Context()), Base: direct(p).Transport}}
		resp, err := client.Get(p.BearerURL)
		code, _ := read(t, resp, err)
		assert.Equal(t, 200, code)
		time.Sleep(time.Hour)
		renewed, err := c.TokenSource(t.Context()).Token()
		require.NoError(t, err)
		assert.NotEqual(t, token.AccessToken, renewed.AccessToken)
		token.AccessToken = "changed by the caller"
		again, err := c.Token(t.Context())
		require.NoError(t, err)
		assert.Equal(t, renewed.AccessToken, again.AccessToken)
	})
}

func TestTokenWithoutConsentNeedsTheOwner(t *testing.T) {
	p := authtest.NewProvider(t)
	c := connect(t, p, nil)
	for range 3 {
		_, err := c.Token(t.Context())
		require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		assert.ErrorContains(t, err, "Begin")
	}
	assert.Zero(t, p.Stats().TokenRequests)
}

func TestExpiredWithoutRefreshTokenNeedsTheOwner(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, nil)
		access, _ := p.IssueTokens("")
		require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{AccessToken: access, Expiry: time.Now().Add(time.Minute)}))
		assert.Equal(t, 200, status(t, p, c, p.BearerURL))
		time.Sleep(time.Minute)
		_, err := c.Token(t.Context())
		require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		assert.ErrorContains(t, err, "no refresh token")
		assert.Zero(t, p.Stats().TokenRequests)
	})
}

func TestSetTokenTakesATokenFromElsewhere(t *testing.T) {
	p := authtest.NewProvider(t)
	t.Run("refresh token alone", func(t *testing.T) {
		c := connect(t, p, nil)
		_, refresh := p.IssueTokens("read")
		require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{RefreshToken: refresh}))
		before := p.Stats()
		assert.Equal(t, "read", identity(t, p, c, p.BearerURL).Scope)
		assert.Equal(t, before.TokenRequests+1, p.Stats().TokenRequests)
		assert.Equal(t, before.APIRefused, p.Stats().APIRefused)
	})
	t.Run("without expiry it is good until it is rejected", func(t *testing.T) {
		c := connect(t, p, nil)
		issue(t, p, c, 0)
		before := p.Stats().TokenRequests
		assert.Equal(t, 200, status(t, p, c, p.BearerURL))
		assert.Equal(t, before, p.Stats().TokenRequests)
		p.ExpireAccessTokens()
		assert.Equal(t, 200, status(t, p, c, p.BearerURL))
		assert.Equal(t, before+1, p.Stats().TokenRequests)
	})
	t.Run("expired", func(t *testing.T) {
		c := connect(t, p, nil)
		issue(t, p, c, -time.Hour)
		refused := p.Stats().APIRefused
		assert.Equal(t, 200, status(t, p, c, p.BearerURL))
		assert.Equal(t, refused, p.Stats().APIRefused)
	})
	t.Run("neither", func(t *testing.T) {
		c := connect(t, p, nil)
		require.Error(t, c.SetToken(t.Context(), nil))
		require.Error(t, c.SetToken(t.Context(), &oauth2.Token{TokenType: "Bearer"}))
		issue(t, p, c, time.Hour)
		require.Error(t, c.SetToken(t.Context(), &oauth2.Token{}))
		assert.Equal(t, 200, status(t, p, c, p.BearerURL), "what was there stays")
	})
}

var tokenTypes = map[string]bool{"Bearer": true, "bearer": true, "BEARER": true, "": true, "mac": false, "example": false, "dpop": false, "DPoP": false, "bearer_token": false, "Bearer ": false}

func TestOnlyBearerTokensAreTaken(t *testing.T) {
	for kind, fine := range tokenTypes {
		t.Run(kind, func(t *testing.T) {
			p := authtest.NewProvider(t)
			p.Inject(p.TokenURL, authtest.Always, authtest.EditAnswer(func(answer map[string]any) {
				if answer["token_type"] = kind; kind == "" {
					delete(answer, "token_type")
				}
			}))
			c := connect(t, p, func(config *connectorauth.OAuth2Config) { config.Grant = connectorauth.ClientCredentials{} })
			err := c.SetToken(t.Context(), &oauth2.Token{AccessToken: "a", TokenType: kind})
			if !fine {
				require.ErrorContains(t, err, "Bearer")
				_, err = connectorauth.NewClient(c, direct(p)).Get(p.BearerURL)
				require.ErrorContains(t, err, fmt.Sprintf("%q, not Bearer", kind))
				assert.Empty(t, p.Requests(p.BearerURL))
				return
			}
			require.NoError(t, err)
			assert.Equal(t, 200, status(t, p, c, p.BearerURL))
			for _, r := range p.Requests(p.BearerURL) {
				assert.True(t, strings.HasPrefix(r.Header.Get("Authorization"), "Bearer "))
			}
		})
	}
}

func TestTokensThatNoHeaderCanCarry(t *testing.T) {
	for _, bad := range []string{"a\r\nX-Evil: 1", "a\nb", "a\rb", "a b", " s3cret", "s3cret ", "a\x00b", `a"b`, `a\b`, "a,b", "a\tb", "a\x7fb", "tokén", "a\u2028b"} {
		t.Run(fmt.Sprintf("%q", bad), func(t *testing.T) {
			p := authtest.NewProvider(t)
			p.Inject(p.TokenURL, authtest.Always, authtest.EditAnswer(func(answer map[string]any) { answer["access_token"] = bad }))
			c := connect(t, p, func(config *connectorauth.OAuth2Config) { config.Grant = connectorauth.ClientCredentials{} })
			_, err := connectorauth.NewClient(c, direct(p)).Get(p.BearerURL)
			require.ErrorContains(t, err, "the access token")
			assert.NotContains(t, err.Error(), bad)
			assert.Empty(t, p.Requests(p.BearerURL), "it does not reach a header")
			err = c.SetToken(t.Context(), &oauth2.Token{AccessToken: bad})
			require.ErrorContains(t, err, "the access token")
			assert.NotContains(t, err.Error(), bad)
		})
	}
}

func TestUsualTokensAreCarried(t *testing.T) {
	for _, good := range []string{"mF_9.B5f-4.1JqM", "a+b/c==", "EAAG|x|y", "sha256~abc", "00D!AQ.x", strings.Repeat("t", 64<<10)} {
		base := &fakehttp.Base{}
		c, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{ClientID: "c", ClientSecret: "s", TokenURL: "https://login.example.test/", Grant: connectorauth.ClientCredentials{}})
		require.NoError(t, err)
		require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{AccessToken: good}))
		get(t, c, &http.Client{Transport: base}, "https://api.example.test/")
		assert.Equal(t, []string{"Bearer " + good}, base.Requests()[0].Header["Authorization"])
	}
}

// A refresh token goes to the token endpoint and nowhere else, and token
// requests have no empty or repeated parameter.
func TestRefreshTokenGoesToTheTokenEndpointAlone(t *testing.T) {
	p := authtest.NewProvider(t)
	c := connect(t, p, nil)
	pending, callback := consented(t, p, c)
	require.NoError(t, c.Finish(t.Context(), pending, callback))
	for range 3 {
		p.ExpireAccessTokens()
		resp, err := connectorauth.NewClient(c, nil).Post(p.BearerURL, "application/json", strings.NewReader("{}"))
		code, _ := read(t, resp, err)
		require.Equal(t, 200, code)
	}
	sent := forms(t, p)
	require.Len(t, sent, 4)
	for _, form := range sent {
		for name, values := range form {
			assert.Len(t, values, 1, name)
			assert.NotEmpty(t, values[0], name)
		}
	}
	api := p.Requests(p.BearerURL)
	require.Len(t, api, 6)
	for _, r := range api {
		text := fmt.Sprint(r.URL, r.Header, string(r.Body))
		for _, form := range sent[1:] {
			assert.Empty(t, canary.Found(text, form.Get("refresh_token")))
		}
		assert.Empty(t, canary.Found(text, p.ClientSecret))
	}
}

func TestCanaryTokenTypeThatIsAToken(t *testing.T) {
	p := authtest.NewProvider(t)
	p.Inject(p.TokenURL, 1, authtest.EditAnswer(func(answer map[string]any) { answer["token_type"] = answer["access_token"] }))
	c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Grant: connectorauth.ClientCredentials{},
	}))
	_, err := c.Token(t.Context())
	require.ErrorContains(t, err, "the token type is not Bearer")
}

func TestExtraOfATokenIsACopy(t *testing.T) {
	c, _ := dialected(t, config2{Grant: connectorauth.ClientCredentials{}}, func(int, *http.Request) (int, string) {
		return 200, `{"access_token":"a","team":{"id":"T1","list":[{"n":"1"}]},"roles":["r"],"plain":"p"}`
	})
	token := must(c.Token(t.Context()))
	team := token.Extra("team").(map[string]any)
	team["list"].([]any)[0].(map[string]any)["n"] = "2"
	team["id"] = "T2"
	token.Extra("roles").([]any)[0] = "admin"
	again := must(c.Token(t.Context()))
	assert.Equal(t, map[string]any{"id": "T1", "list": []any{map[string]any{"n": "1"}}}, again.Extra("team"))
	assert.Equal(t, []any{"r"}, again.Extra("roles"))
	token.WithExtra(map[string]any{"plain": "q"})
	assert.Equal(t, "p", again.Extra("plain"))
}
