package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestEveryAuthTypeHasALine(t *testing.T) {
	p := authtest.New(authtest.Config{TLS: true, Fields: map[string]any{"token": "s3cret", "company": 4711}})
	defer p.Close()
	var out strings.Builder
	require.True(t, run(&out, p))
	for _, name := range []string{"ApiKey", "Basic", "OAuth1", "OAuth2", "AuthFields", "None", "Custom", "Joined"} {
		assert.Contains(t, out.String(), fmt.Sprintf("%-10s 200 OK\n", name))
	}
	bearer := p.Requests(p.BearerURL)
	joined := bearer[len(bearer)-1].Header
	assert.Equal(t, []string{p.APIKey}, joined["X-Api-Key"], "Join sends the key")
	assert.Contains(t, joined.Get("Authorization"), "Bearer ", "and the token")
}

func TestOneFailureIsReported(t *testing.T) {
	p := authtest.New(authtest.Config{TLS: true, Fields: map[string]any{"token": "s3cret", "company": 4711}})
	defer p.Close()
	p.Inject(p.BasicURL, 1, authtest.Answer(http.StatusTeapot, nil, ""))
	var out strings.Builder
	require.False(t, run(&out, p))
	assert.Contains(t, out.String(), "Basic      418")
}

// demo makes requests to a provider.
type demo struct {
	*testing.T
	*authtest.Provider
}

// newDemo starts a provider with TLS.
func newDemo(t *testing.T) demo {
	p := authtest.New(authtest.Config{TLS: true})
	t.Cleanup(p.Close)
	return demo{t, p}
}

// do makes one request with c. who is what the provider has seen.
func (d demo) do(c connectorauth.Connector, method, url, contentType, body string) (status int, who authtest.Identity, err error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, who, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := connectorauth.NewClient(c, d.Provider.Client()).Do(req)
	if err != nil {
		return 0, who, err
	}
	defer resp.Body.Close()
	_ = json.NewDecoder(resp.Body).Decode(&who) // a refusal, or the response of another server, is no Identity
	return resp.StatusCode, who, nil
}

// call makes one request with c, which must succeed and cause this number of token
// requests.
func (d demo) call(c connectorauth.Connector, method, url, contentType, body string, tokenRequests int) {
	d.Helper()
	before := d.Stats().TokenRequests
	status, who, err := d.do(c, method, url, contentType, body)
	require.NoError(d, err)
	assert.Equal(d, http.StatusOK, status)
	assert.Equal(d, tokenRequests, d.Stats().TokenRequests-before, "token requests")
	assert.NotEmpty(d, who.AuthType)
}

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

