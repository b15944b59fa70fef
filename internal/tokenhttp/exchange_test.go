package tokenhttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/tokenhttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// server is a token endpoint that keeps what it was sent.
type server struct {
	*httptest.Server
	transport *http.Transport

	mu       sync.Mutex
	requests []received
}

type received struct {
	method, path, query, body string
	header                    http.Header
}

func serve(t *testing.T, answer http.HandlerFunc) *server {
	s := &server{transport: &http.Transport{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.requests = append(s.requests, received{r.Method, r.URL.Path, r.URL.RawQuery, string(body), r.Header})
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(func() { s.transport.CloseIdleConnections(); s.Close() })
	return s
}

func granting(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"access_token":"a"}`) }

func (s *server) ask(t *testing.T, r tokenhttp.Request) (tokenhttp.Answer, *tokenhttp.Error) {
	t.Helper()
	r.URL = s.URL + "/token"
	return ask(t, s.transport, r)
}

// got returns the requests so far.
func (s *server) got() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// The examples of RFC 6749, which says how each looks on the wire.
func TestRequestsOfRFC6749(t *testing.T) {
	const id, secret = "s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw"
	refresh := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"tGzv3JOkF0XG5Qx2TlKWIA"}}
	for name, test := range map[string]struct {
		request             tokenhttp.Request
		authorization, body string
	}{
		"2.3.1 in the body": {
			tokenhttp.Request{Form: refresh, ClientID: id, ClientSecret: secret, InBody: true},
			"", "grant_type=refresh_token&refresh_token=tGzv3JOkF0XG5Qx2TlKWIA&client_id=s6BhdRkqt3&client_secret=7Fjfp0ZBr1KtDRbnfVdmIw",
		},
		"2.3.1 and 6, Basic": {
			tokenhttp.Request{Form: refresh, ClientID: id, ClientSecret: secret},
			"Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3", "grant_type=refresh_token&refresh_token=tGzv3JOkF0XG5Qx2TlKWIA",
		},
		"4.1.3": {
			tokenhttp.Request{Form: url.Values{
				"grant_type": {"authorization_code"}, "code": {"SplxlOBeZQQYbYS6WxSbIA"}, "redirect_uri": {"https://client.example.com/cb"},
			}, ClientID: id, ClientSecret: "gX1fBat3bV"},
			"Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW",
			"grant_type=authorization_code&code=SplxlOBeZQQYbYS6WxSbIA&redirect_uri=https%3A%2F%2Fclient%2Eexample%2Ecom%2Fcb",
		},
		"4.3.2": {
			tokenhttp.Request{Form: url.Values{"grant_type": {"password"}, "username": {"johndoe"}, "password": {"A3ddj3w"}}, ClientID: id, ClientSecret: "gX1fBat3bV"},
			"Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW", "grant_type=password&username=johndoe&password=A3ddj3w",
		},
		"4.4.2": {
			tokenhttp.Request{Form: url.Values{"grant_type": {"client_credentials"}}, ClientID: id, ClientSecret: "gX1fBat3bV"},
			"Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW", "grant_type=client_credentials",
		},
		"appendix B": {
			tokenhttp.Request{Form: refresh, ClientID: " %&+£€", ClientSecret: "p@ss:w/rd"},
			"Basic KyUyNSUyNiUyQiVDMiVBMyVFMiU4MiVBQzpwJTQwc3MlM0F3JTJGcmQ=", "grant_type=refresh_token&refresh_token=tGzv3JOkF0XG5Qx2TlKWIA",
		},
		"appendix B in the body": {
			tokenhttp.Request{Form: url.Values{"grant_type": {"client_credentials"}}, ClientID: " %&+£€", ClientSecret: "x", InBody: true},
			"", "grant_type=client_credentials&client_id=+%25%26%2B%C2%A3%E2%82%AC&client_secret=x",
		},
		"3.2.1 public client": {
			tokenhttp.Request{Form: refresh, ClientID: id},
			"", "grant_type=refresh_token&refresh_token=tGzv3JOkF0XG5Qx2TlKWIA&client_id=s6BhdRkqt3",
		},
		"8707 a parameter twice": {
			tokenhttp.Request{Form: url.Values{"grant_type": {"client_credentials"}, "resource": {"a", "b"}}, ClientID: id, ClientSecret: "gX1fBat3bV"},
			"Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW", "grant_type=client_credentials&resource=a&resource=b",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, granting)
			_, err := s.ask(t, test.request)
			require.Nil(t, err)
			require.Len(t, s.got(), 1)
			sent := s.got()[0]
			assert.Equal(t, http.MethodPost, sent.method)
			assert.Equal(t, "application/x-www-form-urlencoded", sent.header.Get("Content-Type"))
			assert.Equal(t, test.authorization, sent.header.Get("Authorization"))
			assert.Empty(t, sent.query)
			want, perr := url.ParseQuery(test.body)
			require.NoError(t, perr)
			form, perr := url.ParseQuery(sent.body)
			require.NoError(t, perr)
			assert.Equal(t, want, form)
		})
	}
}

func TestRedirectOfTheTokenEndpointIsNotFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			target := serve(t, granting)
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", target.URL+"/token")
				w.WriteHeader(status)
				io.WriteString(w, `{"access_token":"evil"}`)
			})
			answer, err := s.ask(t, tokenhttp.Request{ClientID: "client", ClientSecret: "secret"})
			require.NotNil(t, err)
			assert.Empty(t, answer)
			assert.Equal(t, status, err.StatusCode)
			assert.ErrorContains(t, err, "configure its final URL")
			assert.False(t, err.InDoubt)
			assert.NotContains(t, err.Error(), target.URL)
			assert.Len(t, s.got(), 1)
			assert.Empty(t, target.got())
		})
	}
}

func TestExactlyOneRequestWhateverTheAnswer(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"granted": granting,
		"invalid_grant": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(400)
			io.WriteString(w, `{"error":"invalid_grant"}`)
		},
		"invalid_client": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(401)
			io.WriteString(w, `{"error":"invalid_client"}`)
		},
		"500":     func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) },
		"dropped": func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
		"dropped in between": func(w http.ResponseWriter, r *http.Request) {
			hijack(w, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
		},
		"not HTTP": func(w http.ResponseWriter, r *http.Request) { hijack(w, "nonsense\r\n\r\n") },
	} {
		for _, inBody := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				s := serve(t, answer)
				s.ask(t, tokenhttp.Request{ClientID: "client", ClientSecret: "secret", InBody: inBody, Form: url.Values{"grant_type": {"refresh_token"}}})
				assert.Len(t, s.got(), 1)
			})
		}
	}
}

func hijack(w http.ResponseWriter, raw string) {
	conn, _, _ := w.(http.Hijacker).Hijack()
	io.WriteString(conn, raw)
	conn.Close()
}

func TestLostAnswerIsInDoubt(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"dropped": func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
		"truncated": func(w http.ResponseWriter, r *http.Request) {
			hijack(w, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
		},
		"not HTTP": func(w http.ResponseWriter, r *http.Request) { hijack(w, "nonsense\r\n\r\n") },
	} {
		t.Run(name, func(t *testing.T) {
			_, err := serve(t, answer).ask(t, tokenhttp.Request{ClientID: "client", ClientSecret: "secret"})
			require.NotNil(t, err)
			assert.True(t, err.InDoubt, err)
		})
	}
	t.Run("truncated error", func(t *testing.T) {
		_, err := serve(t, func(w http.ResponseWriter, r *http.Request) {
			hijack(w, "HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\n{")
		}).ask(t, tokenhttp.Request{ClientID: "client", ClientSecret: "secret"})
		require.NotNil(t, err)
		assert.False(t, err.InDoubt)
		assert.Equal(t, 500, err.StatusCode)
	})
}

func TestRequestThatNeverLeftIsNotInDoubt(t *testing.T) {
	refused := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	}}
	_, err := ask(t, refused, tokenhttp.Request{ClientID: "client", ClientSecret: "secret"})
	require.NotNil(t, err)
	assert.False(t, err.InDoubt)
	assert.ErrorContains(t, err, "connection refused")
	assert.NotContains(t, err.Error(), "login.example.test/token", "no URL in an error")
	require.ErrorAs(t, err, new(*net.OpError))
}

// A transport that is not net/http's does not say how far a request got.
func TestErrorOfAnUnknownTransportIsInDoubt(t *testing.T) {
	_, err := ask(t, roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("lost") }), tokenhttp.Request{ClientID: "client"})
	require.NotNil(t, err)
	assert.True(t, err.InDoubt)
}

func TestErrorThatQuotesASecretIsWithheld(t *testing.T) {
	quoting := roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("cannot send s3cret") })
	_, err := ask(t, quoting, tokenhttp.Request{ClientID: "client", ClientSecret: "s3cret"})
	require.NotNil(t, err)
	assert.NotContains(t, fmt.Sprintf("%v %+v", err, err.Cause), "s3cret")
}

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
	for name, fault := range map[string]authtest.Fault{"silent": authtest.Delay(time.Hour), "dribbling for ever": dribble} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := authtest.New(authtest.Config{InMemory: true})
				defer p.Close()
				p.Inject(p.TokenURL, authtest.Always, fault)
				began := time.Now()
				_, err := ask(t, p.Client().Transport, tokenhttp.Request{URL: p.TokenURL, ClientID: p.ClientID, ClientSecret: p.ClientSecret})
				require.NotNil(t, err)
				assert.Equal(t, tokenhttp.Timeout, time.Since(began))
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
		x := tokenhttp.New(tokenhttp.Request{URL: p.TokenURL, ClientID: p.ClientID, ClientSecret: p.ClientSecret})
		began := time.Now()
		_, err := x.Do(ctx, clientOf(x, p.Client().Transport))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 100*time.Millisecond, time.Since(began))
	})
}
