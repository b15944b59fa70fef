package clients_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/go-resty/resty/v2"
	"github.com/google/go-github/v74/github"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
)

// expelled returns a connector whose token was revoked while the token endpoint is
// down for n requests.
func expelled(t *testing.T, n int) (*authtest.Provider, connectorauth.Connector) {
	t.Helper()
	p := authtest.NewProvider(t)
	c := forClient(p)
	_, err := c.Token(t.Context())
	require.NoError(t, err)
	p.RevokeAccessTokens()
	p.Inject(p.TokenURL, n, authtest.Answer(http.StatusServiceUnavailable, nil, "down"))
	return p, c
}

// go-github reads the body of a 401 and puts another in its place.
func TestGoGitHubsErrorHasTheReasonOfARejection(t *testing.T) {
	p, c := expelled(t, 1)
	_, _, err := newGitHub(t, c, p.BearerURL).Issues.Create(t.Context(), "acme", "rockets", &github.IssueRequest{})
	var failed *github.ErrorResponse
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, http.StatusUnauthorized, failed.Response.StatusCode)
	assert.ErrorContains(t, connectorauth.RenewalError(failed.Response), "status 503")
}

func TestRestysResponseHasTheReasonOfARejection(t *testing.T) {
	p, c := expelled(t, 1)
	client := resty.NewWithClient(connectorauth.NewClient(c, nil)).SetTimeout(time.Minute)
	resp, err := client.R().Get(p.BearerURL)
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode())
	assert.ErrorContains(t, connectorauth.RenewalError(resp.RawResponse), "status 503")
}

func TestRetryableHTTPTriesAgainWhileARenewalIsImpossible(t *testing.T) {
	p, c := expelled(t, 1)
	client := newRetryable(c)
	client.RetryMax, client.RetryWaitMin, client.RetryWaitMax = 40, 100*time.Millisecond, 100*time.Millisecond
	client.CheckRetry = func(ctx context.Context, resp *http.Response, err error) (bool, error) {
		if resp != nil && connectorauth.RenewalError(resp) != nil {
			return true, nil
		}
		return checkRetry(ctx, resp, err)
	}
	resp, err := client.Get(p.BearerURL)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusOK, resp.StatusCode)

	rejected := newAPI(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	client.HTTPClient = connectorauth.NewClient(headerKey(), nil)
	tries := counted(client)
	resp, err = client.Get(rejected.URL)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, 1, *tries, "a key is never renewed")
}
