// Package replay is a server that behaves as the sources say of a service, and complains of
// each request that the sources do not describe. The package is made of facts alone, and
// knows nothing of the library.
package replay

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/connectorauth/connectorauth/catalog/internal/facts"
)

// The client of the program, and what a response to a test has as the identity.
const (
	ClientID     = "replay-client"
	ClientSecret = "replay-client-secret"
	Identity     = "account-1"
	Callback     = "https://program.example/callback"
	CallPath     = "/replay-of-a-call" // of a request to the API, below the base URL
)

// Lifetime is how long a token lasts.
const Lifetime = time.Hour

// A Server is one account of a service, whose owner has the values.
type Server struct {
	source *facts.Source
	name   string // of the method
	method facts.Method
	values map[string]string

	mu         sync.Mutex
	complaints []string
	counted    map[string]int // requests by kind
	number     int            // of tokens so far
	consent    consent
	access     string
	refresh    string // the refresh token that is good; "" means none
	secret     string // of an OAuth 1.0a token
	ends       time.Time
	nonces     map[string]bool // of OAuth 1.0a, that have come
}

// A consent is what the account owner has agreed to.
type consent struct {
	code, challenge   string
	temporary, secret string // of OAuth 1.0a
	verifier          string
}

// New returns a server for one method.
func New(source *facts.Source, method string, values map[string]string) *Server {
	return &Server{source: source, name: method, method: source.Methods[method], values: values,
		counted: map[string]int{}, nonces: map[string]bool{}}
}

// Complaints are what requests had and should not have had, or lacked. Each is one line: the
// kind of request, what is wrong, and the fact in x-sources that says so. Nil means none.
func (s *Server) Complaints() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.complaints
}

// Count returns how many requests of a kind have come: token, refresh, revoke, api, test and
// login.
func (s *Server) Count(kind string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counted[kind]
}

// Expire ends the present token before its time.
func (s *Server) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends = time.Time{}
}

// Refreshes reports whether the service gives refresh tokens.
func (s *Server) Refreshes() bool { return s.method.Refresh != nil }

// Revokes reports whether the service has a URL for revocations.
func (s *Server) Revokes() bool { return s.method.Revoke != nil }

// RoundTrip responds to a request without a network.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		if closed := r.Body.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	recorder := httptest.NewRecorder()
	s.serve(recorder, r, string(body))
	resp := recorder.Result()
	resp.Request = r
	return resp, nil
}

// complain notes what is wrong with a request, and the path of the fact that says so.
func (s *Server) complain(kind, fact, format string, args ...any) {
	s.complaints = append(s.complaints, kind+" request: "+fmt.Sprintf(format, args...)+"; change the definition, or x-sources."+fact)
}

// at returns the path of a fact of the method.
func (s *Server) at(member string) string { return "methods." + s.name + "." + member }

// fill puts the values of the account into a template.
func (s *Server) fill(template string) string {
	pairs := []string{"{token}", s.access, "{client}", ClientID}
	if s.method.Type != "OAuth2" && s.method.Type != "Session" {
		pairs = nil
	}
	if s.method.Scopes != nil {
		pairs = append(pairs, "{scopes}", s.scopes())
	}
	for name, value := range s.values {
		pairs = append(pairs, "{"+name+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(template)
}

// is reports whether a request goes to the URL of a fact.
func (s *Server) is(r *http.Request, f *facts.Fact) bool {
	if f == nil {
		return false
	}
	want, err := url.Parse(s.fill(f.Value))
	return err == nil && want.Scheme == r.URL.Scheme && want.Host == r.URL.Host && want.EscapedPath() == r.URL.EscapedPath()
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, body string) {
	m := &s.method
	base := strings.TrimRight(s.fill(s.source.Base.Value), "/")
	here := r.URL.Scheme + "://" + r.URL.Host + r.URL.EscapedPath()
	test, testMethod := split(s.source.Test)
	login, _ := split(m.Login)
	switch {
	case s.is(r, m.Temporary):
		s.temporary(w, r, body)
	case m.Type == "OAuth1" && s.is(r, m.Token):
		s.accessToken(w, r, body)
	case s.is(r, m.Refresh), s.is(r, m.Token):
		s.token(w, r, body)
	case s.is(r, m.Revoke):
		s.revoke(w, r, body)
	case s.is(r, login):
		s.session(w, r, body)
	case r.Method == testMethod && s.is(r, test):
		s.api(w, r, body, "test")
	case here == base+CallPath:
		s.api(w, r, body, "api")
	default:
		s.complaints = append(s.complaints, r.Method+" "+here+": the sources know no such URL; change the definition, or x-sources: base, test or a URL of methods."+s.name)
		http.NotFound(w, r)
	}
}

// split returns the URL and the HTTP method of a fact that has both.
func split(f *facts.Fact) (*facts.Fact, string) {
	if f == nil {
		return nil, ""
	}
	method, u, _ := strings.Cut(f.Value, " ")
	return &facts.Fact{Value: u}, method
}
