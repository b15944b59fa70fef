package oidcprovider_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
)

// connect leads the account owner through a flow, and returns a connector.
func (s *server) connect(t *testing.T, where site, f flow) *connectorauth.OAuth2 {
	t.Helper()
	o := newOwner(t)
	if f.Register {
		a, _, _, err := where.account(f)
		require.NoError(t, err)
		authURL, pending, err := a.Begin(t.Context(), redirectURL)
		require.NoError(t, err)
		require.NoError(t, a.Finish(t.Context(), pending, s.consent(t, o, authURL).Query()))
		c, err := a.Connector(t.Context())
		require.NoError(t, err)
		return c
	}
	c, err := where.open(t.Context(), f)
	require.NoError(t, err)
	if f.Device {
		prompt, pending, err := c.BeginDevice(t.Context())
		require.NoError(t, err)
		o.device(t, prompt.VerificationURIComplete)
		require.NoError(t, c.FinishDevice(t.Context(), pending))
		return c
	}
	s.authorize(t, o, c)
	if f.StepUp {
		_, err := connectorauth.NewClient(c, nil).Get(s.issuer + f.API)
		var stepUp *connectorauth.StepUpError
		require.ErrorAs(t, err, &stepUp)
		s.authorize(t, o, c.Asking(stepUp.Authorization))
	}
	return c
}

// authorize gives the account owner's consent to what c asks for.
func (s *server) authorize(t *testing.T, o *owner, c *connectorauth.OAuth2) {
	t.Helper()
	authURL, pending, err := c.Begin(t.Context(), redirectURL)
	require.NoError(t, err)
	callback := s.consent(t, o, authURL).Query()
	assert.Equal(t, s.issuer, callback.Get("iss"), "RFC 9207")
	require.NoError(t, c.Finish(t.Context(), pending, callback))
}

// use calls the API of a flow.
func (s *server) use(t *testing.T, c connectorauth.Connector, f flow) {
	t.Helper()
	status, body, err := get(connectorauth.NewClient(c, nil), s.issuer+f.API)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, body)
	require.Contains(t, body, `:"owner"`)
}

// goThrough leads an account through a flow: the consent, the API, a refresh, the API again,
// and the revocation.
func (s *server) goThrough(t *testing.T, f flow) {
	t.Helper()
	where := s.site(t)
	c := s.connect(t, where, f)
	s.use(t, c, f)
	require.NoError(t, c.Renew(t.Context()))
	s.use(t, c, f)
	kept, err := c.Token(t.Context())
	require.NoError(t, err)
	assert.NotEmpty(t, kept.Extra("id_token"))
	require.NoError(t, c.Revoke(t.Context()))
	if !f.DPoP { // nobody else can make a proof
		assert.Equal(t, http.StatusUnauthorized, bearer(t, s.issuer+f.API, "Bearer", kept.AccessToken), "revoked")
	}
	_, err = c.Token(t.Context())
	require.ErrorIs(t, err, connectorauth.ErrNotConnected)
}

// The provider takes no authorization request of these clients that comes another way.
func TestProviderRequiresWhatFlowsShow(t *testing.T) {
	s := start(t)
	for name, test := range map[string]struct {
		edit func(*flow)
		code string
	}{
		"pushed": {func(f *flow) { f.Pushed = false }, "invalid_request"},
		"dpop":   {func(f *flow) { f.DPoP = false }, "invalid_grant"},
		"fapi":   {func(f *flow) { f.DPoP = false }, "invalid_grant"},
	} {
		t.Run(name, func(t *testing.T) {
			f := named(name)
			test.edit(&f)
			c, err := s.site(t).open(t.Context(), f)
			require.NoError(t, err)
			authURL, pending, err := c.Begin(t.Context(), redirectURL)
			if err == nil {
				err = c.Finish(t.Context(), pending, s.consent(t, newOwner(t), authURL).Query())
			}
			var refused *connectorauth.TokenError
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, test.code, refused.Code)
		})
	}
}

// named returns a flow.
func named(name string) flow {
	for _, f := range flows {
		if f.Name == name {
			return f
		}
	}
	panic("no flow " + name)
}
