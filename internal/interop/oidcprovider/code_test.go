package oidcprovider_test

import (
	"fmt"
	"net/url"
	"regexp"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// config is that of the client clientID.
func (s *server) config(grant connectorauth.Grant) connectorauth.OAuth2Config {
	return connectorauth.OAuth2Config{ClientID: clientID, ClientSecret: secret, TokenURL: s.issuer + "/token", Grant: grant}
}

func (s *server) code() connectorauth.AuthorizationCode {
	return connectorauth.AuthorizationCode{AuthURL: s.issuer + "/auth", Issuer: s.issuer, Params: url.Values{"prompt": {"consent"}}}
}

// connected returns a connector whose owner has consented.
func (s *server) connected(t *testing.T, config connectorauth.OAuth2Config) *connectorauth.OAuth2 {
	t.Helper()
	config.Scopes = scopes
	c, err := connectorauth.NewOAuth2(config)
	require.NoError(t, err)
	s.authorize(t, newOwner(t), c)
	return c
}

// call uses the API.
func (s *server) call(t *testing.T, c connectorauth.Connector) (status int, body string) {
	t.Helper()
	status, body, err := get(connectorauth.NewClient(c, nil), s.issuer+"/api")
	require.NoError(t, err)
	return status, body
}

// expire makes the APIs refuse the present token.
func (s *server) expire(t *testing.T, c connectorauth.Connector) {
	t.Helper()
	_, _, err := get(connectorauth.NewClient(c, nil), s.issuer+"/expire")
	require.NoError(t, err)
}

func TestClientCredentials(t *testing.T) {
	s := start(t)
	for name, edit := range map[string]func(*connectorauth.OAuth2Config){
		"Basic": func(*connectorauth.OAuth2Config) {},
		"body": func(c *connectorauth.OAuth2Config) {
			c.ClientID, c.ClientAuth = clientID+"-post", connectorauth.ClientSecretPost
		},
	} {
		t.Run(name, func(t *testing.T) {
			config := s.config(connectorauth.ClientCredentials{})
			edit(&config)
			c, err := connectorauth.NewOAuth2(config)
			require.NoError(t, err)
			status, body := s.call(t, c)
			assert.Equal(t, 200, status)
			assert.JSONEq(t, fmt.Sprintf(`{"client":%q}`, config.ClientID), body)
			s.expire(t, c)
			status, _ = s.call(t, c)
			assert.Equal(t, 200, status, "the grant is repeated")
		})
	}
}

func TestWrongClientSecretIsRefusedForGood(t *testing.T) {
	s := start(t)
	config := s.config(connectorauth.ClientCredentials{})
	config.ClientSecret = "another"
	c, err := connectorauth.NewOAuth2(config)
	require.NoError(t, err)
	_, err = c.Token(t.Context())
	var failed *connectorauth.TokenError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, "invalid_client", failed.Code)
	assert.False(t, failed.Temporary())
	assert.NotErrorIs(t, err, connectorauth.ErrReauthRequired)
}

func TestAuthorizationCodeAndRotation(t *testing.T) {
	s := start(t)
	c := s.connected(t, s.config(s.code()))
	for range 5 {
		status, body := s.call(t, c)
		assert.Equal(t, 200, status)
		assert.JSONEq(t, `{"client":"client","account":"owner"}`, body)
		s.expire(t, c)
	}
	token, err := c.Token(t.Context())
	require.NoError(t, err)
	assert.NotEmpty(t, token.Extra("id_token"))
}

func TestFiftyCallersRenewOnce(t *testing.T) {
	s := start(t)
	c := s.connected(t, s.config(s.code()))
	for range 5 {
		s.expire(t, c)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				status, _ := s.call(t, c)
				assert.Equal(t, 200, status, "a second refresh with one token would have ended the grant")
			})
		}
		all.Wait()
	}
}

