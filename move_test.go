package connectorauth_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dghubble/oauth1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// stored makes a connector of the account "moved" keep its token in store, as another
// process would.
func stored(store connectorauth.TokenStore) func(*connectorauth.OAuth2Config) {
	return func(config *connectorauth.OAuth2Config) {
		config.Store, config.Account, config.Shared = store, "moved", new(connectorauth.Shared)
	}
}

// The program of before used up its refresh token long ago, and the new program starts
// again with the table of before.
func TestAddTokenSparesTheRenewalOfTheToken(t *testing.T) {
	p := authtest.NewProvider(t)
	access, refresh := p.IssueTokens("read")
	old := &oauth2.Token{AccessToken: access, RefreshToken: refresh, Expiry: time.Now().Add(-time.Minute)}
	store := new(tokenstore.Memory)
	for start := range 3 {
		c := connect(t, p, stored(store))
		added, err := c.AddToken(t.Context(), old)
		require.NoError(t, err)
		assert.Equal(t, start == 0, added)
		require.Equal(t, http.StatusOK, status(t, p, c, p.BearerURL))
	}
	assert.Equal(t, 1, p.Stats().TokenRequests)
}

// 20 processes start at one time with a token that serves for one renewal.
func TestOfManyProcessesOneAddsTheToken(t *testing.T) {
	p := authtest.NewProvider(t)
	_, refresh := p.IssueTokens("")
	store := new(tokenstore.Memory)
	var added atomic.Int32
	failed := make(chan error, 20)
	for range cap(failed) {
		c := connect(t, p, stored(store))
		go func() {
			ok, err := c.AddToken(context.Background(), &oauth2.Token{RefreshToken: refresh})
			if ok {
				added.Add(1)
			}
			if err == nil {
				_, err = c.Token(context.Background())
			}
			failed <- err
		}()
	}
	for range cap(failed) {
		require.NoError(t, <-failed)
	}
	assert.Equal(t, int32(1), added.Load())
	assert.Equal(t, 1, p.Stats().TokenRequests)
}

func TestAddTokenLeavesADeadAccountAlone(t *testing.T) {
	p := authtest.NewProvider(t)
	store := new(tokenstore.Memory)
	c := connect(t, p, stored(store))
	issue(t, p, c, time.Hour)
	p.RevokeGrants()
	require.ErrorIs(t, c.Renew(t.Context()), connectorauth.ErrReauthRequired)
	access, refresh := p.IssueTokens("")
	added, err := connect(t, p, stored(store)).AddToken(t.Context(), &oauth2.Token{AccessToken: access, RefreshToken: refresh})
	require.NoError(t, err)
	assert.False(t, added)
}

func TestAddTokenRefusesWhatIsNoToken(t *testing.T) {
	p := authtest.NewProvider(t)
	c := connect(t, p, nil)
	for _, token := range []*oauth2.Token{nil, {}, {AccessToken: "a\n"}, {AccessToken: "a", TokenType: "mac"}} {
		added, err := c.AddToken(t.Context(), token)
		require.ErrorContains(t, err, "connectorauth: AddToken: ")
		assert.False(t, added)
	}
	foreign := connect(t, p, func(config *connectorauth.OAuth2Config) {
		store := new(tokenstore.Memory)
		stored(store)(config)
		issue(t, p, connect(t, p, func(other *connectorauth.OAuth2Config) { stored(store)(other); other.ClientID = "another" }), time.Hour)
	})
	_, err := foreign.AddToken(t.Context(), &oauth2.Token{AccessToken: "a"})
	require.ErrorContains(t, err, `connectorauth: AddToken: save "moved" to the token store: "moved" in the token store: `)
	require.ErrorContains(t, err, `"another"`)
}

func TestTokensFromElsewhereKeepNamedExtraValues(t *testing.T) {
	p := authtest.NewProvider(t)
	nested := map[string]any{"id": "7"}
	token := (&oauth2.Token{AccessToken: "a"}).WithExtra(map[string]any{"instance_url": "https://eu.example.com", "team": nested, "unnamed": "x", "scope": "read"})
	for name, move := range map[string]func(*connectorauth.OAuth2) error{
		"SetToken": func(c *connectorauth.OAuth2) error {
			return c.SetToken(t.Context(), token, "instance_url", "team", "absent", "scope")
		},
		"AddToken": func(c *connectorauth.OAuth2) error {
			_, err := c.AddToken(t.Context(), token, "instance_url", "team", "absent", "scope")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := new(tokenstore.Memory)
			scopes := func(config *connectorauth.OAuth2Config) {
				stored(store)(config)
				config.Scopes = []string{"read", "write"}
			}
			nested["id"] = "7"
			require.NoError(t, move(connect(t, p, scopes)))
			nested["id"] = "changed by the caller"
			c := connect(t, p, scopes)
			got, err := c.Token(t.Context())
			require.NoError(t, err)
			assert.Equal(t, "https://eu.example.com", got.Extra("instance_url"))
			assert.Equal(t, map[string]any{"id": "7"}, got.Extra("team"))
			assert.Nil(t, got.Extra("unnamed"))
			assert.Nil(t, got.Extra("absent"))
			known, err := c.Status(t.Context())
			require.NoError(t, err)
			assert.Equal(t, []string{"read"}, known.Granted)
			assert.Equal(t, []string{"write"}, known.Missing)
		})
	}
}

