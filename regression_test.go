package connectorauth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// Each test here failed once: it holds a defect that a review found.

// sluggish is a store for one process whose Save fails or takes a while.
type sluggish struct {
	mu    sync.Mutex
	inner tokenstore.Memory
	down  bool
	takes time.Duration // the next Save
}

func (s *sluggish) Load(ctx context.Context, key string) ([]byte, bool, error) {
	return s.inner.Load(ctx, key)
}

func (s *sluggish) Delete(ctx context.Context, key string) error { return s.inner.Delete(ctx, key) }

func (s *sluggish) Save(ctx context.Context, key string, value []byte) error {
	s.mu.Lock()
	down, takes := s.down, s.takes
	s.takes = 0
	s.mu.Unlock()
	if down {
		return errors.New("store down")
	}
	time.Sleep(takes)
	return s.inner.Save(ctx, key, value)
}

func TestLateSaveDoesNotOverwriteAConsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		provider := &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			return respond(200, `{"access_token":"old","expires_in":900}`), nil
		})}
		store := &sluggish{down: true}
		c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "client", ClientSecret: "secret", TokenURL: "https://provider.example/token",
			Grant: connectorauth.ClientCredentials{}, Store: store, Account: "account", HTTPClient: provider,
		}))
		c.Token(t.Context())
		time.Sleep(16 * time.Minute) // longer than saving is tried for
		store.mu.Lock()
		store.down, store.takes = false, 2*time.Second
		store.mu.Unlock()
		go c.Token(t.Context())
		time.Sleep(time.Second)
		require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{AccessToken: "consented"}))
		time.Sleep(time.Minute)
		stored, _, _ := store.inner.Load(t.Context(), "account")
		assert.Contains(t, string(stored), "consented")
	})
}

func TestTraceOfAnAPIRequestSeesNoTokenRequest(t *testing.T) {
	p := authtest.NewProvider(t)
	consenting := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret),
		RequestTokenURL: p.RequestTokenURL, AuthorizeURL: p.AuthorizeURL, AccessTokenURL: p.AccessTokenURL,
	}))
	var mu sync.Mutex
	var traced []string
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{WroteHeaderField: func(name string, values []string) {
		mu.Lock()
		defer mu.Unlock()
		traced = append(traced, name+": "+strings.Join(values, " "))
	}})
	c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Grant: connectorauth.ClientCredentials{},
	}))
	resp, err := connectorauth.NewClient(c, nil).Do(must(http.NewRequestWithContext(ctx, "GET", p.BearerURL, nil)))
	status, _ := read(t, resp, err)
	assert.Equal(t, 200, status)
	_, _, err = consenting.Begin(ctx, "http://127.0.0.1/callback")
	require.NoError(t, err)
	mu.Lock()
	defer mu.Unlock()
	all := strings.Join(traced, "\n")
	assert.Contains(t, all, "Bearer ", "the request itself is traced")
	assert.NotContains(t, all, "Basic ")
	assert.NotContains(t, all, "OAuth ")
}

func TestAssertionOfADialectIsScrubbed(t *testing.T) {
	const assertion = "eyJhbGciOi.ASSERTION.sig"
	provider := &http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
		return respond(400, `{"error":"invalid_client","error_description":"bad assertion `+assertion+`"}`), nil
	})}
	c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: "secret", TokenURL: "https://provider.example/token", Grant: connectorauth.ClientCredentials{},
		Dialect: dialect.OAuth2{TokenParams: url.Values{"client_assertion": {assertion}}}, HTTPClient: provider,
	}))
	_, err := c.Token(t.Context())
	require.ErrorContains(t, err, "bad assertion")
	assert.NotContains(t, err.Error(), "ASSERTION")
}

func TestOAuth1KeepsItsClockAfterAnotherKindOf401(t *testing.T) {
	const ahead = 600
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := time.Now().Add(ahead * time.Second)
		w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
		var stamp int64
		_, rest, _ := strings.Cut(r.Header.Get("Authorization"), `oauth_timestamp="`)
		fmt.Sscan(strings.Split(rest, `"`)[0], &stamp)
		io.Copy(io.Discard, r.Body)
		if late := now.Unix() - stamp; late > 300 || r.URL.Path == "/forbidden" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer api.Close()
	c := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{ClientID: "client", ClientSecret: "secret", Token: "token", TokenSecret: "secret"}))
	streamed := func(path string) int { // which cannot be sent again
		resp, err := connectorauth.NewClient(c, nil).Post(api.URL+path, "application/octet-stream", io.MultiReader(strings.NewReader("x")))
		status, _ := read(t, resp, err)
		return status
	}
	status, _ := get(t, c, nil, api.URL+"/ok")
	require.Equal(t, 200, status, "the clock is right from here on")
	require.Equal(t, 200, streamed("/ok"))
	status, _ = get(t, c, nil, api.URL+"/forbidden")
	assert.Equal(t, 401, status)
	assert.Equal(t, 401, streamed("/forbidden"))
	assert.Equal(t, 200, streamed("/ok"))
}

