package connectorauth_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// beforeRevisionA returns the config of a connector for a service of OAuth Core 1.0.
func beforeRevisionA(p *authtest.Provider) connectorauth.OAuth1Config {
	config := consenting(p)
	config.NoVerifier = true
	return config
}

func TestOAuth1BeforeRevisionA(t *testing.T) {
	p := provider(t, authtest.Config{OAuth10: true})
	strict := must(connectorauth.NewOAuth1(consenting(p)))
	_, _, err := strict.Begin(t.Context(), oauth1Callback)
	require.ErrorContains(t, err, "did not confirm", "off unless asked for")

	c := must(connectorauth.NewOAuth1(beforeRevisionA(p)))
	authURL, pending, err := c.Begin(t.Context(), oauth1Callback)
	require.NoError(t, err)
	query := must(url.Parse(authURL)).Query()
	assert.Equal(t, url.Values{"oauth_token": query["oauth_token"], "oauth_callback": {oauth1Callback}}, query)
	callback := must(p.Authorize(authURL)).Query()
	assert.False(t, callback.Has("oauth_verifier"))

	for _, foreign := range []url.Values{{}, {"oauth_token": {"x"}}, {"oauth_token": {callback.Get("oauth_token"), "x"}},
		{"oauth_token": callback["oauth_token"], "oauth_verifier": {"a", "b"}}} {
		require.Error(t, c.Finish(t.Context(), pending, foreign), "%v", foreign)
	}
	assert.Empty(t, p.Requests(p.AccessTokenURL), "a callback of another consent costs no request")
	require.NoError(t, c.Finish(t.Context(), pending, callback))
	require.ErrorContains(t, c.Finish(t.Context(), pending, callback), "finished already")
	require.Len(t, p.Requests(p.AccessTokenURL), 1)
	assert.NotContains(t, p.Requests(p.AccessTokenURL)[0].Header.Get("Authorization"), "oauth_verifier")
	status, answer := do(t, c, p.Client(), "GET", p.OAuth1URL, "", "")
	assert.Equal(t, 200, status, answer)
}

func TestOAuth1BeforeRevisionADenied(t *testing.T) {
	p := provider(t, authtest.Config{OAuth10: true})
	c := must(connectorauth.NewOAuth1(beforeRevisionA(p)))
	authURL, pending, err := c.Begin(t.Context(), oauth1Callback)
	require.NoError(t, err)
	callback := must(p.Deny(authURL)).Query()
	var refused *connectorauth.TokenError
	require.ErrorAs(t, c.Finish(t.Context(), pending, callback), &refused)
	assert.Equal(t, "user_refused", refused.Code)
	assert.Empty(t, p.Requests(p.AccessTokenURL))
}

// Without a callback there is nothing to bring: the account owner says so when the
// consent is given.
func TestOAuth1BeforeRevisionAOutOfBand(t *testing.T) {
	p := provider(t, authtest.Config{OAuth10: true})
	c := must(connectorauth.NewOAuth1(beforeRevisionA(p)))
	authURL, pending, err := c.Begin(t.Context(), "oob")
	require.NoError(t, err)
	assert.NotContains(t, authURL, "oauth_callback")
	must(p.Authorize(authURL))
	require.NoError(t, c.Finish(t.Context(), pending, nil))
	status, _ := do(t, c, p.Client(), "GET", p.OAuth1URL, "", "")
	assert.Equal(t, 200, status)
}

// A service that has learned revision A gets its verifier, and loses no protection.
func TestOAuth1NoVerifierWithAServiceThatHasOne(t *testing.T) {
	p := provider(t, authtest.Config{})
	c := must(connectorauth.NewOAuth1(beforeRevisionA(p)))
	pending, callback := begin(t, p, c)
	stolen := url.Values{"oauth_token": callback["oauth_token"]}
	require.ErrorContains(t, c.Finish(t.Context(), pending, stolen), "parameter_absent", "the service wants the verifier")

	pending, callback = begin(t, p, c)
	require.NoError(t, c.Finish(t.Context(), pending, callback))
}

func TestOAuth1TokensByGET(t *testing.T) {
	for _, in := range []dialect.Location{dialect.InHeader, dialect.InQuery} {
		p := provider(t, authtest.Config{OAuth1Get: true, OAuth1Lifetime: time.Hour})
		config := consenting(p)
		config.In = in
		_, _, err := must(connectorauth.NewOAuth1(config)).Begin(t.Context(), oauth1Callback)
		require.ErrorContains(t, err, "status 405", "POST unless asked for")

		config.TokenMethod, config.BodyHash = http.MethodGet, in == dialect.InHeader
		config.RequestTokenURL += "?a=1"
		c := must(connectorauth.NewOAuth1(config))
		consent(t, p, c)
		require.NoError(t, c.Renew(t.Context()), "by session handle")
		status, answer := do(t, c, p.Client(), "POST", p.OAuth1URL, formType, "a=1")
		assert.Equal(t, 200, status, answer)
		require.Len(t, p.Requests(p.AccessTokenURL), 2)
		for _, r := range p.Requests(p.AccessTokenURL) {
			assert.Equal(t, http.MethodGet, r.Method)
			assert.Empty(t, r.Body)
			assert.Empty(t, r.Header["Content-Length"])
		}
	}
}

// net/http repeats a GET when a connection that was used before breaks. A verifier
// is sent once all the same.
func TestOAuth1GETIsSentOnce(t *testing.T) {
	var verifiers atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/access" {
			verifiers.Add(1)
			panic(http.ErrAbortHandler) // closes the connection
		}
		w.Write([]byte("oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed=true"))
	}))
	defer server.Close()
	c := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
		ClientID: "c", ClientSecret: "s", HTTPClient: server.Client(), TokenMethod: http.MethodGet,
		RequestTokenURL: server.URL + "/request", AuthorizeURL: server.URL + "/authorize", AccessTokenURL: server.URL + "/access",
	}))
	_, pending, err := c.Begin(t.Context(), oauth1Callback)
	require.NoError(t, err)
	require.Error(t, c.Finish(t.Context(), pending, url.Values{"oauth_token": {"t"}, "oauth_verifier": {"v"}}))
	assert.EqualValues(t, 1, verifiers.Load())
}

func TestOAuth1SettingsOfOldServicesAreChecked(t *testing.T) {
	p := provider(t, authtest.Config{})
	for want, edit := range map[string]func(*connectorauth.OAuth1Config){
		`TokenMethod: is "PUT"; use POST or GET`: func(c *connectorauth.OAuth1Config) { c.TokenMethod = "PUT" },
		`TokenMethod: is "get"; use POST or GET`: func(c *connectorauth.OAuth1Config) { c.TokenMethod = "get" },
		"TokenMethod: a GET has no body":         func(c *connectorauth.OAuth1Config) { c.TokenMethod, c.In = http.MethodGet, dialect.InBody },
		"NoVerifier, TokenMethod: are about a con": func(c *connectorauth.OAuth1Config) {
			*c = connectorauth.OAuth1Config{ClientID: "c", ClientSecret: "s", NoVerifier: true}
		},
	} {
		config := consenting(p)
		edit(&config)
		_, err := connectorauth.NewOAuth1(config)
		assert.ErrorContains(t, err, "connectorauth: OAuth1Config: ")
		assert.ErrorContains(t, err, want)
	}
	_, err := connectorauth.NewOAuth1(connectorauth.OAuth1Config{ClientID: "c", ClientSecret: "s", TokenMethod: http.MethodPost})
	assert.NoError(t, err)
}
