package connectorauth_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// account is one account at one provider, with a connector made anew for each
// use, as in other processes.
type account struct {
	store  connectorauth.TokenStore
	edit   func(*connectorauth.OAuth2Config)
	answer func(n int, form url.Values) (*http.Response, error) // the nth token request

	mu     sync.Mutex
	forms  []url.Values
	events events
}

func (a *account) RoundTrip(req *http.Request) (*http.Response, error) {
	form := req.URL.Query()
	if req.Body != nil {
		body, _ := io.ReadAll(req.Body)
		req.Body.Close()
		form, _ = url.ParseQuery(string(body))
	}
	if req.Method == http.MethodGet {
		form = req.URL.Query()
	}
	a.mu.Lock()
	a.forms = append(a.forms, form)
	n := len(a.forms)
	a.mu.Unlock()
	return a.answer(n, form)
}

// sent returns one parameter of all token requests.
func (a *account) sent(name string) (list []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, form := range a.forms {
		list = append(list, form.Get(name))
	}
	return list
}

func (a *account) connector() *connectorauth.OAuth2 {
	config := connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: "secret", TokenURL: "https://p.example/token", HTTPClient: &http.Client{Transport: a},
		Grant: connectorauth.AuthorizationCode{AuthURL: "https://p.example/authorize"},
		Store: a.store, Account: "alice", Shared: new(connectorauth.Shared), Observe: a.events.observe,
	}
	if a.edit != nil {
		a.edit(&config)
	}
	return must(connectorauth.NewOAuth2(config))
}

// token returns the access token of a new connector.
func (a *account) token(t *testing.T) (string, error) {
	token, err := a.connector().Token(t.Context())
	if err != nil {
		return "", err
	}
	return token.AccessToken, nil
}

// set stores a token that lives for an hour.
func (a *account) set(t *testing.T) {
	t.Helper()
	require.NoError(t, a.connector().SetToken(t.Context(), &oauth2.Token{AccessToken: "a0", TokenType: "Bearer", RefreshToken: "r0", Expiry: time.Now().Add(time.Hour)}))
	a.events.kinds()
}

// stored returns the account's record.
func (a *account) stored(t *testing.T) string {
	t.Helper()
	value, _, err := a.store.Load(t.Context(), "alice")
	require.NoError(t, err)
	return string(value)
}

// granted is the nth token, with another refresh token.
func granted(n int, _ url.Values) (*http.Response, error) {
	return fakehttp.Respond(200, fmt.Sprintf(`{"access_token":"a%d","refresh_token":"r%d","expires_in":3600}`, n, n)), nil
}

func invalidGrant(int, url.Values) (*http.Response, error) {
	return fakehttp.Respond(400, `{"error":"invalid_grant"}`), nil
}

func lostResponse(int, url.Values) (*http.Response, error) {
	return nil, errors.New("connection reset")
}

// inTime runs a test of an account in a synctest bubble.
func inTime(t *testing.T, a *account, test func(t *testing.T, a *account)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if a.store == nil {
			a.store = new(tokenstore.Memory)
		}
		test(t, a)
		time.Sleep(15 * time.Minute)
	})
}

func TestDeadAccountCostsOneTokenRequest(t *testing.T) {
	inTime(t, &account{answer: invalidGrant}, func(t *testing.T, a *account) {
		a.set(t)
		time.Sleep(time.Hour)
		for range 5 {
			_, err := a.token(t)
			require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
			require.ErrorContains(t, err, "invalid_grant")
			time.Sleep(24 * time.Hour)
		}
		assert.Len(t, a.forms, 1)
		assert.Equal(t, []connectorauth.EventKind{connectorauth.EventReauthRequired}, a.events.kinds())
		a.set(t)
		_, err := a.token(t)
		require.NoError(t, err)
	})
}

func TestRefreshTokenInDoubtIsSentOnceWhileTheAccessTokenIsGood(t *testing.T) {
	inTime(t, &account{answer: lostResponse}, func(t *testing.T, a *account) {
		a.set(t)
		time.Sleep(58 * time.Minute)
		for range 5 {
			c := a.connector()
			for range 3 { // the second begins an early renewal
				_, err := c.Token(t.Context())
				require.NoError(t, err)
				synctest.Wait()
			}
		}
		assert.Equal(t, []string{"r0"}, a.sent("refresh_token"))
	})
}

func TestRefreshTokenInDoubtAfterTheAccessTokenExpired(t *testing.T) {
	for name, test := range map[string]struct {
		rotates, grace bool
		sent           []string
		dead           bool
	}{
		"never seen to rotate": {sent: []string{"r0", "r0"}},
		"rotates":              {rotates: true, sent: []string{"r0", "r1"}, dead: true},
		"with a grace period":  {rotates: true, grace: true, sent: []string{"r0", "r1", "r1"}},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, new(account), func(t *testing.T, a *account) {
				a.edit = func(c *connectorauth.OAuth2Config) { c.Dialect.RefreshGrace = test.grace }
				a.set(t)
				if test.rotates {
					a.answer = granted
					time.Sleep(time.Hour)
					_, err := a.token(t)
					require.NoError(t, err)
				}
				a.answer = lostResponse
				time.Sleep(time.Hour)
				_, err := a.token(t)
				require.Error(t, err)
				assert.NotErrorIs(t, err, connectorauth.ErrReauthRequired)
				assert.Contains(t, a.stored(t), `"doubt"`)
				a.answer = granted
				time.Sleep(time.Minute)
				_, err = a.token(t)
				if test.dead {
					require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
					assert.ErrorContains(t, err, "response to a renewal was lost")
					_, err = a.token(t)
					require.ErrorContains(t, err, "response to a renewal was lost")
				} else {
					require.NoError(t, err)
				}
				assert.Equal(t, test.sent, a.sent("refresh_token"))
			})
		})
	}
}