// Connectors without a token make no token request.
func TestFixedCredentials(t *testing.T) {
	d := newDemo(t)
	key := connectorauth.Secret(d.APIKey)
	apiKey := func(config connectorauth.APIKeyConfig) connectorauth.Connector {
		config.Key = key
		return must(connectorauth.NewAPIKey(config))
	}
	var fields []connectorauth.AuthField
	for key, value := range d.Fields {
		field := connectorauth.AuthField{Key: key, Value: connectorauth.Secret(fmt.Sprint(value))}
		switch value.(type) {
		case int:
			field.Type = dialect.FieldInteger
		case bool:
			field.Type = dialect.FieldBoolean
		}
		fields = append(fields, field)
	}
	authFields := must(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{Fields: fields}))
	basic := must(connectorauth.NewBasic(connectorauth.BasicConfig{
		Username: d.Username, Password: connectorauth.Secret(d.Password),
	}))
	custom := must(connectorauth.NewCustom(connectorauth.CustomConfig{
		Authenticate: func(req *http.Request, _ connectorauth.CustomCredential) error {
			req.Header.Set("X-Api-Key", d.APIKey)
			return nil
		},
	}))
	for _, tc := range []struct {
		name                           string
		c                              connectorauth.Connector
		method, url, contentType, body string
	}{
		{"None", connectorauth.None{}, "GET", d.OpenURL, "", ""},
		{"ApiKey, Authorization", apiKey(connectorauth.APIKeyConfig{Prefix: "ApiKey "}), "GET", d.KeyAuthorizationURL, "", ""},
		{"ApiKey, header", apiKey(connectorauth.APIKeyConfig{Name: "X-Api-Key"}), "GET", d.KeyHeaderURL, "", ""},
		{"ApiKey, query", apiKey(connectorauth.APIKeyConfig{In: dialect.InQuery, Name: "api_key"}), "GET", d.KeyQueryURL, "", ""},
		{"ApiKey, cookie", apiKey(connectorauth.APIKeyConfig{In: dialect.InCookie, Name: "api_key"}), "GET", d.KeyCookieURL, "", ""},
		{"ApiKey, body", apiKey(connectorauth.APIKeyConfig{In: dialect.InBody, Name: "api_key"}), "POST", d.KeyBodyURL, jsonType, `{"order": 7}`},
		{"Basic", basic, "GET", d.BasicURL, "", ""},
		{"AuthFields, JSON", authFields, "POST", d.FieldsURL, jsonType, `{"order": 7}`},
		{"AuthFields, form", authFields, "POST", d.FieldsURL, formType, "order=7"},
		{"Custom", custom, "GET", d.KeyHeaderURL, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			demo{t, d.Provider}.call(tc.c, tc.method, tc.url, tc.contentType, tc.body, 0)
		})
	}
}

// oauth2 returns an OAuth2 connector without a token.
func (d demo) oauth2(grant connectorauth.Grant) *connectorauth.OAuth2 {
	d.Helper()
	return must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: d.ClientID, ClientSecret: connectorauth.Secret(d.ClientSecret),
		TokenURL: d.TokenURL, Grant: grant, HTTPClient: d.Provider.Client(),
	}))
}

// consented returns an OAuth2 connector after the account owner's consent.
func (d demo) consented() *connectorauth.OAuth2 {
	d.Helper()
	c := d.oauth2(connectorauth.AuthorizationCode{AuthURL: d.AuthURL})
	d.consent(c)
	return c
}

// flow is an OAuth1 or OAuth2 connector during a consent.
type flow interface {
	Begin(ctx context.Context, redirectURL string) (authURL string, pending connectorauth.Secret, err error)
	Finish(ctx context.Context, pending connectorauth.Secret, callback url.Values) error
}

// consent runs the consent for c. The test provider presses Allow.
func (d demo) consent(c flow) {
	d.Helper()
	authURL, pending, err := c.Begin(d.Context(), "http://127.0.0.1/callback")
	require.NoError(d, err)
	callback, err := d.Authorize(authURL)
	require.NoError(d, err)
	require.NoError(d, c.Finish(d.Context(), pending, callback.Query()))
}

// Each grant makes one token request: in the first request to the API, or in
// Finish.
func TestGrants(t *testing.T) {
	d := newDemo(t)
	d.call(d.oauth2(connectorauth.ClientCredentials{}), "GET", d.BearerURL, "", "", 1)
	d.call(d.oauth2(connectorauth.PasswordCredentials{Username: d.Username, Password: connectorauth.Secret(d.Password)}), "GET", d.BearerURL, "", "", 1)
	before := d.Stats().TokenRequests
	code := d.consented()
	assert.Equal(t, 1, d.Stats().TokenRequests-before, "token requests of a consent")
	d.call(code, "GET", d.BearerURL, "", "", 0)
}

func TestOAuth1WithAndWithoutConsent(t *testing.T) {
	d := newDemo(t)
	config := connectorauth.OAuth1Config{ClientID: d.ClientID, ClientSecret: connectorauth.Secret(d.ClientSecret), HTTPClient: d.Provider.Client()}
	d.call(must(connectorauth.NewOAuth1(config)), "GET", d.OAuth1URL, "", "", 0)

	config.RequestTokenURL, config.AuthorizeURL, config.AccessTokenURL = d.RequestTokenURL, d.AuthorizeURL, d.AccessTokenURL
	threeLegged := must(connectorauth.NewOAuth1(config))
	d.consent(threeLegged)
	d.call(threeLegged, "POST", d.OAuth1URL, formType, "a=1&a=2&b=x+y", 0)
}

