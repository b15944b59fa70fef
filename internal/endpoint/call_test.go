package endpoint_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRedirectOfAnEndpointIsNotFollowed(t *testing.T) {
	for _, status := range []int{300, 301, 302, 303, 304, 307, 308} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			target := serve(t, granting)
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", target.URL+"/token")
				w.WriteHeader(status)
				if status != http.StatusNotModified {
					io.WriteString(w, `{"access_token":"evil"}`)
				}
			})
			token, err := s.ask(t, request{clientID: "client", clientSecret: "secret"})
			require.NotNil(t, err)
			assert.Empty(t, token)
			assert.Equal(t, status, err.StatusCode)
			assert.ErrorContains(t, err, "configure the final URL")
			assert.False(t, err.InDoubt)
			assert.NotContains(t, err.Error(), target.URL)
			assert.Len(t, s.got(), 1)
			assert.Empty(t, target.got())
		})
	}
}

// Nothing is read of the stream that follows status 101.
func TestSwitchOfProtocolsIsRefused(t *testing.T) {
	body := &counted{Reader: endless{}}
	_, err := ask(t, answering(101, body), request{})
	require.NotNil(t, err)
	assert.Equal(t, 101, err.StatusCode)
	assert.ErrorContains(t, err, "another protocol")
	assert.Zero(t, body.read)
	assert.True(t, body.closed)
}

// One byte more than allowed tells that a response is too long. The rest is never
// read.
func TestNoMoreIsReadThanTheLimit(t *testing.T) {
	for _, status := range []int{200, 500} {
		body := &counted{Reader: endless{}}
		_, err := ask(t, answering(status, body), request{})
		require.NotNil(t, err)
		assert.ErrorContains(t, err, "longer than 1048576 bytes")
		assert.LessOrEqual(t, body.read, endpoint.MaxResponse+1)
		assert.True(t, body.closed)
		assert.Equal(t, status == 200, err.InDoubt)
	}
	assert.Equal(t, 1<<20, endpoint.MaxResponse)
}

// endless is a Reader without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// counted counts what is read of a body.
type counted struct {
	io.Reader
	read   int
	closed bool
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read += n
	return n, err
}

func (c *counted) Close() error { c.closed = true; return nil }

// answering is a base whose responses have a body.
func answering(status int, body io.ReadCloser) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Body: body, Header: http.Header{}, Request: req}, nil
	})
}

func TestGzippedResponse(t *testing.T) {
	for text, fine := range map[string]bool{
		`{"access_token":"a"}`: true,
		`{"access_token":"a","x":"` + strings.Repeat("x", 8<<20) + `"}`: false, // 8 kB on the wire
	} {
		var zipped bytes.Buffer
		w := gzip.NewWriter(&zipped)
		io.WriteString(w, text)
		w.Close()
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(zipped.Bytes())
		})
		token, err := s.ask(t, request{})
		if fine {
			require.Nil(t, err)
			assert.Equal(t, "a", token.AccessToken)
		} else {
			require.NotNil(t, err)
			assert.ErrorContains(t, err, "longer than")
		}
	}
}

// A few bytes on the wire must not become all of the memory.
func TestGzippedResponseIsUndoneAsFarAsTheLimit(t *testing.T) {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	io.Copy(w, io.LimitReader(endless{}, 64<<20))
	w.Close()
	resp := reply{body: zipped.String(), header: http.Header{"Content-Encoding": {"gzip"}}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := ask(t, resp, request{})
	runtime.ReadMemStats(&after)
	require.NotNil(t, err)
	assert.ErrorContains(t, err, "longer than 1048576 bytes")
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(32<<20))
}

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for value, want := range map[string]time.Duration{
			"120": 2 * time.Minute, "0": 0, "-5": 0, "": 0, "soon": 0, "1.5": 0, "2147483647": 2147483647 * time.Second,
			"99999999999999999999": math.MaxInt32 * time.Second, "-99999999999999999999": 0,
			time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat): 90 * time.Second,
			time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat):       0,
		} {
			_, err := ask(t, reply{status: 503, header: http.Header{"Retry-After": {value}}}, request{})
			require.NotNil(t, err)
			assert.Equal(t, want, err.RetryAfter, value)
		}
	})
	assert.Zero(t, endpoint.RetryAfter(nil))
}

