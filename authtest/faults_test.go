package authtest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth/authtest"
)

func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, config, ctx := start(t, authtest.Config{InMemory: true})
		p.Inject(p.TokenURL, 2, authtest.Delay(2*time.Second))
		begin := time.Now()
		_, err := config.PasswordCredentialsToken(ctx, p.Username, p.Password)
		require.NoError(t, err)
		assert.Equal(t, 2*time.Second, time.Since(begin))

		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err = config.PasswordCredentialsToken(short, p.Username, p.Password)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 3*time.Second, time.Since(begin))
		assert.Equal(t, map[string]int{"password": 1}, p.Stats().Issued)
	})
}

func TestDelayEndsWhenTheProviderCloses(t *testing.T) {
	p, config, ctx := start(t, authtest.Config{})
	p.Inject(p.TokenURL, authtest.Always, authtest.Delay(time.Hour))
	failed := make(chan error)
	go func() {
		_, err := config.PasswordCredentialsToken(ctx, p.Username, p.Password)
		failed <- err
	}()
	for p.Stats().TokenRequests == 0 {
		time.Sleep(time.Millisecond)
	}
	p.Close()
	assert.Error(t, <-failed)
}

func TestAnswer(t *testing.T) {
	p, config, ctx := start(t, authtest.Config{})
	p.Inject(p.TokenURL, 2, authtest.Answer(429, http.Header{"Retry-After": {"7"}}, "busy"))
	p.Inject(p.TokenURL, 1, authtest.Answer(200, nil, "<html>"))
	for range 2 {
		_, err := config.PasswordCredentialsToken(ctx, p.Username, p.Password)
		var failure *oauth2.RetrieveError
		require.ErrorAs(t, err, &failure)
		assert.Equal(t, 429, failure.Response.StatusCode)
		assert.Equal(t, "7", failure.Response.Header.Get("Retry-After"))
		assert.Equal(t, "busy", string(failure.Body))
	}
	_, err := config.PasswordCredentialsToken(ctx, p.Username, p.Password)
	assert.Error(t, err)
	_, err = config.PasswordCredentialsToken(ctx, p.Username, p.Password)
	assert.NoError(t, err)
	assert.Equal(t, 3, p.Stats().FaultsInjected)
	assert.Equal(t, 4, p.Stats().TokenRequests)
}

func TestTruncatedAnswer(t *testing.T) {
	p, config, ctx := start(t, authtest.Config{})
	p.Inject(p.TokenURL, 1, authtest.Answer(200, http.Header{"Content-Type": {"application/json"}, "Content-Length": {"500"}}, `{"access_token":"`))
	_, err := config.PasswordCredentialsToken(ctx, p.Username, p.Password)
	assert.ErrorContains(t, err, "unexpected EOF")
}

func TestDropBeforeDoesNoWork(t *testing.T) {
	p, config, ctx := start(t, authtest.Config{})
	_, refresh := p.IssueTokens("")
	p.Inject(p.TokenURL, 1, authtest.DropBefore())
	_, err := config.TokenSource(ctx, &oauth2.Token{RefreshToken: refresh}).Token()
	assert.ErrorIs(t, err, io.EOF)
	_, err = config.TokenSource(ctx, &oauth2.Token{RefreshToken: refresh}).Token()
	assert.NoError(t, err)
}

func TestDropAfterDoesTheWork(t *testing.T) {
	p, config, ctx := start(t, authtest.Config{})
	_, refresh := p.IssueTokens("")
	p.Inject(p.TokenURL, 1, authtest.DropAfter())
	_, err := config.TokenSource(ctx, &oauth2.Token{RefreshToken: refresh}).Token()
	assert.ErrorIs(t, err, io.EOF)
	assert.Equal(t, map[string]int{"refresh_token": 1}, p.Stats().Issued)
	_, err = config.TokenSource(ctx, &oauth2.Token{RefreshToken: refresh}).Token()
	assert.ErrorContains(t, err, "replaced before")
}

func TestEditAnswer(t *testing.T) {
	p, config, ctx := start(t, authtest.Config{})
	p.Inject(p.TokenURL, authtest.Always, authtest.EditAnswer(func(answer map[string]any) {
		answer["expires_in"] = "60"
		delete(answer, "scope")
	}))
	token, err := config.PasswordCredentialsToken(ctx, p.Username, p.Password)
	require.NoError(t, err)
	assert.Equal(t, "60", token.Extra("expires_in"))
	_, err = config.PasswordCredentialsToken(ctx, p.Username, "wrong")
	assert.ErrorContains(t, err, "invalid_grant")

	p.ClearFaults()
	token, err = config.PasswordCredentialsToken(ctx, p.Username, p.Password)
	require.NoError(t, err)
	assert.EqualValues(t, 3600, token.Extra("expires_in"))
}

func TestEditAnswerOfOAuth1(t *testing.T) {
	p, config := start1(t, authtest.Config{})
	p.Inject(p.RequestTokenURL, 1, authtest.EditAnswer(func(answer map[string]any) { answer["oauth_callback_confirmed"] = "false" }))
	_, _, err := config.RequestToken()
	assert.ErrorContains(t, err, "oauth_callback_confirmed was not true")
	_, _, err = config.RequestToken()
	assert.NoError(t, err)
}

