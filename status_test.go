package connectorauth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
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

// status returns what a new connector knows.
func (a *account) status(t *testing.T) connectorauth.Status {
	t.Helper()
	status, err := a.connector().Status(t.Context())
	require.NoError(t, err)
	return status
}

func TestStatus(t *testing.T) {
	a := &account{answer: granted, edit: func(c *connectorauth.OAuth2Config) { c.Scopes = []string{"read", "write"} }}
	inTime(t, a, func(t *testing.T, a *account) {
		assert.Equal(t, connectorauth.Status{State: connectorauth.StateNotConnected}, a.status(t))
		assert.Empty(t, a.forms, "Status renews nothing")

		a.answer = func(int, url.Values) (*http.Response, error) {
			return fakehttp.Respond(200, `{"access_token":"a","refresh_token":"r","expires_in":3600,"refresh_token_expires_in":86400,"scope":"read,offline"}`), nil
		}
		a.set(t)
		require.NoError(t, a.connector().Renew(t.Context()))
		now := time.Now()
		status := a.status(t)
		assert.Equal(t, connectorauth.StateOK, status.State)
		assert.True(t, status.Expiry.Equal(now.Add(time.Hour)), status.Expiry)
		assert.True(t, status.ReauthBy.Equal(now.Add(24*time.Hour)), status.ReauthBy)
		assert.Equal(t, []string{"read", "offline"}, status.Granted)
		assert.Equal(t, []string{"write"}, status.Missing)
		require.NoError(t, status.LastError)

		a.answer = func(int, url.Values) (*http.Response, error) {
			resp := fakehttp.Respond(503, "")
			resp.Header.Set("Retry-After", "600")
			return resp, nil
		}
		require.Error(t, a.connector().Renew(t.Context()))
		status = a.status(t)
		assert.Equal(t, connectorauth.StateFailing, status.State)
		assert.True(t, status.NotBefore.Equal(now.Add(10*time.Minute)), status.NotBefore)
		require.Error(t, status.LastError)
		assert.False(t, status.Expiry.IsZero(), "the token is valid")

		a.answer = invalidGrant
		require.ErrorIs(t, a.connector().Renew(t.Context()), connectorauth.ErrReauthRequired, "now, whatever the pause")
		status = a.status(t)
		assert.Equal(t, connectorauth.StateReauthRequired, status.State)
		assert.True(t, status.Since.Equal(now), status.Since)
		require.ErrorIs(t, status.LastError, connectorauth.ErrReauthRequired)
		assert.ErrorContains(t, status.LastError, "invalid_grant")
		assert.NotContains(t, fmt.Sprintf("%+v %#v", status, status), "refresh")

		sent := len(a.forms)
		require.ErrorIs(t, a.connector().Renew(t.Context()), connectorauth.ErrReauthRequired)
		assert.Len(t, a.forms, sent, "a dead refresh token is not sent again")

		require.NoError(t, a.connector().Forget(t.Context()))
		assert.Equal(t, connectorauth.Status{State: connectorauth.StateNotConnected}, a.status(t))
	})
}

func TestStatusOfALostResponse(t *testing.T) {
	inTime(t, &account{answer: granted}, func(t *testing.T, a *account) {
		a.set(t)
		time.Sleep(time.Hour)
		_, err := a.token(t)
		require.NoError(t, err)
		a.answer = lostResponse
		began := time.Now()
		require.Error(t, a.connector().Renew(t.Context()))
		status := a.status(t)
		assert.Equal(t, connectorauth.StateFailing, status.State)
		assert.True(t, status.Since.Equal(began), status.Since)
		require.Error(t, status.LastError)
		sent := len(a.forms)
		require.ErrorContains(t, a.connector().Renew(t.Context()), "response to the last renewal was lost")
		assert.Len(t, a.forms, sent, "Renew sends nothing twice while the token is good")
		time.Sleep(time.Hour)
		_, err = a.token(t)
		require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		assert.Equal(t, connectorauth.StateReauthRequired, a.status(t).State)
	})
}

