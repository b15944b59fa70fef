package connectorauth_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// endpointWithQuery has a query that an error must not show.
const endpointWithQuery = "https://login.example.test/token?tenant=QUERY-5e6f"

// renewalFailures are the kinds of failures of a renewal: what the token endpoint
// answers, and what else fails.
var renewalFailures = map[string]struct {
	respond fakehttp.RoundTripper
	change  func(*config2)
	hooks   connectorauth.Hooks
}{
	"network": {respond: func(*http.Request) (*http.Response, error) { return nil, errBroken }},
	"status":  {respond: fakehttp.Status(503)},
	"refusal": {respond: func(*http.Request) (*http.Response, error) {
		return fakehttp.Respond(400, `{"error":"invalid_grant"}`), nil
	}},
	"client": {respond: func(*http.Request) (*http.Response, error) {
		return fakehttp.Respond(401, `{"error":"invalid_client"}`), nil
	}},
	"redirect": {respond: fakehttp.Status(302)},
	"no JSON":  {respond: func(*http.Request) (*http.Response, error) { return fakehttp.Respond(200, `<html>`), nil }},
	"no token": {respond: func(*http.Request) (*http.Response, error) { return fakehttp.Respond(200, `{"expires_in":60}`), nil }},
	"token type": {respond: func(*http.Request) (*http.Response, error) {
		return fakehttp.Respond(200, `{"access_token":"a","token_type":"mac"}`), nil
	}},
	"odd token": {respond: func(*http.Request) (*http.Response, error) {
		return fakehttp.Respond(200, `{"access_token":"a b"}`), nil
	}},
	"body": {respond: func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: new(fakehttp.Bodies).Open("{", errBroken)}, nil
	}},
	"hook before":  {hooks: connectorauth.Hooks{BeforeRefresh: func(*connectorauth.Exchange) error { return errBroken }}},
	"hook after":   {hooks: connectorauth.Hooks{AfterRefresh: func(*connectorauth.Exchange) error { return errBroken }}},
	"hook panics":  {hooks: connectorauth.Hooks{BeforeRefresh: func(*connectorauth.Exchange) error { panic("x") }}},
	"hook strays":  {hooks: connectorauth.Hooks{BeforeRefresh: func(e *connectorauth.Exchange) error { e.Request.URL.Host = "evil.example"; return nil }}},
	"load":         {change: func(c *config2) { c.Store = &failingStore{operation: "load"} }},
	"lock":         {change: func(c *config2) { c.Store = &failingStore{operation: "lock"} }},
	"mark":         {change: func(c *config2) { c.Store = &failingStore{operation: "swap"} }},
	"proof":        {change: func(c *config2) { c.Proof = spoilt{func(...connectorauth.Secret) error { return errBroken }} }},
	"proof's key":  {change: func(c *config2) { c.Proof = keyless{spoilt{func(...connectorauth.Secret) error { return errBroken }}} }},
	"client auth":  {change: func(c *config2) { c.ClientAuth = spoilt{func(...connectorauth.Secret) error { return errBroken }} }},
	"no refresh":   {change: func(c *config2) { c.Dialect.Extend = dialect.TokenExchange{}; c.Account = "without refresh token" }},
	"never called": {change: func(c *config2) { c.Account = "without token" }},
}

// failingStore is a Memory with one operation that fails after the token was set.
type failingStore struct {
	tokenstore.Memory
	operation string
	ready     atomic.Bool
}

func (s *failingStore) err(operation string) error {
	if s.ready.Load() && operation == s.operation {
		return errBroken
	}
	return nil
}

func (s *failingStore) Load(ctx context.Context, key string) ([]byte, bool, error) {
	value, ok, err := s.Memory.Load(ctx, key)
	return value, ok, errors.Join(err, s.err("load"))
}

func (s *failingStore) Lock(ctx context.Context, key string) (connectorauth.Lease, error) {
	if err := s.err("lock"); err != nil {
		return nil, err
	}
	return s.Memory.Lock(ctx, key)
}

func (s *failingStore) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	if err := s.err("swap"); err != nil {
		return false, err
	}
	return s.Memory.CompareAndSwap(ctx, key, old, new)
}

