package session_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/session"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shapes are the logins of authtest, and where the session goes.
func shapes(p *authtest.Provider) map[string]session.Config {
	basic := must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: p.Username, Password: connectorauth.Secret(p.Password)}))
	values := login(p).Values
	configs := map[string]session.Config{
		"JSON": {Login: login(p).Login, Values: values},
		"form and cookie": {
			Login: []session.Request{{
				URL: p.LoginFormURL, Form: map[string]string{"username": "{user}", "password": "{password}"}, Capture: map[string]string{"token": "cookie:SID"},
			}},
			Values: values, Places: cookie, Refusals: []dialect.Rejection{{Status: 303, Header: "Location", HeaderValue: "failed=1"}},
		},
		"XML": {
			Login: []session.Request{{
				URL:     p.LoginXMLURL,
				XML:     `<tsRequest><credentials name="{user}" password="{password}"><site contentUrl=""/></credentials></tsRequest>`,
				Capture: map[string]string{"token": "credentials.@token", "site": "/credentials/site/@id"},
			}},
			Values: values, Places: header,
		},
		"Basic and header": {Login: []session.Request{{URL: p.LoginBasicURL, Auth: basic, Capture: map[string]string{"token": "header:X-Auth-Token"}}}},
		"Basic by a template": {
			Login: []session.Request{{
				URL: p.LoginBasicURL, Header: map[string]string{"authorization": "Basic {base64({user}:{password})}"}, Capture: map[string]string{"token": "header:X-Auth-Token"},
			}},
			Values: values,
		},
		"two steps": {
			Login: []session.Request{
				{URL: p.LoginBeginURL, Capture: map[string]string{"ticket": "data.0.ticket", "pre": "cookie:PRESID"}},
				{
					URL: p.LoginFinishURL("") + "{ticket}", Header: map[string]string{"Cookie": "PRESID={pre}"},
					JSON: map[string]any{"username": "{user}", "password": "{password}"}, Capture: map[string]string{"token": "/session/token"},
				},
			},
			Values: values,
		},
	}
	for name, c := range configs {
		c.HTTPClient, c.Shared = p.Client(), new(connectorauth.Shared)
		configs[name] = c
	}
	return configs
}

func TestLoginsOfAllShapes(t *testing.T) {
	p := authtest.NewProvider(t)
	for name, config := range shapes(p) {
		t.Run(name, func(t *testing.T) {
			before := p.Stats().Logins
			c, err := session.New(config)
			require.NoError(t, err)
			assert.Equal(t, connectorauth.AuthTypeCustom, c.AuthType())
			for range 3 {
				requireUsable(t, p, c)
			}
			assert.Equal(t, 1, p.Stats().Logins-before, "no lifetime means until rejected")
			p.EndSessions()
			requireUsable(t, p, c)
			requireUsable(t, p, c)
			assert.Equal(t, 2, p.Stats().Logins-before)
		})
	}
}

func TestLogout(t *testing.T) {
	p := authtest.NewProvider(t)
	store := new(tokenstore.Memory)
	config := login(p, func(c *session.Config) {
		c.Logout = &session.Request{Method: "DELETE", URL: p.LogoutURL, Header: map[string]string{"X-Session": "{token}"}}
		c.Store, c.Account = store, "a"
	})
	c := must(session.New(config))
	require.NoError(t, c.Revoke(t.Context()))
	assert.Empty(t, p.Requests(p.LogoutURL), "there was no session")
	requireUsable(t, p, c)
	require.NoError(t, c.Revoke(t.Context()))
	assert.Equal(t, 1, p.Stats().Logouts)
	_, ok, err := store.Load(t.Context(), "a")
	require.NoError(t, err)
	assert.False(t, ok)

	requireUsable(t, p, c)
	p.EndSessions()
	require.NoError(t, c.Revoke(t.Context()), "the session was over")
	requireUsable(t, p, c)
	p.Inject(p.LogoutURL, 1, authtest.Answer(500, nil, ""))
	require.ErrorContains(t, c.Revoke(t.Context()), "status 500")
	_, ok, err = store.Load(t.Context(), "a")
	require.NoError(t, err)
	assert.False(t, ok, "forgotten whatever the service says")
	config.Logout = nil
	assert.ErrorContains(t, must(session.New(config)).Revoke(t.Context()), "Logout of package session")
}

func TestSessionGoesToSeveralPlaces(t *testing.T) {
	p := authtest.NewProvider(t)
	config := login(p, func(c *session.Config) {
		c.Places = []session.Place{
			{Placement: dialect.Placement{Name: "X-Session"}},
			{Placement: dialect.Placement{Name: "X-Both", Prefix: "v1 "}, Value: "{base64({lower({user})}:{token})}"},
			{Placement: dialect.Placement{In: dialect.InQuery, Name: "renewal"}, Value: "{renewal}"},
		}
	})
	base := &fakehttp.Base{}
	resp, err := connectorauth.NewClient(must(session.New(config)), client(base)).Get("https://api.example.test/x?a=1")
	require.NoError(t, err)
	resp.Body.Close()
	sent := base.Requests()[0]
	token := sent.Header.Get("X-Session")
	assert.Equal(t, "v1 "+base64std(p.Username+":"+token), sent.Header.Get("X-Both"))
	assert.Contains(t, sent.URL.RawQuery, "a=1&renewal=renewal-")
	assert.Equal(t, "https://api.example.test/x?a=1", resp.Request.URL.String())
	_, err = connectorauth.Join(must(session.New(config)), must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "k", Name: "x-both"})))
	assert.ErrorContains(t, err, "two credentials for the header X-Both")
}

