package connectorauth_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReasonIsNotForwardedByAProxy(t *testing.T) {
	c := expelled(t, outage(503, ""))
	for _, http2 := range []bool{false, true} {
		proxy := httptest.NewUnstartedServer(&httputil.ReverseProxy{
			Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(must(url.Parse(home))) },
			Transport: c.Wrap(rejecting),
			ModifyResponse: func(resp *http.Response) error {
				assert.Error(t, connectorauth.RenewalError(resp))
				return nil
			},
		})
		proxy.EnableHTTP2 = http2
		proxy.StartTLS()
		client := proxy.Client()
		resp, err := client.Get(proxy.URL)
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, 401, resp.StatusCode)
		assert.Equal(t, http2, resp.ProtoMajor == 2)
		for name := range resp.Header {
			assert.NotContains(t, strings.ToLower(name), "connectorauth")
		}
		client.CloseIdleConnections()
		proxy.Close()
	}
}

// A base may keep the header of its response, as a cache does.
func TestReasonIsNotInTheHeaderThatABaseKeeps(t *testing.T) {
	kept := http.Header{"X": {"y"}}
	for _, header := range []http.Header{kept, nil} {
		base := fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 401, Header: header, Body: http.NoBody}, nil
		})
		resp, err := expelled(t, outage(503, "")).Wrap(base).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
		require.NoError(t, err)
		assert.Error(t, connectorauth.RenewalError(resp))
		assert.Equal(t, header.Get("X"), resp.Header.Get("X"))
	}
	assert.Len(t, kept, 1)
}

// A stream that follows status 101 keeps the type of its body.
func TestReasonLeavesTheBodyAlone(t *testing.T) {
	body := &duplex{}
	base := fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 401, Header: http.Header{}, Body: body}, nil
	})
	resp, err := expelled(t, outage(503, "")).Wrap(base).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
	require.NoError(t, err)
	assert.Error(t, connectorauth.RenewalError(resp))
	assert.Same(t, body, resp.Body)
}

type duplex struct{ io.ReadWriteCloser }

func (*duplex) Close() error { return nil }

func TestRejectionInABodyHasAReason(t *testing.T) {
	c, _ := dialected(t, config2{
		Grant:   connectorauth.ClientCredentials{},
		Dialect: dialect.OAuth2{Rejections: []dialect.Rejection{{Path: "ok", Value: "false"}}},
	}, func(n int, _ *http.Request) (int, string) {
		if n > 1 {
			return 503, ""
		}
		return 200, `{"access_token":"a1"}`
	})
	base := fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
		resp := fakehttp.Respond(200, `{"ok":false}`)
		resp.Header.Set("Content-Type", "application/json")
		return resp, nil
	})
	resp, err := c.Wrap(base).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
	_, body := read(t, resp, err)
	assert.Equal(t, `{"ok":false}`, body)
	assert.ErrorContains(t, connectorauth.RenewalError(resp), "status 503")
}

// The fields of a TokenError are what a reason keeps.
func TestTokenErrorSurvivesInAReason(t *testing.T) {
	want := connectorauth.TokenError{StatusCode: 503, Code: "server_error", Description: "d", RetryAfter: time.Minute}
	var got connectorauth.TokenError
	require.NoError(t, json.Unmarshal(must(json.Marshal(&want)), &got))
	assert.Equal(t, want, got)
	assert.False(t, errors.Is(&got, connectorauth.ErrReauthRequired))
}