// http.Client names the URL of the API alone, which tells nothing about a renewal.
func TestErrorsOfARenewalNameTheTokenEndpointAndTheAccount(t *testing.T) {
	for name, failure := range renewalFailures {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var seen events
				respond := failure.respond
				if respond == nil {
					respond = func(*http.Request) (*http.Response, error) { return fakehttp.Respond(200, `{"access_token":"a"}`), nil }
				}
				config := config2{
					ClientID: "client", ClientSecret: clientSecret, TokenURL: endpointWithQuery, Account: "alice", Store: new(tokenstore.Memory), Shared: new(connectorauth.Shared),
					Grant: connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/auth"}, HTTPClient: &http.Client{Transport: respond}, Observe: seen.observe,
				}
				if failure.change != nil {
					failure.change(&config)
				}
				c := connectorauth.WithHooks(must(connectorauth.NewOAuth2(config)), failure.hooks).(*connectorauth.OAuth2)
				old := &oauth2.Token{AccessToken: accessToken, RefreshToken: refreshToken, TokenType: tokenTypeOf(config), Expiry: time.Now().Add(time.Minute)}
				if config.Account == "without refresh token" {
					old.RefreshToken = ""
				}
				if config.Account != "without token" {
					require.NoError(t, c.SetToken(t.Context(), old))
				}
				store, fails := config.Store.(*failingStore)
				if fails {
					store.ready.Store(true)
					defer func() { // what waits for the store ends
						store.ready.Store(false)
						time.Sleep(time.Hour)
					}()
				}
				time.Sleep(time.Hour)
				check := func(err error) {
					t.Helper()
					require.ErrorContains(t, err, `"`+config.Account+`"`)
					require.ErrorContains(t, err, "https://login.example.test/token")
					assert.NotContains(t, err.Error(), "QUERY-5e6f")
				}
				for range 2 { // the second one from memory, or from the record
					_, err := c.Token(t.Context())
					check(err)
					if name == "hook after" {
						return // the failure of a hook loses no token, so there is no second error
					}
					_, err = connectorauth.NewClient(c, &http.Client{Transport: rejecting}).Get(home)
					check(err)
				}
				check(c.Renew(t.Context()))
				again := must(connectorauth.NewOAuth2(config))
				_, err := again.Token(t.Context())
				if failure.respond != nil {
					check(err)
				}
				for _, event := range seen.all() {
					if event.Err != nil {
						check(event.Err)
					}
				}
			})
		})
	}
}

// Obtain alone knows where its requests go, so the error names the account.
func TestErrorsOfObtainNameTheAccount(t *testing.T) {
	for name, obtain := range map[string]func() (connectorauth.CustomCredential, error){
		"error": func() (connectorauth.CustomCredential, error) { return connectorauth.CustomCredential{}, errBroken },
		"panic": func() (connectorauth.CustomCredential, error) { panic("x") },
		"expired": func() (connectorauth.CustomCredential, error) {
			return connectorauth.CustomCredential{Value: "v", Expiry: time.Now().Add(-1)}, nil
		},
		"owner": func() (connectorauth.CustomCredential, error) {
			return connectorauth.CustomCredential{}, connectorauth.ErrReauthRequired
		},
	} {
		for _, store := range []connectorauth.TokenStore{nil, new(tokenstore.Memory)} {
			synctest.Test(t, func(t *testing.T) {
				var seen events
				c := must(connectorauth.NewCustom(connectorauth.CustomConfig{
					Authenticate: func(*http.Request, connectorauth.CustomCredential) error { return nil }, Account: "alice", Store: store, Observe: seen.observe, Shared: new(connectorauth.Shared),
					Obtain: func(context.Context, connectorauth.CustomCredential, *http.Response) (connectorauth.CustomCredential, error) {
						return obtain()
					},
				}))
				for range 2 {
					_, err := connectorauth.NewClient(c, &http.Client{Transport: rejecting}).Get(home)
					require.ErrorContains(t, err, `"alice"`, name)
					assert.Equal(t, name == "owner", errors.Is(err, connectorauth.ErrReauthRequired))
					assert.Equal(t, name == "error", errors.Is(err, errBroken))
				}
				require.ErrorContains(t, c.Renew(t.Context()), `"alice"`, name)
				for _, event := range seen.all() {
					if event.Err != nil {
						assert.ErrorContains(t, event.Err, `"alice"`, name)
					}
				}
			})
		}
	}
}

// A renewal of OAuth1 is a request to the access token URL.
func TestErrorsOfAnOAuth1RenewalNameTheAccessTokenURLAndTheAccount(t *testing.T) {
	for name, respond := range map[string]fakehttp.RoundTripper{
		"network":  func(*http.Request) (*http.Response, error) { return nil, errBroken },
		"status":   fakehttp.Status(503),
		"no token": func(*http.Request) (*http.Response, error) { return fakehttp.Respond(200, "<html>"), nil },
		"odd token": func(*http.Request) (*http.Response, error) {
			return fakehttp.Respond(200, "oauth_token=%0A&oauth_token_secret=s"), nil
		},
		"refused": func(*http.Request) (*http.Response, error) {
			return fakehttp.Respond(401, "oauth_problem=token_rejected"), nil
		},
		"no record": nil,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := new(tokenstore.Memory)
				record := `{"v":1,"oauth_token":"t","oauth_token_secret":"s","issued":"1999-12-31T23:59:00Z","extra":{"oauth_session_handle":"h","oauth_expires_in":"60"}}`
				if respond != nil {
					require.NoError(t, store.Save(t.Context(), "alice", []byte(record)))
				}
				c := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
					ClientID: "c", ClientSecret: clientSecret, RequestTokenURL: "https://p.example/request", AuthorizeURL: "https://p.example/auth", AccessTokenURL: "https://p.example/access?tenant=QUERY-5e6f",
					Store: store, Account: "alice", HTTPClient: &http.Client{Transport: respond}, Shared: new(connectorauth.Shared),
				}))
				time.Sleep(time.Hour)
				for range 2 {
					_, err := connectorauth.NewClient(c, &http.Client{Transport: rejecting}).Get(home)
					require.ErrorContains(t, err, `"alice"`)
					require.ErrorContains(t, err, "https://p.example/access")
					assert.NotContains(t, err.Error(), "QUERY-5e6f")
				}
			})
		})
	}
}
