package authtest_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dghubble/oauth1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/authtest"
)

// start1 starts a provider and returns the provider's configuration for
// dghubble/oauth1.
func start1(t *testing.T, c authtest.Config) (*authtest.Provider, *oauth1.Config) {
	t.Helper()
	p := authtest.New(c)
	t.Cleanup(p.Close)
	return p, &oauth1.Config{
		ConsumerKey: p.ClientID, ConsumerSecret: p.ClientSecret, CallbackURL: callbackURL, Realm: "Photos, printed",
		Endpoint:   oauth1.Endpoint{RequestTokenURL: p.RequestTokenURL, AuthorizeURL: p.AuthorizeURL, AccessTokenURL: p.AccessTokenURL},
		HTTPClient: p.Client(),
	}
}

func signedClient(p *authtest.Provider, config *oauth1.Config, token, secret string) *http.Client {
	return config.Client(context.WithValue(context.Background(), oauth1.HTTPClient, p.Client()), oauth1.NewToken(token, secret))
}

func TestOAuth1ThreeLegged(t *testing.T) {
	for name, c := range map[string]authtest.Config{
		"http": {}, "https": {TLS: true}, "in memory": {InMemory: true}, "in memory, https": {InMemory: true, TLS: true},
	} {
		t.Run(name, func(t *testing.T) {
			p, config := start1(t, c)
			temporary, temporarySecret, err := config.RequestToken()
			require.NoError(t, err)
			authURL, err := config.AuthorizationURL(temporary)
			require.NoError(t, err)
			_, _, err = config.AccessToken(temporary, temporarySecret, "guess")
			assert.ErrorContains(t, err, "permission_unknown")

			callback, err := p.Authorize(authURL.String())
			require.NoError(t, err)
			assert.True(t, strings.HasPrefix(callback.String(), callbackURL+"&"), callback)
			assert.Equal(t, temporary, callback.Query().Get("oauth_token"))
			_, err = p.Authorize(authURL.String())
			assert.ErrorContains(t, err, "400 oauth_token is unknown, has expired, or has a decision already.")

			verifier := callback.Query().Get("oauth_verifier")
			_, _, err = config.AccessToken(temporary, temporarySecret, "guess")
			assert.ErrorContains(t, err, "verifier_invalid")
			token, secret, err := config.AccessToken(temporary, temporarySecret, verifier)
			require.NoError(t, err)
			_, _, err = config.AccessToken(temporary, temporarySecret, verifier)
			assert.ErrorContains(t, err, "token_used")

			want := authtest.Identity{AuthType: "OAuth1", Client: p.ClientID, User: p.Username}
			_, identity, body := call(t, signedClient(p, config, token, secret), get(t, p.OAuth1URL+"/photos/%C3%A9?file=vacation.jpg&b=%2B%20"))
			assert.Equal(t, want, identity, body)

			post, err := http.NewRequest("PUT", p.OAuth1URL, strings.NewReader("status=a+b%2Bc&x="))
			require.NoError(t, err)
			post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			_, identity, body = call(t, signedClient(p, config, token, secret), post)
			assert.Equal(t, want, identity, body)

			stats := p.Stats()
			assert.Equal(t, []int{1, 1, 1, 2, 0}, []int{stats.RequestTokens, stats.Consents, stats.AccessTokens, stats.APIAccepted, stats.APIRefused})
		})
	}
}

func TestOAuth1Denied(t *testing.T) {
	p, config := start1(t, authtest.Config{})
	temporary, secret, err := config.RequestToken()
	require.NoError(t, err)
	callback, err := p.Deny(p.AuthorizeURL + "?oauth_token=" + temporary)
	require.NoError(t, err)
	assert.Equal(t, "user_refused", callback.Query().Get("oauth_problem"))
	assert.False(t, callback.Query().Has("oauth_verifier"))
	_, _, err = config.AccessToken(temporary, secret, "guess")
	assert.ErrorContains(t, err, "permission_denied")
}