func TestRefreshTokenIsMarkedBeforeItIsSent(t *testing.T) {
	inTime(t, new(account), func(t *testing.T, a *account) {
		a.answer = func(n int, form url.Values) (*http.Response, error) {
			assert.Contains(t, a.stored(t), `"doubt":`, "should the process die now, the others know")
			return granted(n, form)
		}
		a.set(t)
		for range 3 {
			time.Sleep(time.Hour)
			must(a.token(t))
			assert.NotContains(t, a.stored(t), `"doubt":`)
		}
		assert.Len(t, a.forms, 3)
	})
}

func TestGracePeriodServesOnce(t *testing.T) {
	inTime(t, new(account), func(t *testing.T, a *account) {
		a.edit = func(c *connectorauth.OAuth2Config) { c.Dialect.RefreshGrace = true }
		a.answer = granted
		a.set(t)
		time.Sleep(time.Hour)
		must(a.token(t))
		a.answer = lostResponse
		time.Sleep(time.Hour)
		for range 5 {
			_, err := a.token(t)
			require.Error(t, err)
			time.Sleep(2 * time.Minute)
		}
		_, err := a.token(t)
		require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		assert.Equal(t, []string{"r0", "r1", "r1"}, a.sent("refresh_token"))
	})
}

func TestRefusedOAuth1TokenIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, calls := new(tokenstore.Memory), 0
		require.NoError(t, store.Save(t.Context(), "alice", []byte(`{"v":1,"oauth_token":"t","oauth_token_secret":"s","extra":{"user_id":"7"}}`)))
		var seen events
		api := &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
			calls++
			resp := fakehttp.Respond(401, "")
			resp.Header.Set("WWW-Authenticate", `OAuth oauth_problem="token_revoked"`)
			return resp, nil
		})}
		for range 5 {
			c := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
				ClientID: "client", ClientSecret: "secret", Store: store, Account: "alice", Observe: seen.observe, Shared: new(connectorauth.Shared),
				RequestTokenURL: "https://p.example/request", AuthorizeURL: "https://p.example/authorize", AccessTokenURL: "https://p.example/access",
			}))
			_, err := connectorauth.NewClient(c, api).Get("https://api.example/")
			require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
			require.ErrorContains(t, err, "the API refused the token")
			require.ErrorContains(t, err, "token_revoked")
		}
		assert.Equal(t, 1, calls)
		assert.Equal(t, []connectorauth.EventKind{connectorauth.EventAdopted, connectorauth.EventReauthRequired}, seen.kinds())
	})
}

func TestStreamedRequestsCostOneRenewal(t *testing.T) {
	inTime(t, &account{answer: granted}, func(t *testing.T, a *account) {
		a.set(t)
		api := connectorauth.NewClient(a.connector(), &http.Client{Transport: &fakehttp.Base{Answer: fakehttp.Statuses(401)}})
		for range 30 {
			resp, err := api.Post("https://api.example/", "text/plain", io.MultiReader(strings.NewReader("streamed")))
			require.NoError(t, err)
			assert.Equal(t, 401, resp.StatusCode)
			synctest.Wait()
		}
		assert.Len(t, a.forms, 1)
	})
}

func TestFailedLongLivedExchangeIsMadeUpFor(t *testing.T) {
	inTime(t, new(account), func(t *testing.T, a *account) {
		a.edit = func(c *connectorauth.OAuth2Config) {
			c.Dialect.LongLived = dialect.TokenExchange{GrantType: "long"}
		}
		up := false
		a.answer = func(n int, form url.Values) (*http.Response, error) {
			switch {
			case form.Get("grant_type") != "long":
				return fakehttp.Respond(200, `{"access_token":"short"}`), nil
			case up:
				return fakehttp.Respond(200, `{"access_token":"long","expires_in":5184000}`), nil
			}
			return fakehttp.Respond(503, ""), nil
		}
		c := a.connector()
		authURL, pending, err := c.Begin(t.Context(), "https://app.example/callback")
		require.NoError(t, err)
		callback := url.Values{"state": {must(url.Parse(authURL)).Query().Get("state")}, "code": {"c"}}
		require.NoError(t, c.Finish(t.Context(), pending, callback))
		assert.Equal(t, []connectorauth.EventKind{connectorauth.EventRenewFailed, connectorauth.EventSaved}, a.events.kinds())
		assert.Equal(t, "short", must(a.token(t)))
		up = true
		time.Sleep(time.Hour)
		assert.Equal(t, "long", must(a.token(t)))
		assert.Equal(t, []string{"authorization_code", "long", "long"}, a.sent("grant_type"))
		assert.NotContains(t, a.stored(t), `"exchange"`)
	})
}

func TestRenewalBeginsWithAnEvent(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		var kinds []connectorauth.EventKind
		c := connect(t, p, func(config *connectorauth.OAuth2Config) {
			config.Observe = func(e connectorauth.Event) { kinds = append(kinds, e.Kind) }
		})
		_, err := c.Token(t.Context())
		require.Error(t, err)
		issue(t, p, c, time.Hour)
		time.Sleep(time.Hour)
		_, err = c.Token(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []connectorauth.EventKind{connectorauth.EventReauthRequired, connectorauth.EventRenewing, connectorauth.EventRenewed}, kinds)
	})
}
