package connectorauth_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

func TestTraceOfAnAPIRequestSeesNoTokenRequest(t *testing.T) {
	p := authtest.NewProvider(t)
	consenting := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret),
		RequestTokenURL: p.RequestTokenURL, AuthorizeURL: p.AuthorizeURL, AccessTokenURL: p.AccessTokenURL,
	}))
	var mu sync.Mutex
	var traced []string
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{WroteHeaderField: func(name string, values []string) {
		mu.Lock()
		defer mu.Unlock()
		traced = append(traced, name+": "+strings.Join(values, " "))
	}})
	c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Grant: connectorauth.ClientCredentials{},
	}))
	resp, err := connectorauth.NewClient(c, nil).Do(must(http.NewRequestWithContext(ctx, "GET", p.BearerURL, nil)))
	status, _ := read(t, resp, err)
	assert.Equal(t, 200, status)
	_, _, err = consenting.Begin(ctx, "http://127.0.0.1/callback")
	require.NoError(t, err)
	mu.Lock()
	defer mu.Unlock()
	all := strings.Join(traced, "\n")
	assert.Contains(t, all, "Bearer ", "the request itself is traced")
	assert.NotContains(t, all, "Basic ")
	assert.NotContains(t, all, "OAuth ")
}

func TestAssertionOfADialectIsScrubbed(t *testing.T) {
	const assertion = "eyJhbGciOi.ASSERTION.sig"
	provider := &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		return fakehttp.Respond(400, `{"error":"invalid_client","error_description":"bad assertion `+assertion+`"}`), nil
	})}
	c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: "secret", TokenURL: "https://provider.example/token", Grant: connectorauth.ClientCredentials{},
		Dialect: dialect.OAuth2{TokenParams: url.Values{"client_assertion": {assertion}}}, HTTPClient: provider,
	}))
	_, err := c.Token(t.Context())
	require.ErrorContains(t, err, "bad assertion")
	assert.NotContains(t, err.Error(), "ASSERTION")
}

func TestTokenRequestsInEachEncoding(t *testing.T) {
	for _, test := range []struct {
		encoding                           dialect.Encoding
		method, contentType, path, content string
		length                             int64
	}{
		{dialect.EncodeForm, "POST", "application/x-www-form-urlencoded", "tenant=1", "a=1&a=2&grant_type=client_credentials&scope=r+w", 47},
		{dialect.EncodeJSON, "POST", "application/json", "tenant=1", `{"a":["1","2"],"grant_type":"client_credentials","scope":"r w"}`, 63},
		{dialect.EncodeQuery, "POST", "", "tenant=1&a=1&a=2&grant_type=client_credentials&scope=r+w", "", 0},
		{dialect.EncodeGet, "GET", "", "tenant=1&a=1&a=2&grant_type=client_credentials&scope=r+w", "", 0},
	} {
		c, last := dialected(t, config2{
			Grant: connectorauth.ClientCredentials{}, Scopes: []string{"r", "w"},
			Dialect: dialect.OAuth2{TokenEncoding: test.encoding, TokenParams: url.Values{"a": {"1", "2"}}},
		}, nil)
		_, err := c.Token(t.Context())
		require.NoError(t, err)
		r := last()
		assert.Equal(t, test.method, r.Method)
		assert.Equal(t, test.contentType, r.Header.Get("Content-Type"))
		assert.Equal(t, test.path, r.URL.RawQuery)
		assert.Equal(t, test.content, r.Body)
		assert.Equal(t, test.length, r.ContentLength)
	}
}

