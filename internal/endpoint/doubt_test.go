package endpoint_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lost are handlers after which nobody knows what became of a request.
var lost = map[string]http.HandlerFunc{
	"dropped": func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
	"dropped in between": func(w http.ResponseWriter, r *http.Request) {
		hijack(w, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
	},
	"cut chunk": func(w http.ResponseWriter, r *http.Request) {
		hijack(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{")
	},
	"not HTTP": func(w http.ResponseWriter, r *http.Request) { hijack(w, "nonsense\r\n\r\n") },
}

func TestExactlyOneRequestWhateverTheResponse(t *testing.T) {
	answers := map[string]http.HandlerFunc{
		"granted": granting,
		"invalid_grant": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(400)
			io.WriteString(w, `{"error":"invalid_grant"}`)
		},
		"invalid_client": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(401)
			io.WriteString(w, `{"error":"invalid_client"}`)
		},
		"408": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(408) },
		"425": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(425) },
		"500": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) },
	}
	for name, answer := range lost {
		answers[name] = answer
	}
	for name, answer := range answers {
		for _, encoding := range encodings {
			t.Run(fmt.Sprint(name, " ", encoding), func(t *testing.T) {
				s := serve(t, answer)
				s.ask(t, request{encoding: encoding, clientSecret: "secret", params: url.Values{"grant_type": {"refresh_token"}}})
				assert.Len(t, s.got(), 1)
			})
		}
	}
}

// net/http repeats what it takes for safe when a used connection breaks: GET,
// and POST with an idempotency key, in both its spellings.
func TestLostResponseIsNotAskedForAgain(t *testing.T) {
	for name, answer := range lost {
		for _, key := range []string{"X-Other", "Idempotency-Key", "X-Idempotency-Key"} {
			for _, encoding := range encodings {
				t.Run(fmt.Sprint(name, " ", key, " ", encoding), func(t *testing.T) {
					var drop atomic.Bool
					s := serve(t, func(w http.ResponseWriter, r *http.Request) {
						if drop.Load() {
							answer(w, r)
							return
						}
						granting(w, r)
					})
					r := request{encoding: encoding, params: url.Values{"client_secret": {"s3cret"}}, header: http.Header{key: {"1"}}, clientSecret: "s3cret"}
					_, err := s.ask(t, r) // leaves a connection, on which net/http would try again
					require.Nil(t, err)
					drop.Store(true)
					_, err = s.ask(t, r)
					require.NotNil(t, err)
					assert.True(t, err.InDoubt, err)
					require.Len(t, s.got(), 2)
					assert.Equal(t, "1", s.got()[1].header.Get(key))
					assert.NotContains(t, fmt.Sprintf("%v %+v", err, err.Cause), "client_secret", "no URL with parameters in an error")
				})
			}
		}
	}
}

// net/http may take another connection as long as nothing was sent. A connection
// that another request has opened is not announced by GetConn.
func TestSecondConnectionIsForRequestsThatWereNotSent(t *testing.T) {
	for name, take := range map[string]func(*httptrace.ClientTrace){
		"GetConn": func(trace *httptrace.ClientTrace) { trace.GetConn("login.example.test:443") },
		"GotConn": func(trace *httptrace.ClientTrace) { trace.GotConn(httptrace.GotConnInfo{}) },
	} {
		_, err := ask(t, roundTripper(func(req *http.Request) (*http.Response, error) {
			trace := httptrace.ContextClientTrace(req.Context())
			trace.GetConn("login.example.test:443")
			trace.GetConn("login.example.test:443")
			trace.GotConn(httptrace.GotConnInfo{})
			assert.NoError(t, req.Context().Err(), name)
			trace.WroteHeaders()
			trace.WroteRequest(httptrace.WroteRequestInfo{})
			take(trace)
			assert.ErrorIs(t, req.Context().Err(), context.Canceled, name)
			trace.WroteRequest(httptrace.WroteRequestInfo{Err: req.Context().Err()})
			return nil, req.Context().Err()
		}), request{})
		require.NotNil(t, err, name)
		assert.True(t, err.InDoubt, "the first connection has the whole request")
		assert.NotErrorIs(t, err, context.Canceled, "the caller's context has not ended")
		assert.ErrorContains(t, err, "not sent again")
	}
}

