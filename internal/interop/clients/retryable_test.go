package clients_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
)

// newRetryable puts go-retryablehttp on top of a connector's client: the right
// order, because each try is then authenticated anew (an OAuth1 signature serves
// once) and because what go-retryablehttp logs is the caller's request. The other
// way round, with a retryablehttp.RoundTripper as the base, its inner client
// would also follow redirects with the credentials in place.
func newRetryable(c connectorauth.Connector) *retryablehttp.Client {
	client := retryablehttp.NewClient()
	client.HTTPClient = connectorauth.NewClient(c, nil)
	client.RetryMax, client.RetryWaitMin, client.RetryWaitMax = 4, time.Millisecond, time.Millisecond
	client.Logger = nil
	return client
}

// counted counts the tries of a client.
func counted(client *retryablehttp.Client) *int {
	tries := new(int)
	client.RequestLogHook = func(retryablehttp.Logger, *http.Request, int) { *tries++ }
	return tries
}

// checkRetry is the policy for a client on top of a connector.
func checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if err != nil && permanent(err) {
		return false, err
	}
	return retryablehttp.DefaultRetryPolicy(ctx, resp, err)
}

// A failure is a request that no retry can help.
type failure struct {
	connector connectorauth.Connector
	url       string
	want      error // nil for a *connectorauth.TokenError
}

func permanentFailures(t *testing.T) map[string]failure {
	t.Helper()
	p := authtest.NewProvider(t)
	revoked := forOwner(t, p)
	p.RevokeGrants()
	misconfigured := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: "wrong", TokenURL: p.TokenURL, Grant: connectorauth.ClientCredentials{},
	}))
	fields := must(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{
		Fields: []connectorauth.AuthField{{Key: "token", Value: secret}}, Body: dialect.BodyJSON,
	}))
	return map[string]failure{
		"dead grant":        {revoked, p.BearerURL, connectorauth.ErrReauthRequired},
		"wrong secret":      {misconfigured, p.BearerURL, nil},
		"foreign host":      {headerKey("api.example.com"), p.OpenURL, connectorauth.ErrHostNotAllowed},
		"wrong body format": {fields, p.OpenURL, connectorauth.ErrBodyNotInjectable},
	}
}

func TestRetryableHTTPWithCheckRetryGivesUpOnPermanentErrors(t *testing.T) {
	for name, failure := range permanentFailures(t) {
		t.Run(name, func(t *testing.T) {
			client := newRetryable(failure.connector)
			client.CheckRetry = checkRetry
			tries := counted(client)
			resp, err := client.Post(failure.url, "application/x-www-form-urlencoded", []byte("a=1"))
			if err == nil {
				resp.Body.Close()
			}
			require.Error(t, err)
			if failure.want != nil {
				assert.ErrorIs(t, err, failure.want)
			}
			assert.Equal(t, 1, *tries)
		})
	}
}

// By default go-retryablehttp tries again after any error that it does not know.
// With a connector that costs time and nothing else: nothing is sent, and a dead
// grant or a wrong secret costs one token request.
func TestRetryableHTTPsDefaultPolicyRetriesPermanentErrorsInVain(t *testing.T) {
	p := authtest.NewProvider(t)
	c := forOwner(t, p)
	p.RevokeGrants()
	before := p.Stats()
	client := newRetryable(c)
	tries := counted(client)
	resp, err := client.Get(p.BearerURL)
	if err == nil {
		resp.Body.Close()
	}
	require.ErrorIs(t, err, connectorauth.ErrReauthRequired, "its own error wraps ours")
	assert.Equal(t, client.RetryMax+1, *tries)
	assert.Equal(t, before.TokenRequests+1, p.Stats().TokenRequests)

	client = newRetryable(headerKey("api.example.com"))
	tries = counted(client)
	resp, err = client.Get(p.OpenURL)
	if err == nil {
		resp.Body.Close()
	}
	require.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
	assert.Equal(t, client.RetryMax+1, *tries)
	assert.Empty(t, p.Requests(p.OpenURL))
}

func TestRetryableHTTPOutlastsATokenEndpointThatIsDown(t *testing.T) {
	p := authtest.NewProvider(t)
	p.Inject(p.TokenURL, 1, authtest.Answer(http.StatusServiceUnavailable, nil, "down"))
	client := newRetryable(forClient(p))
	client.CheckRetry = checkRetry
	client.RetryMax, client.RetryWaitMin, client.RetryWaitMax = 40, 100*time.Millisecond, 100*time.Millisecond
	resp, err := client.Get(p.BearerURL)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, 2, p.Stats().TokenRequests, "the connector waits for longer than the retries do")
}

func TestRetryableHTTPSendsEachTryWithASignatureOfItsOwn(t *testing.T) {
	p := authtest.NewProvider(t)
	token, tokenSecret := p.IssueOAuth1Token()
	c := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), Token: token, TokenSecret: connectorauth.Secret(tokenSecret),
	}))
	// The first tries are verified, nonce and all, and lost on the way back.
	unheard := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(lost{http.Header{}}, r)
			w.WriteHeader(http.StatusBadGateway)
		})
	}
	p.Inject(p.OAuth1URL, 2, unheard)
	resp, err := newRetryable(c).PostForm(p.OAuth1URL, url.Values{"order": {"1 + 1"}})
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, "OAuth1", identity(t, resp.Body).AuthType)
	assert.Equal(t, 3, p.Stats().APIAccepted)
}

// lost is a ResponseWriter for an answer that nobody gets.
type lost struct{ header http.Header }

func (l lost) Header() http.Header         { return l.header }
func (l lost) Write(p []byte) (int, error) { return len(p), nil }
func (l lost) WriteHeader(int)             {}

func TestRetryableHTTPSendsInjectedFieldsOncePerTry(t *testing.T) {
	p := authtest.NewProvider(t)
	p.Inject(p.KeyBodyURL, 2, authtest.Answer(http.StatusServiceUnavailable, nil, ""))
	c := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: connectorauth.Secret(p.APIKey), In: dialect.InBody, Name: "api_key"}))
	resp, err := newRetryable(c).Post(p.KeyBodyURL, "application/json", strings.NewReader(`{"order": 1}`))
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, "ApiKey", identity(t, resp.Body).AuthType)
	requests := p.Requests(p.KeyBodyURL)
	require.Len(t, requests, 3)
	for _, r := range requests {
		assert.Equal(t, string(requests[0].Body), string(r.Body))
	}
}

func TestRetryableHTTPDoesNotRetryARejectedCredential(t *testing.T) {
	server := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusUnauthorized)
	})
	resp, err := newRetryable(headerKey()).Post(server.URL, "text/plain", []byte("x"))
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	assert.Len(t, server.arrived(), 1)
}