func TestClientAuthenticationMethods(t *testing.T) {
	for auth, want := range map[connectorauth.ClientAuth]string{
		connectorauth.ClientSecretBasic:    "client:" + url.QueryEscape(clientSecret),
		connectorauth.ClientSecretBasicRaw: "client:" + clientSecret,
		connectorauth.ClientSecretUser:     clientSecret + ":",
	} {
		c, last := dialected(t, config2{Grant: connectorauth.ClientCredentials{}, ClientAuth: auth}, nil)
		_, err := c.Token(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(want))}, last().Header["Authorization"])
		assert.Equal(t, "grant_type=client_credentials", last().Body)
	}
	c, last := dialected(t, config2{Grant: connectorauth.ClientCredentials{}, ClientAuth: connectorauth.ClientSecretPost}, nil)
	_, err := c.Token(t.Context())
	require.NoError(t, err)
	assert.Empty(t, last().Header["Authorization"])
	assert.Contains(t, last().Body, "client_secret="+url.QueryEscape(clientSecret))
}

// The words are the ones that definitions take, and that the error of an unknown word lists.
func TestEachWordOfClientAuthenticationIsKnown(t *testing.T) {
	for _, word := range check.ClientAuthMethods {
		method := connectorauth.ClientAuthMethod(word)
		request := &connectorauth.TokenRequest{ClientID: "client", ClientSecret: clientSecret, Params: url.Values{}, Header: http.Header{}}
		assert.NoError(t, method.Authenticate(t.Context(), request))
		_, err := connectorauth.NewOAuth2(config2{Grant: connectorauth.ClientCredentials{}, ClientAuth: method})
		require.Error(t, err, "nothing else is set")
		assert.NotContains(t, err.Error(), "unknown value")
	}
	_, err := connectorauth.NewOAuth2(config2{ClientAuth: connectorauth.ClientAuthMethod("mtls")})
	assert.ErrorContains(t, err, `ClientAuth: unknown value "mtls": use client_secret_basic, `)
}

func TestErrorsHideTheURLOfAToken(t *testing.T) {
	for _, encoding := range []dialect.Encoding{dialect.EncodeGet, dialect.EncodeQuery} {
		for name, fail := range map[string]func(*http.Request) error{
			"as net/http does": func(r *http.Request) error { return &url.Error{Op: "Get", URL: r.URL.String(), Err: errBroken} },
			"in its own words": func(r *http.Request) error { return fmt.Errorf("no route to %s", r.URL) },
		} {
			c, err := connectorauth.NewOAuth2(config2{
				ClientID: "client", ClientSecret: clientSecret, ClientAuth: connectorauth.ClientSecretPost, TokenURL: "https://login.example.test/token",
				Grant:      connectorauth.PasswordCredentials{Username: "user", Password: password},
				Dialect:    dialect.OAuth2{TokenEncoding: encoding},
				HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(r *http.Request) (*http.Response, error) { return nil, fail(r) })},
			})
			require.NoError(t, err)
			_, err = c.Token(t.Context())
			require.Error(t, err)
			for e := err; e != nil; e = errors.Unwrap(e) {
				assert.Empty(t, canary.Found(fmt.Sprintf("%v %+v %#v", e, e, e), clientSecret, password), name)
			}
		}
	}
}

// net/http repeats a GET whose connection broke. That must not happen to one
// with a code or a refresh token in it.
func TestTokenRequestByGETIsSentOnce(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			fmt.Fprint(w, `{"access_token":"a1"}`)
			return
		}
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	c, err := connectorauth.NewOAuth2(config2{
		ClientID: "client", ClientSecret: clientSecret, TokenURL: server.URL, Grant: connectorauth.AuthorizationCode{AuthURL: server.URL},
		Dialect: dialect.OAuth2{TokenEncoding: dialect.EncodeGet}, HTTPClient: server.Client(),
	})
	require.NoError(t, err)
	for i := range 2 {
		require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{RefreshToken: "r1"}))
		_, err := c.Token(t.Context())
		assert.Equal(t, i == 0, err == nil)
	}
	assert.EqualValues(t, 2, asked.Load())
}

