package connectorauth_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// must returns v and panics on an error; it is for configs that are right.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// tokenEndpoint answers every token request with the same token.
func tokenEndpoint() *fakehttp.Base {
	return &fakehttp.Base{Answer: func(*http.Request) (*http.Response, error) {
		return fakehttp.Respond(http.StatusOK, fmt.Sprintf(`{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, accessToken)), nil
	}}
}

// The origins of fakehttp.Internet.
const (
	home      = fakehttp.Home
	foreign   = fakehttp.Foreign
	otherPort = fakehttp.OtherPort
	plainHTTP = fakehttp.PlainHTTP
	subdomain = fakehttp.Subdomain
	lookAlike = fakehttp.LookAlike
)

// The credentials of the subjects. Each has characters that show a missing
// encoding, and a missing search for an encoded form.
const (
	secretKey    = "KEY+/%&=~1f3a"
	password     = "PASS:word+/%&=~2b7c"
	clientSecret = "CLIENT+/%&=~5e9d"
	accessToken  = "ACCESS+/~=8a4b"
	oauth1Token  = "TOKEN~6d2c"
	tokenSecret  = "TOKENSECRET+/%&=~4c1e"
	fieldValue   = "FIELD+/%&=~9b8a"
	customSecret = "CUSTOM+/%&=~3d5f"
)

// subject is one connector and what gives its credentials away.
type subject struct {
	name      string
	connector connectorauth.Connector
	// traces show that a request carries the credentials; at least one of them is
	// in each such request, in one encoding or another.
	traces []string
	parts  []subject // of a Join
}

// carries reports whether the credential is in text; for a Join, all credentials.
func (s subject) carries(text string) bool {
	for _, part := range s.parts {
		if !part.carries(text) {
			return false
		}
	}
	return len(canary.Found(text, s.traces...)) > 0
}

// split returns the parts of a Join, or s.
func (s subject) split() []subject {
	if s.parts == nil {
		return []subject{s}
	}
	return s.parts
}

// inBody reports whether the credential, or that of a part, goes into the body.
func (s subject) inBody() bool {
	for _, part := range s.split() {
		if part.name == "body key" || part.name == "AuthFields" {
			return true
		}
	}
	return false
}

// subjects returns one connector for each kind of credential and each place
// where one goes. OAuth2 gets its token from tokens.
func subjects(tokens http.RoundTripper, hosts ...string) []subject {
	key := func(in dialect.Location, name string) connectorauth.Connector {
		return must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, In: in, Name: name, Hosts: hosts}))
	}
	return []subject{
		{name: "header key", connector: key(dialect.InHeader, "X-Api-Key"), traces: []string{secretKey}},
		{name: "query key", connector: key(dialect.InQuery, "api_key"), traces: []string{secretKey}},
		{name: "cookie key", connector: key(dialect.InCookie, "api_key"), traces: []string{secretKey}},
		{name: "body key", connector: key(dialect.InBody, "api_key"), traces: []string{secretKey}},
		{name: "Basic", connector: must(connectorauth.NewBasic(connectorauth.BasicConfig{
			Username: "user", Password: password, Hosts: hosts,
		})), traces: []string{password}},
		{name: "OAuth1", connector: must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
			ClientID: "client", ClientSecret: clientSecret, Token: oauth1Token, TokenSecret: tokenSecret, Hosts: hosts,
		})), traces: []string{"oauth_signature", oauth1Token, clientSecret, tokenSecret}},
		{name: "OAuth2", connector: must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "client", ClientSecret: clientSecret, TokenURL: "https://login.example.test/token",
			Grant: connectorauth.ClientCredentials{}, HTTPClient: &http.Client{Transport: tokens}, Hosts: hosts,
		})), traces: []string{accessToken, clientSecret}},
		{name: "AuthFields", connector: must(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{
			Fields: []connectorauth.AuthField{{Key: "auth.token", Value: fieldValue}}, Hosts: hosts,
		})), traces: []string{fieldValue}},
		{name: "Custom", connector: must(connectorauth.NewCustom(connectorauth.CustomConfig{
			Authenticate: func(req *http.Request, _ connectorauth.CustomCredential) error {
				req.Header.Set("X-Custom", customSecret)
				query := req.URL.Query()
				query.Set("custom", customSecret)
				req.URL.RawQuery = query.Encode()
				return nil
			},
			Hosts: hosts,
		})), traces: []string{customSecret}},
	}
}

// get requests url with c through base, which may be nil, and returns status
// and body.
func get(t *testing.T, c connectorauth.Connector, base *http.Client, url string) (int, string) {
	t.Helper()
	resp, err := connectorauth.NewClient(c, base).Get(url)
	return read(t, resp, err)
}

// read returns status and body of a response.
func read(t *testing.T, resp *http.Response, err error) (int, string) {
	t.Helper()
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

var errBroken = errors.New("broken")

// badConfig is a config that a constructor must refuse, and a part of the error.
type badConfig[C any] struct {
	name   string
	config C
	want   string
}

// checkBadConfigs requires that the constructor refuses each config with an
// error that names config and field and shows no secret.
func checkBadConfigs[C any](t *testing.T, name string, tests []badConfig[C], construct func(C) error) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := construct(test.config)
			require.ErrorContains(t, err, test.want)
			assert.Truef(t, strings.HasPrefix(err.Error(), "connectorauth: "+name+": "), "%v", err)
			assert.Empty(t, canary.Found(err.Error(), secretKey, password, fieldValue, customSecret))
			assert.NotContains(t, err.Error(), "\r")
		})
	}
}

// accepted requires that resp is the answer of an authtest endpoint to the
// right credentials.
func accepted(t *testing.T, authType connectorauth.AuthType, resp *http.Response, err error) authtest.Identity {
	t.Helper()
	status, body := read(t, resp, err)
	require.Equal(t, 200, status, body)
	var who authtest.Identity
	require.NoError(t, json.Unmarshal([]byte(body), &who))
	require.EqualValues(t, authType, who.AuthType)
	return who
}
