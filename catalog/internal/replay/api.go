package replay

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/catalog/internal/facts"
)

// api responds to a request to the API.
func (s *Server) api(w http.ResponseWriter, r *http.Request, body, kind string) {
	s.counted[kind]++
	if s.method.Type == "OAuth1" {
		s.signed(kind, r, s.access, s.secret, "", "")
	}
	isGone := s.expires() && !time.Now().Before(s.ends)
	s.carried(r, body, kind)
	for name, f := range s.source.Headers {
		if got := r.Header.Values(name); len(got) != 1 || got[0] != s.fill(f.Value) {
			s.complain(kind, "headers."+name, "want the header %s: %s once, got %s", name, f.Value, list(got))
		}
	}
	s.noOtherHeader(kind, r)
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

// expires reports whether tokens of the method expire.
func (s *Server) expires() bool { return s.method.Type == "OAuth2" || s.method.Type == "Session" }

// carried looks at the places of all credentials of a request.
func (s *Server) carried(r *http.Request, body, kind string) {
	query, members := r.URL.Query(), url.Values{}
	if slices.ContainsFunc(s.method.Carries, inBody) {
		members = s.body(kind, r, body, "json")
	} else {
		s.noBody(kind, body)
	}
	isAuthorized := s.method.Type == "OAuth1"
	for i, c := range s.method.Carries {
		want, got, in := s.fill(c.Value), []string(nil), c.In+" "+c.Name
		switch c.In {
		case "header":
			got = r.Header.Values(c.Name)
			isAuthorized = isAuthorized || strings.EqualFold(c.Name, "Authorization")
		case "query":
			got = query[c.Name]
			query.Del(c.Name)
		case "body":
			got = members[c.Name]
			members.Del(c.Name)
		case "basic":
			in, want, isAuthorized = "HTTP Basic", s.fill(c.Name)+":"+want, true
			got = basic(r)
		default:
			s.complain(kind, s.at(fmt.Sprintf("carries[%d].in", i)), "%q is none of header, query, body and basic", c.In)
			continue
		}
		if len(got) != 1 || got[0] != want {
			s.complain(kind, s.at(fmt.Sprintf("carries[%d]", i)), "want %s once in %s, got %s", c.Value, in, list(got))
		}
	}
	if !isAuthorized {
		s.noAuthorization(kind, r, "carries")
	}
	if kind == "test" {
		test, _ := split(s.source.Test)
		s.query(kind, query, test, "test")
	}
	s.nothingElse(kind, query, s.at("carries"))
	s.nothingElse(kind, members, s.at("carries"))
}

// inBody reports whether a value is in the body of a request.
func inBody(c facts.Carried) bool { return c.In == "body" }

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
