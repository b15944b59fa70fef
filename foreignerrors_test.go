package connectorauth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// quoting returns an error of foreign code that quotes a secret in one of its
// spellings.
func quoting(secret string) error {
	return fmt.Errorf("%w: cannot use %s", errBroken, url.QueryEscape(secret))
}

// spoilt is a program whose functions quote and panic.
type spoilt struct {
	fail func(secrets ...connectorauth.Secret) error
}

// text joins secrets.
func text(secrets ...connectorauth.Secret) (all string) {
	for _, s := range secrets {
		all += string(s) + " " + url.QueryEscape(string(s)) + " "
	}
	return all
}

func (s spoilt) GrantType() string                             { return "urn:spoilt" }
func (s spoilt) Traits() connectorauth.GrantTraits             { return connectorauth.GrantTraits{NoRefresh: true} }
func (s spoilt) TokenTypes() []string                          { return []string{"Spoilt"} }
func (s spoilt) Bind(connectorauth.Secret) (url.Values, error) { return nil, nil }
func (s spoilt) NewKey() (connectorauth.Secret, error)         { return "proof-key-1a2b", nil }
func (s spoilt) Again(*http.Response) bool                     { return false }
func (s spoilt) Parameters(context.Context, *connectorauth.TokenRequest) error {
	return s.fail(clientSecret, accessToken, refreshToken)
}
func (s spoilt) Authenticate(_ context.Context, r *connectorauth.TokenRequest) error {
	r.Params.Set("client_assertion", customSecret)
	return s.fail(r.ClientSecret, customSecret, accessToken, connectorauth.Secret(r.Params.Get("refresh_token")))
}
func (s spoilt) Prove(_ *http.Request, key, token connectorauth.Secret) error {
	return s.fail(key, token)
}

// keyless is a Proof without a key.
type keyless struct{ spoilt }

func (k keyless) NewKey() (connectorauth.Secret, error) { return "", k.fail(accessToken, clientSecret) }

// spoiltStore is a store whose errors quote everything that the store knows.
type spoiltStore struct {
	tokenstore.Memory
	fail  func(secrets ...connectorauth.Secret) error
	after string // the operation that fails
}

func (s *spoiltStore) result(operation string, values ...[]byte) error {
	if operation != s.after {
		return nil
	}
	return s.fail(connectorauth.Secret(bytes.Join(values, []byte(" "))))
}

func (s *spoiltStore) Load(ctx context.Context, key string) ([]byte, bool, error) {
	value, ok, err := s.Memory.Load(ctx, key)
	return value, ok, errors.Join(err, s.result("load", value))
}

func (s *spoiltStore) Delete(ctx context.Context, key string) error {
	value, _, _ := s.Memory.Load(ctx, key)
	return s.result("delete", value)
}

func (s *spoiltStore) Save(ctx context.Context, key string, value []byte) error {
	if err := s.result("save", value); err != nil {
		return err
	}
	return s.Memory.Save(ctx, key, value)
}

func (s *spoiltStore) Lock(ctx context.Context, key string) (connectorauth.Lease, error) {
	value, _, _ := s.Memory.Load(ctx, key)
	if err := s.result("lock", value); err != nil {
		return nil, err
	}
	return s.Memory.Lock(ctx, key)
}

func (s *spoiltStore) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	operation := "swap"
	if bytes.Contains(new, []byte(`"doubt":`)) {
		operation = "mark"
	}
	if err := s.result(operation, old, new); err != nil {
		return false, err
	}
	return s.Memory.CompareAndSwap(ctx, key, old, new)
}

// spoiltPrograms are the places where foreign code can fail.
func spoiltPrograms(fail func(...connectorauth.Secret) error) map[string]func(*config2) {
	s := spoilt{fail}
	places := map[string]func(*config2){
		"Parameters":   func(c *config2) { c.Grant = s },
		"Authenticate": func(c *config2) { c.ClientAuth = s },
		"Prove":        func(c *config2) { c.Proof = s },
		"NewKey":       func(c *config2) { c.Proof = keyless{s} },
	}
	for _, operation := range []string{"load", "lock", "swap", "mark"} {
		places[operation] = func(c *config2) { c.Store = &spoiltStore{fail: fail, after: operation} }
	}
	places["save"] = func(c *config2) { // of a store without CompareAndSwap
		c.Store = struct{ connectorauth.TokenStore }{&spoiltStore{fail: fail, after: "save"}}
	}
	return places
}

