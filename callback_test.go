package connectorauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is not the callback of this consent costs no token request.
func TestCallbacksThatAreRefused(t *testing.T) {
	p := authtest.NewProvider(t)
	c := connect(t, p, nil)
	for name, edit := range map[string]func(url.Values){
		"no state":       func(v url.Values) { v.Del("state") },
		"empty state":    func(v url.Values) { v.Set("state", "") },
		"two states":     func(v url.Values) { v.Add("state", v.Get("state")) },
		"wrong state":    func(v url.Values) { v.Set("state", strings.Repeat("A", 43)) },
		"shorter state":  func(v url.Values) { v.Set("state", v.Get("state")[:42]) },
		"other case":     func(v url.Values) { v.Set("state", strings.ToUpper(v.Get("state"))) },
		"no code":        func(v url.Values) { v.Del("code") },
		"empty code":     func(v url.Values) { v.Set("code", "") },
		"two codes":      func(v url.Values) { v.Add("code", v.Get("code")) },
		"two other code": func(v url.Values) { v.Add("code", "other") },
		"nothing":        func(v url.Values) { clear(v) },
	} {
		t.Run(name, func(t *testing.T) {
			pending, callback := consented(t, p, c)
			right := url.Values{"state": callback["state"], "code": callback["code"]}
			edit(callback)
			before := p.Stats().TokenRequests
			require.Error(t, c.Finish(t.Context(), pending, callback))
			assert.Equal(t, before, p.Stats().TokenRequests)
			require.NoError(t, c.Finish(t.Context(), pending, right), "the right one still comes through")
		})
	}
}

func TestStateOfAnotherSessionIsRefused(t *testing.T) {
	p := authtest.NewProvider(t)
	c := connect(t, p, nil)
	mine, _ := consented(t, p, c)
	_, theirs := consented(t, p, c)
	require.ErrorContains(t, c.Finish(t.Context(), mine, theirs), "state")
	assert.Zero(t, p.Stats().TokenRequests)
}

func TestPendingsThatAreRefused(t *testing.T) {
	p := authtest.NewProvider(t)
	c := connect(t, p, nil)
	pending, callback := consented(t, p, c)
	for _, wrong := range []connectorauth.Secret{"", "x", "{}", "null", "[]", `{"for":"x"}`, pending[:len(pending)-1]} {
		assert.Error(t, c.Finish(t.Context(), wrong, callback))
	}
	for name, edit := range map[string]func(*connectorauth.OAuth2Config){
		"another client":   func(config *connectorauth.OAuth2Config) { config.ClientID = "other" },
		"another account":  func(config *connectorauth.OAuth2Config) { config.Account = "other" },
		"another provider": func(config *connectorauth.OAuth2Config) { config.TokenURL += "/other" },
		"another authorization": func(config *connectorauth.OAuth2Config) {
			config.Grant = connectorauth.AuthorizationCode{AuthURL: p.AuthURL + "/x"}
		},
	} {
		assert.ErrorContains(t, connect(t, p, edit).Finish(t.Context(), pending, callback), "another connector", name)
	}
	assert.Zero(t, p.Stats().TokenRequests)
	require.NoError(t, connect(t, p, nil).Finish(t.Context(), pending, callback), "another replica may finish")
}

func TestPendingServesForTenMinutes(t *testing.T) {
	for age, fine := range map[time.Duration]bool{9 * time.Minute: true, 11 * time.Minute: false} {
		bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
			c := connect(t, p, nil)
			authURL, pending, err := c.Begin(t.Context(), callbackURL)
			require.NoError(t, err)
			time.Sleep(age)
			u, err := p.Authorize(authURL)
			require.NoError(t, err)
			err = c.Finish(t.Context(), pending, u.Query())
			if fine {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, "begin again")
				assert.Zero(t, p.Stats().TokenRequests)
			}
		})
	}
}

func TestPendingOfTheFarFutureIsRefused(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, nil)
		pending, callback := consented(t, p, c)
		var fields map[string]any
		require.NoError(t, json.Unmarshal([]byte(pending), &fields))
		fields["began"] = time.Now().Add(time.Hour).Unix()
		text, _ := json.Marshal(fields)
		require.Error(t, c.Finish(t.Context(), connectorauth.Secret(text), callback))
	})
}

