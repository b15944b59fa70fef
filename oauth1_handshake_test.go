package connectorauth_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const oauth1Callback = "http://127.0.0.1/callback?account=1"

// consenting returns the config of a connector whose token p's account owner
// consents to.
func consenting(p *authtest.Provider) connectorauth.OAuth1Config {
	return connectorauth.OAuth1Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), HTTPClient: p.Client(),
		RequestTokenURL: p.RequestTokenURL, AuthorizeURL: p.AuthorizeURL, AccessTokenURL: p.AccessTokenURL,
	}
}

// consent goes through the whole flow.
func consent(t *testing.T, p *authtest.Provider, c *connectorauth.OAuth1) {
	t.Helper()
	pending, callback := begin(t, p, c)
	require.NoError(t, c.Finish(t.Context(), pending, callback))
}

// begin goes through the flow as far as the callback.
func begin(t *testing.T, p *authtest.Provider, c *connectorauth.OAuth1) (connectorauth.Secret, url.Values) {
	t.Helper()
	authURL, pending, err := c.Begin(t.Context(), oauth1Callback)
	require.NoError(t, err)
	callback, err := p.Authorize(authURL)
	require.NoError(t, err)
	return pending, callback.Query()
}

// edited injects a change of the next answer of endpoint.
func edited(p *authtest.Provider, endpoint string, edit func(answer map[string]any)) {
	p.Inject(endpoint, 1, authtest.EditAnswer(edit))
}

func TestOAuth1ConsentObtainsAToken(t *testing.T) {
	for name, edit := range map[string]func(*connectorauth.OAuth1Config){
		"header":    func(*connectorauth.OAuth1Config) {},
		"realm":     func(c *connectorauth.OAuth1Config) { c.Realm = `http://x/ "q"` },
		"query":     func(c *connectorauth.OAuth1Config) { c.In = dialect.InQuery },
		"body":      func(c *connectorauth.OAuth1Config) { c.In = dialect.InBody },
		"PLAINTEXT": func(c *connectorauth.OAuth1Config) { c.SignatureMethod = dialect.Plaintext },
		"SHA-512":   func(c *connectorauth.OAuth1Config) { c.SignatureMethod = dialect.HMACSHA512 },
		"body hash": func(c *connectorauth.OAuth1Config) { c.BodyHash = true },
		"queries": func(c *connectorauth.OAuth1Config) {
			c.RequestTokenURL += "?a=2&a=1"
			c.AuthorizeURL += "?lang=de"
			c.AccessTokenURL += "?x=;"
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := provider(t, authtest.Config{TLS: name != "header"})
			edited(p, p.AccessTokenURL, func(answer map[string]any) { answer["user_id"] = 42 })
			config := consenting(p)
			edit(&config)
			c := must(connectorauth.NewOAuth1(config))
			_, err := c.Extra(t.Context())
			require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
			consent(t, p, c)
			status, answer := do(t, c, p.Client(), "POST", p.OAuth1URL, formType, "a=1")
			assert.Equal(t, 200, status, answer)
			assert.Contains(t, answer, p.Username)
			extra, err := c.Extra(t.Context())
			require.NoError(t, err)
			assert.Equal(t, map[string]string{"user_id": "42", "screen_name": p.Username}, extra)
			for _, r := range p.Requests(p.RequestTokenURL) {
				assert.NotContains(t, r.Header.Get("Authorization")+r.URL.RawQuery+string(r.Body), "oauth_token=")
			}
		})
	}
}

func TestOAuth1OutOfBandNeedsTheVerifierAlone(t *testing.T) {
	p := provider(t, authtest.Config{})
	c := must(connectorauth.NewOAuth1(consenting(p)))
	authURL, pending, err := c.Begin(t.Context(), "oob")
	require.NoError(t, err)
	shown, err := p.Authorize(authURL)
	require.NoError(t, err)
	require.NoError(t, c.Finish(t.Context(), pending, url.Values{"oauth_verifier": shown.Query()["oauth_verifier"]}))
	status, _ := do(t, c, p.Client(), "GET", p.OAuth1URL, "", "")
	assert.Equal(t, 200, status)
}

func TestOAuth1DeniedConsentIsATokenError(t *testing.T) {
	p := provider(t, authtest.Config{})
	c := must(connectorauth.NewOAuth1(consenting(p)))
	authURL, pending, err := c.Begin(t.Context(), oauth1Callback)
	require.NoError(t, err)
	callback, err := p.Deny(authURL)
	require.NoError(t, err)
	token := callback.Query().Get("oauth_token")
	for code, callback := range map[string]url.Values{
		"user_refused":  callback.Query(),
		"access_denied": {"denied": {token}},
	} {
		err = c.Finish(t.Context(), pending, callback)
		var refused *connectorauth.TokenError
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, code, refused.Code)
		assert.ErrorContains(t, err, "refused the authorization")
		assert.NotContains(t, err.Error(), token)
		assert.NotErrorIs(t, err, connectorauth.ErrReauthRequired)
	}
	assert.Empty(t, p.Requests(p.AccessTokenURL))
}

