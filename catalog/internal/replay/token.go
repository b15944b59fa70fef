package replay

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/catalog/internal/facts"
)

// Agree is the account owner's consent at a URL of OAuth 2.0 or 1.0a. Agree returns the
// query of the callback, and nil where the sources know no such URL.
func (s *Server) Agree(address string) url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := url.Parse(address)
	if err != nil || !s.is(&http.Request{URL: u}, s.method.Authorize) {
		s.complain("authorize", s.at("authorize"), "%s is another URL than the sources know", strings.SplitN(address, "?", 2)[0])
		return nil
	}
	q, names := u.Query(), s.method.AuthorizeNames
	s.query("authorize", q, s.method.Authorize, s.at("authorize"))
	if s.method.Type == "OAuth1" {
		return s.agree1(q)
	}
	s.want("authorize", q, called("response_type", names), "code", "grant")
	s.want("authorize", q, called("client_id", names), ClientID, "authorizeNames")
	s.want("authorize", q, called("redirect_uri", names), Callback, "authorizeNames")
	s.want("authorize", q, called("code_challenge_method", names), "S256", "authorizeNames")
	s.further("authorize", q, s.method.AuthorizeParams, "authorizeParams")
	if s.method.Scopes != nil {
		s.want("authorize", q, called("scope", names), s.scopes(), "scopes")
	}
	state := s.take("authorize", q, called("state", names), "authorizeNames")
	challenge := s.take("authorize", q, called("code_challenge", names), "authorizeNames")
	s.nothingElse("authorize", q, s.at("authorizeParams"))
	s.consent = consent{code: "code-1", challenge: challenge}
	callback := url.Values{"code": {s.consent.code}, "state": {state}}
	for name, f := range s.method.Captures {
		if at, ok := strings.CutPrefix(f.Value, "callback "); ok {
			callback.Set(at, s.values[name])
		}
	}
	return callback
}

// further compares parameters that the sources name one by one.
func (s *Server) further(kind string, q url.Values, params map[string]facts.Fact, fact string) {
	for name, f := range params {
		s.want(kind, q, name, s.fill(f.Value), fact+"."+name)
	}
}

// called returns the service's name for a parameter. "" means that the service does without.
func called(name string, names map[string]facts.Fact) string {
	if other, ok := names[name]; ok {
		return other.Value
	}
	return name
}

// scopes returns the scopes as one parameter.
func (s *Server) scopes() string {
	separator := " "
	if s.method.Separator != nil {
		separator = s.method.Separator.Value
	}
	return strings.ReplaceAll(s.method.Scopes.Value, " ", separator)
}

