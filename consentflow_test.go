package connectorauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// The helper that makes challenges, against the vector of RFC 7636 appendix B.
func TestChallengeOfRFC7636(t *testing.T) {
	assert.Equal(t, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", oauth2.S256ChallengeFromVerifier("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"))
}

// P1, P2, P4, P5, P6 and A3 of the security rows.
func TestEveryBeginHasItsOwnStateAndChallenge(t *testing.T) {
	p := authtest.NewProvider(t)
	c := connect(t, p, nil)
	unreserved := regexp.MustCompile(`^[A-Za-z0-9\-._~]{43,128}$`)
	used := map[string]bool{}
	once := func(value string) {
		assert.False(t, used[value], "made before")
		used[value] = true
	}
	for range 500 {
		authURL, pending, err := c.Begin(t.Context(), callbackURL)
		require.NoError(t, err)
		u, err := url.Parse(authURL)
		require.NoError(t, err)
		q := u.Query()
		var kept struct{ State, Verifier string }
		require.NoError(t, json.Unmarshal([]byte(pending), &kept))
		require.Regexp(t, unreserved, kept.Verifier)
		require.Equal(t, oauth2.S256ChallengeFromVerifier(kept.Verifier), q.Get("code_challenge"))
		require.Equal(t, "S256", q.Get("code_challenge_method"))
		require.Equal(t, "code", q.Get("response_type"))
		require.Equal(t, kept.State, q.Get("state"))
		require.GreaterOrEqual(t, len(kept.State), 43, "256 bits")
		require.NotContains(t, authURL, kept.Verifier)
		once(kept.State)
		once(kept.Verifier)
	}
	assert.Empty(t, p.Requests(""), "Begin makes no request")
}

func TestBeginWithoutPKCE(t *testing.T) {
	p := authtest.NewProvider(t)
	c := connect(t, p, func(config *connectorauth.OAuth2Config) {
		config.Grant = connectorauth.AuthorizationCode{AuthURL: p.AuthURL, DisablePKCE: true}
	})
	pending, callback := consented(t, p, c)
	require.NoError(t, c.Finish(t.Context(), pending, callback))
	assert.Empty(t, forms(t, p)[0]["code_verifier"])
}

func TestPKCEIsNotDowngradedAfterAnError(t *testing.T) {
	p := authtest.NewProvider(t)
	c := connect(t, p, nil)
	pending, callback := consented(t, p, c)
	p.Inject(p.TokenURL, 1, authtest.Answer(400, nil, `{"error":"invalid_request","error_description":"S256 is not supported"}`))
	require.Error(t, c.Finish(t.Context(), pending, callback))
	assert.Equal(t, 1, p.Stats().TokenRequests)
}

func TestAuthorizationRequest(t *testing.T) {
	c, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "s6BhdRkqt3", ClientSecret: "x", TokenURL: "https://server.example.com/token", Scopes: []string{"read", "write:all"},
		Grant: connectorauth.AuthorizationCode{AuthURL: "https://server.example.com/authorize?tenant=a%20b", Params: url.Values{"access_type": {"offline"}, "resource": {"a", "b"}}},
	})
	require.NoError(t, err)
	authURL, _, err := c.Begin(t.Context(), "https://client.example.com/cb")
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(authURL, "https://server.example.com/authorize?tenant=a%20b&"), authURL)
	u, err := url.Parse(authURL)
	require.NoError(t, err)
	q := u.Query()
	for name, want := range map[string][]string{
		"client_id": {"s6BhdRkqt3"}, "redirect_uri": {"https://client.example.com/cb"}, "scope": {"read write:all"},
		"access_type": {"offline"}, "resource": {"a", "b"}, "tenant": {"a b"},
	} {
		assert.Equal(t, want, q[name], name)
	}
	assert.NotContains(t, authURL, "client_secret")
}

func TestRedirectURLs(t *testing.T) {
	p := authtest.NewProvider(t)
	c := connect(t, p, nil)
	for _, fine := range []string{"https://app.example.com/cb", "http://127.0.0.1/cb", "http://127.0.0.1:8080/cb", "http://[::1]:9/cb", "http://localhost:8080/"} {
		_, _, err := c.Begin(t.Context(), fine)
		assert.NoError(t, err, fine)
	}
	for _, wrong := range []string{"", "/cb", "http://app.example.com/cb", "http://127.0.0.1.evil.example/cb", "https://app.example.com/cb#f", "https://u:p@app.example.com/", "javascript:alert(1)", "ftp://app.example.com", "https://"} {
		_, _, err := c.Begin(t.Context(), wrong)
		assert.ErrorContains(t, err, "redirectURL", wrong)
	}
}

