package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/catalog/internal/facts"
	"github.com/connectorauth/connectorauth/definition"
)

// methodInputs adds the inputs of a method, those of the definition left out.
func (s *service) methodInputs(m *definition.Method, f facts.Method) {
	templates := []string{}
	for _, u := range []*facts.Fact{f.Authorize, f.Temporary, f.Token, f.Revoke, f.Login} {
		if u != nil {
			templates = append(templates, u.Value)
		}
	}
	if o, ok := m.Scheme.(*definition.OAuth2); ok {
		templates = append(templates, o.ClientID, o.ClientSecret)
		for _, list := range []map[string]facts.Fact{f.AuthorizeParams, f.TokenParams} {
			for _, name := range sortedKeys(list) {
				templates = append(templates, list[name].Value)
			}
		}
		if p := o.Grant.PasswordCredentials; p != nil {
			templates = append(templates, p.Username, string(p.Password))
		}
	}
	for _, name := range sortedKeys(f.Fields) {
		templates = append(templates, f.Fields[name])
	}
	for _, c := range f.Carries {
		if c.In == "basic" {
			templates = append(templates, c.Name)
		}
		value := c.Value
		if f.Type == "OAuth2" || f.Type == "Session" {
			value = strings.ReplaceAll(value, "{token}", "")
		}
		templates = append(templates, strings.ReplaceAll(value, "{client}", ""))
	}
	for _, name := range inputsOf(templates...) {
		if name == "scopes" || slices.ContainsFunc(s.d.Inputs, func(i definition.Input) bool { return i.Name == name }) {
			continue
		}
		i := s.input(name)
		if f.Type == "Basic" && len(inputsOf(f.Carries[0].Name, f.Carries[0].Value)) == 1 ||
			f.Type == "Basic" && slices.Contains(inputsOf(f.Carries[0].Value), name) || f.Type == "AuthFields" && name == keyName {
			i.Secret = true
		}
		if o, ok := m.Scheme.(*definition.OAuth2); ok && o.Grant.AuthorizationCode != nil && (name == "clientId" || name == "clientSecret") && !s.isForeign(f) {
			i.Hidden = true // the program's own registration
		}
		m.Inputs = append(m.Inputs, i)
	}
}

// input makes an input of what the seed knows of the name.
func (s *service) input(name string) definition.Input {
	out := definition.Input{Name: name, Title: title(name)}
	at := slices.IndexFunc(s.Inputs, func(i input) bool { return i.Name == name })
	if at < 0 {
		out.Secret = isSecret(name)
		switch strings.ToLower(name) {
		case keyName, "apikey", "api_key":
			out.Title = "API key"
		case "email":
			out.Format = definition.FormatEmail
		}
		return out
	}
	known := s.Inputs[at]
	if t := strings.TrimSpace(known.Title); t != "" {
		out.Title = strings.ToUpper(t[:1]) + t[1:]
	}
	out.Hidden, out.Optional = known.Hidden, known.Optional
	out.Secret = known.Kind == "text" && isSecret(name)
	if known.Default != nil {
		out.Default = known.Default.V
	}
	if known.Values != nil {
		for _, value := range known.Values.V {
			out.Enum = append(out.Enum, definition.Choice{Value: value})
		}
	}
	switch known.Kind {
	case "label":
		out.Format, out.Example = definition.FormatLabel, "example"
		out.Suffix = s.suffix(name)
	case "host":
		out.Title = hostTitle(out.Title)
		out.Format, out.Example = definition.FormatHost, "www.example.com"
		if out.Suffixes = known.Suffixes; len(out.Suffixes) == 0 {
			out.AnyHost = true
		} else {
			out.Example = "www" + out.Suffixes[0]
		}
	case "origin":
		out.Format, out.Suffixes = definition.FormatOrigin, known.Suffixes
	case "integer":
		out.Format = definition.FormatInteger
	case "uuid":
		out.Format = definition.FormatUUID
	}
	s.boundary(known)
	if known.Values != nil && !slices.Contains(known.Values.V, out.Default) {
		out.Default = ""
	}
	return out
}

// boundary makes a fact of the values, or of the suffixes, of an input.
func (s *service) boundary(known input) {
	if s.facts.Inputs == nil {
		s.facts.Inputs = map[string]facts.Fact{}
	}
	switch {
	case known.Values != nil:
		s.facts.Inputs[known.Name] = *known.Values.as(strings.Join(known.Values.V, " "))
	case known.Kind == "host" && known.Default != nil:
		s.facts.Inputs[known.Name] = *known.Default.as(known.Default.V)
	case known.Suffixes != nil && len(known.By) > 0:
		s.facts.Inputs[known.Name] = facts.Fact{Value: strings.Join(known.Suffixes, " "), By: known.By}
	case known.Suffixes != nil && len(s.override.Read) > 0:
		s.facts.Inputs[known.Name] = facts.Fact{Value: strings.Join(known.Suffixes, " "), By: []string{facts.Documentation}}
	}
}

// suffix returns what follows an input in the host of the base URL, for people to see.
func (s *service) suffix(name string) string {
	_, rest, ok := strings.Cut(s.BaseURL.V, "{"+name+"}")
	host, _, _ := strings.Cut(rest, "/")
	if !ok || strings.Contains(host, "{") {
		return ""
	}
	return cmp.Or(host, "")
}
