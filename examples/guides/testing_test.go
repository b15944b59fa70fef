package guides

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// A Syncer is the integration that the tests of the guide test: a client, and where the API is.
type Syncer struct {
	Client  *http.Client
	BaseURL string
}

// errAskOwner is what the integration makes of an account that needs its owner.
var errAskOwner = errors.New("ask the owner to connect the account again")

// Sync asks the API who the account is.
func (s *Syncer) Sync(ctx context.Context) (user string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.BaseURL+"/orders", nil)
	if err != nil {
		return "", err
	}
	resp, err := s.Client.Do(req)
	if errors.Is(err, connectorauth.ErrReauthRequired) {
		return "", errAskOwner
	}
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", errors.Join(fmt.Errorf("status %d", resp.StatusCode), connectorauth.RenewalError(resp))
	}
	var body struct{ User string }
	err = json.NewDecoder(resp.Body).Decode(&body)
	return body.User, err
}

// connector is the block of "The first test": an account that has consented.
func connector(t *testing.T, p *authtest.Provider) *connectorauth.OAuth2 {
	c, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL,
		Grant:      connectorauth.AuthorizationCode{AuthURL: p.AuthURL},
		HTTPClient: p.Client(), Shared: new(connectorauth.Shared), // nothing in common with other tests
		Store: new(tokenstore.Memory), Account: "ada",
	})
	require.NoError(t, err)
	access, refresh := p.IssueTokens("orders.read")
	require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{AccessToken: access, RefreshToken: refresh, Expiry: time.Now().Add(time.Hour)}))
	return c
}

func TestSync(t *testing.T) {
	p := authtest.NewProvider(t) // on a loopback port, closed with the test
	syncer := &Syncer{Client: connectorauth.NewClient(connector(t, p), p.Client()), BaseURL: p.BearerURL}

	user, err := syncer.Sync(t.Context())
	require.NoError(t, err)
	assert.Equal(t, p.Username, user)
	assert.Zero(t, p.Stats().TokenRequests)
}

func TestFaults(t *testing.T) {
	for name, test := range map[string]struct {
		inject        func(p *authtest.Provider)
		tokenRequests int
		err           string // of the first Sync; empty: none
	}{
		"the API has data of its own": {func(p *authtest.Provider) {
			p.Inject(p.BearerURL, authtest.Always, authtest.RewriteAnswer(func(w http.ResponseWriter, status int, _ map[string]any) {
				w.WriteHeader(status)
				io.WriteString(w, `{"user": "ada of Acme"}`)
			}))
		}, 0, ""},
		"the API rejects the token":              {func(p *authtest.Provider) { p.RevokeAccessTokens() }, 1, ""},
		"the owner has disconnected the program": {func(p *authtest.Provider) { p.RevokeGrants() }, 1, errAskOwner.Error()},
		"the token endpoint is down": {func(p *authtest.Provider) {
			p.RevokeAccessTokens()
			p.Inject(p.TokenURL, 1, authtest.Answer(503, http.Header{"Retry-After": {"2"}}, ""))
		}, 1, "status 401"},
		"the response of the token endpoint is lost": {func(p *authtest.Provider) {
			p.RevokeAccessTokens()
			p.Inject(p.TokenURL, 1, authtest.DropAfter())
		}, 1, "status 401"},
		"the token endpoint responds with HTML": {func(p *authtest.Provider) {
			p.RevokeAccessTokens()
			p.Inject(p.TokenURL, 1, authtest.Answer(200, http.Header{"Content-Type": {"text/html"}}, "<html>"))
		}, 1, "status 401"},
		"expires_in is a text": {func(p *authtest.Provider) {
			p.RevokeAccessTokens()
			p.Inject(p.TokenURL, 1, authtest.EditAnswer(func(response map[string]any) { response["expires_in"] = "3600" }))
		}, 1, ""},
		"the API has an outage": {func(p *authtest.Provider) { p.Inject(p.BearerURL, 1, authtest.Answer(503, nil, "")) }, 0, "status 503"},
		"the API breaks off":    {func(p *authtest.Provider) { p.Inject(p.BearerURL, authtest.Always, authtest.DropBefore()) }, 0, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := authtest.New(authtest.Config{InMemory: true})
				defer p.Close()
				syncer := &Syncer{Client: connectorauth.NewClient(connector(t, p), p.Client()), BaseURL: p.BearerURL}
				test.inject(p)
				_, err := syncer.Sync(t.Context())
				if test.err != "" {
					require.ErrorContains(t, err, test.err)
					assert.Equal(t, test.err == "status 401", strings.Contains(err.Error(), "token request for \"ada\""), "RenewalError says why: %v", err)
				} else {
					require.NoError(t, err)
				}
				assert.Equal(t, test.tokenRequests, p.Stats().TokenRequests)
			})
		})
	}
}