func TestOAuth1OutOfBand(t *testing.T) {
	p, config := start1(t, authtest.Config{})
	config.CallbackURL = "oob"
	temporary, secret, err := config.RequestToken()
	require.NoError(t, err)
	callback, err := p.Authorize(p.AuthorizeURL + "?oauth_token=" + temporary)
	require.NoError(t, err)
	assert.Equal(t, "oob", callback.Scheme)
	_, _, err = config.AccessToken(callback.Query().Get("oauth_token"), secret, callback.Query().Get("oauth_verifier"))
	require.NoError(t, err)

	temporary, _, err = config.RequestToken()
	require.NoError(t, err)
	_, err = p.Deny(p.AuthorizeURL + "?oauth_token=" + temporary)
	assert.ErrorContains(t, err, "403 You have denied access.")
}

func TestOAuth1BeforeRevisionA(t *testing.T) {
	p, config := start1(t, authtest.Config{OAuth10: true})
	request := func() (temporary, secret string) { // as the library of revision A does not
		form := signedPost(t, p, config, p.RequestTokenURL, "", "")
		assert.False(t, form.Has("oauth_callback_confirmed"))
		return form.Get("oauth_token"), form.Get("oauth_token_secret")
	}
	temporary, secret := request()
	_, err := p.Authorize(p.AuthorizeURL + "?" + url.Values{"oauth_token": {temporary}, "oauth_callback": {"https://other.example/"}}.Encode())
	assert.ErrorContains(t, err, "oauth_callback must be a loopback URL")
	callback, err := p.Authorize(p.AuthorizeURL + "?" + url.Values{"oauth_token": {temporary}, "oauth_callback": {callbackURL}}.Encode())
	require.NoError(t, err)
	assert.Equal(t, callbackURL+"&oauth_token="+temporary, callback.String())
	token := signedPost(t, p, config, p.AccessTokenURL, temporary, secret)
	_, identity, body := call(t, signedClient(p, config, token.Get("oauth_token"), token.Get("oauth_token_secret")), get(t, p.OAuth1URL))
	assert.Equal(t, p.Username, identity.User, body)
	assert.Equal(t, "token_used", signedPost(t, p, config, p.AccessTokenURL, temporary, secret).Get("oauth_problem"))

	temporary, secret = request()
	assert.Equal(t, "permission_unknown", signedPost(t, p, config, p.AccessTokenURL, temporary, secret).Get("oauth_problem"))
	callback, err = p.Authorize(p.AuthorizeURL + "?oauth_token=" + temporary)
	require.NoError(t, err)
	assert.Equal(t, "oob:?oauth_token="+temporary, callback.String(), "no callback, no verifier")

	temporary, _ = request()
	callback, err = p.Deny(p.AuthorizeURL + "?" + url.Values{"oauth_token": {temporary}, "oauth_callback": {callbackURL}}.Encode())
	require.NoError(t, err)
	assert.Equal(t, "user_refused", callback.Query().Get("oauth_problem"))
}

// signedPost makes a signed request without further protocol parameters, and reads
// the form of the response.
func signedPost(t *testing.T, p *authtest.Provider, config *oauth1.Config, to, token, secret string) url.Values {
	t.Helper()
	resp, err := signedClient(p, config, token, secret).Post(to, "", nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	form, err := url.ParseQuery(string(body))
	require.NoError(t, err)
	return form
}

func TestOAuth1EndpointsTakeOneMethod(t *testing.T) {
	for get, other := range map[bool]string{false: http.MethodGet, true: http.MethodPost} {
		p := authtest.New(authtest.Config{OAuth1Get: get})
		t.Cleanup(p.Close)
		for _, endpoint := range []string{p.RequestTokenURL, p.AccessTokenURL} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				req, err := http.NewRequest(method, endpoint, nil)
				require.NoError(t, err)
				resp, err := p.Client().Do(req)
				require.NoError(t, err)
				resp.Body.Close()
				assert.Equal(t, method == other, resp.StatusCode == http.StatusMethodNotAllowed, "%v %s", get, method)
			}
		}
	}
}

// signedBy returns a request with a correct PLAINTEXT signature. The test can change
// every protocol parameter.
func signedBy(t *testing.T, p *authtest.Provider, edit func(q url.Values)) *http.Request {
	t.Helper()
	q := url.Values{
		"oauth_consumer_key": {p.ClientID}, "oauth_signature_method": {"PLAINTEXT"},
		"oauth_signature": {oauth1.PercentEncode(p.ClientSecret) + "&"},
		"oauth_timestamp": {strconv.FormatInt(time.Now().Unix(), 10)}, "oauth_nonce": {rand.Text()},
	}
	edit(q)
	return get(t, p.OAuth1URL+"?"+q.Encode())
}

