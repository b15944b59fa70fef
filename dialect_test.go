package connectorauth_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

type (
	config2 = connectorauth.OAuth2Config
)

// dialected returns a connector whose token requests are answered by answer, and
// the last of them as it arrived.
func dialected(t *testing.T, c config2, answer func(n int, r *http.Request) (int, string)) (*connectorauth.OAuth2, func() fakehttp.Request) {
	t.Helper()
	base := new(fakehttp.Base)
	base.Answer = func(r *http.Request) (*http.Response, error) {
		status, body := 200, `{"access_token":"a","expires_in":3600}`
		if answer != nil {
			status, body = answer(len(base.Requests()), r)
		}
		return fakehttp.Respond(status, body), nil
	}
	if c.ClientID == "" {
		c.ClientID, c.ClientSecret = "client", clientSecret
	}
	c.TokenURL, c.HTTPClient = "https://login.example.test/token?tenant=1", &http.Client{Transport: base}
	o, err := connectorauth.NewOAuth2(c)
	require.NoError(t, err)
	return o, func() fakehttp.Request {
		sent := base.Requests()
		require.NotEmpty(t, sent)
		return sent[len(sent)-1]
	}
}

func TestDialectIsCheckedAtConstruction(t *testing.T) {
	code, client, pass := connectorauth.AuthorizationCode{AuthURL: "https://p.example/auth"}, connectorauth.ClientCredentials{}, connectorauth.PasswordCredentials{Username: "u", Password: "p"}
	swap := dialect.TokenExchange{GrantType: "x"}
	one := func(name string) url.Values { return url.Values{name: {"x"}} }
	reject := func(r dialect.Rejection) config2 {
		return config2{Grant: code, Dialect: dialect.OAuth2{Rejections: []dialect.Rejection{r}}}
	}
	for _, test := range []struct {
		config config2
		want   string // of the error; empty means none
	}{
		{config2{Grant: code}, ""},
		{config2{Grant: code, Dialect: dialect.OAuth2{TokenParams: one("grant_type")}}, "TokenParams: grant_type"},
		{config2{Grant: code, Dialect: dialect.OAuth2{TokenParams: one("code")}}, "TokenParams: code"},
		{config2{Grant: code, Dialect: dialect.OAuth2{TokenParams: one("redirect_uri")}}, "TokenParams: redirect_uri"},
		{config2{Grant: code, Dialect: dialect.OAuth2{TokenParams: one("client_id")}}, ""},
		{config2{Grant: code, ClientAuth: connectorauth.ClientSecretPost, Dialect: dialect.OAuth2{TokenParams: one("client_id")}}, "TokenParams: client_id"},
		{config2{Grant: code, ClientAuth: connectorauth.ClientAuthNone, Dialect: dialect.OAuth2{TokenParams: one("client_id")}}, "TokenParams: client_id"},
		{config2{Grant: client, ClientAuth: connectorauth.ClientSecretPost, Dialect: dialect.OAuth2{TokenNames: map[string]string{"client_id": "username", "client_secret": "password"}}}, ""},
		{config2{Grant: pass, ClientAuth: connectorauth.ClientSecretPost, Dialect: dialect.OAuth2{TokenNames: map[string]string{"client_id": "username", "client_secret": "password"}}}, "two parameters"},
		{config2{Grant: client, Dialect: dialect.OAuth2{GrantType: "refresh_token", TokenParams: one("refresh_token")}}, ""},
		{config2{Grant: (*nothing)(nil)}, "Grant: is a nil"},
		{config2{Grant: code, Proof: (*nothing)(nil)}, "Proof: is a nil"},
		{config2{Grant: code, ClientAuth: (*nothing)(nil)}, "ClientAuth: is"},
		{config2{Grant: code, Dialect: dialect.OAuth2{TokenParams: one("client_secret")}}, ""},
		{config2{Grant: code, ClientAuth: connectorauth.ClientSecretPost, Dialect: dialect.OAuth2{TokenParams: one("client_secret")}}, "TokenParams: client_secret"},
		{config2{Grant: code, Dialect: dialect.OAuth2{TokenParams: one("code_verifier")}}, "TokenParams: code_verifier"},
		{config2{Grant: code, Dialect: dialect.OAuth2{TokenParams: one("refresh_token")}}, ""},
		{config2{Grant: code, Dialect: dialect.OAuth2{RefreshParams: one("refresh_token")}}, "RefreshParams: refresh_token"},
		{config2{Grant: code, Dialect: dialect.OAuth2{RefreshParams: one("grant_type")}}, "RefreshParams: grant_type"},
		{config2{Grant: code, Dialect: dialect.OAuth2{RefreshParams: one("redirect_uri")}}, ""},
		{config2{Grant: pass, Dialect: dialect.OAuth2{TokenParams: one("password")}}, "TokenParams: password"},
		{config2{Grant: client, Scopes: []string{"a"}, Dialect: dialect.OAuth2{TokenParams: one("scope")}}, "TokenParams: scope"},
		{config2{Grant: code, Dialect: dialect.OAuth2{RepeatState: true, TokenParams: one("state")}}, "TokenParams: state"},
		{config2{Grant: code, ClientAuth: connectorauth.ClientSecretPost, Dialect: dialect.OAuth2{TokenNames: map[string]string{"client_id": "client_key"}, TokenParams: one("client_id")}}, ""},
		{config2{Grant: code, ClientAuth: connectorauth.ClientSecretPost, Dialect: dialect.OAuth2{TokenNames: map[string]string{"client_id": "client_key"}, TokenParams: one("client_key")}}, "TokenParams: client_key"},
		{config2{Grant: code, Dialect: dialect.OAuth2{TokenNames: map[string]string{"client_id": "code"}}}, ""},
		{config2{Grant: code, ClientAuth: connectorauth.ClientSecretPost, Dialect: dialect.OAuth2{TokenNames: map[string]string{"client_id": "code"}}}, "two parameters"},
		{config2{Grant: code, Dialect: dialect.OAuth2{TokenNames: map[string]string{"clientid": "x"}}}, "clientid"},
		{config2{Grant: code, Dialect: dialect.OAuth2{TokenNames: map[string]string{"code": ""}}}, "code cannot be left out"},
		{config2{Grant: code, Dialect: dialect.OAuth2{AuthNames: map[string]string{"state": "s"}}}, "state must keep"},
		{config2{Grant: code, Dialect: dialect.OAuth2{AuthNames: map[string]string{"state": ""}}}, "state must keep"},
		{config2{Grant: code, Dialect: dialect.OAuth2{AuthNames: map[string]string{"scope": "a\nb"}}}, "control"},
		{config2{Grant: connectorauth.AuthorizationCode{AuthURL: code.AuthURL, Params: one("client_key")}, Dialect: dialect.OAuth2{AuthNames: map[string]string{"client_id": "client_key"}}}, "client_key is set"},
		{config2{Grant: code, Scopes: []string{"a,b"}, Dialect: dialect.OAuth2{ScopeSeparator: ","}}, "ScopeSeparator"},
		{config2{Grant: code, Dialect: dialect.OAuth2{TokenEncoding: "xml"}}, "TokenEncoding"},
		{config2{Grant: code, Dialect: dialect.OAuth2{RefreshURL: "http://p.example/r"}}, "RefreshURL"},
		{config2{Grant: code, Dialect: dialect.OAuth2{Extend: dialect.TokenExchange{Name: "x"}}}, "Extend: GrantType"},
		{config2{Grant: code, Dialect: dialect.OAuth2{LongLived: dialect.TokenExchange{GrantType: "x", URL: "ftp://x"}}}, "LongLived: URL"},
		{config2{Grant: code, Dialect: dialect.OAuth2{Extend: swap, KeepRefreshToken: true}}, "Extend"},
		{config2{Grant: client, Dialect: dialect.OAuth2{RefreshURL: "https://p.example/r"}}, "RefreshURL"},
		{config2{Grant: client, Dialect: dialect.OAuth2{CodeName: "c"}}, "CodeName"},
		{config2{Grant: pass, Dialect: dialect.OAuth2{Extend: swap}}, "Extend"},
		{config2{Grant: code, Dialect: dialect.OAuth2{TokenHeader: http.Header{"Authorization": {"x"}}}}, "ClientSecretPost"},
		{config2{Grant: code, ClientAuth: connectorauth.ClientSecretPost, Dialect: dialect.OAuth2{TokenHeader: http.Header{"Authorization": {"x"}}}}, ""},
		{config2{Grant: code, Dialect: dialect.OAuth2{TokenHeader: http.Header{"Host": {"x"}}}}, "TokenHeader"},
		{config2{Grant: code, Dialect: dialect.OAuth2{TokenHeader: http.Header{"X": {"a\r\nb"}}}}, "TokenHeader"},
		{config2{Grant: code, Dialect: dialect.OAuth2{Response: dialect.Response{Lifetime: -1}}}, "Lifetime"},
		{config2{Grant: code, Dialect: dialect.OAuth2{Response: dialect.Response{ExpiryFormat: "weeks"}}}, "ExpiryFormat"},
		{config2{Grant: code, Dialect: dialect.OAuth2{InvalidGrantCodes: []string{""}}}, "InvalidGrantCodes"},
		{config2{Grant: code, Dialect: dialect.OAuth2{Placement: dialect.Placement{In: dialect.InBody, Name: "t"}}}, "Placement: In"},
		{config2{Grant: code, Dialect: dialect.OAuth2{Placement: dialect.Placement{In: dialect.InQuery}}}, "Placement: Name"},
		{config2{Grant: code, Dialect: dialect.OAuth2{Placement: dialect.Placement{Prefix: "a\n"}}}, "Placement: Prefix"},
		{config2{Grant: code, ClientAuth: connectorauth.ClientSecretBasicRaw, ClientID: "a:b", ClientSecret: "s"}, "colon"},
		{config2{Grant: code, ClientAuth: connectorauth.ClientSecretUser, ClientID: "a", ClientSecret: "s:t"}, "colon"},
		{config2{Grant: code, ClientAuth: connectorauth.ClientSecretUser, ClientID: "a"}, "needs a ClientSecret"},
		{config2{Grant: code, ClientAuth: connectorauth.ClientAuthMethod("x")}, "ClientAuth"},
		{reject(dialect.Rejection{}), "Rejections[0]"},
		{reject(dialect.Rejection{Status: 401}), "401"},
		{reject(dialect.Rejection{Status: 200}), "success"},
		{reject(dialect.Rejection{Status: 403}), ""},
		{reject(dialect.Rejection{Status: 99}), "99"},
		{reject(dialect.Rejection{Value: "x"}), "Value: needs Path"},
		{reject(dialect.Rejection{Header: "a b"}), "Header"},
	} {
		c := test.config
		if c.ClientID == "" {
			c.ClientID, c.ClientSecret = "client", clientSecret
		}
		c.TokenURL = "https://p.example/token"
		_, err := connectorauth.NewOAuth2(c)
		if test.want == "" {
			assert.NoError(t, err)
			continue
		}
		assert.ErrorContains(t, err, test.want)
	}
	_, err := connectorauth.NewOAuth2(config2{
		ClientID: "c", ClientSecret: "s", Grant: client, TokenURL: "https://p.example/token?grant_type=x",
		Dialect: dialect.OAuth2{TokenEncoding: dialect.EncodeQuery},
	})
	assert.ErrorContains(t, err, "TokenURL: grant_type")
}