func TestReusedRefreshTokenEndsTheGrant(t *testing.T) {
	s := start(t)
	store := new(tokenstore.Memory)
	config := s.config(s.code())
	config.Store, config.Account = store, "owner"
	c := s.connected(t, config)
	stolen, _, err := store.Load(t.Context(), "owner")
	require.NoError(t, err)

	s.expire(t, c)
	status, _ := s.call(t, c) // with another refresh token from here on
	require.Equal(t, 200, status)
	thief := new(tokenstore.Memory)
	require.NoError(t, thief.Save(t.Context(), "owner", stolen))
	config.Store = thief
	other, err := connectorauth.NewOAuth2(config)
	require.NoError(t, err)
	_, err = connectorauth.NewClient(other, nil).Get(s.issuer + "/api")
	require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
	_, err = connectorauth.NewClient(c, nil).Get(s.issuer + "/api")
	require.ErrorIs(t, err, connectorauth.ErrReauthRequired, "the provider trusts neither of them any more")
}

func TestRevokedTokensAreDeadAtTheProvider(t *testing.T) {
	s := start(t)
	store := new(tokenstore.Memory)
	config := s.config(s.code())
	config.Store, config.Account, config.RevokeURL = store, "owner", s.issuer+"/token/revocation"
	c := s.connected(t, config)
	token, err := c.Token(t.Context())
	require.NoError(t, err)
	kept, _, err := store.Load(t.Context(), "owner")
	require.NoError(t, err)
	bare := func() int { return bearer(t, s.issuer+"/api", "Bearer", token.AccessToken) }
	require.Equal(t, 200, bare())

	wrong := config
	wrong.ClientSecret = "another"
	stranger, err := connectorauth.NewOAuth2(wrong)
	require.NoError(t, err)
	require.ErrorContains(t, stranger.Revoke(t.Context()), "invalid_client")
	require.Equal(t, 200, bare(), "nothing was revoked")

	require.NoError(t, c.Revoke(t.Context()))
	assert.Equal(t, 401, bare())
	_, err = c.Token(t.Context())
	require.ErrorIs(t, err, connectorauth.ErrNotConnected)
	require.NoError(t, store.Save(t.Context(), "owner", kept)) // as a backup would
	require.ErrorIs(t, c.Renew(t.Context()), connectorauth.ErrReauthRequired, "the refresh token is dead too")
}

func TestCallbackOfAnotherIssuerIsRefused(t *testing.T) {
	s := start(t)
	grant := s.code()
	grant.Issuer = "https://another.example"
	config := s.config(grant)
	config.Scopes = []string{"openid", "offline_access"}
	c, err := connectorauth.NewOAuth2(config)
	require.NoError(t, err)
	authURL, pending, err := c.Begin(t.Context(), redirectURL)
	require.NoError(t, err)
	callback := s.consent(t, newOwner(t), authURL).Query()
	require.Equal(t, s.issuer, callback.Get("iss"), "RFC 9207")
	assert.ErrorContains(t, c.Finish(t.Context(), pending, callback), "issuer")
}

func TestProviderWantsPKCE(t *testing.T) {
	s := start(t)
	grant := s.code()
	grant.DisablePKCE = true
	c, err := connectorauth.NewOAuth2(s.config(grant))
	require.NoError(t, err)
	authURL, pending, err := c.Begin(t.Context(), redirectURL)
	require.NoError(t, err)
	var refused *connectorauth.TokenError
	require.ErrorAs(t, c.Finish(t.Context(), pending, s.consent(t, newOwner(t), authURL).Query()), &refused)
	assert.Equal(t, "invalid_request", refused.Code)
}

func TestTokenFromElsewhereIsRenewed(t *testing.T) {
	s := start(t)
	store := new(tokenstore.Memory)
	first := s.config(s.code())
	first.Store, first.Account = store, "owner"
	s.connected(t, first)
	stored, _, err := store.Load(t.Context(), "owner")
	require.NoError(t, err)
	refresh := regexp.MustCompile(`"refresh_token":"([^"]+)"`).FindSubmatch(stored)
	require.NotNil(t, refresh)

	moved, err := connectorauth.NewOAuth2(s.config(s.code()))
	require.NoError(t, err)
	require.NoError(t, moved.SetToken(t.Context(), &oauth2.Token{RefreshToken: string(refresh[1])}))
	status, _ := s.call(t, moved)
	assert.Equal(t, 200, status)
}
