package connectorauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// responding answers every token request with a body.
func responding(body string) func(int, url.Values) (*http.Response, error) {
	return func(int, url.Values) (*http.Response, error) { return fakehttp.Respond(200, body), nil }
}

func TestStatusLeavesOutWhatATokenDoesNotHave(t *testing.T) {
	a := revoking(func(url.Values) *http.Response { return fakehttp.Respond(200, "") })
	inTime(t, a, func(t *testing.T, a *account) {
		require.NoError(t, a.connector().SetToken(t.Context(), &oauth2.Token{RefreshToken: "r0"}))
		assert.Zero(t, a.status(t).Expiry, "there is no access token")
		require.NoError(t, a.connector().Revoke(t.Context()))
		assert.Equal(t, []string{"refresh_token"}, a.sent("token_type_hint"), "an empty token is not revoked")
	})
	inTime(t, &account{answer: responding(`{"access_token":"a","expires_in":3600,"refresh_expires_in":60}`), edit: func(c *connectorauth.OAuth2Config) {
		c.Grant = ownGrant{}
	}}, func(t *testing.T, a *account) {
		token := must(a.connector().Token(t.Context()))
		assert.Nil(t, token.Extra("scope"), "the provider named no scope")
		assert.Zero(t, a.status(t).ReauthBy, "there is no refresh token")
	})
}

// A time with a monotonic clock differs from the same time of a store. No time in a
// bubble has a monotonic clock.
func TestExpiryIsOfTheWallClock(t *testing.T) {
	c, _ := dialected(t, config2{Grant: connectorauth.ClientCredentials{}}, nil)
	token, status := must(c.Token(t.Context())), must(c.Status(t.Context()))
	assert.Equal(t, token.Expiry.Round(0), token.Expiry)
	assert.Equal(t, status.Expiry.Round(0), status.Expiry)

	custom := must(connectorauth.NewCustom(connectorauth.CustomConfig{
		Shared: new(connectorauth.Shared), Authenticate: func(*http.Request, connectorauth.CustomCredential) error { return nil },
		Obtain: func(context.Context, connectorauth.CustomCredential, *http.Response) (connectorauth.CustomCredential, error) {
			return connectorauth.CustomCredential{Value: "v", Expiry: time.Now().Add(time.Hour)}, nil
		},
	}))
	require.NoError(t, custom.Renew(t.Context()))
	status = must(custom.Status(t.Context()))
	assert.Equal(t, status.Expiry.Round(0), status.Expiry)
}

func TestGrantedScopesInEverySeparator(t *testing.T) {
	for scope, separator := range map[string]string{"read write": ",", "read,write": "", "read;write": ";", "read; write": ";"} {
		inTime(t, &account{answer: responding(`{"access_token":"a","refresh_token":"r","scope":"` + scope + `"}`), edit: func(c *connectorauth.OAuth2Config) {
			c.Dialect.ScopeSeparator, c.Scopes = separator, []string{"read", "write", "admin"}
		}}, func(t *testing.T, a *account) {
			a.set(t)
			require.NoError(t, a.connector().Renew(t.Context()))
			assert.Equal(t, []string{"read", "write"}, a.status(t).Granted, scope)
			assert.Equal(t, []string{"admin"}, a.status(t).Missing, scope)
		})
	}
}

// The first request of these connectors would obtain a credential, if the store
// worked and if an earlier request had not failed.
func TestStatusIsNotOKWhenNothingIsKnownOrEverythingFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &downStore{}
		custom := must(connectorauth.NewCustom(connectorauth.CustomConfig{
			Shared: new(connectorauth.Shared), Store: store, Account: "a",
			Authenticate: func(*http.Request, connectorauth.CustomCredential) error { return nil },
			Obtain: func(context.Context, connectorauth.CustomCredential, *http.Response) (connectorauth.CustomCredential, error) {
				return connectorauth.CustomCredential{}, errors.New("out of order")
			},
		}))
		alone, _ := dialected(t, config2{Grant: connectorauth.ClientCredentials{}, Store: store, Account: "b"}, nil)
		store.setDown(true)
		for _, c := range []interface {
			Status(context.Context) (connectorauth.Status, error)
		}{custom, alone} {
			status, err := c.Status(t.Context())
			require.ErrorContains(t, err, "store down")
			assert.NotEqual(t, connectorauth.StateOK, status.State)
		}
		store.setDown(false)
		require.ErrorContains(t, custom.Renew(t.Context()), "out of order")
		assert.Equal(t, connectorauth.StateFailing, must(custom.Status(t.Context())).State)
	})
}