func TestOAuth1Refusals(t *testing.T) {
	p, _ := start1(t, authtest.Config{})
	far := strconv.FormatInt(time.Now().Add(-time.Hour).Unix(), 10)
	for name, c := range map[string]struct {
		edit    func(q url.Values)
		status  int
		problem string
	}{
		"two-legged":          {func(q url.Values) {}, 200, `"auth_type":"OAuth1"`},
		"empty token":         {func(q url.Values) { q.Set("oauth_token", "") }, 200, `"auth_type":"OAuth1"`},
		"version 1.0":         {func(q url.Values) { q.Set("oauth_version", "1.0") }, 200, `"auth_type":"OAuth1"`},
		"PLAINTEXT, untimed":  {func(q url.Values) { q.Del("oauth_timestamp"); q.Del("oauth_nonce") }, 200, `"auth_type":"OAuth1"`},
		"nothing":             {func(q url.Values) { clear(q) }, 401, "parameter_absent"},
		"no signature":        {func(q url.Values) { q.Del("oauth_signature") }, 400, "oauth_signature is required"},
		"no consumer key":     {func(q url.Values) { q.Del("oauth_consumer_key") }, 400, "parameter_absent"},
		"no nonce":            {func(q url.Values) { q.Set("oauth_signature_method", "HMAC-SHA1"); q.Del("oauth_nonce") }, 400, "parameter_absent"},
		"version 2.0":         {func(q url.Values) { q.Set("oauth_version", "2.0") }, 400, "version_rejected"},
		"repeated":            {func(q url.Values) { q.Add("oauth_nonce", "b") }, 400, "more than once"},
		"unknown client":      {func(q url.Values) { q.Set("oauth_consumer_key", "x") }, 401, "consumer_key_unknown"},
		"unknown token":       {func(q url.Values) { q.Set("oauth_token", "x") }, 401, "token_rejected"},
		"wrong signature":     {func(q url.Values) { q.Set("oauth_signature", "x&") }, 401, "signature_invalid"},
		"not base64":          {func(q url.Values) { q.Set("oauth_signature_method", "HMAC-SHA1") }, 401, "signature_invalid"},
		"RSA without a key":   {func(q url.Values) { q.Set("oauth_signature_method", "RSA-SHA1") }, 400, "signature_method_rejected"},
		"old timestamp":       {func(q url.Values) { q.Set("oauth_timestamp", far) }, 401, "timestamp_refused"},
		"timestamp no number": {func(q url.Values) { q.Set("oauth_timestamp", "soon") }, 400, "positive integer"},
		"negative timestamp":  {func(q url.Values) { q.Set("oauth_timestamp", "-5") }, 400, "positive integer"},
		"wrong body hash":     {func(q url.Values) { q.Set("oauth_body_hash", "YQ==") }, 401, "oauth_body_hash"},
	} {
		t.Run(name, func(t *testing.T) {
			resp, _, body := call(t, p.Client(), signedBy(t, p, c.edit))
			assert.Equal(t, c.status, resp.StatusCode, body)
			assert.Contains(t, body, c.problem)
			if c.status != 200 {
				assert.Contains(t, resp.Header.Get("WWW-Authenticate"), `OAuth realm="authtest", oauth_problem="`)
			}
		})
	}
	for name, header := range map[string]string{
		"unquoted": "OAuth a=b", "unclosed": `OAuth a="b`, "no comma": `OAuth a="b" c="d"`, "bad escape": `OAuth a="%zz"`,
	} {
		t.Run(name, func(t *testing.T) {
			req := get(t, p.OAuth1URL)
			req.Header.Set("Authorization", header)
			resp, _, body := call(t, p.Client(), req)
			assert.Equal(t, 400, resp.StatusCode, body)
		})
	}
	t.Run("two places", func(t *testing.T) {
		req := signedBy(t, p, func(url.Values) {})
		req.Header.Set("Authorization", `OAuth oauth_verifier="x"`)
		_, _, body := call(t, p.Client(), req)
		assert.Contains(t, body, "all be in one place")
	})
	t.Run("two headers", func(t *testing.T) {
		req := get(t, p.OAuth1URL)
		req.Header["Authorization"] = []string{"OAuth a=\"b\"", "OAuth a=\"b\""}
		_, _, body := call(t, p.Client(), req)
		assert.Contains(t, body, "more than one Authorization header")
	})
}