func TestRewriteAnswer(t *testing.T) {
	p, config, ctx := start(t, authtest.Config{})
	p.Inject(p.TokenURL, 1, authtest.RewriteAnswer(func(w http.ResponseWriter, status int, answer map[string]any) {
		assert.Equal(t, 200, status)
		w.Header().Set("Content-Type", "application/x-www-form-urlencoded")
		io.WriteString(w, url.Values{"access_token": {answer["access_token"].(string)}}.Encode())
	}))
	token, err := config.PasswordCredentialsToken(ctx, p.Username, p.Password)
	require.NoError(t, err)
	resp, _, _ := call(t, p.Client(), withBearer(get(t, p.BearerURL), token.AccessToken))
	assert.Equal(t, 200, resp.StatusCode)
}

// A fault of your own: the provider accepts token requests in JSON.
func TestOwnFaultComposesWithCountedOnes(t *testing.T) {
	p := authtest.NewProvider(t)
	p.Inject(p.TokenURL, authtest.Always, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var members map[string]string
			if json.NewDecoder(r.Body).Decode(&members) != nil {
				http.Error(w, "not JSON", 400)
				return
			}
			form := url.Values{}
			for name, value := range members {
				form.Set(name, value)
			}
			r.Body = io.NopCloser(strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			next.ServeHTTP(w, r)
		})
	})
	p.Inject(p.TokenURL, 1, authtest.Answer(503, nil, ""))
	request, err := json.Marshal(map[string]string{"grant_type": "client_credentials", "client_id": p.ClientID, "client_secret": p.ClientSecret})
	require.NoError(t, err)
	for _, want := range []int{503, 200} {
		resp, err := p.Client().Post(p.TokenURL, "application/json", strings.NewReader(string(request)))
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, want, resp.StatusCode)
	}
	recorded := p.Requests(p.TokenURL)
	assert.Equal(t, string(request), string(recorded[1].Body))
	assert.Equal(t, "application/json", recorded[1].Header.Get("Content-Type"))
}

func TestFaultsOfOneInjectionAreNested(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true})
		defer p.Close()
		p.Inject(p.OpenURL, 1, authtest.Delay(time.Minute), authtest.Answer(500, nil, ""))
		begin := time.Now()
		resp, err := p.Client().Get(p.OpenURL)
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, 500, resp.StatusCode)
		assert.Equal(t, time.Minute, time.Since(begin))
	})
}

func TestCloseCutsAnEndlessAnswer(t *testing.T) {
	for _, c := range []authtest.Config{{}, {TLS: true}, {InMemory: true}} {
		p := authtest.New(c)
		p.Inject(p.TokenURL, 1, func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for err := error(nil); err == nil; {
					_, err = io.WriteString(w, strings.Repeat(" ", 1<<16))
				}
			})
		})
		resp, err := p.Client().PostForm(p.TokenURL, nil)
		require.NoError(t, err)
		_, err = io.CopyN(io.Discard, resp.Body, 4<<20)
		assert.NoError(t, err)
		p.Close() // while the client neither reads on nor gives up
		resp.Body.Close()
	}
}

func TestInjectRefusesMistakes(t *testing.T) {
	p := authtest.NewProvider(t)
	assert.PanicsWithValue(t, "authtest: Inject wants a positive number of requests, or Always", func() { p.Inject(p.TokenURL, 0, authtest.DropBefore()) })
	assert.Panics(t, func() { p.Inject("https://elsewhere.example/token", 1, authtest.DropBefore()) })
	assert.Panics(t, func() { p.Requests("%zz") })
}

func TestEditHeader(t *testing.T) {
	p := authtest.NewProvider(t)
	p.Inject(p.BearerURL, 1, authtest.EditHeader(func(status int, header http.Header) {
		assert.Equal(t, 401, status)
		header.Del("WWW-Authenticate")
		header.Set("Content-Type", "text/html")
	}))
	for _, edited := range []bool{true, false} {
		resp, err := p.Client().Get(p.BearerURL)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		require.NoError(t, err)
		assert.NotEmpty(t, body)
		assert.Equal(t, 401, resp.StatusCode)
		assert.Equal(t, edited, resp.Header.Get("WWW-Authenticate") == "")
		assert.Equal(t, edited, resp.Header.Get("Content-Type") == "text/html")
	}
}

func TestEditCallback(t *testing.T) {
	p, config, ctx := start(t, authtest.Config{SendIssuer: true})
	pages := 0
	p.Inject(p.AuthURL, authtest.Always, authtest.EditCallback(func(callback url.Values) {
		pages++
		assert.Equal(t, p.URL, callback.Get("iss"))
		assert.Equal(t, "1", callback.Get("tenant"), "the query of the redirect URI")
		callback.Set("iss", "https://another.example")
		callback["state"] = []string{"a b", "c"}
	}))
	config.RedirectURL = "http://127.0.0.1/callback?tenant=1"
	callback, err := p.Authorize(config.AuthCodeURL("mine"))
	require.NoError(t, err)
	assert.Equal(t, 1, pages, "the page for the account owner is no callback")
	assert.Equal(t, "https://another.example", callback.Query().Get("iss"))
	assert.Equal(t, []string{"a b", "c"}, callback.Query()["state"])
	_, err = config.Exchange(ctx, callback.Query().Get("code"))
	require.NoError(t, err)
}