// token responds to a token request.
func (s *Server) token(w http.ResponseWriter, r *http.Request, body string) {
	at := "token"
	if !s.is(r, s.method.Token) {
		at = "refresh"
	}
	q, names := s.parameters(at, r, body), s.method.TokenNames
	kind, grant, params := "token", s.take(at, q, called("grant_type", names), "grant"), s.method.TokenParams
	if grant == "refresh_token" {
		kind, params = "refresh", s.method.RefreshParams
	}
	s.client(kind, r, q)
	s.noOtherHeader(kind, r)
	if kind == "token" && at == "refresh" {
		s.complain(kind, s.at("refresh"), "went to the URL of refreshes")
	}
	isGood := true
	switch {
	case kind == "refresh":
		isGood = s.mayRefresh(q, at)
	case grant != s.method.Grant:
		s.complain(kind, s.at("grant"), "want grant_type=%s, got %q", s.method.Grant, grant)
	case grant == "authorization_code":
		isGood = s.isConsented(q)
	case grant == "password":
		s.want(kind, q, called("username", names), s.fill("{username}"), "grant")
		s.want(kind, q, called("password", names), s.fill("{password}"), "grant")
	}
	s.further(kind, q, params, kind+"Params")
	if s.method.Scopes != nil && kind == "token" && grant != "authorization_code" {
		s.want(kind, q, called("scope", names), s.scopes(), "scopes")
	}
	s.nothingElse(kind, q, s.at(kind+"Params"))
	if !isGood {
		write(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	s.counted[kind]++
	s.issue()
	write(w, http.StatusOK, s.response())
}

// mayRefresh checks a refresh (RFC 6749 section 6) at one of the two URLs.
func (s *Server) mayRefresh(q url.Values, at string) bool {
	switch f := s.method.Refresh; {
	case f == nil:
		s.complain("refresh", s.at("refresh"), "the sources know nothing of refreshes")
	case f.Value != "" && at == "token":
		s.complain("refresh", s.at("refresh"), "went to the URL of tokens, and not to %s", f.Value)
	}
	got := s.take("refresh", q, called("refresh_token", s.method.TokenNames), "tokenNames")
	if got == s.refresh && got != "" {
		return true
	}
	s.complain("refresh", s.at("refresh"), "the refresh token %q is not good, or no longer", got)
	return false
}

// isConsented checks the code of a consent (RFC 6749 section 4.1.3), and its verifier (RFC
// 7636 section 4.6). A code serves once.
func (s *Server) isConsented(q url.Values) bool {
	names, given := s.method.TokenNames, s.consent
	s.consent = consent{}
	s.want("token", q, called("redirect_uri", names), Callback, "tokenNames")
	sum := sha256.Sum256([]byte(s.take("token", q, called("code_verifier", names), "tokenNames")))
	code := s.take("token", q, called("code", names), "tokenNames")
	switch {
	case given.code == "" || code != given.code:
		s.complain("token", s.at("grant"), "the code %q is not good, or no longer", code)
	case base64.RawURLEncoding.EncodeToString(sum[:]) != given.challenge:
		s.complain("token", s.at("grant"), "the code verifier is not that of the code")
	default:
		return true
	}
	return false
}

// response returns what a token request brings (RFC 6749 section 5.1).
func (s *Server) response() map[string]any {
	response := map[string]any{"access_token": s.access, "token_type": "Bearer", "expires_in": int(Lifetime / time.Second)}
	if s.method.TokenType != nil {
		response["token_type"] = s.method.TokenType.Value
	}
	if s.method.Expiry != nil {
		delete(response, "expires_in")
		response[s.method.Expiry.Value] = s.ends.UTC().Format(time.RFC3339)
	}
	for name, f := range s.method.Captures {
		if at, ok := strings.CutPrefix(f.Value, "token "); ok {
			response[at] = s.values[name]
		}
	}
	if s.method.Refresh != nil {
		s.refresh = fmt.Sprintf("refresh-%d", s.number) // the former one is spent
		response["refresh_token"] = s.refresh
	}
	if s.method.Root != nil {
		response = map[string]any{s.method.Root.Value: response}
	}
	return response
}

// revoke responds to a revocation (RFC 7009 section 2.1) of the present token or refresh
// token, which ends.
func (s *Server) revoke(w http.ResponseWriter, r *http.Request, body string) {
	s.verb("revoke", r, http.MethodPost, "revoke")
	s.noOtherHeader("revoke", r)
	query := r.URL.Query()
	s.query("revoke", query, s.method.Revoke, s.at("revoke"))
	s.nothingElse("revoke", query, s.at("revoke"))
	q := s.body("revoke", r, body, "form")
	s.client("revoke", r, q)
	hint := "access_token"
	switch token := s.take("revoke", q, "token", "revoke"); {
	case token != "" && token == s.access:
		s.ends = time.Time{}
	case token != "" && token == s.refresh:
		s.refresh, hint = "", "refresh_token"
	default:
		s.complain("revoke", s.at("revoke"), "the token %q is neither the access token nor the refresh token", token)
	}
	if q.Has("token_type_hint") {
		s.want("revoke", q, "token_type_hint", hint, "revoke")
	}
	s.nothingElse("revoke", q, s.at("revoke"))
	s.counted["revoke"]++
	w.WriteHeader(http.StatusOK)
}

// issue makes a new token.
func (s *Server) issue() {
	s.number++
	s.access, s.ends = fmt.Sprintf("access-%d", s.number), time.Now().Add(Lifetime)
}

// parameters returns the parameters of a token request, where the sources say that they are.
func (s *Server) parameters(at string, r *http.Request, body string) url.Values {
	encoding, method, f := "form", http.MethodPost, s.method.Token
	if s.method.Encoding != nil {
		encoding = s.method.Encoding.Value
	}
	if at == "refresh" {
		f = s.method.Refresh
	}
	if encoding == "get" {
		method = http.MethodGet
	}
	s.verb(at, r, method, "encoding")
	query := r.URL.Query()
	s.query(at, query, f, s.at(at))
	if encoding == "get" || encoding == "query" {
		s.noBody(at, body)
		return query
	}
	s.nothingElse(at, query, s.at(at))
	return s.body(at, r, body, encoding)
}

// session responds to a login.
func (s *Server) session(w http.ResponseWriter, r *http.Request, body string) {
	login, method := split(s.method.Login)
	s.verb("login", r, method, "login")
	query := r.URL.Query()
	s.query("login", query, login, s.at("login"))
	s.nothingElse("login", query, s.at("login"))
	q := s.body("login", r, body, "json")
	for name, value := range s.method.Fields {
		s.want("login", q, name, s.fill(value), "fields."+name)
	}
	s.nothingElse("login", q, s.at("fields"))
	s.noAuthorization("login", r, "login")
	s.noOtherHeader("login", r)
	s.counted["login"]++
	s.issue()
	write(w, http.StatusOK, at(s.method.TokenPath.Value, s.access))
}