// As a GitHub App: a JWT of the app's key authenticates the request of a token.
func TestLoginWithASelfSignedJWT(t *testing.T) {
	private := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	p := authtest.New(authtest.Config{AssertionKeys: map[string]crypto.PublicKey{"": &private.PublicKey}})
	defer p.Close()
	key := must(assertion.NewKey(assertion.KeyConfig{Signer: private, Algorithm: assertion.ES256}))
	app := must(assertion.NewJWT(assertion.JWTConfig{Key: key, Claims: assertion.Claims{Issuer: "4711", Subject: "4711", Audience: p.URL}}))
	c := must(session.New(session.Config{
		Login: []session.Request{{
			URL: p.LoginAssertionURL + "/installations/{installation}/access_tokens", Auth: app, Capture: map[string]string{"token": "token", "expires": "expires_at"},
		}},
		Values: map[string]connectorauth.Secret{"installation": "12/34"}, Lifetime: session.Lifetime{Expiry: "expires"}, HTTPClient: p.Client(),
	}))
	resp, err := connectorauth.NewClient(c, p.Client()).Get(p.SessionURL)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, 200, resp.StatusCode)
	sent := p.Requests(p.LoginAssertionURL)[0]
	assert.Equal(t, "/login/assertion/installations/12%2F34/access_tokens", sent.URL.EscapedPath())
	assert.Empty(t, sent.Body)
	assert.Equal(t, "0", sent.Header.Get("Content-Length"), "not in chunks")
	assert.WithinDuration(t, time.Now().Add(time.Hour), must(c.Status(t.Context())).Expiry, 3*time.Second)
}

// A connector in Auth that needs its owner, or cannot renew for now, says nothing of
// this account.
func TestConnectorInAuthThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true})
		defer p.Close()
		auth := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Grant: connectorauth.AuthorizationCode{AuthURL: p.AuthURL},
			HTTPClient: p.Client(), Store: new(tokenstore.Memory), Account: "auth",
		}))
		exchange := func(req *http.Request) (*http.Response, error) {
			if req.URL.Path != "/exchange" {
				return p.Client().Transport.RoundTrip(req)
			}
			check := must(http.NewRequestWithContext(t.Context(), http.MethodGet, p.BearerURL, nil))
			check.Header = http.Header{"Authorization": req.Header["Authorization"]}
			resp, err := p.Client().Transport.RoundTrip(check)
			if err != nil || resp.StatusCode != 200 {
				return resp, err
			}
			resp.Body.Close()
			login := must(http.NewRequestWithContext(t.Context(), http.MethodPost, p.LoginBasicURL, nil))
			login.SetBasicAuth(p.Username, p.Password)
			if resp, err = p.Client().Transport.RoundTrip(login); err != nil {
				return nil, err
			}
			token := resp.Header.Get("X-Auth-Token")
			resp.Body.Close()
			return fakehttp.Respond(200, token), nil
		}
		c := must(session.New(session.Config{
			Login:  []session.Request{{URL: "https://api.example.test/exchange", Form: map[string]string{"site": "{site}"}, Auth: auth, Capture: map[string]string{"token": ""}}},
			Values: map[string]connectorauth.Secret{"site": "main"}, HTTPClient: client(fakehttp.RoundTripper(exchange)),
		}))
		_, err := use(t, p, c)
		require.ErrorIs(t, err, connectorauth.ErrNotConnected)
		time.Sleep(2 * time.Minute)
		access, refresh := p.IssueTokens("")
		require.NoError(t, auth.SetToken(t.Context(), token(access, refresh)))
		requireUsable(t, p, c)

		p.EndSessions()
		p.RevokeAccessTokens()
		requireUsable(t, p, c) // Auth renews, and the login request is sent once more

		p.EndSessions()
		p.RevokeAccessTokens()
		p.Inject(p.TokenURL, 1, authtest.Answer(503, nil, ""))
		status, err := use(t, p, c)
		require.NoError(t, err, "not for good")
		assert.Equal(t, 401, status)
		time.Sleep(time.Minute)
		requireUsable(t, p, c)
	})
}

func TestManyRequestsMakeOneLogin(t *testing.T) {
	p := authtest.NewProvider(t)
	c := must(session.New(login(p)))
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			status, err := use(t, p, c)
			assert.NoError(t, err)
			assert.Equal(t, 200, status)
		})
	}
	all.Wait()
	assert.Equal(t, 1, p.Stats().Logins)
}

func TestRejectionsOfTheAPI(t *testing.T) {
	p := authtest.NewProvider(t)
	p.Inject(p.SessionURL, authtest.Always, authtest.RewriteAnswer(func(w http.ResponseWriter, status int, response map[string]any) {
		if status == 401 {
			w.WriteHeader(403)
			json.NewEncoder(w).Encode(map[string]any{"code": 1001})
			return
		}
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(response)
	}))
	c := must(session.New(login(p, func(c *session.Config) {
		c.Rejections = []dialect.Rejection{{Status: 403, Path: "code", Value: "1001"}}
	})))
	requireUsable(t, p, c)
	p.EndSessions()
	requireUsable(t, p, c)
	assert.Equal(t, 2, p.Stats().Logins)
}

func TestIdleSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true, SessionLifetime: 1000 * time.Hour})
		defer p.Close()
		c := must(session.New(login(p, func(c *session.Config) { c.Lifetime = session.Lifetime{Idle: 30 * time.Minute} })))
		for range 5 {
			requireUsable(t, p, c)
			time.Sleep(20 * time.Minute)
		}
		assert.Equal(t, 1, p.Stats().Logins)
		time.Sleep(20 * time.Minute)
		requireUsable(t, p, c)
		assert.Equal(t, 2, p.Stats().Logins)
	})
}
