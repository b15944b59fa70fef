package authtest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// twoOwners are people of two tenants.
var twoOwners = []authtest.Owner{
	{Username: "ada@acme.example", ID: "17", Label: "Ada of Acme", Tenant: "acme"},
	{Username: "bob@globex.example", Password: "bob", APIKey: "bob's", ID: "18", Label: "Bob of Globex", Tenant: "globex"},
}

func basicHeader(username, password string) http.Header {
	return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(username+":"+password))}}
}

// identityAt returns what an API endpoint says.
func identityAt(t *testing.T, p *authtest.Provider, to string, header http.Header) (status int, who authtest.Identity) {
	t.Helper()
	status, _, body := exchange(t, p, "GET", to, "", "", header)
	require.NoError(t, json.Unmarshal([]byte(body), &who), body)
	return status, who
}

func TestEachAccountOwnerHasCredentials(t *testing.T) {
	p := authtest.New(authtest.Config{Owners: twoOwners})
	defer p.Close()
	assert.Equal(t, []string{p.Username, p.Password, p.APIKey}, []string{p.Owners[0].Username, p.Owners[0].Password, p.Owners[0].APIKey})
	for _, o := range p.Owners {
		access, _ := p.IssueTokensAs(o.Username, "read")
		login, err := json.Marshal(map[string]string{"username": o.Username, "password": o.Password})
		require.NoError(t, err)
		_, _, body := exchange(t, p, "POST", p.LoginJSONURL, "application/json", string(login), nil)
		var s struct{ Session struct{ Token string } }
		require.NoError(t, json.Unmarshal([]byte(body), &s))
		for to, header := range map[string]http.Header{
			p.BearerURL:    {"Authorization": {"Bearer " + access}},
			p.KeyHeaderURL: {"X-Api-Key": {o.APIKey}},
			p.BasicURL:     basicHeader(o.Username, o.Password),
			p.BasicKeyURL:  basicHeader(o.APIKey, ""),
			p.SessionURL:   {"X-Session": {s.Session.Token}},
		} {
			status, who := identityAt(t, p, to, header)
			assert.Equal(t, []any{200, o.Username, o.ID, o.Label}, []any{status, who.User, who.ID, who.Label}, to)
		}
	}
	for to, header := range map[string]http.Header{
		p.BasicURL:     basicHeader(p.Owners[0].Username, p.Owners[1].Password),
		p.BasicKeyURL:  basicHeader(p.Owners[0].APIKey, "x"),
		p.KeyHeaderURL: {"X-Api-Key": {p.Owners[0].Password}},
	} {
		status, who := identityAt(t, p, to, header)
		assert.Equal(t, []any{401, ""}, []any{status, who.User}, to)
	}
}

func TestConsentIsThatOfWhoSignsIn(t *testing.T) {
	p, config, ctx := start(t, authtest.Config{Owners: twoOwners})
	for _, o := range p.Owners {
		callback, err := p.AuthorizeAs(o.Username, config.AuthCodeURL("state"))
		require.NoError(t, err)
		token, err := config.Exchange(ctx, callback.Query().Get("code"))
		require.NoError(t, err)
		status, who := identityAt(t, p, p.BearerURL, http.Header{"Authorization": {"Bearer " + token.AccessToken}})
		assert.Equal(t, []any{200, o.ID}, []any{status, who.ID})
	}
	p1, config1 := start1(t, authtest.Config{Owners: twoOwners})
	temporary, secret, err := config1.RequestToken()
	require.NoError(t, err)
	callback, err := p1.AuthorizeAs(twoOwners[1].Username, p1.AuthorizeURL+"?oauth_token="+temporary)
	require.NoError(t, err)
	token, secret, err := config1.AccessToken(temporary, secret, callback.Query().Get("oauth_verifier"))
	require.NoError(t, err)
	resp, who, _ := call(t, signedClient(p1, config1, token, secret), get(t, p1.OAuth1URL))
	assert.Equal(t, []any{200, "18"}, []any{resp.StatusCode, who.ID})
	assert.Panics(t, func() { _, _ = p.AuthorizeAs("nobody", p.AuthURL) })
}

func TestOneAccountOwnerEndsNobodyElsesGrants(t *testing.T) {
	p := authtest.New(authtest.Config{Owners: twoOwners})
	defer p.Close()
	ada, _ := p.IssueTokensAs(twoOwners[0].Username, "")
	bob, _ := p.IssueTokensAs(twoOwners[1].Username, "")
	p.RevokeGrantsOf(twoOwners[0].Username)
	for access, want := range map[string]int{ada: 401, bob: 200} {
		status, _ := identityAt(t, p, p.BearerURL, http.Header{"Authorization": {"Bearer " + access}})
		assert.Equal(t, want, status)
	}
	assert.Equal(t, 1, p.Stats().RevokedGrants)
	assert.Panics(t, func() { p.RevokeGrantsOf("nobody") })
}

func TestWrongPasswordsLockOneAccountOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true, Owners: twoOwners, LockAfter: 1})
		defer p.Close()
		for _, try := range []struct {
			username, password string
			want               int
		}{
			{p.Owners[0].Username, "wrong", 401}, {p.Owners[0].Username, p.Owners[0].Password, 423}, {p.Owners[1].Username, p.Owners[1].Password, 200},
			{"nobody", "wrong", 401}, {"nobody", "wrong", 423},
		} {
			body, _ := json.Marshal(map[string]string{"username": try.username, "password": try.password})
			status, _, _ := exchange(t, p, "POST", p.LoginJSONURL, "application/json", string(body), nil)
			assert.Equal(t, try.want, status, try)
		}
	})
}

func TestTenantIsInTheHostOrInThePath(t *testing.T) {
	for name, c := range map[string]authtest.Config{
		"sockets": {Owners: twoOwners}, "memory": {Owners: twoOwners, InMemory: true},
		"https": {Owners: twoOwners, TLS: true, Domain: "example.com"}, "https in memory": {Owners: twoOwners, TLS: true, InMemory: true, Domain: "example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			p := authtest.New(c)
			defer p.Close()
			key := http.Header{"X-Api-Key": {"bob's"}}
			for to, want := range map[string]int{
				p.KeyHeaderURL: 200, p.HostURL("globex", p.KeyHeaderURL): 200, p.PathURL("globex", p.KeyHeaderURL+"/x"): 200,
				p.HostURL("acme", p.KeyHeaderURL): 401, p.PathURL("acme", p.KeyHeaderURL): 401,
				p.HostURL("nosuch", p.KeyHeaderURL): 404, p.PathURL("nosuch", p.KeyHeaderURL): 404, p.PathURL("globex", p.URL+"/"): 404,
			} {
				status, _, body := exchange(t, p, "GET", to, "", "", key)
				assert.Equal(t, want, status, to+body)
			}
			assert.Len(t, p.Requests(p.PathURL("acme", p.KeyHeaderURL)), 5, "the endpoint is the same at each tenant")
			status, _, _ := exchange(t, p, "GET", p.PathURL("globex", strings.Replace(p.KeyPathURL, "{key}", "bob%27s", 1)), "", "", nil)
			assert.Equal(t, 200, status)
			status, _, body := exchange(t, p, "GET", p.PathURL("globex", strings.Replace(p.KeyPathURL, "{key}", "", 1)), "", "", nil)
			assert.Equal(t, 401, status)
			assert.Contains(t, body, "the API key is missing")
			if !c.TLS { // a certificate for *.example.com says nothing of the names below
				status, _, _ = exchange(t, p, "GET", p.HostURL("globex.eu", p.KeyHeaderURL), "", "", key)
				assert.Equal(t, 200, status, "the tenant is the first label")
			}
		})
	}
}

func TestTenantHasConsentsLoginsAndTokensOfItsOwn(t *testing.T) {
	p, config, ctx := start(t, authtest.Config{Owners: twoOwners})
	bob := twoOwners[1]
	for _, at := range []func(tenant, endpoint string) string{p.HostURL, p.PathURL} {
		config.Endpoint.AuthURL = at("acme", p.AuthURL)
		_, err := p.AuthorizeAs(bob.Username, config.AuthCodeURL("state"))
		assert.ErrorContains(t, err, "wrong", "bob is not of acme")
		config.Endpoint.AuthURL = at("globex", p.AuthURL)
		_, _, form := exchange(t, p, "GET", config.AuthCodeURL("state"), "", "", nil)
		assert.Contains(t, form, `value="`+bob.Username, "the form is filled in for an account owner of the tenant")
		callback, err := p.AuthorizeAs(bob.Username, config.AuthCodeURL("state"))
		require.NoError(t, err)
		config.Endpoint.TokenURL = at("acme", p.TokenURL)
		_, err = config.Exchange(ctx, callback.Query().Get("code"))
		assert.ErrorContains(t, err, "another tenant")
		config.Endpoint.TokenURL = at("globex", p.TokenURL)
		callback, err = p.AuthorizeAs(bob.Username, config.AuthCodeURL("state"))
		require.NoError(t, err)
		_, err = config.Exchange(ctx, callback.Query().Get("code"))
		require.NoError(t, err)

		_, refresh := p.IssueTokensAs(bob.Username, "")
		for _, tenant := range []string{"acme", "globex"} { // the refusal of acme leaves the refresh token as it is
			want := map[string]int{"acme": 400, "globex": 200}[tenant]
			form := url.Values{"client_id": {p.ClientID}, "client_secret": {p.ClientSecret}}
			form.Set("grant_type", "password")
			form.Set("username", bob.Username)
			form.Set("password", bob.Password)
			status, _, body := exchange(t, p, "POST", at(tenant, p.TokenURL), "application/x-www-form-urlencoded", form.Encode(), nil)
			assert.Equal(t, want, status, body)
			form.Set("grant_type", "refresh_token")
			form.Set("refresh_token", refresh)
			status, _, body = exchange(t, p, "POST", at(tenant, p.TokenURL), "application/x-www-form-urlencoded", form.Encode(), nil)
			assert.Equal(t, want, status, body)
		}
		for tenant, want := range map[string]int{"acme": 401, "globex": 200} {
			status, _, _ := exchange(t, p, "POST", at(tenant, p.LoginJSONURL), "application/json", `{"username":"bob@globex.example","password":"bob"}`, nil)
			assert.Equal(t, want, status)
		}
	}
}