func TestRenewReplacesAGoodToken(t *testing.T) {
	inTime(t, &account{answer: granted}, func(t *testing.T, a *account) {
		a.set(t)
		one, other := a.connector(), a.connector()
		before, err := one.Token(t.Context())
		require.NoError(t, err)
		require.NoError(t, one.Renew(t.Context()))
		after, err := one.Token(t.Context())
		require.NoError(t, err)
		assert.NotEqual(t, before.AccessToken, after.AccessToken)
		require.NoError(t, other.Renew(t.Context()), "which does not know of the renewal")
		assert.Len(t, a.forms, 2)
		assert.Equal(t, "r1", a.forms[1].Get("refresh_token"))
	})
}

func TestRenewTriesARefusedPasswordAtOnce(t *testing.T) {
	a := &account{answer: invalidGrant, edit: passwordGrant("secret")}
	inTime(t, a, func(t *testing.T, a *account) {
		_, err := a.token(t)
		require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		_, err = a.token(t)
		require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		assert.Len(t, a.forms, 1)
		status := a.status(t)
		assert.Equal(t, connectorauth.StateReauthRequired, status.State)
		assert.WithinRange(t, status.NotBefore, time.Now().Add(48*time.Minute), time.Now().Add(time.Hour), "the library tries again by itself")
		a.answer = granted // the owner has unlocked the account
		require.NoError(t, a.connector().Renew(t.Context()))
		assert.Equal(t, connectorauth.StateOK, a.status(t).State)
		_, err = a.token(t)
		require.NoError(t, err)
		assert.Len(t, a.forms, 2)
	})
}

// revoking is an account at a provider with a revocation endpoint.
func revoking(answer func(form url.Values) *http.Response) *account {
	return &account{
		edit: func(c *connectorauth.OAuth2Config) { c.RevokeURL = "https://p.example/revoke" },
		answer: func(n int, form url.Values) (*http.Response, error) {
			if form.Has("token") {
				return answer(form), nil
			}
			return granted(n, form)
		},
	}
}

func TestRevoke(t *testing.T) {
	unsupported := `{"error":"unsupported_token_type"}`
	for name, test := range map[string]struct {
		refresh, access func() *http.Response
		err             string // empty: forgotten
	}{
		"both":            {func() *http.Response { return fakehttp.Respond(200, "") }, func() *http.Response { return fakehttp.Respond(200, "{}") }, ""},
		"refresh only":    {func() *http.Response { return fakehttp.Respond(200, "") }, func() *http.Response { return fakehttp.Respond(400, unsupported) }, ""},
		"access only":     {func() *http.Response { return fakehttp.Respond(503, unsupported) }, func() *http.Response { return fakehttp.Respond(200, "") }, ""},
		"neither":         {func() *http.Response { return fakehttp.Respond(400, unsupported) }, func() *http.Response { return fakehttp.Respond(400, unsupported) }, "unsupported_token_type"},
		"not now":         {func() *http.Response { return fakehttp.Respond(503, "<html>") }, func() *http.Response { return fakehttp.Respond(200, "") }, "status 503"},
		"not the second":  {func() *http.Response { return fakehttp.Respond(200, "") }, func() *http.Response { return fakehttp.Respond(500, "") }, "status 500"},
		"a wrong secret":  {func() *http.Response { return fakehttp.Respond(401, `{"error":"invalid_client"}`) }, func() *http.Response { return fakehttp.Respond(401, "") }, "invalid_client"},
		"not a token URL": {func() *http.Response { return fakehttp.Respond(302, "") }, func() *http.Response { return fakehttp.Respond(302, "") }, "302"},
	} {
		t.Run(name, func(t *testing.T) {
			a := revoking(func(form url.Values) *http.Response {
				if form.Get("token_type_hint") == "refresh_token" {
					return test.refresh()
				}
				return test.access()
			})
			inTime(t, a, func(t *testing.T, a *account) {
				a.set(t)
				held := a.connector()
				_, err := held.Token(t.Context())
				require.NoError(t, err)
				err = held.Revoke(t.Context())
				require.Len(t, a.forms, 2, "each is tried, whatever became of the other")
				assert.Equal(t, []string{"refresh_token", "access_token"}, []string{a.forms[0].Get("token_type_hint"), a.forms[1].Get("token_type_hint")})
				assert.NotEqual(t, a.forms[0].Get("token"), a.forms[1].Get("token"))
				assert.False(t, a.forms[0].Has("grant_type"))
				if test.err != "" {
					require.ErrorContains(t, err, test.err)
					require.ErrorContains(t, err, "https://p.example/revoke")
					assert.NotErrorIs(t, err, connectorauth.ErrReauthRequired)
					assert.NotContains(t, err.Error(), a.forms[0].Get("token"))
					_, err = held.Token(t.Context())
					require.NoError(t, err, "nothing is forgotten")
					return
				}
				require.NoError(t, err)
				_, ok, err := a.store.Load(t.Context(), "alice")
				require.NoError(t, err)
				assert.False(t, ok)
				_, err = held.Token(t.Context())
				require.ErrorIs(t, err, connectorauth.ErrNotConnected)
				require.NoError(t, held.Revoke(t.Context()), "once is enough")
				assert.Len(t, a.forms, 2)
				a.set(t)
				_, err = held.Token(t.Context())
				require.NoError(t, err, "connected again")
			})
		})
	}
}