// A call ends after 30 seconds, whether the endpoint is silent or sends one byte
// after another.
func TestSlowEndpointIsBounded(t *testing.T) {
	dribble := func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				io.WriteString(w, " ")
				http.NewResponseController(w).Flush()
				time.Sleep(time.Second)
			}
		})
	}
	assert.Equal(t, 30*time.Second, endpoint.Timeout)
	for name, fault := range map[string]authtest.Fault{"silent": authtest.Delay(time.Hour), "dribbling for ever": dribble} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := authtest.New(authtest.Config{InMemory: true})
				defer p.Close()
				p.Inject(p.TokenURL, authtest.Always, fault)
				began := time.Now()
				_, err := ask(t, p.Client().Transport, request{url: p.TokenURL})
				require.NotNil(t, err)
				assert.Equal(t, endpoint.Timeout, time.Since(began))
				assert.ErrorIs(t, err, context.DeadlineExceeded)
				assert.True(t, err.InDoubt)
				assert.Equal(t, 1, p.Stats().TokenRequests)
				p.Client().CloseIdleConnections()
				time.Sleep(2 * time.Second)
			})
		})
	}
}

func TestContextOfTheCallerEndsTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true})
		defer p.Close()
		p.Inject(p.TokenURL, 1, authtest.Delay(time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err := request{url: p.TokenURL}.call(p.Client().Transport).Do(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 100*time.Millisecond, time.Since(began))
	})
}

// The trace of a request to the API must not see the client's credentials. Other
// values of the context are there.
func TestTraceOfTheCallerSeesNothing(t *testing.T) {
	type key struct{}
	s := serve(t, granting)
	var seen []string
	note := func(what string) { seen = append(seen, what) }
	ctx := httptrace.WithClientTrace(context.WithValue(t.Context(), key{}, "value"), &httptrace.ClientTrace{
		GetConn: note, WroteHeaderField: func(name string, _ []string) { note(name) }, GotConn: func(httptrace.GotConnInfo) { note("conn") },
		WroteRequest: func(httptrace.WroteRequestInfo) { note("wrote") }, GotFirstResponseByte: func() { note("first") },
	})
	call := request{url: s.URL}.call(nil)
	build := call.Build
	call.Build = func(ctx context.Context) (*http.Request, []string, error) {
		assert.Equal(t, "value", ctx.Value(key{}))
		assert.Nil(t, httptrace.ContextClientTrace(ctx))
		return build(ctx)
	}
	call.Base = roundTripper(func(req *http.Request) (*http.Response, error) {
		assert.Equal(t, "value", req.Context().Value(key{}))
		return s.transport.RoundTrip(req)
	})
	_, err := call.Do(ctx)
	require.NoError(t, err)
	assert.Len(t, s.got(), 1)
	assert.Empty(t, seen)
}

func TestNoBaseMeansTheDefaultTransport(t *testing.T) {
	s := serve(t, granting)
	_, err := ask(t, nil, request{url: s.URL})
	assert.Nil(t, err)
}

func TestResponseWithoutBody(t *testing.T) {
	resp, err := request{}.call(answering(200, nil)).Do(t.Context())
	require.NoError(t, err)
	assert.Empty(t, resp.Body)
	assert.NotNil(t, resp.Response.Body)
}

func TestBaseThatReturnsNothing(t *testing.T) {
	_, err := ask(t, roundTripper(func(*http.Request) (*http.Response, error) { return nil, nil }), request{})
	require.NotNil(t, err)
	assert.ErrorContains(t, err, "neither a response nor an error")
	assert.True(t, err.InDoubt)
}

// Secrets go to no URL that everybody on the way can read or change, whoever
// chose the URL.
func TestPlainHTTPIsRefused(t *testing.T) {
	for _, to := range []string{"http://login.example.test/token", "ftp://login.example.test/", "https://u:p@login.example.test/", "https:///token"} {
		sent := 0
		base := roundTripper(func(*http.Request) (*http.Response, error) { sent++; return nil, errors.New("sent") })
		_, err := request{url: to}.call(base).Do(t.Context())
		assert.ErrorContains(t, err, "the URL of the request", to)
		assert.NotContains(t, err.Error(), "login.example", to)

		body := &counted{Reader: strings.NewReader("secret")}
		call := request{}.call(base)
		call.Before = func(req *http.Request) (err error) {
			moved, err := http.NewRequest("POST", to, nil)
			req.URL, req.Body = moved.URL, body
			return err
		}
		_, err = call.Do(t.Context())
		assert.ErrorContains(t, err, "the URL of the request", to)
		assert.True(t, body.closed)
		assert.Zero(t, sent)
	}
}

func TestFailureNamesStatusAndCode(t *testing.T) {
	cause := errors.New("because")
	f := &endpoint.Failure{StatusCode: 503, Code: "slow_down", Cause: cause}
	assert.ErrorIs(t, f, cause)
	for _, part := range []string{"503", "slow_down", "because"} {
		assert.ErrorContains(t, f, part)
	}
	for status, granted := range map[int]bool{199: false, 200: true, 299: true, 300: false, 500: false} {
		r := &endpoint.Response{Response: httptest.NewRecorder().Result()}
		r.StatusCode = status
		assert.Equal(t, granted, r.Granted(), status)
		assert.Equal(t, granted, r.Fail(nil).InDoubt, status)
	}
}