func TestConsentFollowsTheDialect(t *testing.T) {
	c, last := dialected(t, config2{
		Grant:  connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/auth", Params: url.Values{"resource": {"a", "b"}}},
		Scopes: []string{"r", "w"},
		Dialect: dialect.OAuth2{
			ScopeSeparator: ";", AuthNames: map[string]string{"client_id": "app", "response_type": ""},
			CodeName: "auth_code", CallbackValues: []string{"realmId", "absent"},
			TokenNames: map[string]string{"code": "auth_code", "redirect_uri": ""}, RepeatState: true,
		},
	}, nil)
	authURL, pending, err := c.Begin(t.Context(), "https://app.example.test/callback")
	require.NoError(t, err)
	u := must(url.Parse(authURL))
	q := u.Query()
	assert.Equal(t, "client", q.Get("app"))
	assert.Equal(t, "r;w", q.Get("scope"))
	assert.Equal(t, []string{"a", "b"}, q["resource"])
	assert.False(t, q.Has("client_id") || q.Has("response_type"))

	callback := url.Values{"state": q["state"], "auth_code": {"c1"}, "code": {"another"}, "realmId": {"1", "2"}}
	assert.ErrorContains(t, c.Finish(t.Context(), pending, callback), "more than one realmId")
	callback.Set("realmId", "1")
	require.NoError(t, c.Finish(t.Context(), pending, callback))
	form := must(url.ParseQuery(last().Body))
	assert.Equal(t, "c1", form.Get("auth_code"))
	assert.Equal(t, q.Get("state"), form.Get("state"))
	assert.False(t, form.Has("code") || form.Has("redirect_uri"))
	token := must(c.Token(t.Context()))
	assert.Equal(t, "1", token.Extra("realmId"))
	assert.Nil(t, token.Extra("absent"))
}

