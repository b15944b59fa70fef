package migrate_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/connectorauth/connectorauth/migrate"
	"github.com/connectorauth/connectorauth/tokenstore"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// provider returns a provider in memory, and a context whose client reaches the provider, as
// programs with x/oauth2 have a context.
func provider(t *testing.T, config authtest.Config) (*authtest.Provider, context.Context) {
	t.Helper()
	config.InMemory = true
	p := authtest.New(config)
	t.Cleanup(p.Close)
	return p, context.WithValue(t.Context(), oauth2.HTTPClient, p.Client())
}

// configOf returns the config of a program with x/oauth2.
func configOf(p *authtest.Provider) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.ClientSecret, RedirectURL: "http://127.0.0.1/callback", Scopes: []string{"read"},
		Endpoint: oauth2.Endpoint{AuthURL: p.AuthURL, TokenURL: p.TokenURL, AuthStyle: oauth2.AuthStyleInHeader},
	}
}

// in says where the token goes, as another process would.
func in(store connectorauth.TokenStore) connectorauth.OAuth2Config {
	return connectorauth.OAuth2Config{Store: store, Account: "alice", Shared: new(connectorauth.Shared)}
}

// statusOf calls the API with c and returns the status.
func statusOf(t *testing.T, p *authtest.Provider, c connectorauth.Connector, address string) int {
	t.Helper()
	resp, err := connectorauth.NewClient(c, p.Client()).Get(address)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}

// The old program has renewed its token with x/oauth2. Then the new program starts twice, with
// the same table, and a renewal in between.
func TestTokenOfXOAuth2MovesOnce(t *testing.T) {
	p, ctx := provider(t, authtest.Config{})
	access, refresh := p.IssueTokens("read")
	old := configOf(p)
	before, err := old.TokenSource(ctx, &oauth2.Token{AccessToken: access, RefreshToken: refresh, Expiry: time.Now().Add(-time.Minute)}).Token()
	require.NoError(t, err)
	require.NotEqual(t, refresh, before.RefreshToken, "the provider rotates")
	store := new(tokenstore.Memory)
	for range 3 {
		c, err := migrate.OAuth2(ctx, old, before, in(store))
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, statusOf(t, p, c, p.BearerURL))
		require.NoError(t, c.Renew(ctx))
	}
	assert.Equal(t, 4, p.Stats().TokenRequests, "1 of the old program, and 3 of the new one")
}

func TestReplicasThatStartTogetherMoveATokenOnce(t *testing.T) {
	p, ctx := provider(t, authtest.Config{})
	_, refresh := p.IssueTokens("read")
	store := new(tokenstore.Memory)
	var replicas sync.WaitGroup
	for range 10 {
		replicas.Go(func() {
			c, err := migrate.OAuth2(ctx, configOf(p), &oauth2.Token{RefreshToken: refresh}, in(store))
			if assert.NoError(t, err) {
				_, err = c.Token(ctx)
				assert.NoError(t, err)
			}
		})
	}
	replicas.Wait()
	assert.Equal(t, 1, p.Stats().TokenRequests)
}

func TestAuthStyle(t *testing.T) {
	for _, test := range []struct {
		name   string
		style  oauth2.AuthStyle
		edit   func(*oauth2.Config, *connectorauth.OAuth2Config)
		public bool
		header bool // the client authenticates in the header
		err    string
	}{
		{name: "header", style: oauth2.AuthStyleInHeader, header: true},
		{name: "params", style: oauth2.AuthStyleInParams},
		{name: "auto", err: "ClientAuth: is empty, and AuthStyleAutoDetect tries two ways"},
		{name: "auto, with ClientAuth", header: true, edit: func(_ *oauth2.Config, with *connectorauth.OAuth2Config) {
			with.ClientAuth = connectorauth.ClientSecretBasic
		}},
		{name: "auto, public client", public: true},
		{name: "unknown", style: 7, err: "AuthStyle: is 7"},
		{name: "ClientAuth wins", style: oauth2.AuthStyleInHeader, edit: func(_ *oauth2.Config, with *connectorauth.OAuth2Config) {
			with.ClientAuth = connectorauth.ClientSecretPost
		}},
		{name: "a secret of with", style: oauth2.AuthStyleInHeader, header: true, edit: func(old *oauth2.Config, with *connectorauth.OAuth2Config) {
			with.ClientSecret, old.ClientSecret = connectorauth.Secret(old.ClientSecret), ""
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, ctx := provider(t, authtest.Config{PublicClient: test.public})
			_, refresh := p.IssueTokens("read")
			old, with := configOf(p), connectorauth.OAuth2Config{}
			old.Endpoint.AuthStyle = test.style
			if test.edit != nil {
				test.edit(old, &with)
			}
			c, err := migrate.OAuth2(ctx, old, &oauth2.Token{RefreshToken: refresh}, with)
			if test.err != "" {
				require.ErrorContains(t, err, "migrate: OAuth2: "+test.err)
				assert.NotContains(t, err.Error(), old.ClientSecret)
				return
			}
			require.NoError(t, err)
			require.NoError(t, c.Renew(ctx))
			request := p.Requests(p.TokenURL)[0]
			form, err := url.ParseQuery(string(request.Body))
			require.NoError(t, err)
			assert.Equal(t, test.header, request.Header.Get("Authorization") != "")
			assert.Equal(t, !test.header && !test.public, form.Has("client_secret"))
		})
	}
}

