package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/catalog/internal/facts"
)

// maintained are the sources of 2026 that somebody maintains.
var maintained = []string{"amp", "activepieces", "socialite", "social-core", "allauth", "authjs", "better-auth", "supabase", "hybridauth", "goth", "x-oauth2", facts.Documentation}

// keyName is the name of the input of a key.
const keyName = "apiKey"

// method makes facts of a method of the seed. The error says why the method stays out.
func (s *service) method(m *method) (facts.Method, error) {
	out := facts.Method{Type: m.Type}
	if m.Incomplete != nil {
		return out, fmt.Errorf("the sources do not say %s", m.Incomplete)
	}
	switch m.Type {
	case "ApiKey":
		return out, s.key(m, &out)
	case "AuthFields":
		out.Encoding = m.Encoding.as(m.Encoding.V)
		if m.Encoding.V != "json" {
			return out, fmt.Errorf("fields in a body of the kind %s", m.Encoding.V)
		}
		m.In = "body"
		return out, s.key(m, &out)
	case "Basic":
		if m.Username == nil || m.Password == nil {
			return out, fmt.Errorf("the sources do not say what user name and password are")
		}
		out.Carries = []facts.Carried{{In: "basic", Name: m.Username.V, Fact: *m.Username.as(m.Password.V)}}
		return out, nil
	case "OAuth1":
		out.Temporary, out.Authorize, out.Token = m.Temporary.as(m.Temporary.V), m.Authorize.as(strings.TrimRight(m.Authorize.V, "?")), m.Access.as(m.Access.V)
		return out, nil
	case "OAuth2":
		return out, s.oauth2(m, &out)
	case "Session":
		return out, s.session(m, &out)
	}
	return out, fmt.Errorf("the sources describe a %s in prose only", m.Type)
}

// key reads a key and what goes along with the key.
func (s *service) key(m *method, out *facts.Method) error {
	prefix := ""
	if m.Prefix != nil {
		prefix = m.Prefix.V
	}
	name := m.Name.V
	sure := slices.ContainsFunc(m.Name.By, func(by string) bool { return by != "power" && by != "apisguru" })
	switch {
	case m.In == "path":
		return fmt.Errorf("the key is a part of the path, and the sources do not say where")
	case strings.EqualFold(name, "Authorization") && prefix == "" && m.Value == nil && !sure:
		return fmt.Errorf("what stands before the key in Authorization is not known")
	}
	value := strings.ReplaceAll(prefix, "  ", " ") + "{" + keyName + "}"
	if m.Value != nil {
		value = m.Value.V
	}
	carried := facts.Carried{In: m.In, Name: name, Fact: *m.Name.as(value)}
	if m.Prefix != nil {
		carried.By = slices.DeleteFunc(slices.Clone(carried.By), func(by string) bool { return !slices.Contains(m.Prefix.By, by) })
	}
	out.Carries = []facts.Carried{carried}
	return goesAlong(m, out)
}

// goesAlong reads what goes along with a credential.
func goesAlong(m *method, out *facts.Method) error {
	if m.And == nil {
		return nil
	}
	for _, a := range m.And.V {
		value := "{" + a.Credential + "}"
		switch {
		case a.Same:
			value = "{" + keyName + "}"
		case a.Credential == "client_id":
			value = "{client}"
		case a.Credential == "":
			return fmt.Errorf("the sources do not say what goes along in %s", a.Name)
		}
		out.Carries = append(out.Carries, facts.Carried{In: a.In, Name: a.Name, Fact: *m.And.as(a.Prefix + value)})
	}
	return nil
}

// bearer is where RFC 6750 puts a token of which no source says a place.
var bearer = facts.Carried{In: "header", Name: "Authorization", Fact: facts.Fact{Value: "Bearer {token}", By: []string{"RFC 6750"}}}

// A place is a placement of the seed that is no word.
type place struct{ In, Name, Prefix string }

// token reads where a token goes. Where sources disagree, a header goes before the query,
// which ends up in logs.
func token(m *method) facts.Carried {
	if m.Placement == nil {
		return bearer
	}
	read := func(v json.RawMessage, by []string, was string) facts.Carried {
		c := bearer
		c.By, c.Was = by, was
		var p place
		if json.Unmarshal(v, &p) == nil {
			c.In, c.Name, c.Value = p.In, p.Name, strings.ReplaceAll(p.Prefix, "  ", " ")+"{token}"
		}
		return c
	}
	c := read(m.Placement.V, m.Placement.By, m.Placement.Was)
	for _, other := range m.Placement.Alt {
		if alt := read(other.V, other.By, ""); c.In == "query" && alt.In == "header" {
			return alt
		}
	}
	return c
}