func TestLostResponseIsInDoubt(t *testing.T) {
	for name, answer := range lost {
		t.Run(name, func(t *testing.T) {
			_, err := serve(t, answer).ask(t, request{})
			require.NotNil(t, err)
			assert.True(t, err.InDoubt, err)
		})
	}
	t.Run("truncated error", func(t *testing.T) {
		_, err := serve(t, func(w http.ResponseWriter, r *http.Request) {
			hijack(w, "HTTP/1.1 500 Oops\r\nContent-Length: 100\r\nRetry-After: 7\r\n\r\n{")
		}).ask(t, request{})
		require.NotNil(t, err)
		assert.False(t, err.InDoubt, "an error status says that nothing was granted")
		assert.Equal(t, 500, err.StatusCode)
		assert.Equal(t, 7.0, err.RetryAfter.Seconds())
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})
}

func TestRequestThatNeverLeftIsNotInDoubt(t *testing.T) {
	refused := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	}}
	for _, encoding := range encodings {
		_, err := ask(t, refused, request{encoding: encoding, clientSecret: "secret"})
		require.NotNil(t, err)
		assert.False(t, err.InDoubt)
		assert.ErrorContains(t, err, "connection refused")
		assert.NotContains(t, err.Error(), "login.example.test/token", "no URL in an error")
		require.ErrorAs(t, err, new(*net.OpError))
	}
}

// A server cannot act on half a request.
func TestRequestThatWasNotWrittenToItsEndIsNotInDoubt(t *testing.T) {
	for name, test := range map[string]struct {
		steps   func(*httptrace.ClientTrace)
		inDoubt bool
	}{
		"connection only": {func(trace *httptrace.ClientTrace) {}, false},
		"header only":     {func(trace *httptrace.ClientTrace) { trace.WroteHeaders() }, false},
		"body not completed": {func(trace *httptrace.ClientTrace) {
			trace.WroteHeaders()
			trace.WroteRequest(httptrace.WroteRequestInfo{Err: io.EOF})
		}, false},
		"all": {func(trace *httptrace.ClientTrace) {
			trace.WroteHeaders()
			trace.WroteRequest(httptrace.WroteRequestInfo{})
		}, true},
	} {
		_, err := ask(t, roundTripper(func(req *http.Request) (*http.Response, error) {
			trace := httptrace.ContextClientTrace(req.Context())
			trace.GetConn("login.example.test:443")
			test.steps(trace)
			return nil, errors.New("broken")
		}), request{})
		require.NotNil(t, err, name)
		assert.Equal(t, test.inDoubt, err.InDoubt, name)
	}
}

// A transport that is not net/http's does not say how far a request got.
func TestErrorOfAnUnknownTransportIsInDoubt(t *testing.T) {
	_, err := ask(t, roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("lost") }), request{})
	require.NotNil(t, err)
	assert.True(t, err.InDoubt)
}

// Whatever a hook does to the request, net/http cannot repeat it.
func TestRequestOfAHookIsNotRepeatable(t *testing.T) {
	for _, encoding := range encodings {
		call := request{encoding: encoding}.call(roundTripper(func(req *http.Request) (*http.Response, error) {
			assert.Nil(t, req.GetBody)
			if encoding != dialect.EncodeQuery {
				require.NotNil(t, req.Body)
				assert.NotEqual(t, http.NoBody, req.Body, "net/http repeats a GET without a body")
			}
			return reply{body: `{}`}.RoundTrip(req)
		}))
		call.Before = func(req *http.Request) error {
			req.GetBody = func() (io.ReadCloser, error) { return http.NoBody, nil }
			if encoding == dialect.EncodeGet {
				req.Body = http.NoBody
			}
			return nil
		}
		_, err := call.Do(t.Context())
		require.NoError(t, err)
	}
}

// A key in the header makes net/http repeat a request without a body, but not one
// with a body that it cannot rewind.
func TestIdempotencyKeyMakesNothingRepeatable(t *testing.T) {
	for _, key := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		for _, encoding := range encodings {
			_, err := request{encoding: encoding, header: http.Header{key: {"1"}}}.call(roundTripper(func(req *http.Request) (*http.Response, error) {
				assert.Nil(t, req.GetBody)
				require.NotNil(t, req.Body, "%s %s", key, encoding)
				assert.NotEqual(t, http.NoBody, req.Body, "%s %s", key, encoding)
				return reply{body: `{}`}.RoundTrip(req)
			})).Do(t.Context())
			require.NoError(t, err)
		}
	}
}
