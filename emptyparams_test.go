package connectorauth_test

import (
	"net/url"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// RFC 6749 section 3.1: a parameter without a value counts as left out.
func TestEmptyParametersOfACallbackAreAbsent(t *testing.T) {
	p := authtest.NewProvider(t)
	c := connect(t, p, func(config *connectorauth.OAuth2Config) {
		config.Dialect = dialect.OAuth2{CallbackValues: []string{"realmId"}}
	})
	pending, callback := consented(t, p, c)
	for _, name := range []string{"error", "error_description", "error_uri", "iss", "realmId", "denied"} {
		callback.Set(name, "")
	}
	require.NoError(t, c.Finish(t.Context(), pending, callback))
	token, err := c.Token(t.Context())
	require.NoError(t, err)
	assert.Nil(t, token.Extra("realmId"))
}

// RFC 6749 section 3.1: a parameter must not be there twice, be it with a value or
// without.
func TestRepeatedEmptyParametersOfACallbackAreRefused(t *testing.T) {
	p := authtest.NewProvider(t)
	c := connect(t, p, func(config *connectorauth.OAuth2Config) {
		config.Dialect = dialect.OAuth2{CallbackValues: []string{"realmId"}}
	})
	pending, callback := consented(t, p, c)
	for _, name := range []string{"error", "iss", "realmId", "state", "code"} {
		for _, values := range [][]string{{"", ""}, {"", "x"}, {"x", ""}, {"access_denied", "access_denied"}, {"", callback.Get(name)}} {
			repeated := url.Values{"state": callback["state"], "code": callback["code"]}
			repeated[name] = values
			require.ErrorContains(t, c.Finish(t.Context(), pending, repeated), "more than one "+name, "%q", values)
		}
	}
	assert.Zero(t, p.Stats().TokenRequests)
	require.NoError(t, c.Finish(t.Context(), pending, callback), "the consent is open")
}

// RFC 5849 has no parameter of a callback whose empty value says anything. denied
// and oauth_problem are extensions.
func TestOAuth1EmptyParametersOfACallbackAreAbsent(t *testing.T) {
	p := provider(t, authtest.Config{})
	c := must(connectorauth.NewOAuth1(consenting(p)))
	pending, good := begin(t, p, c)
	for _, name := range []string{"denied", "oauth_problem"} {
		good.Set(name, "")
	}
	require.NoError(t, c.Finish(t.Context(), pending, good))

	authURL, pending, err := c.Begin(t.Context(), "oob")
	require.NoError(t, err)
	shown, err := p.Authorize(authURL)
	require.NoError(t, err)
	require.NoError(t, c.Finish(t.Context(), pending, url.Values{"oauth_token": {""}, "oauth_verifier": shown.Query()["oauth_verifier"]}))

	pending, good = begin(t, p, c)
	var refused *connectorauth.TokenError
	require.ErrorAs(t, c.Finish(t.Context(), pending, url.Values{"oauth_token": {""}, "denied": good["oauth_token"]}), &refused)
	assert.Equal(t, "access_denied", refused.Code)
}

func TestOAuth1RepeatedEmptyParametersOfACallbackAreRefused(t *testing.T) {
	p := provider(t, authtest.Config{})
	c := must(connectorauth.NewOAuth1(consenting(p)))
	pending, good := begin(t, p, c)
	for _, name := range []string{"denied", "oauth_problem", "oauth_token", "oauth_verifier"} {
		for _, values := range [][]string{{"", ""}, {"", "x"}, {"x", ""}, {"", good.Get(name)}} {
			repeated := url.Values{"oauth_token": good["oauth_token"], "oauth_verifier": good["oauth_verifier"]}
			repeated[name] = values
			require.ErrorContains(t, c.Finish(t.Context(), pending, repeated), "more than one "+name, "%q", values)
		}
	}
	assert.Empty(t, p.Requests(p.AccessTokenURL))
	require.NoError(t, c.Finish(t.Context(), pending, good), "the consent is open")
}
