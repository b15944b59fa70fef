package replay

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/connectorauth/connectorauth/catalog/internal/facts"
)

// query compares the query of a request with the URL of a fact, and removes what the URL has.
func (s *Server) query(kind string, q url.Values, f *facts.Fact, path string) {
	known, _ := url.Parse(s.fill(f.Value)) // is has parsed the URL
	for name, values := range known.Query() {
		if !slices.Equal(q[name], values) {
			s.complain(kind, path, "want %s in the query with %s, got %s", name, list(values), list(q[name]))
		}
		q.Del(name)
	}
}

// media are the media types of the encodings of a body.
var media = map[string]string{"form": "application/x-www-form-urlencoded", "json": "application/json"}

// body returns the parameters in the body of a request.
func (s *Server) body(kind string, r *http.Request, body, encoding string) url.Values {
	if got := strings.SplitN(r.Header.Get("Content-Type"), ";", 2)[0]; got != media[encoding] {
		s.complain(kind, s.at("encoding"), "want a body of the type %s, got %q", media[encoding], got)
	}
	read := url.ParseQuery
	if encoding == "json" {
		read = members
	}
	q, err := read(body)
	if err != nil {
		s.complain(kind, s.at("encoding"), "the body is no %s of texts", encoding)
	}
	return q
}

// members reads a JSON object of texts. A name that comes twice has two values.
func members(body string) (url.Values, error) {
	dec, q := json.NewDecoder(strings.NewReader(body)), url.Values{}
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return q, errors.New("no object")
	}
	for dec.More() {
		name, _ := dec.Token()
		var value string
		if err := dec.Decode(&value); err != nil {
			return q, err
		}
		q.Add(name.(string), value)
	}
	if _, err := dec.Token(); err != nil { // the end of the object
		return q, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return q, errors.New("something follows the object")
	}
	return q, nil
}

// noBody complains of a body.
func (s *Server) noBody(kind, body string) {
	if body != "" {
		s.complain(kind, s.at("type"), "has a body that the sources do not know")
	}
}

// take returns a parameter, which must be there once, and removes the parameter.
func (s *Server) take(kind string, q url.Values, name, fact string) string {
	if name == "" {
		return ""
	}
	if len(q[name]) != 1 || q.Get(name) == "" {
		s.complain(kind, s.at(fact), "want the parameter %s once, got %s", name, list(q[name]))
	}
	value := q.Get(name)
	q.Del(name)
	return value
}

// want compares a parameter, which must be there once, and removes the parameter.
func (s *Server) want(kind string, q url.Values, name, value, fact string) {
	if name == "" {
		return
	}
	if got := q[name]; len(got) != 1 || got[0] != value || value == "" {
		s.complain(kind, s.at(fact), "want the parameter %s=%s once, got %s", name, value, list(got))
	}
	q.Del(name)
}

// nothingElse complains of parameters that nobody has taken.
func (s *Server) nothingElse(kind string, q url.Values, path string) {
	if len(q) > 0 {
		var names []string
		for name := range q {
			names = append(names, name)
		}
		slices.Sort(names)
		s.complain(kind, path, "has parameters that the sources do not know: %s", list(names))
	}
}

// list writes values for people.
func list(values []string) string {
	if len(values) == 0 {
		return "none"
	}
	var quoted []string
	for _, value := range values {
		quoted = append(quoted, strconv.Quote(value))
	}
	return strings.Join(quoted, ", ")
}

// usual are headers of which no source needs to say anything. What Authorization has is
// compared elsewhere.
var usual = []string{"Accept", "Accept-Encoding", "Authorization", "Content-Length", "Content-Type", "User-Agent"}

// noOtherHeader complains of headers that the sources do not know. A request to the API has
// the credentials too, and any other request may have the constant headers.
func (s *Server) noOtherHeader(kind string, r *http.Request) {
	path, isAPI := s.at(kind), kind == "api" || kind == "test"
	if isAPI {
		path = "headers"
	}
	for name, values := range r.Header {
		isKnown := slices.Contains(usual, name)
		for other, f := range s.source.Headers {
			isKnown = isKnown || strings.EqualFold(name, other) && (isAPI || slices.Equal(values, []string{s.fill(f.Value)}))
		}
		for _, c := range s.method.Carries {
			isKnown = isKnown || isAPI && c.In == "header" && strings.EqualFold(name, c.Name)
		}
		if !isKnown {
			s.complain(kind, path, "has a header %s that the sources do not know", name)
		}
	}
}

// noAuthorization complains of a header Authorization.
func (s *Server) noAuthorization(kind string, r *http.Request, fact string) {
	if len(r.Header.Values("Authorization")) > 0 {
		s.complain(kind, s.at(fact), "has a header Authorization that the sources do not know")
	}
}

// basic returns user name and password of each header Authorization.
func basic(r *http.Request) (got []string) {
	for _, header := range r.Header.Values("Authorization") {
		one := http.Request{Header: http.Header{"Authorization": {header}}}
		user, password, ok := one.BasicAuth()
		if !ok {
			return append(got, "another scheme")
		}
		got = append(got, user+":"+password)
	}
	return got
}

// client checks how the client authenticates.
func (s *Server) client(kind string, r *http.Request, q url.Values) {
	names, how := s.method.TokenNames, s.method.Client.Value
	if how != "basic" {
		s.noAuthorization(kind, r, "client")
	} else if got := basic(r); !slices.Equal(got, []string{ClientID + ":" + ClientSecret}) {
		s.complain(kind, s.at("client"), "want the client's ID and secret once by HTTP Basic, got %s", list(got))
	}
	if how == "body" {
		s.want(kind, q, called("client_secret", names), ClientSecret, "client")
	}
	if how == "body" || how == "none" {
		s.want(kind, q, called("client_id", names), ClientID, "client")
	}
}
