package assertion_test

import (
	"context"
	"errors"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func fixedAssertion(context.Context) (connectorauth.Secret, error) { return "a.b.c", nil }

func TestTokenExchange(t *testing.T) {
	p := provider(t, authtest.Config{}, assertion.ES256)
	subject := connector(t, p, bearer(t, p, keyFor(t, assertion.ES256)), assertion.NoClientAuth{})
	grant, err := assertion.NewTokenExchange(assertion.TokenExchangeConfig{
		Subject: func(ctx context.Context) (assertion.Token, error) {
			token, err := subject.Token(ctx)
			return assertion.Token{Value: connectorauth.Secret(token.AccessToken), Type: assertion.TypeAccessToken}, err
		},
		Actor: func(ctx context.Context) (assertion.Token, error) {
			r := &connectorauth.TokenRequest{Params: map[string][]string{}}
			err := bearer(t, p, keyFor(t, assertion.ES256)).Parameters(ctx, r)
			return assertion.Token{Value: connectorauth.Secret(r.Params.Get("assertion")), Type: assertion.TypeJWT}, err
		},
		RequestedType: assertion.TypeAccessToken, Audiences: []string{"one"}, Resources: []string{"https://api.example.test/v1"}, Name: "alice",
	})
	require.NoError(t, err)
	c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Grant: grant,
		HTTPClient: p.Client(), Scopes: []string{"read"}, Shared: new(connectorauth.Shared),
	}))
	assert.JSONEq(t, `{"auth_type":"OAuth2","client":"client","user":"alice","grant":"urn:ietf:params:oauth:grant-type:token-exchange","scope":"read"}`,
		get(t, connectorauth.NewClient(c, p.Client()), p.BearerURL))
	assert.Equal(t, assertion.TypeAccessToken, must(c.Token(t.Context())).Extra("issued_token_type"))
	sent := string(p.Requests(p.TokenURL)[1].Body)
	assert.Contains(t, sent, "audience=one")
	assert.Contains(t, sent, "resource=https%3A%2F%2Fapi.example.test%2Fv1")
	assert.Equal(t, "alice", grant.Traits().Subject)
}

// An identity assertion of one provider obtains an access token of another.
func TestIdentityAssertion(t *testing.T) {
	home, abroad := provider(t, authtest.Config{}, assertion.ES256), provider(t, authtest.Config{}, assertion.ES256)
	issued := bearer(t, abroad, keyFor(t, assertion.ES256)) // what the home provider signs for the other
	home.Inject(home.TokenURL, authtest.Always, authtest.EditAnswer(func(response map[string]any) {
		r := &connectorauth.TokenRequest{Params: map[string][]string{}}
		if issued.Parameters(context.Background(), r) == nil {
			response["access_token"], response["token_type"], response["issued_token_type"] = r.Params.Get("assertion"), "N_A", assertion.TypeIDJAG
		}
	}))
	exchange := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: home.ClientID, ClientSecret: connectorauth.Secret(home.ClientSecret), TokenURL: home.TokenURL,
		Grant: connectorauth.ClientCredentials{}, HTTPClient: home.Client(), Shared: new(connectorauth.Shared),
		Dialect: dialect.OAuth2{Response: dialect.Response{AnyTokenType: true}},
	}))
	grant := must(assertion.NewJWTBearer(assertion.JWTBearerConfig{Assertion: assertion.FromConnector(exchange), Subject: "alice"}))
	c := connector(t, abroad, grant, assertion.NoClientAuth{})
	client := connectorauth.NewClient(c, abroad.Client())
	get(t, client, abroad.BearerURL)
	abroad.ExpireAccessTokens()
	get(t, client, abroad.BearerURL)
	assert.Equal(t, 2, home.Stats().TokenRequests, "each assertion is sent once")
}

func TestTokenExchangeIsChecked(t *testing.T) {
	subject := func(context.Context) (assertion.Token, error) {
		return assertion.Token{Value: "t", Type: assertion.TypeJWT}, nil
	}
	for want, config := range map[string]assertion.TokenExchangeConfig{
		"Subject: is nil":     {},
		"Resources: contains": {Subject: subject, Resources: []string{"/relative"}},
		"without user":        {Subject: subject, Resources: []string{"https://u:secret-word@example.test"}},
		"Audiences: contains": {Subject: subject, Audiences: []string{""}},
	} {
		_, err := assertion.NewTokenExchange(config)
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "secret-word")
	}
	errFile := errors.New("no such file")
	for want, token := range map[string]assertion.Token{
		"no such file": {}, "empty token": {Type: assertion.TypeJWT}, "has no type": {Value: "t"},
	} {
		grant := must(assertion.NewTokenExchange(assertion.TokenExchangeConfig{Subject: func(context.Context) (assertion.Token, error) {
			if token == (assertion.Token{}) {
				return token, errFile
			}
			return token, nil
		}}))
		assert.ErrorContains(t, grant.Parameters(t.Context(), &connectorauth.TokenRequest{Params: map[string][]string{}}), want)
	}
}