// RFC 9207: exactly the issuer, in errors too. Only an optional issuer may be absent.
func TestIssuerOfTheCallbackIsChecked(t *testing.T) {
	p := authtest.New(authtest.Config{SendIssuer: true})
	t.Cleanup(p.Close)
	grant := connectorauth.AuthorizationCode{AuthURL: p.AuthURL, Issuer: p.URL}
	c := connect(t, p, func(config *connectorauth.OAuth2Config) { config.Grant = grant })
	assert.Equal(t, p.URL, c.Issuer())
	grant.IssuerOptional = true
	optional := connect(t, p, func(config *connectorauth.OAuth2Config) { config.Grant = grant })
	assert.Empty(t, optional.Issuer(), "a callback URL must not be shared")
	for name, test := range map[string]struct {
		edit           func(url.Values)
		fine, optional bool
	}{
		"right":         {func(url.Values) {}, true, true},
		"missing":       {func(v url.Values) { v.Del("iss") }, false, true},
		"empty":         {func(v url.Values) { v.Set("iss", "") }, false, true},
		"twice":         {func(v url.Values) { v.Add("iss", p.URL) }, false, false},
		"another":       {func(v url.Values) { v.Set("iss", "https://evil.example") }, false, false},
		"with a slash":  {func(v url.Values) { v.Set("iss", p.URL+"/") }, false, false},
		"in upper case": {func(v url.Values) { v.Set("iss", strings.ToUpper(p.URL)) }, false, false},
		"encoded twice": {func(v url.Values) { v.Set("iss", url.QueryEscape(p.URL)) }, false, false},
		"wrong on error": {func(v url.Values) {
			v.Set("iss", "https://evil.example")
			v.Del("code")
			v.Set("error", "access_denied")
		}, false, false},
	} {
		for c, fine := range map[*connectorauth.OAuth2]bool{c: test.fine, optional: test.optional} {
			t.Run(name, func(t *testing.T) {
				pending, callback := consented(t, p, c)
				test.edit(callback)
				before := p.Stats().TokenRequests
				err := c.Finish(t.Context(), pending, callback)
				if fine {
					require.NoError(t, err)
					return
				}
				require.Error(t, err)
				assert.False(t, errors.As(err, new(*connectorauth.TokenError)), "a mix-up is not the provider's refusal")
				assert.Equal(t, before, p.Stats().TokenRequests)
			})
		}
	}
	t.Run("right on error", func(t *testing.T) {
		authURL, pending, err := c.Begin(t.Context(), callbackURL)
		require.NoError(t, err)
		denied, err := p.Deny(authURL)
		require.NoError(t, err)
		var failed *connectorauth.TokenError
		require.ErrorAs(t, c.Finish(t.Context(), pending, denied.Query()), &failed)
		assert.Equal(t, "access_denied", failed.Code)
	})
}

func TestRefusedConsentIsATokenError(t *testing.T) {
	p := authtest.NewProvider(t)
	c := connect(t, p, nil)
	authURL, pending, err := c.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	denied, err := p.Deny(authURL)
	require.NoError(t, err)
	var failed *connectorauth.TokenError
	err = c.Finish(t.Context(), pending, denied.Query())
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, "access_denied", failed.Code)
	assert.Equal(t, "the account owner refused", failed.Description)
	assert.False(t, failed.Temporary())
	assert.NotErrorIs(t, err, connectorauth.ErrReauthRequired, "an earlier token may still be good")

	callback := url.Values{"state": denied.Query()["state"], "code": {"injected"}}
	require.ErrorContains(t, c.Finish(t.Context(), pending, callback), "finished already", "a refused consent is over")
	assert.Zero(t, p.Stats().TokenRequests)
}

// A16.
func TestErrorsOfTheCallbackAreCleaned(t *testing.T) {
	p := authtest.NewProvider(t)
	c := connect(t, p, nil)
	pending, callback := consented(t, p, c)
	callback.Set("error", "bad\r\nSet-Cookie: x=1\x00\x1b[31m")
	callback.Set("error_description", strings.Repeat("<script>alert(1)</script>\r\n\u202e", 100))
	err := c.Finish(t.Context(), pending, callback)
	var failed *connectorauth.TokenError
	require.ErrorAs(t, err, &failed)
	for _, text := range []string{err.Error(), failed.Code, failed.Description} {
		assert.NotRegexp(t, `[\x00-\x1f\x7f\x{202e}]`, text)
	}
	assert.LessOrEqual(t, len(failed.Code), 67)
	assert.LessOrEqual(t, len(failed.Description), 203)
	assert.Zero(t, p.Stats().TokenRequests)
}

