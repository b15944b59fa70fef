package connectorauth_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
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
)

// s256 is the code challenge of a verifier (RFC 7636 section 4.2).
func s256(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func TestBeginSendsTheS256OfTheVerifier(t *testing.T) {
	require.Equal(t, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "the vector of appendix B")
	authURL, pending, err := connect(t, authtest.NewProvider(t), nil).Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	var kept struct{ Verifier string }
	require.NoError(t, json.Unmarshal([]byte(pending), &kept))
	q := must(url.Parse(authURL)).Query()
	assert.Equal(t, []string{s256(kept.Verifier)}, q["code_challenge"])
	assert.Equal(t, []string{"S256"}, q["code_challenge_method"])
}

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
		require.Equal(t, s256(kept.Verifier), q.Get("code_challenge"))
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

func TestAuthorizationRequestHasTheStandardParameters(t *testing.T) {
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

func TestRedirectURLsAreChecked(t *testing.T) {
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

func TestFinishExchangesTheCode(t *testing.T) {
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

func TestCodeIsNotSentAgainWhateverTheResponse(t *testing.T) {
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

func TestOnlyTheAuthorizationCodeGrantHasAConsent(t *testing.T) {
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

func TestFinishUsesAndSavesTheTokenDespiteAFailingStore(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		store := new(faultyStore)
		var seen events
		c := connect(t, p, func(config *connectorauth.OAuth2Config) {
			config.Store, config.Account, config.Observe = store, "alice", seen.observe
		})
		pending, callback := consented(t, p, c)
		p.Inject(p.TokenURL, 1, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				store.setDown(true)
				next.ServeHTTP(w, r)
			})
		})
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

func TestFinishWithAnEndedContextLeavesTheConsentOpen(t *testing.T) {
	p := authtest.NewProvider(t)
	for name, c := range map[string]interface {
		Begin(ctx context.Context, redirectURL string) (string, connectorauth.Secret, error)
		Finish(ctx context.Context, pending connectorauth.Secret, callback url.Values) error
	}{
		"OAuth2": must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL,
			Grant: connectorauth.AuthorizationCode{AuthURL: p.AuthURL},
		})),
		"OAuth1": must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
			ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret),
			RequestTokenURL: p.RequestTokenURL, AuthorizeURL: p.AuthorizeURL, AccessTokenURL: p.AccessTokenURL,
		})),
	} {
		t.Run(name, func(t *testing.T) {
			authURL, pending, err := c.Begin(t.Context(), "http://127.0.0.1/callback")
			require.NoError(t, err)
			callback, err := p.Authorize(authURL)
			require.NoError(t, err)
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			require.ErrorIs(t, c.Finish(ended, pending, callback.Query()), context.Canceled)
			assert.NoError(t, c.Finish(t.Context(), pending, callback.Query()), "nothing had been sent")
		})
	}
}