func TestLongTokenResponseIsRefusedAndNotRead(t *testing.T) {
	for _, hooks := range []connectorauth.Hooks{{}, {AfterToken: func(*connectorauth.Exchange) error { return nil }}} {
		body := &countingBody{left: 3 << 20}
		c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "client", ClientSecret: clientSecret, TokenURL: "https://login.example.test/token", Grant: connectorauth.ClientCredentials{},
			HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: body}, nil
			})},
		}))
		_, err := connectorauth.WithHooks(c, hooks).(*connectorauth.OAuth2).Token(t.Context())
		require.ErrorContains(t, err, "longer than 1048576 bytes")
		assert.Less(t, len(err.Error()), 300)
		assert.LessOrEqual(t, body.read, 1<<20+1, "bytes of the response in memory")
		assert.True(t, body.closed)
	}
}

func TestBasicClientAuthenticationIsFormEncodedFirst(t *testing.T) {
	tokens := tokenEndpoint()
	c, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: " %&+ ~", ClientSecret: "p@ss:w/rd", TokenURL: "https://login.example.test/token", Grant: connectorauth.ClientCredentials{},
		HTTPClient: &http.Client{Transport: tokens},
	})
	require.NoError(t, err)
	_, err = c.Token(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "Basic "+base64.StdEncoding.EncodeToString([]byte("+%25%26%2B+~:p%40ss%3Aw%2Frd")), tokens.Requests()[0].Header.Get("Authorization"))
}

func TestTokenEndpointRedirectIsNotFollowed(t *testing.T) {
	for _, code := range []int{301, 302, 303, 307, 308} {
		target, p := authtest.NewProvider(t), authtest.NewProvider(t)
		c := connect(t, p, func(config *connectorauth.OAuth2Config) {
			config.Grant, config.TokenURL = connectorauth.ClientCredentials{}, p.RedirectURL(code, target.TokenURL)
		})
		_, err := c.Token(t.Context())
		var failed *connectorauth.TokenError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, code, failed.StatusCode)
		assert.True(t, failed.Temporary())
		assert.Empty(t, target.Requests(""))
	}
}

func TestPublicClientSendsItsIDAlone(t *testing.T) {
	p := authtest.New(authtest.Config{PublicClient: true})
	t.Cleanup(p.Close)
	c := connect(t, p, nil)
	pending, callback := consented(t, p, c)
	require.NoError(t, c.Finish(t.Context(), pending, callback))
	p.ExpireAccessTokens()
	assert.Equal(t, 200, status(t, p, c, p.BearerURL))
	for _, r := range p.Requests(p.TokenURL) {
		form, _ := url.ParseQuery(string(r.Body))
		assert.Equal(t, p.ClientID, form.Get("client_id"))
		assert.False(t, form.Has("client_secret"))
		assert.Empty(t, r.Header.Get("Authorization"))
	}
}

// Parameters of other grants and of other client authentications are free.
func TestParametersThatTheLibraryDoesNotSendAreFree(t *testing.T) {
	for _, test := range []struct {
		config connectorauth.OAuth2Config
		want   string
	}{
		{connectorauth.OAuth2Config{ClientAuth: connectorauth.ClientSecretPost, Dialect: dialect.OAuth2{
			TokenNames: map[string]string{"client_id": "username", "client_secret": "password"},
		}}, "grant_type=client_credentials&password=s&username=c"},
		{connectorauth.OAuth2Config{Dialect: dialect.OAuth2{
			GrantType: "refresh_token", TokenParams: url.Values{"refresh_token": {"r"}, "client_id": {"c"}},
		}}, "client_id=c&grant_type=refresh_token&refresh_token=r"},
	} {
		tokens := tokenEndpoint()
		test.config.ClientID, test.config.ClientSecret, test.config.TokenURL = "c", "s", "https://login.example.test/token"
		test.config.Grant, test.config.HTTPClient = connectorauth.ClientCredentials{}, &http.Client{Transport: tokens}
		_, err := must(connectorauth.NewOAuth2(test.config)).Token(t.Context())
		require.NoError(t, err)
		assert.Equal(t, test.want, tokens.Requests()[0].Body)
	}
}