// The consent of the connector asks for what AuthCodeURL asked for.
func TestConsentAsBefore(t *testing.T) {
	p, ctx := provider(t, authtest.Config{})
	old := configOf(p)
	with := connectorauth.OAuth2Config{Grant: connectorauth.AuthorizationCode{Params: url.Values{"access_type": {"offline"}}}}
	c, err := migrate.OAuth2(ctx, old, nil, with)
	require.NoError(t, err)
	known, err := c.Status(ctx)
	require.NoError(t, err)
	require.Equal(t, connectorauth.StateNotConnected, known.State)
	now, pending, err := c.Begin(ctx, old.RedirectURL)
	require.NoError(t, err)
	before, err := url.Parse(old.AuthCodeURL("state", oauth2.AccessTypeOffline))
	require.NoError(t, err)
	after, err := url.Parse(now)
	require.NoError(t, err)
	for name, values := range before.Query() {
		if name != "state" {
			assert.Equal(t, values, after.Query()[name], name)
		}
	}
	callback, err := p.Authorize(now)
	require.NoError(t, err)
	require.NoError(t, c.Finish(ctx, pending, callback.Query()))
	assert.Equal(t, http.StatusOK, statusOf(t, p, c, p.BearerURL))
}

func TestGrant(t *testing.T) {
	const code, device = "https://login.example.com/authorize", "https://login.example.com/device"
	for _, test := range []struct {
		name     string
		endpoint oauth2.Endpoint
		with     connectorauth.Grant
		want     string // the grant type
		err      string
	}{
		{"code", oauth2.Endpoint{AuthURL: code}, nil, "authorization_code", ""},
		{"device", oauth2.Endpoint{DeviceAuthURL: device}, nil, connectorauth.DeviceCode{}.GrantType(), ""},
		{"both", oauth2.Endpoint{AuthURL: code, DeviceAuthURL: device}, nil, "authorization_code", ""},
		{"both, device", oauth2.Endpoint{AuthURL: code, DeviceAuthURL: device}, connectorauth.DeviceCode{}, connectorauth.DeviceCode{}.GrantType(), ""},
		{"a URL of with", oauth2.Endpoint{AuthURL: "not a URL"}, connectorauth.AuthorizationCode{AuthURL: code}, "authorization_code", ""},
		{"a device URL of with", oauth2.Endpoint{DeviceAuthURL: "not a URL"}, connectorauth.DeviceCode{DeviceURL: device}, connectorauth.DeviceCode{}.GrantType(), ""},
		{"password", oauth2.Endpoint{}, connectorauth.PasswordCredentials{Username: "u", Password: "p"}, "password", ""},
		{"neither", oauth2.Endpoint{}, nil, "", "AuthURL"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.endpoint.TokenURL, test.endpoint.AuthStyle = "https://login.example.com/token", oauth2.AuthStyleInParams
			c, err := migrate.OAuth2(t.Context(), &oauth2.Config{ClientID: "c", ClientSecret: "s", Endpoint: test.endpoint}, nil, connectorauth.OAuth2Config{Grant: test.with})
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, c.GrantType())
		})
	}
}

