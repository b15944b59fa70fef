package connectorauth_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rejectsOpenly is a base whose first responses have status 401 and a body that
// ends only when it is closed, as those of event streams do.
func rejectsOpenly(rejections int) *fakehttp.Base {
	base := new(fakehttp.Base)
	base.Answer = func(*http.Request) (*http.Response, error) {
		if len(base.Requests()) > rejections {
			return fakehttp.Respond(200, "welcome"), nil
		}
		resp := fakehttp.Respond(401, "")
		resp.Body, _ = io.Pipe()
		resp.ContentLength = -1
		return resp, nil
	}
	return base
}

// renewables are connectors that can replace a rejected credential.
func renewables(t *testing.T) map[string]connectorauth.Connector {
	tokens := &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
		return fakehttp.Respond(200, `{"access_token":"a","token_type":"Bearer"}`), nil
	})}
	return map[string]connectorauth.Connector{
		"OAuth2": must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "client", ClientSecret: "secret", TokenURL: "https://p.example/token",
			Grant: connectorauth.ClientCredentials{}, HTTPClient: tokens,
		})),
		"Custom": renewing(t, nil),
	}
}

func TestRejectionWithAnOpenBodyIsReplayedAtOnce(t *testing.T) {
	for name, c := range renewables(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				req := must(http.NewRequestWithContext(ctx, http.MethodGet, home, nil))
				began := time.Now()
				resp, err := c.Wrap(rejectsOpenly(1)).RoundTrip(req)
				require.NoError(t, err)
				assert.Equal(t, 200, resp.StatusCode)
				assert.LessOrEqual(t, time.Since(began), 50*time.Millisecond)
			})
		})
	}
}

func TestRejectionWithAnOpenBodyThatCannotBeReplayedReturnsAtOnce(t *testing.T) {
	subjects := renewables(t)
	subjects["OAuth1"] = must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{ClientID: "client", ClientSecret: "secret"}))
	for name, c := range subjects {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				body := io.NopCloser(strings.NewReader("hello"))
				req := must(http.NewRequestWithContext(t.Context(), http.MethodPost, home, body))
				req.GetBody = nil
				began := time.Now()
				resp, err := c.Wrap(rejectsOpenly(9)).RoundTrip(req)
				require.NoError(t, err)
				assert.Equal(t, 401, resp.StatusCode)
				assert.LessOrEqual(t, time.Since(began), 50*time.Millisecond)
				resp.Body.Close()
			})
		})
	}
}

func TestStreamedRequestsThatAreAlwaysRejectedCostOneRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokenRequests := 0
		c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "client", ClientSecret: "secret", TokenURL: "https://p.example/token", Grant: connectorauth.ClientCredentials{},
			HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
				tokenRequests++
				return fakehttp.Respond(200, `{"access_token":"a","expires_in":3600}`), nil
			})},
		}))
		transport := c.Wrap(&fakehttp.Base{Answer: fakehttp.Statuses(401)})
		for range 30 {
			req := must(http.NewRequest(http.MethodPost, home, io.NopCloser(strings.NewReader("stream"))))
			resp, err := transport.RoundTrip(req)
			require.NoError(t, err)
			assert.Equal(t, 401, resp.StatusCode)
			synctest.Wait()
		}
		assert.Equal(t, 2, tokenRequests, "the first token, and one renewal")
	})
}

func TestLittleIsReadOfARejectionThatNobodySees(t *testing.T) {
	for name, c := range rejectables(t) {
		body := &countingBody{left: 1 << 40}
		base := new(fakehttp.Base)
		base.Answer = func(*http.Request) (*http.Response, error) {
			if len(base.Requests()) > 1 {
				return fakehttp.Respond(200, "welcome"), nil
			}
			resp := fakehttp.Respond(401, "")
			resp.Body, resp.ContentLength = body, 1<<40
			return resp, nil
		}
		status, _ := get(t, c, &http.Client{Transport: base}, home)
		assert.Equal(t, 200, status, name)
		assert.LessOrEqual(t, body.read, 16<<10, name)
		assert.True(t, body.closed, name)
	}
}