// finisher is a connector whose token endpoint grants everything, for the fuzz
// target.
func finisher(f *testing.F) (c *connectorauth.OAuth2, requests *atomic.Int32) {
	requests = new(atomic.Int32)
	c, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: "secret", TokenURL: "https://login.example.test/token",
		Grant: connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/authorize"},
		HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
			requests.Add(1)
			req.Body.Close()
			return fakehttp.Respond(200, `{"access_token":"a"}`), nil
		})},
	})
	require.NoError(f, err)
	return c, requests
}

// absent reports whether a parameter is not there, or once and without a value.
func absent(values []string) bool { return len(values) == 0 || len(values) == 1 && values[0] == "" }

// FuzzFinish: whatever comes back, there is no panic, and no token request
// unless state and code are there once and the state is the right one.
func FuzzFinish(f *testing.F) {
	c, requests := finisher(f)
	f.Add("", "code=c&state=STATE")
	f.Add("", "error=access_denied&error_description=%0d%0a%3Cscript%3E&state=STATE")
	f.Add("", "code=c&code=d&state=STATE")
	f.Add(`{"for":"x","began":1,"state":"s"}`, "code=c&state=s")
	f.Add("{", "state=%zz")
	f.Fuzz(func(t *testing.T, pending, query string) {
		real := pending == ""
		state := ""
		if real {
			authURL, sealed, err := c.Begin(t.Context(), callbackURL)
			require.NoError(t, err)
			u, _ := url.Parse(authURL)
			state = u.Query().Get("state")
			pending, query = string(sealed), strings.ReplaceAll(query, "STATE", state)
		}
		callback, _ := url.ParseQuery(query)
		before := requests.Load()
		err := c.Finish(t.Context(), connectorauth.Secret(pending), callback)
		right := real && len(callback["state"]) == 1 && callback.Get("state") == state && len(callback["code"]) == 1 && callback.Get("code") != "" && absent(callback["error"])
		sent := requests.Load() == before+1
		require.Equal(t, sent, err == nil)
		if issuer := strings.Join(callback["iss"], ""); !right || issuer == "" && len(callback["iss"]) < 2 {
			require.Equal(t, right, sent) // TestIssuerThatIsNotConfigured decides about an iss
		}
		if err != nil {
			require.NotRegexp(t, `[\x00-\x1f\x7f]`, err.Error())
		}
	})
}

// FuzzCallback: whatever the browser brings, only the right state gets as far
// as a token request.
func FuzzCallback(f *testing.F) {
	f.Add("state=STATE&auth_code=c&realmId=1")
	f.Add("state=STATE&error=access_denied&error_description=%0a%ff")
	f.Add("state=x&auth_code=c;&&=&%zz")
	f.Fuzz(func(t *testing.T, query string) {
		var asked atomic.Int32
		c, err := connectorauth.NewOAuth2(config2{
			ClientID: "client", ClientSecret: clientSecret, TokenURL: "https://login.example.test/token",
			Grant:   connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/auth"},
			Dialect: dialect.OAuth2{CodeName: "auth_code", CallbackValues: []string{"realmId", "state"}},
			HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
				asked.Add(1)
				return fakehttp.Respond(200, `{"access_token":"a"}`), nil
			})},
		})
		require.NoError(t, err)
		authURL, pending, err := c.Begin(context.Background(), "https://app.example.test/callback")
		require.NoError(t, err)
		state := must(url.Parse(authURL)).Query().Get("state")
		callback, _ := url.ParseQuery(strings.ReplaceAll(query, "STATE", state))
		right := len(callback["state"]) == 1 && callback.Get("state") == state && absent(callback["error"]) &&
			len(callback["auth_code"]) == 1 && callback.Get("auth_code") != ""
		err = c.Finish(context.Background(), pending, callback)
		if err == nil {
			require.True(t, right)
			require.EqualValues(t, 1, asked.Load())
			_, ok := must(c.Token(context.Background())).Extra("realmId").(string)
			require.Equal(t, !absent(callback["realmId"]), ok)
			return
		}
		require.Zero(t, asked.Load())
		require.Less(t, len(err.Error()), 1000)
	})
}