// A callback that does not belong to the consent costs no request and does not
// use the consent up.
func TestOAuth1RefusesForeignCallbacks(t *testing.T) {
	p := provider(t, authtest.Config{})
	c := must(connectorauth.NewOAuth1(consenting(p)))
	pending, good := begin(t, p, c)
	edit := func(edit func(url.Values)) url.Values {
		callback := url.Values{"oauth_token": good["oauth_token"], "oauth_verifier": good["oauth_verifier"]}
		edit(callback)
		return callback
	}
	for name, callback := range map[string]struct {
		query url.Values
		want  string
	}{
		"another token": {edit(func(q url.Values) { q.Set("oauth_token", "x") }), "not that of this consent"},
		"denied, else":  {edit(func(q url.Values) { q.Set("oauth_token", "x"); q.Set("denied", "x") }), "not that of this consent"},
		"no token":      {edit(func(q url.Values) { q.Del("oauth_token") }), "has no oauth_token"},
		"two tokens":    {edit(func(q url.Values) { q.Add("oauth_token", "x") }), "more than one oauth_token"},
		"no verifier":   {edit(func(q url.Values) { q.Del("oauth_verifier") }), "has no oauth_verifier"},
		"two verifiers": {edit(func(q url.Values) { q.Add("oauth_verifier", "x") }), "more than one oauth_verifier"},
	} {
		assert.ErrorContains(t, c.Finish(t.Context(), pending, callback.query), callback.want, name)
	}
	other := consenting(p)
	other.Account, other.Store = "other", new(tokenstore.Memory)
	require.ErrorContains(t, must(connectorauth.NewOAuth1(other)).Finish(t.Context(), pending, good), "belongs to another connector")
	require.ErrorContains(t, c.Finish(t.Context(), "{}", good), "not a value that Begin returned")
	assert.Empty(t, p.Requests(p.AccessTokenURL))

	require.NoError(t, c.Finish(t.Context(), pending, good))
	require.ErrorContains(t, c.Finish(t.Context(), pending, good), "finished already")
	assert.Len(t, p.Requests(p.AccessTokenURL), 1)

	two := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{ClientID: "c", ClientSecret: "s"}))
	_, _, err := two.Begin(t.Context(), oauth1Callback)
	require.ErrorContains(t, err, "with the three URLs")
	require.ErrorContains(t, two.Finish(t.Context(), pending, good), "with the three URLs")
	_, _, err = c.Begin(t.Context(), "http://example.com/")
	require.ErrorContains(t, err, "redirectURL")
}

func TestOAuth1ConsentEndsAfterTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true})
		defer p.Close()
		c := must(connectorauth.NewOAuth1(consenting(p)))
		pending, callback := begin(t, p, c)
		time.Sleep(10*time.Minute + time.Second)
		require.ErrorContains(t, c.Finish(t.Context(), pending, callback), "begin again")
	})
}

// Answers of the request for temporary credentials, good and bad.
func TestOAuth1ReadsResponsesOfTheHandshake(t *testing.T) {
	const good = "oauth_token=t&oauth_token_secret=canary-s&oauth_callback_confirmed="
	for name, c := range map[string]struct {
		status int
		header http.Header
		body   string
		want   string // of the error
	}{
		"confirmed":       {200, nil, good + "true", ""},
		"True":            {200, nil, good + "True", ""},
		"created":         {201, nil, good + "true", ""},
		"spaces around":   {200, nil, "\r\n" + good + "true\r\n\n", ""},
		"empty secret":    {200, nil, "oauth_token=t&oauth_token_secret=&oauth_callback_confirmed=true", ""},
		"not confirmed":   {200, nil, good + "false", "did not confirm"},
		"of OAuth 1.0":    {200, nil, "oauth_token=t&oauth_token_secret=canary-s", "did not confirm"},
		"no secret":       {200, nil, "oauth_token=t&oauth_callback_confirmed=true", "no token and secret"},
		"two tokens":      {200, nil, good + "true&oauth_token=u", "no token and secret, or more"},
		"empty token":     {200, nil, "oauth_token=&oauth_token_secret=canary-s", "no token and secret"},
		"page":            {200, nil, "<html>canary</html>", "no token and secret"},
		"too long":        {200, nil, good + "true" + strings.Repeat("&x=1", 1<<18), "longer than"},
		"redirect":        {302, http.Header{"Location": {"/api/open"}}, "", "status 302: the endpoint answered with a redirect"},
		"problem":         {401, nil, "oauth_problem=consumer_key_unknown&oauth_problem_advice=canary", "status 401: consumer_key_unknown"},
		"problem, header": {400, http.Header{"Www-Authenticate": {`OAuth realm="x", oauth_problem="parameter_absent"`}}, "", "status 400: parameter_absent"},
		"words":           {403, nil, "canary", "status 403"},
		"cut off":         {200, http.Header{"Content-Length": {"1000"}}, good + "true", "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			p := provider(t, authtest.Config{})
			connector := must(connectorauth.NewOAuth1(consenting(p)))
			p.Inject(p.RequestTokenURL, 1, authtest.Answer(c.status, c.header, c.body))
			authURL, pending, err := connector.Begin(t.Context(), oauth1Callback)
			assert.Len(t, p.Requests(""), 1)
			if c.want == "" {
				require.NoError(t, err)
				assert.Equal(t, p.AuthorizeURL+"?oauth_token=t", authURL)
				return
			}
			require.ErrorContains(t, err, c.want)
			assert.Empty(t, authURL+string(pending))
			assert.NotContains(t, err.Error(), "canary")
			assert.Empty(t, canary.Found(err.Error(), p.ClientSecret))
		})
	}
}