// secretsOf are what no error may quote.
var secretsOf = []string{clientSecret, accessToken, refreshToken, customSecret, "proof-key-1a2b", "NEXT-4d5e", "ROTATED-6f7a"}

func TestForeignErrorsQuoteNoSecret(t *testing.T) {
	quote := func(secrets ...connectorauth.Secret) error { return fmt.Errorf("%w: %s", errBroken, text(secrets...)) }
	for name, spoil := range spoiltPrograms(quote) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var seen events
				check := func(err error) {
					t.Helper()
					if err == nil {
						return
					}
					for _, verb := range []string{"%v", "%+v", "%#v"} {
						assert.Empty(t, canary.Found(fmt.Sprintf(verb, err), secretsOf...))
					}
					for e := err; e != nil; e = errors.Unwrap(e) {
						assert.Empty(t, canary.Found(e.Error(), secretsOf...))
					}
				}
				config := config2{
					Grant: connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/auth"},
					Store: new(tokenstore.Memory), Account: "alice", Observe: seen.observe,
				}
				spoil(&config)
				c, _ := dialected(t, config, func(int, *http.Request) (int, string) {
					return 200, `{"access_token":"NEXT-4d5e","refresh_token":"ROTATED-6f7a","token_type":"` + tokenTypeOf(config) + `","expires_in":60}`
				})
				check(c.SetToken(t.Context(), &oauth2.Token{AccessToken: accessToken, RefreshToken: refreshToken, TokenType: tokenTypeOf(config), Expiry: time.Now().Add(time.Second)}))
				failed := 0
				for range 3 {
					time.Sleep(time.Hour)
					_, err := c.Token(t.Context())
					check(err)
					resp, err := c.Wrap(rejecting).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
					check(err)
					check(connectorauth.RenewalError(resp))
				}
				for _, event := range seen.all() {
					check(event.Err)
					if event.Err != nil && errors.Is(event.Err, errBroken) {
						failed++
					}
				}
				assert.NotZero(t, failed, "the cause can be told")
			})
		})
	}
}

// tokenTypeOf returns the type of the tokens of a config.
func tokenTypeOf(c config2) string {
	if c.Proof != nil {
		return c.Proof.TokenTypes()[0]
	}
	return "Bearer"
}

func TestForeignPanicsAreErrors(t *testing.T) {
	for name, spoil := range spoiltPrograms(func(secrets ...connectorauth.Secret) error { panic(text(secrets...)) }) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := config2{Grant: connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/auth"}, Account: "alice"}
				spoil(&config)
				c, _ := dialected(t, config, nil)
				if code, ok := config.Grant.(connectorauth.AuthorizationCode); ok {
					assert.NotEmpty(t, code.AuthURL)
					authURL, pending, err := c.Begin(t.Context(), callbackURL)
					if name != "NewKey" { // the consent begins with the key
						require.NoError(t, err)
						err = c.Finish(t.Context(), pending, url.Values{"state": must(url.Parse(authURL)).Query()["state"], "code": {authCode}})
					}
					if name != "load" && name != "lock" && name != "swap" && name != "mark" {
						require.ErrorContains(t, err, "panic of type string")
					}
				} else {
					_, err := c.Token(t.Context())
					require.ErrorContains(t, err, "panic of type string")
				}
				time.Sleep(time.Hour)
			})
		})
	}
}

