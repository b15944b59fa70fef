package endpoint_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/stretchr/testify/require"
)

const tokenURL = "https://login.example.test/token"

// issued is when the token requests of these tests begin.
var issued = time.Date(2029, 1, 2, 15, 4, 5, 0, time.UTC)

// request is a token request of a client.
type request struct {
	url                    string     // empty means tokenURL
	params                 url.Values // empty means client_credentials
	header                 http.Header
	encoding               dialect.Encoding
	clientID, clientSecret string
	paths                  []dialect.Response
}

// call returns the call that sends r through base.
func (r request) call(base http.RoundTripper) *endpoint.Call {
	if r.url == "" {
		r.url = tokenURL
	}
	if r.params == nil {
		r.params = url.Values{"grant_type": {"client_credentials"}}
	}
	return &endpoint.Call{Base: base, Build: func(ctx context.Context) (*http.Request, []string, error) {
		req, err := endpoint.NewRequest(ctx, r.url, r.params, r.header, r.encoding)
		return req, endpoint.Secrets(r.params, r.header, r.clientID, r.clientSecret), err
	}}
}

// ask sends r through base and reads the token.
func ask(t testing.TB, base http.RoundTripper, r request) (endpoint.Token, *endpoint.Failure) {
	t.Helper()
	resp, err := r.call(base).Do(t.Context())
	if err != nil {
		return endpoint.Token{}, failure(t, err)
	}
	token, err := resp.Token(issued, r.paths...)
	if err != nil {
		return token, failure(t, err)
	}
	return token, nil
}

// failure returns err as what it must be.
func failure(t testing.TB, err error) *endpoint.Failure {
	t.Helper()
	failed, ok := err.(*endpoint.Failure)
	require.Truef(t, ok, "%T is not a *Failure: %v", err, err)
	return failed
}

// reply is a base that answers every request alike.
type reply struct {
	status int // 0 means 200
	kind   string
	body   string
	header http.Header
}

func (r reply) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		io.Copy(io.Discard, req.Body)
		req.Body.Close()
	}
	header := r.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if r.kind != "" {
		header.Set("Content-Type", r.kind)
	}
	status := r.status
	if status == 0 {
		status = http.StatusOK
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Header: header, Request: req, ContentLength: -1,
		Body: io.NopCloser(strings.NewReader(r.body)),
	}, nil
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// server is an endpoint that keeps what arrived.
type server struct {
	*httptest.Server
	transport *http.Transport

	mu       sync.Mutex
	requests []received
}

type received struct {
	method, path, query, body string
	header                    http.Header
	length                    int64
	chunked                   bool
	proto                     int
}

// keep returns a handler that keeps requests and answers by answer.
func (s *server) keep(answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.requests = append(s.requests, received{
			r.Method, r.URL.Path, r.URL.RawQuery, string(body), r.Header, r.ContentLength, len(r.TransferEncoding) > 0, r.ProtoMajor,
		})
		s.mu.Unlock()
		answer(w, r)
	}
}

func serve(t *testing.T, answer http.HandlerFunc) *server {
	s := &server{transport: &http.Transport{}}
	s.Server = httptest.NewServer(s.keep(answer))
	t.Cleanup(func() { s.transport.CloseIdleConnections(); s.Close() })
	return s
}

func granting(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"access_token":"a"}`) }

// ask sends r to the server.
func (s *server) ask(t *testing.T, r request) (endpoint.Token, *endpoint.Failure) {
	t.Helper()
	if r.url == "" {
		r.url = s.URL + "/token"
	}
	return ask(t, s.transport, r)
}

// got returns the requests so far.
func (s *server) got() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// hijack answers by raw bytes and closes the connection.
func hijack(w http.ResponseWriter, raw string) {
	conn, _, _ := w.(http.Hijacker).Hijack()
	io.WriteString(conn, raw)
	conn.Close()
}

// readAll returns the body of a request.
func readAll(t testing.TB, req *http.Request) string {
	t.Helper()
	if req.Body == nil {
		return ""
	}
	body, err := io.ReadAll(req.Body)
	require.NoError(t, err)
	require.NoError(t, req.Body.Close())
	return string(body)
}