// The program may do with its config what it likes once the connector is made.
func TestDialectIsCopied(t *testing.T) {
	d := dialect.OAuth2{TokenParams: url.Values{"a": {"1"}}, TokenHeader: http.Header{"X-A": {"1"}}, TokenNames: map[string]string{"grant_type": "gt"}, Rejections: []dialect.Rejection{{Status: 418}}}
	c, last := dialected(t, config2{Grant: connectorauth.ClientCredentials{}, Dialect: d}, nil)
	d.TokenParams["a"][0], d.TokenHeader["X-A"][0], d.TokenNames["grant_type"] = "2", "2", "x"
	d.Rejections[0].Status = 599
	must(c.Token(t.Context()))
	assert.Equal(t, "a=1&gt=client_credentials", last().Body)
	assert.Equal(t, "1", last().Header.Get("X-A"))
	api := &fakehttp.Base{Answer: fakehttp.Statuses(418, 200)}
	status, _ := get(t, c, &http.Client{Transport: api}, home)
	assert.Equal(t, 200, status, "the rejection of the config as it was")
}

func TestAccessTokenGoesToThePlacementOfTheDialect(t *testing.T) {
	for _, test := range []struct {
		place dialect.Placement
		want  string // in the request
	}{
		{dialect.Placement{}, "Authorization: Bearer a\r\n"},
		{dialect.Placement{Prefix: "Zoho-oauthtoken "}, "Authorization: Zoho-oauthtoken a\r\n"},
		{dialect.Placement{Name: "authorization"}, "Authorization: a\r\n"},
		{dialect.Placement{Name: "x-token"}, "X-Token: a\r\n"},
		{dialect.Placement{Name: "xToken", Exact: true}, "\nxToken: a\r\n"},
		{dialect.Placement{Name: "authorization", Prefix: "Bearer ", Exact: true}, "\nauthorization: Bearer a\r\n"},
		{dialect.Placement{Exact: true}, "Authorization: Bearer a\r\n"},
		{dialect.Placement{In: dialect.InQuery, Name: "access_token"}, "GET https://api.example.test/?access_token=a\n"},
		{dialect.Placement{In: dialect.InCookie, Name: "sid"}, "Cookie: sid=a\r\n"},
	} {
		c, _ := dialected(t, config2{Grant: connectorauth.ClientCredentials{}, Dialect: dialect.OAuth2{Placement: test.place}}, nil)
		api := new(fakehttp.Base)
		get(t, c, &http.Client{Transport: api}, "https://api.example.test/")
		assert.Contains(t, api.Requests()[0].String(), test.want)
	}
}