// A7: byte for byte, whatever is in it.
func TestRedirectURIIsRepeatedByteForByte(t *testing.T) {
	for _, redirect := range []string{
		"https://app.example.com", "https://app.example.com/", "https://APP.example.com/Cb", "https://app.example.com/cb?x=1&y=%2E", "https://app.example.com/a%2Eb/../c", "https://app.example.com:443/cb?",
	} {
		p := authtest.New(authtest.Config{RedirectURLs: []string{redirect}})
		c := connect(t, p, nil)
		authURL, pending, err := c.Begin(t.Context(), redirect)
		require.NoError(t, err)
		callback, err := p.Authorize(authURL)
		require.NoError(t, err)
		require.NoError(t, c.Finish(t.Context(), pending, callback.Query()), redirect)
		assert.Equal(t, []string{redirect}, forms(t, p)[0]["redirect_uri"])
		p.Close()
	}
}

func TestFinish(t *testing.T) {
	p := authtest.NewProvider(t)
	c := connect(t, p, func(config *connectorauth.OAuth2Config) { config.Scopes = []string{"read"} })
	pending, callback := consented(t, p, c)
	callback["session_state"], callback["access_token"] = []string{"x", "y"}, []string{"evil"} // A10, A13
	require.NoError(t, c.Finish(t.Context(), pending, callback))
	token, err := c.Token(t.Context())
	require.NoError(t, err)
	assert.NotEqual(t, "evil", token.AccessToken)
	assert.Equal(t, "read", token.Extra("scope"))
	assert.Equal(t, 200, status(t, p, c, p.BearerURL))
	form := forms(t, p)[0]
	assert.ElementsMatch(t, []string{"grant_type", "code", "redirect_uri", "code_verifier"}, keys(form), "and nothing of the callback")
}

func keys(form url.Values) (names []string) {
	for name := range form {
		names = append(names, name)
	}
	return names
}

// A1, A4, A11: what is not the callback of this consent costs no token request.
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

// A2, A12.
func TestHundredFinishesOfOneConsentMakeOneTokenRequest(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		c := connect(t, p, nil)
		pending, callback := consented(t, p, c)
		var all sync.WaitGroup
		var won atomic.Int32
		for range 100 {
			all.Go(func() {
				if c.Finish(t.Context(), pending, callback) == nil {
					won.Add(1)
				}
			})
		}
		all.Wait()
		assert.EqualValues(t, 1, won.Load())
		assert.Equal(t, 1, p.Stats().TokenRequests)
		assert.Zero(t, p.Stats().ReuseDetected)
		time.Sleep(5 * time.Minute)
		require.ErrorContains(t, c.Finish(t.Context(), pending, callback), "finished already")
		assert.Equal(t, 1, p.Stats().TokenRequests)
	})
}

func TestCodeIsNotSentAgainWhateverTheAnswer(t *testing.T) {
	for name, fault := range map[string]authtest.Fault{
		"500": authtest.Answer(500, nil, ""), "429": authtest.Answer(429, nil, ""), "dropped": authtest.DropAfter(), "HTML": authtest.Answer(200, nil, "<html>"),
		"invalid_client": authtest.Answer(401, nil, `{"error":"invalid_client"}`),
	} {
		t.Run(name, func(t *testing.T) {
			p := authtest.NewProvider(t)
			c := connect(t, p, nil)
			pending, callback := consented(t, p, c)
			p.Inject(p.TokenURL, 1, fault)
			require.Error(t, c.Finish(t.Context(), pending, callback))
			require.Error(t, c.Finish(t.Context(), pending, callback))
			assert.Equal(t, 1, p.Stats().TokenRequests)
			_, err := c.Token(t.Context())
			require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		})
	}
}