// Nothing was sent, so the refresh token is not in doubt.
func TestPanicBeforeARequestIsSentLeavesNoDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		auth := ownAuth(func(*connectorauth.TokenRequest) error {
			if calls++; calls == 1 {
				panic("oops")
			}
			return nil
		})
		c, last := dialected(t, config2{
			Grant: connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/auth"}, ClientAuth: auth,
			Store: new(tokenstore.Memory), Account: "alice",
		}, nil)
		require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{AccessToken: accessToken, RefreshToken: refreshToken, Expiry: time.Now().Add(10 * time.Minute)}))
		time.Sleep(9 * time.Minute)
		must(c.Token(t.Context())) // early renewal, which fails
		synctest.Wait()
		time.Sleep(30 * time.Second)
		must(c.Token(t.Context())) // while the access token is good
		synctest.Wait()
		assert.Equal(t, 2, calls)
		assert.Contains(t, last().Body, "refresh_token")
	})
}

// An error that is long keeps what can be told by errors.Is.
func TestLongErrorOfAGrantKeepsItsMeaning(t *testing.T) {
	for _, err := range []error{
		fmt.Errorf("%s: %w", strings.Repeat("long ", 100), connectorauth.ErrReauthRequired),
		fmt.Errorf("%w: %w", connectorauth.ErrReauthRequired, &url.Error{Op: "Get", URL: "https://keys.example.test/?key=hidden", Err: errBroken}),
		fmt.Errorf("%w: %s", connectorauth.ErrReauthRequired, clientSecret),
	} {
		c, _ := dialected(t, config2{Grant: ownersGrant{func() error { return err }}}, nil)
		_, got := c.Token(t.Context())
		require.ErrorIs(t, got, connectorauth.ErrReauthRequired)
		assert.NotContains(t, got.Error(), "hidden")
		assert.Less(t, len(got.Error()), 500)
		assert.Empty(t, canary.Found(got.Error(), clientSecret))
	}
}

func TestErrorOfObtainQuotesNoCredential(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, fail := range []func(string) error{quoting, func(secret string) error { panic(secret) }} {
			var seen events
			c := must(connectorauth.NewCustom(connectorauth.CustomConfig{
				Authenticate: func(*http.Request, connectorauth.CustomCredential) error { return nil },
				Obtain: func(_ context.Context, old connectorauth.CustomCredential, _ *http.Response) (connectorauth.CustomCredential, error) {
					if old.Value == "" {
						return connectorauth.CustomCredential{Value: accessToken}, nil
					}
					return connectorauth.CustomCredential{Value: refreshToken}, errors.Join(fail(string(old.Value)), quoting(refreshToken))
				},
				Observe: seen.observe,
			}))
			resp, err := c.Wrap(rejecting).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
			require.NoError(t, err)
			why := connectorauth.RenewalError(resp)
			require.Error(t, why)
			assert.Empty(t, canary.Found(fmt.Sprintf("%v %v", why, resp.Header), accessToken, refreshToken))
			for _, event := range seen.all() {
				assert.Empty(t, canary.Found(fmt.Sprintf("%v %+v", event.Err, event), accessToken, refreshToken))
			}
		}
	})
}

// A new connector knows no token but that in the store.
func TestErrorsOfForgetAndStatusQuoteNoSecret(t *testing.T) {
	quote := func(secrets ...connectorauth.Secret) error { return fmt.Errorf("%w: %s", errBroken, text(secrets...)) }
	for _, operation := range []string{"load", "lock", "delete"} {
		synctest.Test(t, func(t *testing.T) {
			store := &spoiltStore{fail: quote}
			open := func() *connectorauth.OAuth2 {
				c, _ := dialected(t, config2{
					Grant: connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/auth"},
					Store: store, Account: "alice", Shared: new(connectorauth.Shared),
				}, nil)
				return c
			}
			c := open()
			require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{AccessToken: accessToken, RefreshToken: refreshToken}))
			store.after = operation
			if operation == "delete" {
				c = open()
			}
			err := c.Forget(t.Context())
			if operation != "load" {
				require.ErrorIs(t, err, errBroken, operation)
			}
			_, statusErr := c.Status(t.Context())
			assert.Empty(t, canary.Found(fmt.Sprint(err, statusErr), secretsOf...), operation)
		})
	}
}