// A revocation is a form (RFC 7009 section 2.1), and no token request for the hooks.
func TestRevocationIsAFormWithoutHooks(t *testing.T) {
	hooked := 0
	a := revoking(func(url.Values) *http.Response { return fakehttp.Respond(200, "") })
	revokes := a.edit
	a.edit = func(c *connectorauth.OAuth2Config) { revokes(c); c.Dialect.TokenEncoding = dialect.EncodeJSON }
	inTime(t, a, func(t *testing.T, a *account) {
		a.set(t)
		count := func(*connectorauth.Exchange) error { hooked++; return nil }
		c := connectorauth.WithHooks(a.connector(), connectorauth.Hooks{BeforeToken: count, AfterToken: count})
		require.NoError(t, c.(*connectorauth.OAuth2).Revoke(t.Context()))
		assert.Equal(t, []string{"r0", "a0"}, a.sent("token"))
		assert.Zero(t, hooked)
	})
}

// A provider that repeats its refresh token takes the refresh token again.
func TestRepeatedRefreshTokenIsNoRotation(t *testing.T) {
	for _, body := range []string{`{"access_token":"a","refresh_token":"r0","expires_in":3600}`, `{"access_token":"a","expires_in":3600}`} {
		inTime(t, &account{answer: responding(body)}, func(t *testing.T, a *account) {
			a.set(t)
			require.NoError(t, a.connector().Renew(t.Context()))
			a.answer = lostResponse
			time.Sleep(time.Hour)
			_, err := a.token(t)
			require.Error(t, err)
			a.answer = responding(body)
			time.Sleep(time.Minute)
			_, err = a.token(t)
			require.NoError(t, err)
			assert.Equal(t, []string{"r0", "r0", "r0"}, a.sent("refresh_token"))
		})
	}
}

func TestUnusableResponseLeavesTheExtraValuesAlone(t *testing.T) {
	inTime(t, &account{answer: responding(`{"access_token":"a","refresh_token":"r","expires_in":3600,"n":1}`)}, func(t *testing.T, a *account) {
		c := a.connector()
		a.set(t)
		require.NoError(t, c.Renew(t.Context()))
		a.answer = responding(`{"access_token":"b","token_type":"mac","n":2}`)
		require.ErrorContains(t, c.Renew(t.Context()), "mac")
		token := must(c.Token(t.Context()))
		assert.Equal(t, "a", token.AccessToken)
		assert.EqualValues(t, "1", token.Extra("n"))
	})
}

// A grant may be single-use although no refresh token is sent.
func TestSingleUseGrantInDoubtIsNotSentWhileTheTokenIsGood(t *testing.T) {
	inTime(t, &account{answer: responding(`{"access_token":"a","expires_in":3600}`), edit: func(c *connectorauth.OAuth2Config) {
		c.Grant = ownGrant{traits: connectorauth.GrantTraits{NoRefresh: true, SingleUse: true}}
	}}, func(t *testing.T, a *account) {
		c := a.connector()
		must(c.Token(t.Context()))
		a.answer = lostResponse
		require.Error(t, c.Renew(t.Context()))
		require.ErrorContains(t, c.Renew(t.Context()), "lost")
		assert.Len(t, a.forms, 2)
	})
}

// A provider may look up the account of a refresh token, and quote its access token.
func TestErrorQuotesNoTokenThatWasNotSent(t *testing.T) {
	inTime(t, new(account), func(t *testing.T, a *account) {
		require.NoError(t, a.connector().SetToken(t.Context(), &oauth2.Token{AccessToken: "canary-access", RefreshToken: "r0"}))
		a.answer = func(int, url.Values) (*http.Response, error) {
			return fakehttp.Respond(503, `{"error":"server_error","error_description":"still busy with canary-access"}`), nil
		}
		err := a.connector().Renew(t.Context())
		require.ErrorContains(t, err, "still busy")
		assert.NotContains(t, err.Error(), "canary-access")
	})
}