func TestHandOverGivesTheWholeTokenAway(t *testing.T) {
	p := authtest.NewProvider(t)
	store := new(tokenstore.Memory)
	c := connect(t, p, stored(store))
	access, refresh := p.IssueTokens("read")
	require.NoError(t, c.SetToken(t.Context(), (&oauth2.Token{AccessToken: access, RefreshToken: refresh}).WithExtra(map[string]any{"team": "7"}), "team"))
	refused := errors.New("the table is locked; " + refresh)
	err := c.HandOver(t.Context(), func(context.Context, *oauth2.Token) error { return refused })
	require.ErrorContains(t, err, "connectorauth")
	assert.NotContains(t, err.Error(), refresh)
	require.Equal(t, http.StatusOK, status(t, p, c, p.BearerURL), "nothing was forgotten")

	var got *oauth2.Token
	require.NoError(t, c.HandOver(t.Context(), func(_ context.Context, token *oauth2.Token) error { got = token; return nil }))
	assert.Equal(t, access, got.AccessToken)
	assert.Equal(t, refresh, got.RefreshToken)
	assert.Equal(t, "Bearer", got.TokenType)
	assert.Equal(t, "7", got.Extra("team"))
	for _, c := range []*connectorauth.OAuth2{c, connect(t, p, stored(store))} {
		_, err = c.Token(t.Context())
		require.ErrorIs(t, err, connectorauth.ErrNotConnected)
		err = c.HandOver(t.Context(), func(context.Context, *oauth2.Token) error { panic("not called") })
		require.ErrorIs(t, err, connectorauth.ErrNotConnected)
		require.ErrorContains(t, err, `account "moved"`)
	}
	assert.Zero(t, p.Stats().TokenRequests)
	added, err := c.AddToken(t.Context(), got)
	require.NoError(t, err)
	assert.True(t, added, "and back")
	require.NoError(t, c.Renew(t.Context()))
}

func TestOAuth1TokenMovesInAndOut(t *testing.T) {
	p := provider(t, authtest.Config{})
	store := new(tokenstore.Memory)
	open := func() *connectorauth.OAuth1 {
		config := consenting(p)
		config.Store, config.Account, config.Shared = store, "moved", new(connectorauth.Shared)
		return must(connectorauth.NewOAuth1(config))
	}
	token, secret := p.IssueOAuth1Token()
	moved := oauth1.NewToken(token, secret)
	for start := range 2 {
		c := open()
		added, err := c.AddToken(t.Context(), moved)
		require.NoError(t, err)
		assert.Equal(t, start == 0, added)
		code, body := do(t, c, p.Client(), "GET", p.OAuth1URL, "", "")
		assert.Equal(t, http.StatusOK, code, body)
	}
	refused := errors.New("no room")
	require.ErrorIs(t, open().HandOver(t.Context(), func(context.Context, *oauth1.Token) error { return refused }), refused)
	var got *oauth1.Token
	require.NoError(t, open().HandOver(t.Context(), func(_ context.Context, t *oauth1.Token) error { got = t; return nil }))
	assert.Equal(t, moved, got)
	err := open().HandOver(t.Context(), func(context.Context, *oauth1.Token) error { panic("not called") })
	require.ErrorIs(t, err, connectorauth.ErrNotConnected)
}

func TestOAuth1AddTokenRefusesWhatIsNoToken(t *testing.T) {
	p := provider(t, authtest.Config{})
	c := must(connectorauth.NewOAuth1(consenting(p)))
	for _, token := range []*oauth1.Token{nil, {}, {TokenSecret: "s"}, {Token: "t\x00", TokenSecret: "s3cr3t-value"}} {
		added, err := c.AddToken(t.Context(), token)
		require.ErrorContains(t, err, "connectorauth: AddToken: ")
		assert.NotContains(t, err.Error(), "s3cr3t")
		assert.False(t, added)
	}
	issued := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{ClientID: "c", ClientSecret: "s", Token: "t", TokenSecret: "u"}))
	_, err := issued.AddToken(t.Context(), oauth1.NewToken("t", "u"))
	require.ErrorContains(t, err, "Token and TokenSecret")
	require.ErrorContains(t, issued.HandOver(t.Context(), nil), "Token and TokenSecret")
}

// A store that fails with what it was given must not bring a token into an error.
func TestMovingQuotesNoSecret(t *testing.T) {
	p := authtest.NewProvider(t)
	access, refresh := p.IssueTokens("")
	c := connect(t, p, stored(quotingStore{new(tokenstore.Memory)}))
	_, err := c.AddToken(t.Context(), &oauth2.Token{AccessToken: access, RefreshToken: refresh})
	require.Error(t, err)
	assert.NotContains(t, err.Error(), access)
	assert.NotContains(t, err.Error(), refresh)
	config := consenting(p)
	config.Store, config.Account = quotingStore{new(tokenstore.Memory)}, "moved"
	token, secret := p.IssueOAuth1Token()
	_, err = must(connectorauth.NewOAuth1(config)).AddToken(t.Context(), oauth1.NewToken(token, secret))
	require.Error(t, err)
	assert.NotContains(t, err.Error(), secret)
}

// quotingStore quotes values in errors.
type quotingStore struct{ *tokenstore.Memory }

func (quotingStore) CompareAndSwap(_ context.Context, _ string, _, value []byte) (bool, error) {
	return false, errors.New("cannot store " + string(value))
}