// oauth2 reads OAuth 2.0.
func (s *service) oauth2(m *method, out *facts.Method) error {
	out.Grant = m.grant()
	switch {
	case m.TokenHash != nil:
		return fmt.Errorf("the token request has a hash of the client secret, which no definition can say")
	case m.Templates != nil:
		return fmt.Errorf("scopes are URLs of the account's own API, which need a definition by hand")
	case !slices.Contains([]string{"authorization_code", "client_credentials", "password"}, out.Grant):
		return fmt.Errorf("the grant %s needs a definition by hand", out.Grant)
	case out.Grant == "authorization_code" && m.Authorize == nil:
		return fmt.Errorf("the sources do not say the authorize URL")
	case m.Token == nil:
		return fmt.Errorf("the sources do not say the token URL")
	}
	if m.Authorize != nil && out.Grant == "authorization_code" {
		out.Authorize = m.Authorize.as(m.Authorize.V)
	}
	out.Token = m.Token.as(m.Token.V)
	isFew := func(f *fact[string]) bool {
		return 2*len(f.By) < len(m.Token.By) && !f.Decided && !slices.Contains(f.By, facts.Documentation)
	}
	if m.Revoke != nil {
		if extra := outside(m.Revoke.V, m.Token.V, s.BaseURL.V); extra != "" {
			s.leave("revoke_url", "has a value of its own, "+extra)
		} else {
			out.Revoke = m.Revoke.as(m.Revoke.V)
		}
	}
	s.refresh(m, out)
	out.Client = client(m)
	if m.Separator != nil && m.Separator.V != " " && m.Separator.V != "+" {
		out.Separator = m.Separator.as(m.Separator.V)
	}
	s.scopes(m, out)
	for _, manner := range []struct {
		f    *fact[string]
		when string
		says string
	}{{m.TokenVerb, "GET", "get"}, {m.TokenIn, "query", "query"}, {m.TokenEnc, "json", "json"}} {
		switch f := manner.f; {
		case f == nil || f.V != manner.when || out.Encoding != nil:
		case isFew(f):
			s.leave("encoding", "few of those who ask for tokens say "+manner.says)
		default:
			out.Encoding = f.as(manner.says)
		}
	}
	out.AuthorizeParams = s.params("auth_params", m.AuthParams)
	out.TokenParams = s.params("token_params", m.Params)
	out.AuthorizeNames, out.TokenNames = named(m.AuthNames), named(m.TokenNames)
	if m.RefreshPar != nil {
		s.leave("refresh_params", "some sources repeat the redirect_uri, which no definition knows")
	}
	out.RefreshParams = named(m.MoreAgain)
	if root, ok := m.Responses["root"]; ok {
		out.Root = root.as(root.V)
	} else if m.Responses != nil {
		s.leave("response_paths", "one source alone reads the token response in a way of its own")
	}
	if len(m.Captures) > 0 {
		out.Captures = named(m.Captures)
	} else if m.Capture != nil {
		s.leave("capture", "values of the token response that do not decide where the API is")
	}
	if m.TokenType != nil {
		out.TokenType = m.TokenType.as(m.TokenType.V)
	}
	if m.ExpiryPath != nil {
		out.Expiry = m.ExpiryPath.as(m.ExpiryPath.V)
	}
	out.Carries = []facts.Carried{token(m)}
	return goesAlong(m, out)
}

// refresh reads whether tokens can be refreshed, and where. A URL of its own counts if a
// witness that is maintained says so, and only beside the token URL.
func (s *service) refresh(m *method, out *facts.Method) {
	u := m.RefreshURL
	isSure := u != nil && domain(hostOf(u.V)) == domain(hostOf(m.Token.V)) && slices.ContainsFunc(u.By, func(by string) bool { return slices.Contains(maintained, by) })
	switch {
	case isSure:
		out.Refresh = u.as(u.V)
	case u != nil:
		s.leave("refresh_url", "one old witness alone says another URL than that of the token")
		out.Refresh = &facts.Fact{By: u.By}
	}
	if m.Refresh != nil && !isSure {
		out.Refresh = &facts.Fact{By: m.Refresh.By}
	}
}