func TestAccessTokenCanBeAJWT(t *testing.T) {
	p, config, ctx := start(t, authtest.Config{Owners: twoOwners, JWTAccessTokens: true, TokenLifetime: time.Minute})
	callback, err := p.AuthorizeAs(twoOwners[1].Username, config.AuthCodeURL("state"))
	require.NoError(t, err)
	token, err := config.Exchange(ctx, callback.Query().Get("code"))
	require.NoError(t, err)
	status, who := identityAt(t, p, p.BearerURL, http.Header{"Authorization": {"Bearer " + token.AccessToken}})
	assert.Equal(t, []any{200, "18"}, []any{status, who.ID})

	_, _, document := exchange(t, p, "GET", p.KeysURL, "", "", nil)
	var set struct{ Keys []struct{ Kid, X, Y string } }
	require.NoError(t, json.Unmarshal([]byte(document), &set))
	parts := strings.Split(token.AccessToken, ".")
	require.Len(t, parts, 3)
	var raw [4][]byte
	for i, text := range []string{parts[0], parts[1], parts[2], set.Keys[0].X} {
		raw[i], err = base64.RawURLEncoding.DecodeString(text)
		require.NoError(t, err)
	}
	y, err := base64.RawURLEncoding.DecodeString(set.Keys[0].Y)
	require.NoError(t, err)
	key := ecdsa.PublicKey{Curve: elliptic.P256(), X: new(big.Int).SetBytes(raw[3]), Y: new(big.Int).SetBytes(y)}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	assert.True(t, ecdsa.Verify(&key, digest[:], new(big.Int).SetBytes(raw[2][:32]), new(big.Int).SetBytes(raw[2][32:])))
	assert.JSONEq(t, `{"typ":"at+jwt","alg":"ES256","kid":"`+set.Keys[0].Kid+`"}`, string(raw[0]))
	var claims struct {
		Iss, Aud, Sub, Scope, Jti string
		Client                    string `json:"client_id"`
		Iat, Exp                  int64
	}
	require.NoError(t, json.Unmarshal(raw[1], &claims))
	assert.Equal(t, []any{p.URL, p.URL, "18", "client", int64(60)}, []any{claims.Iss, claims.Aud, claims.Sub, claims.Client, claims.Exp - claims.Iat})
	assert.NotEmpty(t, claims.Jti)

	plain := authtest.NewProvider(t)
	status, _, _ = exchange(t, plain, "GET", plain.KeysURL, "", "", nil)
	assert.Equal(t, 404, status)
}

func TestOwnerMistakesPanic(t *testing.T) {
	for name, c := range map[string]authtest.Config{
		"no name":      {Owners: []authtest.Owner{{}}},
		"colon":        {Owners: []authtest.Owner{{Username: "a:b"}}},
		"one twice":    {Owners: []authtest.Owner{{Username: "a"}, {Username: "a"}}},
		"a key twice":  {Owners: []authtest.Owner{{Username: "a", APIKey: "k"}, {Username: "b", APIKey: "k"}}},
		"both":         {Username: "a", Owners: []authtest.Owner{{Username: "b"}}},
		"not a label":  {Owners: []authtest.Owner{{Username: "a", Tenant: "A.b"}}},
		"both, a key ": {APIKey: "k", Owners: []authtest.Owner{{Username: "b"}}},
	} {
		assert.Panics(t, func() { authtest.New(c).Close() }, name)
	}
	p := authtest.NewProvider(t)
	assert.Panics(t, func() { p.HostURL("acme", "https://example.com/") })
	assert.Panics(t, func() { p.IssueTokensAs("nobody", "") })
}
