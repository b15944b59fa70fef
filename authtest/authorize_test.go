package authtest_test

import (
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth/authtest"
)

func TestAuthorizeTellsThePersonWhatConcernsThem(t *testing.T) {
	p, config, _ := start(t, authtest.Config{RedirectURLs: []string{"https://app.example.com/cb", "myapp:/cb"}})
	for redirect, ok := range map[string]bool{
		"https://app.example.com/cb":         true,
		"myapp:/cb":                          true,
		"http://127.0.0.1:1/any":             true,
		"http://[::1]/":                      true,
		"http://localhost:3000/cb":           true,
		"":                                   false,
		"https://app.example.com/cb/":        false,
		"https://app.example.com/cb?x=1":     false,
		"http://127.0.0.1.example.com/cb":    false,
		"http://127.0.0.1@evil.example/cb":   false,
		"http://127.0.0.1:1/any#fragment":    false,
		"javascript://127.0.0.1/%0Aalert(1)": false,
		":":                                  false,
	} {
		config.RedirectURL = redirect
		_, err := p.Authorize(config.AuthCodeURL("s"))
		if ok {
			assert.NoError(t, err, redirect)
		} else {
			assert.ErrorContains(t, err, "400 redirect_uri must be", redirect)
		}
	}
	config.RedirectURL, config.ClientID = callbackURL, "<b>someone</b>"
	_, err := p.Authorize(config.AuthCodeURL("s"))
	assert.ErrorContains(t, err, "400 client_id is missing or unknown.")
	_, err = p.Authorize(p.AuthURL + "?%zz")
	assert.ErrorContains(t, err, "400 The query is malformed.")
	_, err = p.Authorize("https://elsewhere.example/authorize")
	assert.ErrorContains(t, err, "does not lead to this provider")
	assert.Zero(t, len(p.Requests(p.TokenURL)))
}

func TestAuthorizeTellsTheApplicationTheRest(t *testing.T) {
	p, config, _ := start(t, authtest.Config{SendIssuer: true})
	set := oauth2.SetAuthURLParam
	for name, c := range map[string]struct {
		options []oauth2.AuthCodeOption
		code    string
	}{
		"token":           {[]oauth2.AuthCodeOption{set("response_type", "token")}, "unsupported_response_type"},
		"no type":         {[]oauth2.AuthCodeOption{set("response_type", "")}, "invalid_request"},
		"plain":           {[]oauth2.AuthCodeOption{set("code_challenge", oauth2.GenerateVerifier()), set("code_challenge_method", "plain")}, "invalid_request"},
		"method alone":    {[]oauth2.AuthCodeOption{set("code_challenge_method", "S256")}, "invalid_request"},
		"short challenge": {[]oauth2.AuthCodeOption{set("code_challenge", "x"), set("code_challenge_method", "S256")}, "invalid_request"},
	} {
		callback, err := p.Authorize(config.AuthCodeURL("the state", c.options...))
		require.NoError(t, err, name)
		q := callback.Query()
		assert.Equal(t, c.code, q.Get("error"), name)
		assert.NotEmpty(t, q.Get("error_description"), name)
		assert.Equal(t, "the state", q.Get("state"), name)
		assert.Equal(t, p.URL, q.Get("iss"), name)
		assert.False(t, q.Has("code"), name)
	}
	callback, err := p.Authorize(config.AuthCodeURL("s") + "&scope=more")
	require.NoError(t, err)
	assert.Equal(t, "invalid_request", callback.Query().Get("error"))
	assert.Zero(t, p.Stats().Consents)
}

func TestDeny(t *testing.T) {
	p, config, _ := start(t, authtest.Config{})
	callback, err := p.Deny(config.AuthCodeURL("s"))
	require.NoError(t, err)
	assert.Equal(t, "access_denied", callback.Query().Get("error"))
	assert.Equal(t, "s", callback.Query().Get("state"))
	assert.Equal(t, 1, p.Stats().Denials)
}

func TestConsentPage(t *testing.T) {
	p, config, _ := start(t, authtest.Config{})
	config.Scopes = []string{"<script>alert(1)</script>"}
	authURL := config.AuthCodeURL("s")
	resp, _, body := call(t, p.Client(), get(t, authURL))
	assert.Equal(t, 200, resp.StatusCode)
	for _, id := range []string{"username", "password", "allow", "deny", "client", "scope"} {
		assert.Contains(t, body, `id="`+id+`"`)
	}
	assert.NotContains(t, body, "<script>")
	assert.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
	assert.Equal(t, "no-referrer", resp.Header.Get("Referrer-Policy"))

	for _, form := range []url.Values{
		{"decision": {"allow"}, "username": {p.Username}, "password": {"wrong"}},
		{"decision": {"perhaps"}},
	} {
		resp, err := p.Client().PostForm(authURL, form)
		require.NoError(t, err)
		page, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		require.NoError(t, err)
		assert.Equal(t, 422, resp.StatusCode)
		assert.Contains(t, string(page), `role="alert"`)
	}
	req, err := http.NewRequest("PUT", authURL, nil)
	require.NoError(t, err)
	resp, _, _ = call(t, p.Client(), req)
	assert.Equal(t, 405, resp.StatusCode)
}

func TestAuthorizeWithoutAProvider(t *testing.T) {
	p, config, _ := start(t, authtest.Config{})
	p.Close()
	_, err := p.Authorize(config.AuthCodeURL("the-state"))
	require.ErrorContains(t, err, "cannot reach the authorization page")
	assert.NotContains(t, err.Error(), "the-state")
}

// A person with a browser reads the code on the page. A program in a test gets the
// code as after any consent.
func TestOutOfBandCodeIsOnThePage(t *testing.T) {
	for _, redirect := range []string{"urn:ietf:wg:oauth:2.0:oob", "urn:ietf:wg:oauth:2.0:oob:auto"} {
		p, config, ctx := start(t, authtest.Config{RedirectURLs: []string{redirect}})
		config.RedirectURL = redirect
		authURL := config.AuthCodeURL("s")
		resp, err := p.Client().PostForm(authURL, url.Values{"username": {p.Username}, "password": {p.Password}, "decision": {"allow"}})
		require.NoError(t, err)
		page, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, resp.StatusCode)
		assert.Contains(t, string(page), `<code id="verifier">code-`)

		callback, err := p.Authorize(authURL)
		require.NoError(t, err)
		assert.Equal(t, redirect, callback.Scheme+":"+callback.Opaque)
		assert.Equal(t, "s", callback.Query().Get("state"))
		token, err := config.Exchange(ctx, callback.Query().Get("code"))
		require.NoError(t, err)
		assert.NotEmpty(t, token.AccessToken)

		_, err = p.Deny(authURL)
		assert.ErrorContains(t, err, "403 You have denied access.")
		_, err = p.Authorize(authURL + "&response_type=token")
		assert.ErrorContains(t, err, "400 invalid_request: response_type is present more than once")
	}
	p, config, _ := start(t, authtest.Config{})
	config.RedirectURL = "urn:ietf:wg:oauth:2.0:oob"
	_, err := p.Authorize(config.AuthCodeURL("s"))
	assert.ErrorContains(t, err, "400 redirect_uri must be")
}