// RFC 9207: exactly the issuer, in errors too.
func TestIssuerOfTheCallback(t *testing.T) {
	p := authtest.New(authtest.Config{SendIssuer: true})
	t.Cleanup(p.Close)
	c := connect(t, p, func(config *connectorauth.OAuth2Config) {
		config.Grant = connectorauth.AuthorizationCode{AuthURL: p.AuthURL, Issuer: p.URL}
	})
	for name, test := range map[string]struct {
		edit func(url.Values)
		fine bool
	}{
		"right":         {func(url.Values) {}, true},
		"missing":       {func(v url.Values) { v.Del("iss") }, false},
		"empty":         {func(v url.Values) { v.Set("iss", "") }, false},
		"twice":         {func(v url.Values) { v.Add("iss", p.URL) }, false},
		"another":       {func(v url.Values) { v.Set("iss", "https://evil.example") }, false},
		"with a slash":  {func(v url.Values) { v.Set("iss", p.URL+"/") }, false},
		"in upper case": {func(v url.Values) { v.Set("iss", strings.ToUpper(p.URL)) }, false},
		"encoded twice": {func(v url.Values) { v.Set("iss", url.QueryEscape(p.URL)) }, false},
		"wrong on error": {func(v url.Values) {
			v.Set("iss", "https://evil.example")
			v.Del("code")
			v.Set("error", "access_denied")
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			pending, callback := consented(t, p, c)
			test.edit(callback)
			before := p.Stats().TokenRequests
			err := c.Finish(t.Context(), pending, callback)
			if test.fine {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			assert.False(t, errors.As(err, new(*connectorauth.TokenError)), "a mix-up is not the provider's refusal")
			assert.Equal(t, before, p.Stats().TokenRequests)
		})
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

func TestRefusedConsent(t *testing.T) {
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

func TestConsentIsForTheAuthorizationCodeGrant(t *testing.T) {
	p := authtest.NewProvider(t)
	c := connect(t, p, func(config *connectorauth.OAuth2Config) { config.Grant = connectorauth.ClientCredentials{} })
	_, _, err := c.Begin(t.Context(), callbackURL)
	require.ErrorContains(t, err, "AuthorizationCode")
	require.ErrorContains(t, c.Finish(t.Context(), "x", nil), "AuthorizationCode")
}

func TestFinishWhoseCallerGivesUpSavesTheToken(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		store := new(tokenstore.Memory)
		c := connect(t, p, func(config *connectorauth.OAuth2Config) { config.Store, config.Account = store, "alice" })
		pending, callback := consented(t, p, c)
		p.Inject(p.TokenURL, 1, authtest.Delay(2*time.Second))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		require.ErrorIs(t, c.Finish(ctx, pending, callback), context.DeadlineExceeded)
		assert.Equal(t, 100*time.Millisecond, time.Since(began))
		time.Sleep(2 * time.Second)
		_, ok, err := store.Load(t.Context(), "alice")
		require.NoError(t, err)
		assert.True(t, ok)
		assert.Equal(t, 200, status(t, p, c, p.BearerURL))
		assert.Equal(t, 1, p.Stats().TokenRequests)
	})
}

func TestFinishWithAnEndedContextSendsNothing(t *testing.T) {
	p := authtest.NewProvider(t)
	c := connect(t, p, nil)
	pending, callback := consented(t, p, c)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, c.Finish(ctx, pending, callback), context.Canceled)
	assert.Zero(t, p.Stats().TokenRequests)
}

func TestFinishWithAFailingStore(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		store := new(faultyStore)
		var seen events
		c := connect(t, p, func(config *connectorauth.OAuth2Config) {
			config.Store, config.Account, config.Observe = store, "alice", seen.observe
		})
		pending, callback := consented(t, p, c)
		store.setDown(true)
		require.ErrorIs(t, c.Finish(t.Context(), pending, callback), errStoreDown)
		assert.Equal(t, 200, status(t, p, c, p.BearerURL), "it works all the same")
		assert.Equal(t, []connectorauth.EventKind{connectorauth.EventSaveFailed}, seen.kinds())
		time.Sleep(time.Minute)
		store.setDown(false)
		time.Sleep(time.Minute)
		assert.Equal(t, []connectorauth.EventKind{connectorauth.EventSaved}, seen.kinds())
		other := connect(t, p, func(config *connectorauth.OAuth2Config) { config.Store, config.Account = store, "alice" })
		assert.Equal(t, 200, status(t, p, other, p.BearerURL))
		assert.Equal(t, 1, p.Stats().TokenRequests)
	})
}

func TestFinishDuringARenewalWins(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		store := new(tokenstore.Memory)
		c := connect(t, p, func(config *connectorauth.OAuth2Config) { config.Store, config.Account = store, "alice" })
		issue(t, p, c, time.Hour)
		time.Sleep(time.Hour)
		p.RevokeGrants()
		pending, callback := consented(t, p, c)
		p.Inject(p.TokenURL, 1, authtest.Delay(20*time.Second))
		done := make(chan int, 1)
		go func() { done <- status(t, p, c, p.BearerURL) }()
		synctest.Wait()
		require.NoError(t, c.Finish(t.Context(), pending, callback))
		assert.Equal(t, 200, <-done, "whoever waited goes on with the new token")
		time.Sleep(time.Minute)
		assert.Equal(t, 200, status(t, p, c, p.BearerURL), "the renewal that failed since does not matter")
	})
}

// finisher is a connector whose token endpoint grants everything, for the fuzz
// target.
func finisher(f *testing.F) (c *connectorauth.OAuth2, requests *atomic.Int32) {
	requests = new(atomic.Int32)
	c, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: "secret", TokenURL: "https://login.example.test/token",
		Grant: connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/authorize"},
		HTTPClient: &http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
			requests.Add(1)
			req.Body.Close()
			return respond(200, `{"access_token":"a"}`), nil
		})},
	})
	require.NoError(f, err)
	return c, requests
}

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
		right := real && len(callback["state"]) == 1 && callback.Get("state") == state && len(callback["code"]) == 1 && callback.Get("code") != "" && !callback.Has("error")
		require.Equal(t, right, requests.Load() == before+1)
		require.Equal(t, right, err == nil)
		if err != nil {
			require.NotRegexp(t, `[\x00-\x1f\x7f]`, err.Error())
		}
	})
}
