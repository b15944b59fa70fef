// Package replay is a server that behaves as the sources say of a service, and complains of
// each request that the sources do not describe. The package is made of facts alone, and
// knows nothing of the library.
package replay

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
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
}

// A consent is what the account owner has agreed to.
type consent struct {
	code, redirect, challenge string
	temporary, secret         string // of OAuth 1.0a
	verifier                  string
}

// New returns a server for one method.
func New(source *facts.Source, method string, values map[string]string) *Server {
	return &Server{source: source, method: source.Methods[method], values: values, counted: map[string]int{}}
}

// Complaints are what requests had and should not have had, or lacked.
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

func (s *Server) complain(format string, args ...any) {
	s.complaints = append(s.complaints, fmt.Sprintf(format, args...))
}

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
	if f == nil || f.Value == "" {
		return false
	}
	want, err := url.Parse(s.fill(f.Value))
	return err == nil && want.Scheme == r.URL.Scheme && want.Host == r.URL.Host && want.EscapedPath() == r.URL.EscapedPath()
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, body string) {
	m := &s.method
	base := strings.TrimRight(s.fill(s.source.Base.Value), "/")
	here := r.URL.Scheme + "://" + r.URL.Host + r.URL.EscapedPath()
	test, testMethod := s.test()
	switch login := s.login(); {
	case s.is(r, m.Temporary):
		s.temporary(w, r, body)
	case m.Type == "OAuth1" && s.is(r, m.Token):
		s.accessToken(w, r, body)
	case m.Refresh != nil && s.is(r, m.Refresh), m.Type == "OAuth2" && s.is(r, m.Token):
		s.token(w, r, body)
	case s.is(r, m.Revoke):
		s.revoke(w, r, body)
	case login != nil && s.is(r, login):
		s.session(w, r, body)
	case test != nil && r.Method == testMethod && s.is(r, test):
		s.api(w, r, body, "test")
	case here == base+CallPath:
		s.api(w, r, body, "api")
	default:
		s.complain("%s %s: the sources know no such URL", r.Method, here)
		http.NotFound(w, r)
	}
}

// test returns the URL and the HTTP method of the test.
func (s *Server) test() (*facts.Fact, string) {
	if s.source.Test == nil {
		return nil, ""
	}
	method, u, _ := strings.Cut(s.source.Test.Value, " ")
	return &facts.Fact{Value: u}, method
}

// api responds to a request to the API.
func (s *Server) api(w http.ResponseWriter, r *http.Request, body, kind string) {
	s.counted[kind]++
	if s.method.Type == "OAuth1" {
		s.signed(r, body, s.access, s.secret)
	}
	isGone := s.expires() && !time.Now().Before(s.ends)
	s.carried(r, body, kind)
	for name, f := range s.source.Headers {
		if got := r.Header.Values(name); len(got) != 1 || got[0] != s.fill(f.Value) {
			s.complain("%s: want the header %s: %s, got %q", kind, name, f.Value, got)
		}
	}
	s.noOtherHeader(r, kind)
	if isGone {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var response any = map[string]any{"ok": true}
	if kind == "test" && s.source.TestID != nil {
		response = at(s.source.TestID.Value, Identity)
	}
	write(w, http.StatusOK, response)
}

// usual are headers of which no source needs to say anything. What Authorization has is
// compared elsewhere.
var usual = []string{"Accept", "Accept-Encoding", "Authorization", "Content-Length", "Content-Type", "User-Agent"}

// noOtherHeader complains of headers that the sources do not know.
func (s *Server) noOtherHeader(r *http.Request, kind string) {
	for name := range r.Header {
		isKnown := slices.Contains(usual, name)
		for other := range s.source.Headers {
			isKnown = isKnown || strings.EqualFold(name, other)
		}
		for _, c := range s.method.Carries {
			isKnown = isKnown || c.In == "header" && strings.EqualFold(name, c.Name)
		}
		if !isKnown {
			s.complain("%s: has a header %s that the sources do not know", kind, name)
		}
	}
}

// expires reports whether tokens of the method expire.
func (s *Server) expires() bool { return s.method.Type == "OAuth2" || s.method.Type == "Session" }

// carried looks at the places of all credentials of a request.
func (s *Server) carried(r *http.Request, body, kind string) {
	query, isAuthorized := r.URL.Query(), s.method.Type == "OAuth1"
	for _, c := range s.method.Carries {
		want, got, in := s.fill(c.Value), []string(nil), c.In+" "+c.Name
		switch c.In {
		case "header":
			got = r.Header.Values(c.Name)
			isAuthorized = isAuthorized || strings.EqualFold(c.Name, "Authorization")
		case "query":
			got = query[c.Name]
			query.Del(c.Name)
		case "body":
			var members map[string]any
			if err := json.Unmarshal([]byte(body), &members); err == nil && members[c.Name] != nil {
				got = []string{fmt.Sprint(members[c.Name])}
			}
		case "basic":
			user, password, ok := r.BasicAuth()
			in, want, isAuthorized = "basic", s.fill(c.Name)+":"+want, true
			if ok {
				got = []string{user + ":" + password}
			}
		default:
			s.complain("x-sources: carries: in: %q is none of header, query, body and basic", c.In)
		}
		if len(got) != 1 || got[0] != want {
			s.complain("%s: want the value of %s in %s, got %q", kind, c.Value, in, got)
		}
	}
	if !isAuthorized && r.Header.Get("Authorization") != "" {
		s.complain("%s: has a header Authorization that the sources do not know", kind)
	}
	allowed := url.Values{}
	if test, _ := s.test(); kind == "test" {
		u, err := url.Parse(s.fill(test.Value))
		if err == nil {
			allowed = u.Query()
		}
	}
	if query.Encode() != allowed.Encode() {
		s.complain("%s: want the query %q beside credentials, got the names %q", kind, allowed.Encode(), names(query))
	}
}

func names(v url.Values) (list []string) {
	for name := range v {
		list = append(list, name)
	}
	return list
}

// at returns JSON with a value at a JSON Pointer (RFC 6901).
func at(pointer string, value any) any {
	if pointer == "" {
		return value
	}
	steps := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i := len(steps) - 1; i >= 0; i-- {
		step := strings.NewReplacer("~1", "/", "~0", "~").Replace(steps[i])
		if n, _ := strconv.Atoi(step); strconv.Itoa(n) == step && n >= 0 && n < 100 {
			list := make([]any, n+1)
			list[n] = value
			value = list
			continue
		}
		value = map[string]any{step: value}
	}
	return value
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}