// A rotated refresh token is kept whatever else is wrong with the answer, and
// the provider is not asked again and again.
func TestRotatedRefreshTokenSurvivesAnUnusableResponse(t *testing.T) {
	for name, answer := range map[string]string{
		"no access token":     `{"refresh_token":"r2"}`,
		"odd access token":    `{"access_token":["a","b"],"refresh_token":"r2"}`,
		"another token type":  `{"access_token":"a2","token_type":"mac","refresh_token":"r2"}`,
		"access token object": `{"access_token":{},"expires_in":{},"refresh_token":"r2"}`,
	} {
		for _, stored := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, store %v", name, stored), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					config := config2{Grant: connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/auth"}}
					store := new(tokenstore.Memory)
					if stored {
						config.Store, config.Account = store, "a"
					}
					asked := 0
					c, last := dialected(t, config, func(n int, _ *http.Request) (int, string) {
						if asked = n; n == 1 {
							return 200, answer
						}
						return 200, `{"access_token":"a3","refresh_token":"r3","expires_in":3600}`
					})
					base := fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) { return fakehttp.Respond(200, ""), nil })
					require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{RefreshToken: "r1"}))
					client := connectorauth.NewClient(c, &http.Client{Transport: base})
					for range 10 {
						_, err := client.Get("https://api.example.test/")
						var failed *connectorauth.TokenError
						require.ErrorAs(t, err, &failed)
						assert.NotContains(t, err.Error(), "r2")
					}
					require.Equal(t, 1, asked)
					if stored {
						raw, _, _ := store.Load(t.Context(), "a")
						assert.Contains(t, string(raw), `"r2"`)
					}
					time.Sleep(2 * time.Second)
					resp, err := client.Get("https://api.example.test/")
					require.NoError(t, err)
					resp.Body.Close()
					require.Equal(t, 2, asked)
					assert.Contains(t, last().Body, "refresh_token=r2")
				})
			})
		}
	}
}

