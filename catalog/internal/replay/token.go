package replay

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/catalog/internal/facts"
)

// Agree is the account owner's consent at a URL of OAuth 2.0 or 1.0a. Agree returns the
// query of the callback.
func (s *Server) Agree(address string) url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := url.Parse(address)
	if err != nil || !s.is(&http.Request{URL: u}, s.method.Authorize) {
		s.complain("authorize: %s is another URL than the sources know", strings.SplitN(address, "?", 2)[0])
		return nil
	}
	if s.method.Type == "OAuth1" {
		if u.Query().Get("oauth_token") != s.consent.temporary {
			s.complain("authorize: want the temporary token in oauth_token")
		}
		s.consent.verifier = "verifier-1"
		return url.Values{"oauth_token": {s.consent.temporary}, "oauth_verifier": {s.consent.verifier}}
	}
	q, names := u.Query(), s.method.AuthorizeNames
	known, _ := url.Parse(s.fill(s.method.Authorize.Value))
	for name, list := range known.Query() {
		s.want("authorize", q, name, list[0])
	}
	s.want("authorize", q, called("response_type", names), "code")
	s.want("authorize", q, called("client_id", names), ClientID)
	s.want("authorize", q, called("redirect_uri", names), Callback)
	s.want("authorize", q, called("code_challenge_method", names), "S256")
	for name, f := range s.method.AuthorizeParams {
		s.want("authorize", q, name, s.fill(f.Value))
	}
	if s.method.Scopes != nil {
		s.want("authorize", q, called("scope", names), s.scopes())
	}
	state, challenge := s.take("authorize", q, called("state", names)), s.take("authorize", q, called("code_challenge", names))
	s.nothingElse("authorize", q)
	s.consent = consent{code: "code-1", redirect: Callback, challenge: challenge}
	callback := url.Values{"code": {s.consent.code}, "state": {state}}
	for name, f := range s.method.Captures {
		if at, ok := strings.CutPrefix(f.Value, "callback "); ok {
			callback.Set(at, s.values[name])
		}
	}
	return callback
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

// take returns a parameter, which must be there once, and removes the parameter.
func (s *Server) take(where string, q url.Values, name string) string {
	if name == "" {
		return ""
	}
	if len(q[name]) != 1 || q.Get(name) == "" {
		s.complain("%s: want the parameter %s once, got %d", where, name, len(q[name]))
	}
	value := q.Get(name)
	q.Del(name)
	return value
}

// want compares a parameter.
func (s *Server) want(where string, q url.Values, name, value string) {
	if got := s.take(where, q, name); got != value && name != "" {
		s.complain("%s: want %s=%s", where, name, value)
	}
}

// nothingElse complains of parameters that nobody has taken.
func (s *Server) nothingElse(where string, q url.Values) {
	if len(q) > 0 {
		s.complain("%s: has parameters that the sources do not know: %q", where, names(q))
	}
}

