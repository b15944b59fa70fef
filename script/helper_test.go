package script_test

import (
	"cmp"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/script"
	"github.com/stretchr/testify/require"
)

// must returns v, and panics if err is not nil.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

const key = "k3y-That+is/secret=="

// seen is a request that the server received.
type seen struct {
	*http.Request
	body string
}

// server is an API that keeps the requests; respond writes the responses. A nil
// respond means an empty response with status 200.
type server struct {
	*httptest.Server
	respond func(w http.ResponseWriter, r *http.Request)

	mu   sync.Mutex
	seen []seen
}

func newServer(t testing.TB, respond func(http.ResponseWriter, *http.Request)) *server {
	s := &server{respond: respond}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.seen = append(s.seen, seen{r, string(body)})
		s.mu.Unlock()
		if s.respond != nil {
			s.respond(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) last(t testing.TB) seen {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.NotEmpty(t, s.seen)
	return s.seen[len(s.seen)-1]
}

func apiKey() connectorauth.Connector {
	return must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: key, Name: "X-Key"}))
}

// client returns a client for c with this script.
func client(t testing.TB, c connectorauth.Connector, source string, o script.Options) *http.Client {
	t.Helper()
	s, err := script.Compile(source)
	require.NoError(t, err)
	c, err = script.Wrap(c, s, patient(o))
	require.NoError(t, err)
	return connectorauth.NewClient(c, nil)
}

// patient returns o with a long time limit if o has none: on a busy machine, a script
// may wait.
func patient(o script.Options) script.Options {
	o.TimeLimit = cmp.Or(o.TimeLimit, time.Minute)
	return o
}

// read returns the status and the body of a response.
func read(t testing.TB, resp *http.Response, err error) (int, string) {
	t.Helper()
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

// post sends body with this before_action script and returns the request that the
// server received.
func post(t *testing.T, source, contentType, body string) seen {
	t.Helper()
	s := newServer(t, nil)
	resp, err := client(t, apiKey(), source, script.Options{}).Post(s.URL+"/items?a=1", contentType, strings.NewReader(body))
	read(t, resp, err)
	return s.last(t)
}

// tokenClient returns an OAuth2 connector with this script, and a client for the
// connector.
func tokenClient(t *testing.T, p *authtest.Provider, source string) (*connectorauth.OAuth2, *http.Client) {
	c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL,
		Grant: connectorauth.AuthorizationCode{AuthURL: p.AuthURL},
	}))
	wrapped := must(script.Wrap(c, must(script.Compile(source)), patient(script.Options{}))).(*connectorauth.OAuth2)
	return wrapped, connectorauth.NewClient(wrapped, nil)
}