// What with says wins, and scopes that with leaves empty are those of old.
func TestWithWins(t *testing.T) {
	var form url.Values
	endpoint := fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		assert.NoError(t, req.ParseForm())
		form = req.PostForm
		form.Set("url", req.URL.String())
		form.Set("authorization", req.Header.Get("Authorization"))
		return fakehttp.Respond(http.StatusOK, `{"access_token":"a","token_type":"Bearer"}`), nil
	})
	old := &clientcredentials.Config{ClientID: "old", ClientSecret: "old", TokenURL: "https://old.example.com", Scopes: []string{"old"}, AuthStyle: oauth2.AuthStyleInHeader}
	ctx := context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: endpoint})
	basic := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s+":"+s)) }

	c, err := migrate.ClientCredentials(ctx, old, connectorauth.OAuth2Config{})
	require.NoError(t, err)
	require.NoError(t, c.Renew(ctx))
	assert.Equal(t, url.Values{"grant_type": {"client_credentials"}, "scope": {"old"}, "url": {"https://old.example.com"}, "authorization": {basic("old")}}, form)

	c, err = migrate.ClientCredentials(t.Context(), old, connectorauth.OAuth2Config{
		ClientID: "new", ClientSecret: "new", TokenURL: "https://new.example.com", Scopes: []string{"new"}, HTTPClient: &http.Client{Transport: endpoint},
	})
	require.NoError(t, err)
	require.NoError(t, c.Renew(ctx))
	assert.Equal(t, url.Values{"grant_type": {"client_credentials"}, "scope": {"new"}, "url": {"https://new.example.com"}, "authorization": {basic("new")}}, form)
}

func TestEndpointParams(t *testing.T) {
	p, ctx := provider(t, authtest.Config{})
	old := &clientcredentials.Config{
		ClientID: p.ClientID, ClientSecret: p.ClientSecret, TokenURL: p.TokenURL, AuthStyle: oauth2.AuthStyleInParams,
		EndpointParams: url.Values{"audience": {"old"}, "tenant": {"7"}, "grant_type": {"client_credentials"}},
	}
	c, err := migrate.ClientCredentials(ctx, old, connectorauth.OAuth2Config{
		Dialect: dialect.OAuth2{TokenParams: url.Values{"audience": {"new"}}}, // wins
	})
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, statusOf(t, p, c, p.BearerURL))
	form, err := url.ParseQuery(string(p.Requests(p.TokenURL)[0].Body))
	require.NoError(t, err)
	assert.Equal(t, []string{"new"}, form["audience"])
	assert.Equal(t, []string{"7"}, form["tenant"])
	assert.Equal(t, []string{"client_credentials"}, form["grant_type"])
	assert.Equal(t, url.Values{"audience": {"old"}, "tenant": {"7"}, "grant_type": {"client_credentials"}}, old.EndpointParams, "the old config is not changed")
}

func TestExtraValuesMove(t *testing.T) {
	p, ctx := provider(t, authtest.Config{})
	access, _ := p.IssueTokens("read")
	token := (&oauth2.Token{AccessToken: access}).WithExtra(map[string]any{"instance_url": "https://eu.example.com"})
	c, err := migrate.OAuth2(ctx, configOf(p), token, connectorauth.OAuth2Config{}, "instance_url")
	require.NoError(t, err)
	moved, err := c.Token(ctx)
	require.NoError(t, err)
	assert.Equal(t, "https://eu.example.com", moved.Extra("instance_url"))
}

func TestErrorsSayWhatToFillIn(t *testing.T) {
	p, ctx := provider(t, authtest.Config{})
	_, err := migrate.OAuth2(ctx, nil, nil, connectorauth.OAuth2Config{})
	require.EqualError(t, err, "migrate: OAuth2: the config is nil")
	_, err = migrate.ClientCredentials(ctx, nil, connectorauth.OAuth2Config{})
	require.EqualError(t, err, "migrate: ClientCredentials: the config is nil")
	_, err = migrate.OAuth2(ctx, configOf(p), &oauth2.Token{}, connectorauth.OAuth2Config{})
	require.ErrorContains(t, err, "migrate: OAuth2: connectorauth: AddToken: the token has neither")
	_, err = migrate.OAuth2(ctx, configOf(p), nil, connectorauth.OAuth2Config{Store: new(tokenstore.Memory)})
	require.ErrorContains(t, err, "migrate: OAuth2: connectorauth: OAuth2Config: Account: is empty")
	_, err = migrate.ClientCredentials(ctx, &clientcredentials.Config{ClientID: "c", ClientSecret: "s", AuthStyle: oauth2.AuthStyleInHeader}, connectorauth.OAuth2Config{})
	require.ErrorContains(t, err, "migrate: ClientCredentials: connectorauth: OAuth2Config: TokenURL: ")
	down := errors.New("the database is down")
	_, err = migrate.OAuth2(ctx, configOf(p), &oauth2.Token{AccessToken: "a"}, in(broken{new(tokenstore.Memory), down}))
	require.ErrorIs(t, err, down)
}

// broken is a store that cannot be read.
type broken struct {
	*tokenstore.Memory
	err error
}

func (b broken) Load(context.Context, string) ([]byte, bool, error) { return nil, false, b.err }