// outside returns an input that a template has, and the others do not.
func outside(template string, others ...string) string {
	for _, name := range inputsOf(template) {
		if !slices.Contains(inputsOf(others...), name) {
			return name
		}
	}
	return ""
}

// client reads how the client authenticates: as somebody says, or as most do where nobody
// says anything, or where those who do disagree.
func client(m *method) *facts.Fact {
	basic, body := m.Seen["basic"], m.Seen["body"]
	if m.ClientAuth != nil && (len(m.ClientAuth.Alt) == 0 || len(basic)+len(body) == 0) {
		return m.ClientAuth.as(m.ClientAuth.V)
	}
	switch {
	case len(body) > 0 && len(body) >= len(basic):
		return &facts.Fact{Value: "body", By: body}
	case len(basic) > 0:
		return &facts.Fact{Value: "basic", By: basic}
	}
	return &facts.Fact{Value: "basic", By: []string{"RFC 6749"}}
}

// scopeToken is a scope (RFC 6749 section 3.3) that is no template.
var scopeToken = regexp.MustCompile(`^[!#-\[\]-z|~]+$`)

func (s *service) scopes(m *method, out *facts.Method) {
	if m.Scopes == nil {
		return
	}
	var list []string
	for _, text := range m.Scopes.V {
		for _, scope := range strings.Fields(text) {
			if scopeToken.MatchString(scope) && !slices.Contains(list, scope) {
				list = append(list, scope)
			}
		}
	}
	if len(list) > 0 {
		out.Scopes = m.Scopes.as(strings.Join(list, " "))
	}
}

// choices are parameters by which a program says how the consent looks, or when the service
// asks again. A service gives the same token without.
var choices = []string{"prompt", "approval_prompt", "reauth", "session", "loginWindowOpenMode"}

// given are the parameters that each request has anyway, by the member of the seed.
var given = map[string][]string{
	"auth_params":  {"response_type", "client_id", "scope"},
	"token_params": {"grant_type", "client_id", "scope"},
}

// isChoice reports whether a service does without a parameter. The prompt for consent is no
// choice beside access_type=offline: without the prompt, only an account owner's first
// consent brings a refresh token. The response_mode query is what RFC 6749 says.
func isChoice(name, value string, list map[string]fact[string]) bool {
	switch {
	case name == "prompt" && value == "consent":
		return list["access_type"].V != "offline"
	case name == "response_mode":
		return value == "query"
	}
	return slices.Contains(choices, name)
}

// params reads further parameters. A choice counts with several witnesses alone.
func (s *service) params(what string, list map[string]fact[string]) map[string]facts.Fact {
	out := map[string]facts.Fact{}
	for _, name := range sortedKeys(list) {
		f := list[name]
		isSure := slices.Contains(f.By, facts.Documentation)
		switch {
		case f.V == "" || slices.Contains(given[what], name) && !isSure:
			s.leave(what, name+" is in each request anyway, or has no value")
			continue
		case len(f.By) < 2 && isChoice(name, f.V, list) && !isSure:
			s.leave(what, name+" is the choice of one source")
			continue
		}
		out[name] = *f.as(f.V)
	}
	return out
}

func named(list map[string]fact[string]) map[string]facts.Fact {
	out := map[string]facts.Fact{}
	for name, f := range list {
		out[name] = *f.as(f.V)
	}
	return out
}

// session reads a login.
func (s *service) session(m *method, out *facts.Method) error {
	l := m.Login
	switch {
	case m.TokenPath == nil:
		return fmt.Errorf("the sources do not say where the response to the login has the token")
	case l.V.Encoding != "json" || len(l.V.Fields) == 0:
		return fmt.Errorf("the login is no JSON object of texts")
	}
	for name, value := range l.V.Fields {
		if strings.HasPrefix(value, "[") {
			return fmt.Errorf("the login has a list in %s", name)
		}
	}
	out.Login, out.Fields = &facts.Fact{Value: l.V.Method + " " + l.V.URL, By: l.By}, l.V.Fields
	out.TokenPath = m.TokenPath.as(m.TokenPath.V)
	out.Carries = []facts.Carried{token(m)}
	return goesAlong(m, out)
}