// A token expires under 50 goroutines. One token request is enough for all.
func TestTokenExpiresUnder50Goroutines(t *testing.T) {
	d := newDemo(t)
	c := d.consented()
	d.call(c, "GET", d.BearerURL, "", "", 0)
	d.ExpireAccessTokens()
	before := d.Stats().TokenRequests
	var accepted atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if status, _, _ := d.do(c, "GET", d.BearerURL, "", ""); status == http.StatusOK {
				accepted.Add(1)
			}
		})
	}
	all.Wait()
	assert.EqualValues(t, 50, accepted.Load())
	assert.Equal(t, 1, d.Stats().TokenRequests-before, "token requests")
}

// Five renewals bring five refresh tokens. The provider would revoke the grant if
// an old refresh token came again.
func TestRefreshTokensRotate(t *testing.T) {
	d := newDemo(t)
	c := d.consented()
	before := d.Stats()
	for range 5 {
		d.ExpireAccessTokens()
		d.call(c, "GET", d.BearerURL, "", "", 1)
	}
	after := d.Stats()
	assert.Equal(t, 5, after.TokenRequests-before.TokenRequests, "token requests")
	assert.Zero(t, after.ReuseDetected-before.ReuseDetected, "refresh tokens that came twice")
}

// Every request of a revoked grant fails with ErrReauthRequired. Only the first
// request causes a token request.
func TestRevokedGrantCostsOneTokenRequest(t *testing.T) {
	d := newDemo(t)
	c := d.consented()
	d.RevokeGrants()
	before := d.Stats().TokenRequests
	for range 3 {
		_, _, err := d.do(c, "GET", d.BearerURL, "", "")
		assert.True(t, errors.Is(err, connectorauth.ErrReauthRequired), "%v", err)
	}
	assert.Equal(t, 1, d.Stats().TokenRequests-before, "token requests")
}

// The provider redirects requests with each kind of credential to another origin.
// The requests arrive there, and no credential does.
func TestForeignRedirectsCarryNothing(t *testing.T) {
	d := newDemo(t)
	var leaked, arrived atomic.Int64
	foreign := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		arrived.Add(1)
		if r.Header.Get("Authorization") != "" || r.Header.Get("X-Api-Key") != "" || r.Header.Get("Cookie") != "" ||
			r.URL.RawQuery != "" || strings.Contains(string(body), "api_key") {
			leaked.Add(1)
		}
	}))
	defer foreign.Close()
	key, secret := connectorauth.Secret(d.APIKey), connectorauth.Secret(d.ClientSecret)
	apiKey := func(config connectorauth.APIKeyConfig) connectorauth.Connector {
		config.Key = key
		return must(connectorauth.NewAPIKey(config))
	}
	connectors := []connectorauth.Connector{
		apiKey(connectorauth.APIKeyConfig{Name: "X-Api-Key"}),
		apiKey(connectorauth.APIKeyConfig{In: dialect.InQuery, Name: "api_key"}),
		apiKey(connectorauth.APIKeyConfig{In: dialect.InCookie, Name: "api_key"}),
		apiKey(connectorauth.APIKeyConfig{In: dialect.InBody, Name: "api_key"}),
		must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: d.Username, Password: connectorauth.Secret(d.Password)})),
		must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{ClientID: d.ClientID, ClientSecret: secret})),
		d.oauth2(connectorauth.ClientCredentials{}),
	}
	for _, c := range connectors {
		_, _, err := d.do(c, "POST", d.RedirectURL(http.StatusTemporaryRedirect, foreign.URL), formType, "order=7")
		require.NoError(t, err)
	}
	assert.EqualValues(t, len(connectors), arrived.Load())
	assert.Zero(t, leaked.Load())
}