func TestOAuth1HandshakeErrorsHoldNoSecrets(t *testing.T) {
	p := provider(t, authtest.Config{TLS: true})
	config := consenting(p)
	config.SignatureMethod, config.In = dialect.Plaintext, dialect.InQuery
	for name, fault := range map[string]authtest.Fault{
		"echo": func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(400)
				w.Write([]byte("oauth_problem=" + r.URL.Query().Get("oauth_verifier") + "&x=" + r.URL.RawQuery))
			})
		},
		"problem is the verifier": func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(401)
				w.Write([]byte("oauth_problem=" + r.URL.Query().Get("oauth_verifier")))
			})
		},
		"no answer":                  authtest.DropAfter(),
		"control character in token": authtest.EditAnswer(func(answer map[string]any) { answer["oauth_token"] = "canary\n" }),
	} {
		t.Run(name, func(t *testing.T) {
			c := must(connectorauth.NewOAuth1(config))
			pending, callback := begin(t, p, c)
			p.Inject(p.AccessTokenURL, 1, fault)
			before := len(p.Requests(p.AccessTokenURL))
			err := c.Finish(t.Context(), pending, callback)
			var failed *connectorauth.TokenError
			require.ErrorAs(t, err, &failed)
			assert.Empty(t, canary.Found(err.Error(), p.ClientSecret, callback.Get("oauth_verifier"), callback.Get("oauth_token"), "canary"), err)
			assert.Len(t, p.Requests(p.AccessTokenURL), before+1, "the verifier was sent again")
			assert.ErrorContains(t, c.Finish(t.Context(), pending, callback), "finished already")
		})
	}
}

func TestOAuth1HandshakeEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true})
		defer p.Close()
		c := must(connectorauth.NewOAuth1(consenting(p)))
		p.Inject(p.RequestTokenURL, authtest.Always, authtest.Delay(time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err := c.Begin(ctx, oauth1Callback)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		began := time.Now()
		_, _, err = c.Begin(t.Context(), oauth1Callback)
		require.Error(t, err)
		assert.Equal(t, 30*time.Second, time.Since(began))
	})
}

// The token of a caller who left is kept.
func TestOAuth1FinishOutlivesItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true})
		defer p.Close()
		c := must(connectorauth.NewOAuth1(consenting(p)))
		pending, callback := begin(t, p, c)
		p.Inject(p.AccessTokenURL, 1, authtest.Delay(5*time.Second))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, c.Finish(ctx, pending, callback), context.DeadlineExceeded)
		time.Sleep(5 * time.Second)
		status, _ := do(t, c, p.Client(), "GET", p.OAuth1URL, "", "")
		assert.Equal(t, 200, status)
	})
}

func TestOAuth1FailedConsentIsNoDeadAccount(t *testing.T) {
	for _, problem := range []string{"token_rejected", "token_revoked", "token_expired", "permission_denied"} {
		p := provider(t, authtest.Config{})
		c := must(connectorauth.NewOAuth1(consenting(p)))
		refusing(p, p.RequestTokenURL, 1, problem)
		_, _, err := c.Begin(t.Context(), oauth1Callback)
		var failed *connectorauth.TokenError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, problem, failed.Code)
		assert.NotErrorIs(t, err, connectorauth.ErrReauthRequired)

		authURL, pending, err := c.Begin(t.Context(), oauth1Callback)
		require.NoError(t, err)
		callback := must(p.Authorize(authURL))
		refusing(p, p.AccessTokenURL, 1, problem)
		err = c.Finish(t.Context(), pending, callback.Query())
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, problem, failed.Code)
		assert.NotErrorIs(t, err, connectorauth.ErrReauthRequired)
	}
}