func TestRevokeNeedsAURL(t *testing.T) {
	inTime(t, &account{answer: granted}, func(t *testing.T, a *account) {
		a.set(t)
		require.ErrorContains(t, a.connector().Revoke(t.Context()), "RevokeURL")
		a.edit = func(c *connectorauth.OAuth2Config) { c.RevokeURL = "http://p.example/revoke" }
		_, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{RevokeURL: "http://p.example/revoke"})
		require.ErrorContains(t, err, "RevokeURL")
		require.NoError(t, (&account{store: a.store, answer: granted}).connector().Forget(t.Context()))
	})
}

// A renewal and a revocation of one account come one after the other.
func TestRevokeAndRenewalAtTheSameTime(t *testing.T) {
	a := revoking(func(url.Values) *http.Response { time.Sleep(time.Second); return fakehttp.Respond(200, "") })
	inTime(t, a, func(t *testing.T, a *account) {
		a.set(t)
		time.Sleep(time.Hour)
		held, elsewhere := a.connector(), a.connector()
		failed := make(chan error, 10)
		go held.Revoke(context.Background())
		time.Sleep(time.Millisecond)
		for i := range cap(failed) {
			go func() {
				_, err := []*connectorauth.OAuth2{held, elsewhere}[i%2].Token(context.Background())
				failed <- err
			}()
		}
		for range cap(failed) {
			require.ErrorIs(t, <-failed, connectorauth.ErrReauthRequired)
		}
		for _, form := range a.forms {
			assert.True(t, form.Has("token"), "no renewal of a revoked token")
		}
	})
}

// A request before the first consent fails, and the account is what other processes say.
func TestStatusAfterARequestBeforeTheConsent(t *testing.T) {
	consent := func(c *connectorauth.OAuth2Config) {
		c.Grant = connectorauth.AuthorizationCode{AuthURL: "https://p.example/authorize"}
	}
	inTime(t, &account{answer: granted, edit: consent}, func(t *testing.T, a *account) {
		c := a.connector()
		_, err := c.Token(t.Context())
		require.ErrorIs(t, err, connectorauth.ErrNotConnected)
		status := must(c.Status(t.Context()))
		assert.Equal(t, connectorauth.StateNotConnected, status.State)
		require.ErrorIs(t, status.LastError, connectorauth.ErrNotConnected)
		assert.Equal(t, connectorauth.StateNotConnected, a.status(t).State)
		assert.Empty(t, a.forms)
	})
}

func TestForgetLeavesWhatIsNotItsOwn(t *testing.T) {
	inTime(t, &account{answer: granted}, func(t *testing.T, a *account) {
		a.set(t)
		stranger := &account{store: a.store, answer: granted, edit: func(c *connectorauth.OAuth2Config) { c.ClientID = "another" }}
		require.ErrorContains(t, stranger.connector().Forget(t.Context()), "if the token URL has moved, name the former one (FormerTokenURL)")
		later := []byte(`{"v":99}`)
		_, err := a.token(t)
		require.NoError(t, err)
		require.NoError(t, a.store.Save(t.Context(), "alice", later))
		require.ErrorContains(t, a.connector().Forget(t.Context()), "version 99")
		require.NoError(t, a.store.Save(t.Context(), "alice", []byte("torn")))
		require.NoError(t, a.connector().Forget(t.Context()), "a damaged record can be removed")
		assert.Equal(t, connectorauth.StateNotConnected, a.status(t).State)
	})
}

