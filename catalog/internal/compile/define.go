package main

import (
	"net/url"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/catalog/internal/facts"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/session"
)

// define makes a method of a definition of facts.
func (s *service) define(name string, m facts.Method) definition.Method {
	out := definition.Method{Name: name}
	var first facts.Carried
	var rest []facts.Carried
	if len(m.Carries) > 0 { // a signature is no value
		first, rest = m.Carries[0], m.Carries[1:]
	}
	switch m.Type {
	case "ApiKey":
		out.Credential = carried(first)
	case "AuthFields":
		fields := &definition.AuthFields{Body: dialect.BodyJSON}
		for _, c := range m.Carries {
			fields.Fields = append(fields.Fields, connectorauth.AuthField{Key: c.Name, Value: connectorauth.Secret(c.Value)})
		}
		out.Scheme, rest = fields, nil
	case "Basic":
		out.Scheme = &definition.Basic{Username: first.Name, Password: first.Value}
	case "OAuth1":
		out.Scheme = &definition.OAuth1{RequestTokenURL: m.Temporary.Value, AuthorizeURL: m.Authorize.Value, AccessTokenURL: m.Token.Value}
	case "OAuth2":
		out.Scheme = s.defineOAuth2(m)
	case "Session":
		out.Scheme = defineSession(m)
	}
	for _, c := range rest {
		out.And = append(out.And, carried(c))
	}
	return out
}

// clientName is the template of the client's ID where requests to the API carry the ID.
const clientName = "{clientId}"

// carried makes a credential of what requests carry.
func carried(c facts.Carried) definition.Credential {
	at := strings.Index(c.Value, "{")
	prefix, key := c.Value[:at], c.Value[at:]
	if len(inputsOf(key)) > 1 || !strings.HasSuffix(key, "}") {
		prefix, key = "", c.Value
	}
	key = strings.ReplaceAll(key, "{client}", clientName)
	p := placement(c.In, c.Name, prefix)
	if strings.EqualFold(p.Name, "Authorization") {
		p.Name = "" // the default of a key
	}
	return definition.Credential{Scheme: &definition.APIKey{Key: key, Placement: p}}
}

func placement(in, name, prefix string) dialect.Placement {
	p := dialect.Placement{In: dialect.Location(in), Name: name, Prefix: prefix}
	if in == "header" {
		p.In = ""
	}
	return p
}

func (s *service) defineOAuth2(m facts.Method) *definition.OAuth2 {
	out := &definition.OAuth2{TokenURL: m.Token.Value}
	d := &out.Dialect
	needsID := slices.ContainsFunc(m.Carries, func(c facts.Carried) bool { return c.Value == "{client}" })
	switch m.Grant {
	case "authorization_code":
		out.Grant.AuthorizationCode = &connectorauth.AuthorizationCode{AuthURL: m.Authorize.Value, Params: parameters(m.AuthorizeParams)}
	case "client_credentials":
		out.Grant.ClientCredentials, needsID = &connectorauth.ClientCredentials{}, true
	case "password":
		out.Grant.PasswordCredentials = &connectorauth.PasswordCredentials{Username: "{username}", Password: "{password}"}
	}
	if needsID || s.isForeign(m) {
		out.ClientID, out.ClientSecret = clientName, "{clientSecret}"
	}
	if m.Revoke != nil {
		out.RevokeURL = m.Revoke.Value
	}
	if m.Refresh != nil {
		d.RefreshURL = m.Refresh.Value
	}
	switch m.Client.Value {
	case "body":
		out.ClientAuth = connectorauth.ClientSecretPost
	case "none":
		out.ClientAuth = connectorauth.ClientAuthNone
	}
	if m.Scopes != nil {
		for _, scope := range strings.Fields(m.Scopes.Value) {
			out.Scopes = append(out.Scopes, definition.Scope{Name: scope})
		}
	}
	if m.Separator != nil {
		d.ScopeSeparator = m.Separator.Value
	}
	if m.Encoding != nil {
		d.TokenEncoding = dialect.Encoding(m.Encoding.Value)
	}
	d.TokenParams, d.RefreshParams = parameters(m.TokenParams), parameters(m.RefreshParams)
	d.AuthNames, d.TokenNames = values(m.AuthorizeNames), values(m.TokenNames)
	if m.Root != nil {
		root := m.Root.Value + "."
		d.Response = dialect.Response{AccessToken: root + "access_token", RefreshToken: root + "refresh_token", Scope: root + "scope", Expiry: root + "expires_in"}
	}
	if m.Expiry != nil {
		d.Response.Expiry = m.Expiry.Value
	}
	d.Response.AnyTokenType = m.TokenType != nil
	for _, name := range sortedKeys(m.Captures) {
		from, path, _ := strings.Cut(m.Captures[name].Value, " ")
		limits := s.input(name).Limits
		capture := definition.Capture{Captured: definition.Captured{Name: name, Origin: limits.Format == definition.FormatOrigin, Limits: limits}, Path: path}
		if from == string(definition.FromCallback) {
			capture.From = definition.FromCallback
		}
		out.Captures = append(out.Captures, capture)
	}
	c := m.Carries[0]
	if prefix := strings.TrimSuffix(c.Value, "{token}"); c.In != "header" || !strings.EqualFold(c.Name, "Authorization") || prefix != "Bearer " {
		d.Placement = placement(c.In, c.Name, prefix)
		d.Response.AnyTokenType = true
	}
	return out
}

// parameters makes parameters of facts. Nil means none.
func parameters(list map[string]facts.Fact) url.Values {
	var out url.Values
	for name, f := range list {
		if out == nil {
			out = url.Values{}
		}
		out.Set(name, f.Value)
	}
	return out
}

func values(list map[string]facts.Fact) map[string]string {
	if len(list) == 0 {
		return nil
	}
	out := map[string]string{}
	for name, f := range list {
		out[name] = f.Value
	}
	return out
}

func defineSession(m facts.Method) *definition.Session {
	verb, target, _ := strings.Cut(m.Login.Value, " ")
	if verb == "POST" {
		verb = ""
	}
	body := map[string]any{}
	for name, value := range m.Fields {
		body[name] = value
	}
	c := m.Carries[0]
	return &definition.Session{
		Login:  []session.Request{{Method: verb, URL: target, JSON: body, Capture: map[string]string{"token": m.TokenPath.Value}}},
		Places: []session.Place{{Placement: placement(c.In, c.Name, strings.TrimSuffix(c.Value, "{token}")), Value: "{token}"}},
	}
}