func TestOAuth1RequestTokenChecksTheCallback(t *testing.T) {
	p, config := start1(t, authtest.Config{RedirectURLs: []string{"https://app.example.com/cb"}})
	for callback, problem := range map[string]string{
		"":                             "parameter_rejected",
		"not a url":                    "parameter_rejected",
		"https://other.example.com/cb": "parameter_rejected",
		"https://app.example.com/cb":   "",
		"http://[::1]:99/cb":           "",
	} {
		config.CallbackURL = callback
		_, _, err := config.RequestToken()
		if problem == "" {
			assert.NoError(t, err, callback)
		} else {
			assert.ErrorContains(t, err, problem, callback)
		}
	}
	resp, err := p.Client().Get(p.RequestTokenURL)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, 405, resp.StatusCode)
}

func TestOAuth1RevokedToken(t *testing.T) {
	p, config := start1(t, authtest.Config{})
	for _, revoke := range []func(){p.RevokeAccessTokens, p.RevokeGrants} {
		token, secret := p.IssueOAuth1Token()
		client := signedClient(p, config, token, secret)
		resp, _, _ := call(t, client, get(t, p.OAuth1URL))
		assert.Equal(t, 200, resp.StatusCode)
		revoke()
		resp, _, body := call(t, client, get(t, p.OAuth1URL))
		assert.Equal(t, 401, resp.StatusCode)
		assert.Contains(t, body, "token_rejected")
	}
}

func TestOAuth1RefusalTellsTheBaseStringButNoSecret(t *testing.T) {
	p, config := start1(t, authtest.Config{})
	token, secret := p.IssueOAuth1Token()
	_, _, body := call(t, signedClient(p, config, token, "wrong"), get(t, p.OAuth1URL+"?a=1"))
	assert.Contains(t, body, "base string is GET")
	assert.Contains(t, body, fmt.Sprintf("oauth_token%%3D%s", token))
	assert.NotContains(t, body, secret)
	assert.NotContains(t, body, oauth1.PercentEncode(p.ClientSecret))
}

func TestOAuth1OneAnswerPerRequestToken(t *testing.T) {
	p, config := start1(t, authtest.Config{})
	temporary, _, err := config.RequestToken()
	require.NoError(t, err)
	var wg sync.WaitGroup
	var answered atomic.Int32
	for range 10 {
		wg.Go(func() {
			if _, err := p.Authorize(p.AuthorizeURL + "?oauth_token=" + temporary); err == nil {
				answered.Add(1)
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, 1, answered.Load())
}

func TestOAuth1AccessTokenWantsItsParameters(t *testing.T) {
	p, config := start1(t, authtest.Config{})
	temporary, secret, err := config.RequestToken()
	require.NoError(t, err)
	_, err = p.Authorize(p.AuthorizeURL + "?oauth_token=" + temporary)
	require.NoError(t, err)
	_, _, err = config.AccessToken("unknown", secret, "v")
	assert.ErrorContains(t, err, "token_rejected")

	post := func(endpoint string) string {
		req := signedBy(t, p, func(q url.Values) {
			q.Set("oauth_token", temporary)
			q.Set("oauth_signature", oauth1.PercentEncode(p.ClientSecret)+"&"+oauth1.PercentEncode(secret))
			if endpoint == p.RequestTokenURL {
				q.Del("oauth_token")
				q.Set("oauth_signature", oauth1.PercentEncode(p.ClientSecret)+"&")
			}
		})
		resp, err := p.Client().Post(endpoint+"?"+req.URL.RawQuery, "", nil)
		require.NoError(t, err)
		defer resp.Body.Close()
		assert.Equal(t, 400, resp.StatusCode)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return string(body)
	}
	assert.Contains(t, post(p.AccessTokenURL), "oauth_verifier+is+required")
	assert.Contains(t, post(p.RequestTokenURL), "oauth_callback+is+required")
}