// While the old access token is good, it is served with the new refresh token
// in waiting.
func TestUnusableResponseLeavesTheOldAccessToken(t *testing.T) {
	var sent []string
	c, _ := dialected(t, config2{Grant: connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/auth"}},
		func(n int, r *http.Request) (int, string) { return 200, `{"refresh_token":"r2"}` })
	require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{AccessToken: "a1", RefreshToken: "r1", Expiry: time.Now().Add(time.Hour)}))
	api := fakehttp.RoundTripper(func(r *http.Request) (*http.Response, error) {
		sent = append(sent, r.Header.Get("Authorization"))
		return fakehttp.Respond(map[bool]int{true: 401, false: 200}[len(sent) == 1], ""), nil
	})
	client := connectorauth.NewClient(c, &http.Client{Transport: api})
	for _, want := range []int{401, 200} {
		resp, err := client.Get("https://api.example.test/")
		require.NoError(t, err)
		assert.Equal(t, want, resp.StatusCode)
	}
	assert.Equal(t, []string{"Bearer a1", "Bearer a1"}, sent)
}

func TestKeepRefreshTokenIgnoresAnotherOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c, last := dialected(t, config2{
			Grant:   connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/auth"},
			Dialect: dialect.OAuth2{KeepRefreshToken: true, RefreshURL: "https://login.example.test/refresh", RefreshParams: url.Values{"resource": {"a", "b"}}},
		}, func(n int, _ *http.Request) (int, string) {
			asked = n
			return 200, `{"access_token":"a2","refresh_token":"decoy","expires_in":60}`
		})
		require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{RefreshToken: "r1"}))
		for i := range 3 {
			must(c.Token(t.Context()))
			require.Equal(t, i+1, asked)
			assert.Contains(t, last().Body, "refresh_token=r1")
			assert.Contains(t, last().Body, "resource=a&resource=b")
			assert.Equal(t, "/refresh", last().URL.Path)
			time.Sleep(time.Hour)
		}
	})
}

// Instagram's tokens are renewed before they expire, by themselves.
func TestExtendRenewsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		day := 24 * time.Hour
		c, last := dialected(t, config2{
			Grant:       connectorauth.AuthorizationCode{AuthURL: "https://login.example.test/auth"},
			RenewBefore: 10 * day,
			Dialect:     dialect.OAuth2{Extend: dialect.TokenExchange{GrantType: "ig_refresh_token", URL: "https://graph.example.test/refresh"}, InvalidGrantCodes: []string{"190"}},
		}, func(n int, r *http.Request) (int, string) {
			if n == 1 {
				return 200, `{"access_token":"a2","expires_in":5184000}`
			}
			return 400, `{"error":{"code":190,"message":"expired a2"}}`
		})
		require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{AccessToken: "a1", Expiry: time.Now().Add(60 * day)}))
		time.Sleep(53 * day)
		assert.Equal(t, "a1", must(c.Token(t.Context())).AccessToken)
		synctest.Wait()
		assert.Equal(t, "a2", must(c.Token(t.Context())).AccessToken)
		assert.Equal(t, "access_token=a1&grant_type=ig_refresh_token", last().URL.RawQuery)

		time.Sleep(61 * day)
		_, err := c.Token(t.Context())
		require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
	})
}

// A Dialect must not keep a connector from being printed safely.
func TestDialectPrintsNoSecret(t *testing.T) {
	p := authtest.NewProvider(t)
	c, err := connectorauth.NewOAuth2(config2{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Grant: connectorauth.ClientCredentials{},
		Dialect: dialect.OAuth2{TokenHeader: http.Header{"X-Api-Key": {secretKey}}, TokenParams: url.Values{"key": {secretKey}}},
	})
	require.NoError(t, err)
	text, _ := json.Marshal(map[string]any{"connector": c})
	assert.Empty(t, canary.Found(fmt.Sprintf("%v %+v %#v %s", c, c, c, text), secretKey, p.ClientSecret))
}

// nothing is a type of the program whose methods need a pointer that is not nil.
type nothing struct{ spoilt }
