package assertion_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func fixedAssertion(context.Context) (connectorauth.Secret, error) { return "a.b.c", nil }

// signedFor returns assertions for p.
func signedFor(t *testing.T, p *authtest.Provider) func(context.Context) (connectorauth.Secret, error) {
	return func(ctx context.Context) (connectorauth.Secret, error) {
		r := &connectorauth.TokenRequest{Params: map[string][]string{}}
		err := bearer(t, p, keyFor(t, assertion.ES256)).Parameters(ctx, r)
		return connectorauth.Secret(r.Params.Get("assertion")), err
	}
}

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
	assert.Equal(t, "alice at one, https://api.example.test/v1", grant.Traits().Subject)
}

// A token for one audience is not taken for a token for another.
func TestExchangesForSeveralPlacesShareNoToken(t *testing.T) {
	p := provider(t, authtest.Config{}, assertion.ES256)
	store := new(tokenstore.Memory)
	connect := func(audience string) *connectorauth.OAuth2 {
		return must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, HTTPClient: p.Client(),
			Store: store, Account: "alice", Shared: new(connectorauth.Shared),
			Grant: must(assertion.NewTokenExchange(assertion.TokenExchangeConfig{
				Subject: func(ctx context.Context) (assertion.Token, error) {
					r := &connectorauth.TokenRequest{Params: map[string][]string{}}
					err := bearer(t, p, keyFor(t, assertion.ES256)).Parameters(ctx, r)
					return assertion.Token{Value: connectorauth.Secret(r.Params.Get("assertion")), Type: assertion.TypeJWT}, err
				}, Audiences: []string{audience}, Name: "alice",
			})),
		}))
	}
	must(connect("one").Token(t.Context()))
	must(connect("one").Token(t.Context()))
	assert.Equal(t, 1, p.Stats().TokenRequests)
	_, err := connect("other").Token(t.Context())
	assert.ErrorContains(t, err, "use another Account")
}

// An assertion of another connector is sent once, after a restart and by another process
// too.
func TestAssertionOfAConnectorIsSentOnceAfterARestart(t *testing.T) {
	p := provider(t, authtest.Config{}, assertion.ES256)
	store := new(tokenstore.Memory)
	seen := map[connectorauth.Secret]bool{}
	for range 3 {
		source := assertion.FromConnector(must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, HTTPClient: p.Client(),
			Store: store, Account: "a", Shared: new(connectorauth.Shared), Grant: connectorauth.ClientCredentials{},
		})))
		for range 2 {
			token, err := source(t.Context())
			require.NoError(t, err)
			assert.False(t, seen[token])
			seen[token] = true
		}
	}
	assert.Equal(t, 6, p.Stats().TokenRequests)
}

// Several grants may share the assertions of one connector, at one endpoint.
func TestAssertionsOfAConnectorAreShared(t *testing.T) {
	p := provider(t, authtest.Config{}, assertion.ES256)
	shared := &connectorauth.Shared{TokenRequests: 2}
	source := assertion.FromConnector(must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, HTTPClient: p.Client(),
		Shared: shared, Grant: connectorauth.ClientCredentials{},
	})))
	var mu sync.Mutex
	seen := map[string]bool{}
	var all sync.WaitGroup
	for range 6 {
		c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, HTTPClient: p.Client(), Shared: shared,
			Grant: must(assertion.NewTokenExchange(assertion.TokenExchangeConfig{Subject: func(ctx context.Context) (assertion.Token, error) {
				token, err := source(ctx)
				mu.Lock()
				defer mu.Unlock()
				assert.False(t, seen[string(token)])
				seen[string(token)] = true
				return assertion.Token{Value: token, Type: assertion.TypeAccessToken}, err
			}})),
		}))
		all.Go(func() {
			_, err := c.Token(t.Context())
			assert.NoError(t, err)
		})
	}
	all.Wait()
}

// An identity assertion of one provider obtains an access token of another.
func TestIdentityAssertion(t *testing.T) {
	abroad := provider(t, authtest.Config{}, assertion.ES256)
	issue := signedFor(t, abroad) // what the home provider signs for the other
	requests := 0
	home := exchangeFor(t, assertion.TypeIDJAG, func() string {
		requests++
		return string(must(issue(t.Context())))
	})
	grant := must(assertion.NewJWTBearer(assertion.JWTBearerConfig{Assertion: assertion.FromConnector(home), Subject: "alice"}))
	c := connector(t, abroad, grant, assertion.NoClientAuth{})
	client := connectorauth.NewClient(c, abroad.Client())
	get(t, client, abroad.BearerURL)
	abroad.ExpireAccessTokens()
	get(t, client, abroad.BearerURL)
	assert.Equal(t, 2, requests, "each assertion is sent once")
}

// exchangeFor returns a connector that exchanges a token for one of another kind, whose
// token_type is N_A.
func exchangeFor(t *testing.T, kind string, issue func() string) *connectorauth.OAuth2 {
	t.Helper()
	return must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: "secret", TokenURL: "https://home.example.test/token", Shared: new(connectorauth.Shared),
		Grant: must(assertion.NewTokenExchange(assertion.TokenExchangeConfig{
			Subject: assertion.AsToken(assertion.TypeIDToken, fixedAssertion), RequestedType: kind,
		})),
		HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(r *http.Request) (*http.Response, error) {
			return fakehttp.Respond(200, `{"access_token":"`+issue()+`","token_type":"N_A","expires_in":300}`), nil
		})},
	}))
}

func TestTokenThatIsNoAccessTokenIsTakenWhereOneWasAskedFor(t *testing.T) {
	for kind, taken := range map[string]bool{"": false, assertion.TypeAccessToken: false, assertion.TypeIDJAG: true, assertion.TypeJWT: true} {
		_, err := exchangeFor(t, kind, func() string { return "a.b.c" }).Token(t.Context())
		if taken {
			require.NoError(t, err, kind)
		} else {
			require.ErrorContains(t, err, "N_A: the token is no access token", kind)
		}
	}
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