// The block of "Time".
func TestTokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true, TokenLifetime: time.Hour})
		defer p.Close()
		syncer := &Syncer{Client: connectorauth.NewClient(connector(t, p), p.Client()), BaseURL: p.BearerURL}
		for range 48 {
			_, err := syncer.Sync(t.Context())
			require.NoError(t, err)
			time.Sleep(time.Hour) // no time at all
		}
		assert.Equal(t, 47, p.Stats().Issued["refresh_token"])
		assert.Zero(t, p.Stats().APIRefused)
		assert.Zero(t, p.Stats().ReuseDetected)
	})
}

// The block of "Consents".
func TestOwnerConsents(t *testing.T) {
	p := authtest.NewProvider(t)
	c := connector(t, p)
	authURL, pending, err := c.Begin(t.Context(), "http://127.0.0.1/callback")
	require.NoError(t, err)
	callback, err := p.Authorize(authURL) // signs in, presses Allow, and returns the callback
	require.NoError(t, err)
	require.NoError(t, c.Finish(t.Context(), pending, callback.Query()))

	authURL, pending, err = c.Begin(t.Context(), "http://127.0.0.1/callback")
	require.NoError(t, err)
	callback, err = p.Deny(authURL)
	require.NoError(t, err)
	var refused *connectorauth.TokenError
	require.ErrorAs(t, c.Finish(t.Context(), pending, callback.Query()), &refused)
	assert.Equal(t, "access_denied", refused.Code)
}

// The block of "A definition": the hosts of the definition are those of the real service.
func TestDefinition(t *testing.T) {
	p := authtest.New(authtest.Config{TLS: true, InMemory: true}) // Client has any host
	t.Cleanup(p.Close)
	acme, err := definition.Parse("acme.json", []byte(`{
		"connectorauth": 1, "name": "acme", "baseUrl": "https://api.acme.example/api/key/header",
		"methods": [{"name": "key", "type": "ApiKey", "key": "{apiKey}", "placement": {"name": "X-Api-Key"},
			"inputs": [{"name": "apiKey", "title": "API key", "secret": true}]}],
		"test": {"request": "GET /me", "id": "/user"}}`), definition.Options{})
	require.NoError(t, err)
	for key, want := range map[string]string{p.APIKey: p.Username, "wrong": ""} {
		account, err := acme.Connect(definition.Connection{Values: map[string]connectorauth.Secret{"apiKey": connectorauth.Secret(key)}, HTTPClient: p.Client()})
		require.NoError(t, err)
		who, err := account.Check(t.Context(), p.Client())
		assert.Equal(t, want == "", err != nil)
		assert.Equal(t, want, who.ID)
	}
}

// The block of "What was sent".
func TestRequestsAreSeen(t *testing.T) {
	p := authtest.NewProvider(t)
	syncer := &Syncer{Client: connectorauth.NewClient(connector(t, p), p.Client()), BaseURL: p.BearerURL}
	_, err := syncer.Sync(t.Context())
	require.NoError(t, err)
	for _, r := range p.Requests(p.BearerURL) {
		assert.Equal(t, "/api/bearer/orders", r.URL.Path)
		assert.Empty(t, r.URL.RawQuery)
	}
	assert.Len(t, p.Requests(p.BearerURL), 1)
}