func TestStatusOfOtherConnectors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := new(connectorauth.Shared)
		n := 0
		custom := must(connectorauth.NewCustom(connectorauth.CustomConfig{
			Shared: shared, Store: new(tokenstore.Memory), Account: "a",
			Authenticate: func(*http.Request, connectorauth.CustomCredential) error { return nil },
			Obtain: func(context.Context, connectorauth.CustomCredential, *http.Response) (connectorauth.CustomCredential, error) {
				n++
				return connectorauth.CustomCredential{Value: "v", Expiry: time.Now().Add(time.Hour)}, nil
			},
		}))
		assert.Equal(t, connectorauth.StateOK, must(custom.Status(t.Context())).State)
		assert.Zero(t, n)
		require.NoError(t, custom.Renew(t.Context()))
		require.NoError(t, custom.Renew(t.Context()))
		assert.Equal(t, 2, n)
		assert.True(t, must(custom.Status(t.Context())).Expiry.Equal(time.Now().Add(time.Hour)))
		require.NoError(t, custom.Forget(t.Context()))
		assert.True(t, must(custom.Status(t.Context())).Expiry.IsZero())

		fixed := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{ClientID: "c", ClientSecret: "s", Token: "t", TokenSecret: "ts"}))
		assert.Equal(t, connectorauth.Status{State: connectorauth.StateOK}, must(fixed.Status(t.Context())))
		require.Error(t, fixed.Renew(t.Context()))
		require.Error(t, fixed.Forget(t.Context()))

		handshake := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
			ClientID: "c", ClientSecret: "s", Shared: shared, Store: new(tokenstore.Memory), Account: "b",
			RequestTokenURL: "https://p.example/request", AuthorizeURL: "https://p.example/authorize", AccessTokenURL: "https://p.example/access",
		}))
		assert.Equal(t, connectorauth.StateNotConnected, must(handshake.Status(t.Context())).State)
		require.NoError(t, handshake.Forget(t.Context()))

		alone := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "c", ClientSecret: "s", TokenURL: "https://p.example/token", Grant: connectorauth.ClientCredentials{}, Shared: shared,
		}))
		assert.Equal(t, connectorauth.StateOK, must(alone.Status(t.Context())).State)
	})
}

func TestExpiryOfTheRefreshToken(t *testing.T) {
	for name, test := range map[string]struct {
		response string
		dialect  dialect.Response
		want     time.Duration // 0: unknown
	}{
		"refresh_token_expires_in": {`"refresh_token_expires_in":100`, dialect.Response{}, 100 * time.Second},
		"Keycloak":                 {`"refresh_expires_in":"200"`, dialect.Response{}, 200 * time.Second},
		"a path":                   {`"x":{"until":300}`, dialect.Response{RefreshExpiry: "x.until"}, 300 * time.Second},
		"another path":             {`"refresh_token_expires_in":100`, dialect.Response{RefreshExpiry: "x.until"}, 0},
		"never":                    {`"refresh_expires_in":0`, dialect.Response{}, 0},
		"absent":                   {`"x":1`, dialect.Response{}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			a := &account{edit: func(c *connectorauth.OAuth2Config) { c.Dialect.Response = test.dialect }}
			a.answer = func(int, url.Values) (*http.Response, error) {
				return fakehttp.Respond(200, `{"access_token":"a","refresh_token":"r",`+test.response+`}`), nil
			}
			inTime(t, a, func(t *testing.T, a *account) {
				require.NoError(t, a.connector().SetToken(t.Context(), &oauth2.Token{RefreshToken: "first"}))
				require.NoError(t, a.connector().Renew(t.Context()))
				var want time.Time
				if test.want > 0 {
					want = time.Now().Add(test.want)
				}
				got := a.status(t).ReauthBy
				assert.True(t, got.Equal(want), got)
				assert.True(t, strings.Contains(a.stored(t), `"refresh_expiry"`) == (test.want > 0))
			})
		})
	}
}
