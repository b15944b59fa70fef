package authtest_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dghubble/oauth1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/authtest"
)

// renew renews a token with a PLAINTEXT signature, and returns the status and the
// members of the response.
func renew(t *testing.T, p *authtest.Provider, token, secret, handle string) (int, url.Values) {
	t.Helper()
	q := url.Values{
		"oauth_consumer_key": {p.ClientID}, "oauth_token": {token}, "oauth_signature_method": {"PLAINTEXT"},
		"oauth_signature": {oauth1.PercentEncode(p.ClientSecret) + "&" + oauth1.PercentEncode(secret)},
	}
	if handle != "" {
		q.Set("oauth_session_handle", handle)
	}
	resp, err := p.Client().Post(p.AccessTokenURL+"?"+q.Encode(), "", nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	answer, err := url.ParseQuery(string(body))
	require.NoError(t, err)
	return resp.StatusCode, answer
}

func TestOAuth1Session(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true, OAuth1Lifetime: 90 * time.Minute, OAuth1Session: 24 * time.Hour})
		defer p.Close()
		var session url.Values
		p.Inject(p.AccessTokenURL, 1, authtest.EditAnswer(func(answer map[string]any) {
			session = url.Values{}
			for name, value := range answer {
				session.Set(name, value.(string))
			}
		}))
		config := &oauth1.Config{
			ConsumerKey: p.ClientID, ConsumerSecret: p.ClientSecret, CallbackURL: "oob", HTTPClient: p.Client(),
			Endpoint: oauth1.Endpoint{RequestTokenURL: p.RequestTokenURL, AuthorizeURL: p.AuthorizeURL, AccessTokenURL: p.AccessTokenURL},
		}
		temporary, temporarySecret, err := config.RequestToken()
		require.NoError(t, err)
		callback, err := p.Authorize(p.AuthorizeURL + "?oauth_token=" + temporary)
		require.NoError(t, err)
		token, secret, err := config.AccessToken(temporary, temporarySecret, callback.Query().Get("oauth_verifier"))
		require.NoError(t, err)
		assert.Equal(t, []string{"5400", "86400"}, []string{session.Get("oauth_expires_in"), session.Get("oauth_authorization_expires_in")})
		handle := session.Get("oauth_session_handle")

		api := func(token, secret string) *http.Response {
			ctx := context.WithValue(t.Context(), oauth1.HTTPClient, p.Client())
			resp, _, _ := call(t, config.Client(ctx, oauth1.NewToken(token, secret)), get(t, p.OAuth1URL))
			return resp
		}
		assert.Equal(t, 200, api(token, secret).StatusCode)
		time.Sleep(90 * time.Minute)
		resp := api(token, secret)
		assert.Equal(t, 401, resp.StatusCode)
		assert.Contains(t, resp.Header.Get("WWW-Authenticate"), "token_expired")

		status, answer := renew(t, p, token, secret, "")
		assert.Equal(t, []any{400, "parameter_absent"}, []any{status, answer.Get("oauth_problem")})
		status, answer = renew(t, p, token, secret, "guess")
		assert.Equal(t, []any{401, "token_rejected"}, []any{status, answer.Get("oauth_problem")})
		status, answer = renew(t, p, token, secret, handle)
		require.Equal(t, 200, status, answer)
		assert.Equal(t, handle, answer.Get("oauth_session_handle"))
		assert.Equal(t, "81000", answer.Get("oauth_authorization_expires_in"))
		assert.Equal(t, 200, api(answer.Get("oauth_token"), answer.Get("oauth_token_secret")).StatusCode)
		status, _ = renew(t, p, token, secret, handle)
		assert.Equal(t, 401, status, "the old token")

		p.ExpireAccessTokens()
		assert.Equal(t, 401, api(answer.Get("oauth_token"), answer.Get("oauth_token_secret")).StatusCode)
		time.Sleep(24 * time.Hour)
		status, answer = renew(t, p, answer.Get("oauth_token"), answer.Get("oauth_token_secret"), handle)
		assert.Equal(t, []any{401, "token_expired"}, []any{status, answer.Get("oauth_problem")})

		issued, issuedSecret := p.IssueOAuth1Token()
		status, answer = renew(t, p, issued, issuedSecret, handle)
		assert.Equal(t, []any{401, "token_rejected"}, []any{status, answer.Get("oauth_problem")}, "a token without a session")
	})
}
