package connectorauth_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestStatusOfATokenWithoutScopeKnowsNoGrantedScopes(t *testing.T) {
	a := &account{edit: func(c *connectorauth.OAuth2Config) { c.Scopes = []string{"read"} }}
	inTime(t, a, func(t *testing.T, a *account) {
		a.set(t)
		status := a.status(t)
		assert.Nil(t, status.Granted, "SetToken does not tell")
		assert.Nil(t, status.Missing)
	})
}

func TestRevokeNamesTheTokenThatIsLeft(t *testing.T) {
	a := &account{edit: func(c *connectorauth.OAuth2Config) { c.RevokeURL = "https://provider.example/revoke" }}
	inTime(t, a, func(t *testing.T, a *account) {
		a.answer = func(int, url.Values) (*http.Response, error) { return fakehttp.Respond(503, ""), nil }
		a.set(t)
		err := a.connector().Revoke(t.Context())
		require.ErrorContains(t, err, `the revocation of the refresh token for "`)
		require.ErrorContains(t, err, `the revocation of the access token for "`)
		assert.NotContains(t, err.Error(), "neither", "a revocation needs no body")
	})
}

func TestPauseOfTheEndpointIsNotAFailureOfTheAccount(t *testing.T) {
	shared, name := new(connectorauth.Shared), "alice"
	a := &account{edit: func(c *connectorauth.OAuth2Config) { c.Shared, c.Account = shared, name }}
	inTime(t, a, func(t *testing.T, a *account) {
		a.answer = func(int, url.Values) (*http.Response, error) {
			resp := fakehttp.Respond(503, "")
			resp.Header.Set("Retry-After", "7")
			return resp, nil
		}
		a.set(t)
		require.ErrorContains(t, a.connector().Renew(t.Context()), "status 503")
		name = "bob"
		a.set(t)
		time.Sleep(2 * time.Second)
		resp, err := connectorauth.NewClient(a.connector(), &http.Client{Transport: &fakehttp.Base{
			Answer: func(*http.Request) (*http.Response, error) { return fakehttp.Respond(401, ""), nil },
		}}).Get("https://api.example/")
		require.NoError(t, err)
		err = connectorauth.RenewalError(resp)
		require.ErrorContains(t, err, `no token request for "bob" to https://p.example/token for 5s: an earlier request failed, or the provider asked for a pause`)
		assert.Len(t, a.forms, 1)
	})
}

func TestStatusHasNoMonotonicClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		custom := must(connectorauth.NewCustom(connectorauth.CustomConfig{
			Authenticate: func(*http.Request, connectorauth.CustomCredential) error { return nil },
			Obtain: func(context.Context, connectorauth.CustomCredential, *http.Response) (connectorauth.CustomCredential, error) {
				return connectorauth.CustomCredential{Value: "v", Expiry: time.Now().Add(time.Hour)}, nil
			},
		}))
		require.NoError(t, custom.Renew(t.Context()))
		assert.NotContains(t, must(custom.Status(t.Context())).Expiry.String(), "m=")
	})
}

// Whoever finds the mark of a process that has ended is told of the mark, and not of a pause.
func TestPauseOfATokenInDoubtSaysSo(t *testing.T) {
	inTime(t, new(account), func(t *testing.T, a *account) {
		a.set(t)
		a.answer = granted
		time.Sleep(time.Hour)
		must(a.token(t))
		a.answer = lostResponse
		time.Sleep(time.Hour)
		require.Error(t, a.connector().Renew(t.Context()))
		time.Sleep(10 * time.Second)
		err := a.connector().Renew(t.Context())
		require.NotErrorIs(t, err, connectorauth.ErrReauthRequired)
		require.ErrorContains(t, err, "for 25s: the response to a renewal is missing, perhaps because a process has ended; the refresh token may be used up")
		failed := new(connectorauth.TokenError)
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, 25*time.Second, failed.RetryAfter)
		assert.Len(t, a.forms, 2)
	})
}