func TestEchoedKeyIsTakenOutBesideAMalformedEscape(t *testing.T) {
	const key = "abc/def+ghi="
	for _, query := range []string{"q=100%25", "q=100%"} {
		var foreign string
		base := roundTripper(func(req *http.Request) (*http.Response, error) {
			if req.URL.Host == "api.example.com" {
				resp := respond(302, "")
				resp.Header.Set("Location", "https://login.example/?next="+url.QueryEscape(req.URL.String()))
				return resp, nil
			}
			foreign = req.URL.String()
			return respond(200, ""), nil
		})
		c := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: key, In: dialect.InQuery, Name: "key"}))
		get(t, c, &http.Client{Transport: base}, "https://api.example.com/x?"+query)
		assert.NotContains(t, foreign, "abc", query)
		assert.NotEmpty(t, foreign)
	}
}

func TestKeyIsInNoNetErrorOfABase(t *testing.T) {
	c := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "canary-key", In: dialect.InQuery, Name: "key"}))
	base := roundTripper(func(req *http.Request) (*http.Response, error) {
		return nil, &url.Error{Op: "Get", URL: req.URL.String(), Err: errors.New("no route")}
	})
	_, err := c.Wrap(base).RoundTrip(must(http.NewRequest("GET", "https://api.example.com/", nil)))
	var failed net.Error
	require.ErrorAs(t, err, &failed)
	assert.NotContains(t, failed.Error(), "canary-key")
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

// hanging is a store whose CompareAndSwap takes as long as it may.
type hanging struct {
	tokenstore.Memory
	began chan struct{}
}

func (h *hanging) CompareAndSwap(ctx context.Context, _ string, _, _ []byte) (bool, error) {
	close(h.began)
	<-ctx.Done()
	return false, ctx.Err()
}

func TestSetTokenEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &hanging{began: make(chan struct{})}
		c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "client", ClientSecret: "secret", TokenURL: "https://provider.example/token",
			Grant: connectorauth.ClientCredentials{}, Store: store, Account: "account",
			HTTPClient: &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
				return respond(200, `{"access_token":"a","expires_in":3600}`), nil
			})},
		}))
		waiting, leave := context.WithCancel(t.Context())
		defer leave()
		go c.Token(waiting)
		<-store.began
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		require.ErrorIs(t, c.SetToken(ctx, &oauth2.Token{AccessToken: "x"}), context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(began))
		// What is left of the save is a saver, which a token that can be saved ends.
		time.Sleep(time.Minute)
		c.SetToken(t.Context(), &oauth2.Token{AccessToken: "x"})
	})
}

func TestCustomMayMoveARequestToAnotherOfItsHosts(t *testing.T) {
	base := &fakeBase{}
	c := must(connectorauth.NewCustom(connectorauth.CustomConfig{
		Authenticate: func(req *http.Request, _ connectorauth.CustomCredential) error {
			req.URL.Host = "eu.example.com"
			return nil
		},
		Hosts: []string{"*.example.com"},
	}))
	var host string
	client := &http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
		host = req.Host
		return base.RoundTrip(req)
	})}
	get(t, c, client, "https://api.example.com/")
	assert.Empty(t, host, "net/http then sends the host of the URL")
}

func TestOAuth1SessionHandleIsInDoubtAfterAnUnusableAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		provider := roundTripper(func(req *http.Request) (*http.Response, error) {
			if req.URL.Path == "/request" {
				return respond(200, "oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed=true"), nil
			}
			if asked++; asked == 1 {
				return respond(200, "oauth_token=first&oauth_token_secret=s&oauth_session_handle=h&oauth_expires_in=100"), nil
			}
			return respond(200, "oauth_token=bad%0A&oauth_token_secret=s&oauth_session_handle=h2&oauth_expires_in=100"), nil
		})
		c := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
			ClientID: "client", ClientSecret: "secret", RequestTokenURL: "https://provider.example/request",
			AuthorizeURL: "https://provider.example/authorize", AccessTokenURL: "https://provider.example/access",
			HTTPClient: &http.Client{Transport: provider},
		}))
		_, pending, err := c.Begin(t.Context(), "https://app.example/callback")
		require.NoError(t, err)
		require.NoError(t, c.Finish(t.Context(), pending, url.Values{"oauth_token": {"t"}, "oauth_verifier": {"v"}}))
		for range 98 {
			get(t, c, &http.Client{Transport: statusBase(200)}, "https://api.example.com/")
			synctest.Wait()
			time.Sleep(time.Second)
		}
		assert.Equal(t, 2, asked, "the handle is not sent again while the token is good")
	})
}

func statusBase(status int) http.RoundTripper {
	return roundTripper(func(*http.Request) (*http.Response, error) { return respond(status, ""), nil })
}

func TestHookReadsABodyWithoutLimit(t *testing.T) {
	key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "key"}))
	c := connectorauth.WithHooks(key, connectorauth.Hooks{AfterResponse: func(e *connectorauth.Exchange) error {
		body, err := e.ResponseBody(math.MaxInt64)
		assert.Equal(t, "hello", string(body))
		return err
	}})
	base := roundTripper(func(*http.Request) (*http.Response, error) { return respond(200, "hello"), nil })
	_, body := get(t, c, &http.Client{Transport: base}, "https://api.example.com/")
	assert.Equal(t, "hello", body)
}
