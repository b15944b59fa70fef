package main

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/catalog/internal/facts"
	"github.com/connectorauth/connectorauth/definition"
)

// test makes the test request.
func (s *service) test() {
	t := s.Test
	if t == nil {
		return
	}
	target := cmp.Or(t.URL, s.BaseURL.V+t.Path)
	path, below := strings.CutPrefix(target, s.BaseURL.V)
	u, err := url.Parse(braces.ReplaceAllString(target, "x"))
	why := ""
	switch extra := outside(target, s.BaseURL.V); {
	case err != nil || u.Path == "" || u.Path == "/":
		why = "is no path"
	case extra != "":
		why = "has a value of its own, " + extra
	case strings.Contains(strings.ToLower(u.RawQuery), "key=") || strings.HasSuffix(u.RawQuery, "="):
		why = "has a place for a credential"
	case below && strings.HasPrefix(path, "/"):
	case strings.Contains(target, "{") || domain(u.Host) != domain(hostOf(s.BaseURL.V)):
		why = "is at another host, " + u.Host
	}
	for _, m := range s.facts.Methods {
		if m.Type == "AuthFields" {
			why = "has no body for the fields"
		}
	}
	if why != "" {
		s.leave("test", why)
		return
	}
	test := &definition.Test{OK: t.OK}
	if !below || !strings.HasPrefix(path, "/") {
		origin := u.Scheme + "://" + u.Host
		s.d.BaseURLs, test.Base = map[string]string{"test": origin}, "test"
		path = strings.TrimPrefix(target, origin)
	}
	test.Request = t.Method + " " + path
	s.facts.Test = &facts.Fact{Value: t.Method + " " + target, By: t.By}
	if t.ID != nil {
		test.ID, s.facts.TestID = t.ID.V, t.ID.as(t.ID.V)
	}
	s.d.Test = test
	if t.Scopes != nil {
		s.facts.TestScopes = t.Scopes.as(strings.Join(t.Scopes.V, " "))
		s.askForTest()
	}
}

// askForTest adds the scopes of the test to those that each consent asks for: an account
// with the scopes of the definition passes the test.
func (s *service) askForTest() {
	for name, m := range s.facts.Methods {
		if m.Type != "OAuth2" || m.Authorize == nil {
			continue
		}
		all := facts.Fact{}
		if m.Scopes != nil {
			all = *m.Scopes
		}
		all.Value = strings.Join(union(strings.Fields(all.Value), strings.Fields(s.facts.TestScopes.Value)), " ")
		all.By = union(all.By, s.facts.TestScopes.By)
		m.Scopes = &all
		s.facts.Methods[name] = m
	}
}

// union returns each text of both lists once.
func union(a, b []string) []string {
	list := slices.Clone(a)
	for _, text := range b {
		if !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return list
}