// token responds to a token request.
func (s *Server) token(w http.ResponseWriter, r *http.Request, body string) {
	q := s.parameters(r, body)
	s.client(r, q)
	s.noOtherHeader(r, "token")
	names := s.method.TokenNames
	grant := s.take("token", q, called("grant_type", names))
	kind := "token"
	switch {
	case grant == "refresh_token":
		kind = "refresh"
		if s.method.Refresh == nil {
			s.complain("token: a refresh, of which the sources know nothing")
		} else if s.method.Refresh.Value != "" && !s.is(r, s.method.Refresh) {
			s.complain("refresh: went to the URL of tokens")
		}
		if got := s.take("refresh", q, called("refresh_token", names)); got != s.refresh || s.refresh == "" {
			s.complain("refresh: the refresh token is no longer good")
			write(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
			return
		}
	case grant != s.method.Grant:
		s.complain("token: want grant_type=%s", s.method.Grant)
	case grant == "authorization_code":
		s.want("token", q, called("code", names), s.consent.code)
		s.want("token", q, called("redirect_uri", names), s.consent.redirect)
		sum := sha256.Sum256([]byte(s.take("token", q, called("code_verifier", names))))
		if base64.RawURLEncoding.EncodeToString(sum[:]) != s.consent.challenge {
			s.complain("token: the code verifier is not that of the code")
		}
		s.consent.code = "" // serves once
	case grant == "password":
		s.want("token", q, called("username", names), s.fill("{username}"))
		s.want("token", q, called("password", names), s.fill("{password}"))
	}
	further := s.method.TokenParams
	if kind == "refresh" {
		further = s.method.RefreshParams
	}
	for name, f := range further {
		s.want(kind, q, name, s.fill(f.Value))
	}
	if kind == "token" {
		if s.method.Scopes != nil && grant != "authorization_code" {
			s.want("token", q, called("scope", names), s.scopes())
		}
	}
	s.nothingElse(kind, q)
	s.counted[kind]++
	s.issue()
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
	write(w, http.StatusOK, response)
}

// revoke responds to a revocation (RFC 7009 section 2.1) of the present token or refresh token.
func (s *Server) revoke(w http.ResponseWriter, r *http.Request, body string) {
	q, err := url.ParseQuery(body)
	if token := q.Get("token"); err != nil || r.Method != http.MethodPost || token == "" || token != s.access && token != s.refresh {
		s.complain("revoke: want a POST of a form with the token or the refresh token")
	}
	s.counted["revoke"]++
	w.WriteHeader(http.StatusOK)
}

// issue makes a new token.
func (s *Server) issue() {
	s.number++
	s.access, s.ends = fmt.Sprintf("access-%d", s.number), time.Now().Add(Lifetime)
}

// parameters returns the parameters of a token request, where the sources say that they are.
func (s *Server) parameters(r *http.Request, body string) url.Values {
	encoding := "form"
	if s.method.Encoding != nil {
		encoding = s.method.Encoding.Value
	}
	method := http.MethodPost
	if encoding == "get" {
		method = http.MethodGet
	}
	if r.Method != method {
		s.complain("token: want the method %s, got %s", method, r.Method)
	}
	known, _ := url.Parse(s.fill(s.method.Token.Value))
	query := r.URL.Query()
	for name := range known.Query() {
		query.Del(name)
	}
	q, media := url.Values{}, strings.SplitN(r.Header.Get("Content-Type"), ";", 2)[0]
	switch {
	case encoding == "get" || encoding == "query":
		return query
	case encoding == "json" && media == "application/json":
		var members map[string]string
		if err := json.Unmarshal([]byte(body), &members); err != nil {
			s.complain("token: the body is no JSON object of texts")
		}
		for name, value := range members {
			q.Set(name, value)
		}
	case encoding == "form" && media == "application/x-www-form-urlencoded":
		q, _ = url.ParseQuery(body)
	default:
		s.complain("token: want parameters as %s, got a body of the type %q", encoding, media)
	}
	s.nothingElse("token URL", query)
	return q
}

// client checks how the client authenticates.
func (s *Server) client(r *http.Request, q url.Values) {
	names := s.method.TokenNames
	user, password, _ := r.BasicAuth()
	if s.method.Client.Value != "basic" && r.Header.Get("Authorization") != "" {
		s.complain("token: want no header Authorization")
	}
	switch how := s.method.Client.Value; {
	case how == "basic" && (user != ClientID || password != ClientSecret):
		s.complain("token: want the client's ID and secret by HTTP Basic")
	case how == "body":
		s.want("token", q, called("client_secret", names), ClientSecret)
		s.want("token", q, called("client_id", names), ClientID)
	case how == "none":
		s.want("token", q, called("client_id", names), ClientID)
	}
}

// login returns the URL of a login.
func (s *Server) login() *facts.Fact {
	if s.method.Login == nil {
		return nil
	}
	_, u, _ := strings.Cut(s.method.Login.Value, " ")
	return &facts.Fact{Value: u}
}

// session responds to a login.
func (s *Server) session(w http.ResponseWriter, r *http.Request, body string) {
	method, _, _ := strings.Cut(s.method.Login.Value, " ")
	var members map[string]string
	if err := json.Unmarshal([]byte(body), &members); err != nil || r.Method != method {
		s.complain("login: want %s with a JSON object of texts", method)
	}
	for name, value := range s.method.Fields {
		if members[name] != s.fill(value) {
			s.complain("login: want the value of %s in %s", value, name)
		}
	}
	if len(members) != len(s.method.Fields) {
		s.complain("login: has members that the sources do not know")
	}
	s.noOtherHeader(r, "login")
	s.counted["login"]++
	s.issue()
	write(w, http.StatusOK, at(s.method.TokenPath.Value, s.access))
}
