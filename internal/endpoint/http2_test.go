package endpoint_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/http2peer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// net/http takes these for a request that the server has not looked at, and would
// send it again and again.
func TestResetStreamIsNotSentAgain(t *testing.T) {
	reset := func(code uint32) func(int, uint32, string) []http2peer.Frame {
		return func(_ int, stream uint32, _ string) []http2peer.Frame {
			return []http2peer.Frame{http2peer.Reset(stream, code)}
		}
	}
	params := url.Values{"code": {"once"}}
	body := map[dialect.Encoding]string{dialect.EncodeForm: "code=once", dialect.EncodeJSON: `{"code":"once"}`}
	for name, answer := range map[string]func(int, uint32, string) []http2peer.Frame{
		"PROTOCOL_ERROR": reset(http2peer.ProtocolError), "REFUSED_STREAM": reset(http2peer.RefusedStream), "INTERNAL_ERROR": reset(http2peer.InternalError),
		"GOAWAY": func(int, uint32, string) []http2peer.Frame { return []http2peer.Frame{http2peer.GoAway(0, 0)} }, // "I have seen no stream"
	} {
		for _, key := range []string{"X-Other", "Idempotency-Key", "X-Idempotency-Key"} {
			for _, encoding := range encodings {
				t.Run(fmt.Sprint(name, " ", key, " ", encoding), func(t *testing.T) {
					p := http2peer.New(t, answer)
					began := time.Now()
					_, err := ask(t, p.Transport, request{url: p.URL, encoding: encoding, params: params, header: http.Header{key: {"1"}}})
					require.NotNil(t, err)
					assert.Less(t, time.Since(began), 30*time.Second)
					assert.True(t, err.InDoubt, "the server has read the request: %v", err)
					assert.Equal(t, []string{body[encoding]}, p.Bodies())
				})
			}
		}
	}
}

// The same with net/http's own server.
func TestHTTP2ServerThatAborts(t *testing.T) {
	for _, encoding := range encodings {
		abort := false
		s := new(server)
		s.Server = httptest.NewUnstartedServer(s.keep(func(w http.ResponseWriter, r *http.Request) {
			if abort {
				panic(http.ErrAbortHandler)
			}
			granting(w, r)
		}))
		s.EnableHTTP2 = true
		s.StartTLS()
		s.transport = s.Client().Transport.(*http.Transport)
		r := request{encoding: encoding, params: url.Values{"code": {"once"}}}
		token, err := s.ask(t, r)
		require.Nil(t, err)
		assert.Equal(t, "a", token.AccessToken)
		abort = true
		_, err = s.ask(t, r)
		require.NotNil(t, err)
		assert.True(t, err.InDoubt)
		s.Close()
		require.Len(t, s.got(), 2)
		for _, sent := range s.got() {
			assert.Equal(t, 2, sent.proto)
			switch encoding {
			case dialect.EncodeForm:
				assert.Equal(t, "code=once", sent.body)
			case dialect.EncodeJSON:
				assert.True(t, json.Valid([]byte(sent.body)))
			default:
				assert.Equal(t, "code=once", sent.query)
				assert.Empty(t, sent.body)
			}
		}
	}
}
