package connectorauth_test

import (
	"io"
	"math"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAfterResponseHookReadsReplacesOrRefusesTheResponse(t *testing.T) {
	var answer *fakehttp.Body
	made := &fakehttp.Bodies{}
	base := &fakehttp.Base{Answer: func(*http.Request) (*http.Response, error) {
		resp := fakehttp.Respond(http.StatusOK, "")
		answer = made.Open("answer", nil)
		resp.Body, resp.ContentLength = answer, 6
		resp.Header.Set("Content-Length", "6")
		return resp, nil
	}}
	do := func(hook func(*connectorauth.Exchange) error) (*http.Response, error) {
		return hookedKey(after(hook)).Wrap(base).RoundTrip(must(http.NewRequest(http.MethodGet, "https://api.example.com/", nil)))
	}

	resp, err := do(func(e *connectorauth.Exchange) error {
		for range 2 {
			assert.Equal(t, "answer", string(must(e.ResponseBody(6))))
		}
		_, err := e.ResponseBody(5)
		assert.ErrorContains(t, err, "longer than the 5 bytes")
		e.Response.Request = nil
		return nil
	})
	require.NoError(t, err)
	assert.NotNil(t, resp.Request)
	_, body := read(t, resp, err)
	assert.Equal(t, "answer", body, "it was put back")

	resp, err = do(func(e *connectorauth.Exchange) error { e.SetResponseBody([]byte("another")); return nil })
	_, body = read(t, resp, err)
	assert.Equal(t, "another", body)
	assert.EqualValues(t, 7, resp.ContentLength)
	assert.Equal(t, "7", resp.Header.Get("Content-Length"))

	_, err = do(func(*connectorauth.Exchange) error { return errBroken })
	require.ErrorIs(t, err, errBroken)
	_, err = do(func(*connectorauth.Exchange) error { return connectorauth.ErrCredentialRejected })
	require.ErrorIs(t, err, connectorauth.ErrCredentialRejected, "a key cannot be renewed")
	_, err = do(func(e *connectorauth.Exchange) error { panic(e.Auth) })
	require.ErrorContains(t, err, "panic of type connectorauth.Secret in the hook after the response")
	made.RequireClosedOnce(t)
}

// unread is a body of which nothing may be read.
type unread struct {
	reads  atomic.Int32
	closed atomic.Int32
}

func (b *unread) Read([]byte) (int, error) { b.reads.Add(1); return 0, io.EOF }
func (b *unread) Close() error             { b.closed.Add(1); return nil }

func TestStreamAfterStatus101IsNotRead(t *testing.T) {
	stream := new(unread)
	base := fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusSwitchingProtocols, Header: http.Header{}, Body: stream}, nil
	})
	for _, hook := range []func(*connectorauth.Exchange) error{
		func(*connectorauth.Exchange) error { return errBroken },
		func(e *connectorauth.Exchange) error { _, err := e.ResponseBody(10); return err },
	} {
		_, err := hookedKey(after(hook)).Wrap(base).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
		require.Error(t, err)
	}
	assert.Zero(t, stream.reads.Load())
	assert.EqualValues(t, 2, stream.closed.Load())
}

func TestHookReadsABodyWithoutLimit(t *testing.T) {
	key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "key"}))
	c := connectorauth.WithHooks(key, connectorauth.Hooks{AfterResponse: func(e *connectorauth.Exchange) error {
		body, err := e.ResponseBody(math.MaxInt64)
		assert.Equal(t, "hello", string(body))
		return err
	}})
	base := fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) { return fakehttp.Respond(200, "hello"), nil })
	_, body := get(t, c, &http.Client{Transport: base}, "https://api.example.com/")
	assert.Equal(t, "hello", body)
}
