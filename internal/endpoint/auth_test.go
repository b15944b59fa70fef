package endpoint_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// again is a connector that sends a refused request once more.
func again(base http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		out := req.Clone(req.Context())
		out.Header.Set("Authorization", "Bearer old")
		resp, err := base.RoundTrip(out)
		if err != nil || resp.StatusCode != http.StatusUnauthorized {
			return resp, err
		}
		resp.Body.Close()
		out = req.Clone(req.Context())
		out.Header.Set("Authorization", "Bearer new")
		if req.GetBody != nil {
			if out.Body, err = req.GetBody(); err != nil {
				return nil, err
			}
		}
		return base.RoundTrip(out)
	})
}

func posting(t *testing.T, to, body string) endpoint.Call {
	return endpoint.Call{Auth: again, Build: func(ctx context.Context) (*http.Request, []string, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(body))
		return req, nil, err
	}}
}

func TestCallThatAConnectorAuthenticates(t *testing.T) {
	for _, body := range []string{"hello", ""} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer new" {
				w.WriteHeader(http.StatusUnauthorized)
			}
		})
		call := posting(t, s.URL, body)
		resp, err := call.Do(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 200, resp.StatusCode)
		var sent []string
		for _, r := range s.got() {
			assert.False(t, r.chunked)
			sent = append(sent, r.header.Get("Authorization")+" "+r.body)
		}
		assert.Equal(t, []string{"Bearer old " + body, "Bearer new " + body}, sent)
	}
}

// net/http by itself sends neither request again.
func TestConnectorOfACallDoesNotMakeNetHTTPRepeat(t *testing.T) {
	var n atomic.Int32
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) == 1 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		panic(http.ErrAbortHandler)
	})
	call := posting(t, s.URL, "hello")
	_, err := call.Do(t.Context())
	assert.True(t, failure(t, err).InDoubt)
	assert.EqualValues(t, 2, n.Load())
}

func TestConnectorThatSendsNothingLeavesNoDoubt(t *testing.T) {
	broken := errors.New("no token")
	call := posting(t, tokenURL, "hello")
	call.Auth = func(http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) { req.Body.Close(); return nil, broken })
	}
	_, err := call.Do(t.Context())
	assert.ErrorIs(t, err, broken)
	assert.False(t, failure(t, err).InDoubt)
}

func TestRedirectAsAResponse(t *testing.T) {
	target := serve(t, granting)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "a=b")
		http.Redirect(w, r, target.URL, http.StatusSeeOther)
	})
	call := request{url: s.URL}.call(nil)
	call.Redirects = true
	call.After = func(resp *http.Response) error { return nil }
	resp, err := call.Do(t.Context())
	require.NoError(t, err)
	require.NoError(t, resp.AfterErr)
	assert.Equal(t, http.StatusSeeOther, resp.StatusCode)
	assert.False(t, resp.Granted())
	assert.Empty(t, target.got())
}
