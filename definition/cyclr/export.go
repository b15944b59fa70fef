package cyclr

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/importer"
	"github.com/connectorauth/connectorauth/internal/lazy"
)

// Export writes the connector of a definition, with the clients of the methods, by the
// name of the method. Nil clients mean none. What Cyclr has no words for is left out, and
// lost says so, one text each, with the path in the definition. The document shows the
// secrets of the clients.
func Export(d *definition.Definition, clients map[string]definition.Client) (document []byte, lost []string, err error) {
	e := newExported(d)
	c := connector{Name: cmp.Or(d.Title, d.Name), BaseUrl: e.url("baseUrl", d.BaseURL)}
	for i := range d.Methods {
		if a := e.method(fmt.Sprintf("methods[%d]", i), &d.Methods[i], clients[d.Methods[i].Name]); a != nil {
			c.Authentication = append(c.Authentication, *a)
		}
	}
	c.Parameters = e.parameters("inputs", d.Inputs, nil)
	for i, m := range d.Methods {
		c.Parameters = e.parameters(fmt.Sprintf("methods[%d].inputs", i), m.Inputs, c.Parameters)
	}
	if d.Test != nil {
		e.lose("test", "choose a method of the connector as the Post Install Test Auth Method")
	}
	if len(d.BaseURLs) > 0 {
		e.lose("baseUrls", "write the URLs into the methods of the connector")
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(c); err != nil {
		return nil, nil, fmt.Errorf("cyclr: %w", err)
	}
	return out.Bytes(), e.lost, nil
}

// exported is a definition on its way to a connector.
type exported struct {
	d      *definition.Definition
	fields map[string]string // names of parameters that differ from those of inputs, by input
	used   map[string]bool   // inputs that the AuthValue or a field has
	lost   []string
}

// newExported returns a definition on its way, with the names of all parameters.
func newExported(d *definition.Definition) *exported {
	e := &exported{d: d, fields: map[string]string{}, used: map[string]bool{"": true}}
	e.names("headers", d.Headers)
	e.names("params", d.Params)
	for i := range d.Methods {
		path := fmt.Sprintf("methods[%d]", i)
		switch s := d.Methods[i].Scheme.(type) {
		case *definition.OAuth1:
			e.client(path, s.ClientID, s.ClientSecret)
		case *definition.OAuth2:
			e.client(path, s.ClientID, s.ClientSecret)
			if p := s.Grant.PasswordCredentials; p != nil {
				e.fields[e.single(path+".grant.passwordCredentials.username", p.Username)] = "Username"
				e.fields[e.single(path+".grant.passwordCredentials.password", string(p.Password))] = "Password"
			}
		}
	}
	return e
}

// client takes the names of a client that accounts bring.
func (e *exported) client(path, id, secret string) {
	if id != "" {
		e.fields[e.single(path+".clientId", id)] = "ClientId"
	}
	if secret != "" {
		e.fields[e.single(path+".clientSecret", secret)] = "ClientSecret"
	}
}

func (e *exported) lose(path, text string) { e.lost = append(e.lost, path+": "+text) }

// alone matches a template that is one value.
var alone = lazy.Regexp(`^\{([A-Za-z0-9_]+)\}$`)

// single returns the input that a template is.
func (e *exported) single(path, template string) string {
	found := alone().FindStringSubmatch(template)
	if found == nil {
		e.lose(path, "is more than one value; use a script")
		return ""
	}
	return found[1]
}

// names takes the names of headers or parameters that are values.
func (e *exported) names(path string, values map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if input := e.single(path+"."+name, values[name]); input != "" {
			e.fields[input] = name
		}
	}
}

// name returns the name of the parameter of an input.
func (e *exported) name(input string) string { return cmp.Or(e.fields[input], input) }

// brace matches what a brace begins in a template.
var brace = lazy.Regexp(`\{\{|\}\}|\{[A-Za-z0-9_]+\}|\{`)

// url returns a URL with merge fields.
func (e *exported) url(path, template string) string {
	computes := false
	text := brace().ReplaceAllStringFunc(template, func(s string) string {
		switch s {
		case "{{", "}}":
			return s[:1]
		case "{":
			computes = true
			return s
		}
		return "{{" + e.name(s[1:len(s)-1]) + "}}"
	})
	if computes {
		e.lose(path, "computes something; use a script")
	}
	return text
}

// method returns the authentication of a method, or nil.
func (e *exported) method(path string, m *definition.Method, client definition.Client) *authentication {
	a := &authentication{AuthName: m.Title, IsDefault: m.Default, ClientId: client.ID, ClientSecret: string(client.Secret)}
	for i := range m.And {
		e.lose(fmt.Sprintf("%s.and[%d]", path, i), "is a second credential; use a parameter with the TargetType HttpHeader or QueryString")
	}
	if m.BaseURL != "" {
		e.lose(path+".baseUrl", "write the URL into the methods of the connector")
	}
	switch s := m.Scheme.(type) {
	case *definition.APIKey:
		a.AuthType, a.AuthScheme = "ApiKey", cmp.Or(s.Placement.Name, "Authorization")
		e.used[e.single(path+".key", s.Key)] = true
		if s.Placement.In != "" && s.Placement.In != dialect.InHeader || s.Placement.Prefix != "" {
			e.lose(path+".placement", "is more than the name of a header; use a script with before_action")
		}
	case *definition.Basic:
		a.AuthType = "Basic"
		e.used[e.single(path+".username", s.Username)], e.used[e.single(path+".password", s.Password)] = true, true
	case *definition.OAuth1:
		a.AuthType = "OAuth1"
		a.RequestTokenUrl, a.AuthorizeUrl, a.AccessTokenUrl = e.url(path+".requestTokenUrl", s.RequestTokenURL), e.url(path+".authorizeUrl", s.AuthorizeURL), e.url(path+".accessTokenUrl", s.AccessTokenURL)
	case *definition.OAuth2:
		e.oauth2(path, a, s)
	case *definition.AuthFields:
		a.AuthType = "AuthFields"
		for i, f := range s.Fields {
			input := e.single(fmt.Sprintf("%s.fields[%d].value", path, i), string(f.Value))
			e.used[input] = true
			a.AuthFields = append(a.AuthFields, authField{cmp.Or(f.Name, e.title(m, input)), f.Key, fieldType(f.Type)})
		}
	case *definition.None:
		a.AuthType = "None"
	default:
		e.lose(path, "is no AuthType of Cyclr; use a script")
		return nil
	}
	if a.AuthName == "" && m.Name != importer.Slug(a.AuthType) { // which Import makes of the type
		a.AuthName = m.Name
	}
	return a
}

// title returns the title of an input.
func (e *exported) title(m *definition.Method, name string) string {
	for _, input := range slices.Concat(m.Inputs, e.d.Inputs) {
		if input.Name == name {
			return cmp.Or(input.Title, name)
		}
	}
	return name
}

// fieldType returns the word of Cyclr for a type.
func fieldType(t dialect.FieldType) string {
	word := string(cmp.Or(t, dialect.FieldText))
	return strings.ToUpper(word[:1]) + word[1:]
}

func (e *exported) oauth2(path string, a *authentication, s *definition.OAuth2) {
	a.AuthType = "OAuth2"
	grant := &s.Grant
	switch {
	case grant.AuthorizationCode != nil:
		a.OAuth2Type, a.AuthoriseUrl = authorisationCode, e.url(path+".grant.authorizationCode.authUrl", grant.AuthorizationCode.AuthURL)
		if len(grant.AuthorizationCode.Params) > 0 {
			e.lose(path+".grant.authorizationCode.params", "write the parameters into the AuthoriseUrl")
		}
		if grant.AuthorizationCode.PushedAuthorizationRequestURL != "" {
			e.lose(path+".grant.authorizationCode.pushedAuthorizationRequestUrl", "Cyclr has no word for this member")
		}
	case grant.ClientCredentials != nil:
		a.OAuth2Type = clientCredentials
	case grant.PasswordCredentials != nil:
		a.OAuth2Type = passwordCredentials
	default:
		e.lose(path+".grant", "is no OAuth2Type of Cyclr")
	}
	a.AccessTokenUrl = e.url(path+".tokenUrl", s.TokenURL)
	var scopes []string
	for _, scope := range s.Scopes {
		scopes = append(scopes, scope.Name)
	}
	a.Scopes = strings.Join(scopes, " ")
	rest := s.Dialect
	if p := rest.Placement; p.In == "" && strings.EqualFold(p.Name, "Authorization") && strings.HasSuffix(p.Prefix, " ") {
		a.AuthScheme, rest.Placement = strings.TrimSpace(p.Prefix), dialect.Placement{}
	}
	if !reflect.DeepEqual(rest, dialect.OAuth2{}) {
		e.lose(path+".dialect", "use a script")
	}
	none := map[string]bool{
		"clientAuth": s.ClientAuth == "", "clientAssertion": s.ClientAssertion == nil, "revokeUrl": s.RevokeURL == "", "captures": len(s.Captures) == 0,
		"resources": len(s.Resources) == 0, "dpop": s.DPoP == "",
	}
	for _, name := range slices.Sorted(maps.Keys(none)) {
		if !none[name] {
			e.lose(path+"."+name, "Cyclr has no word for this member")
		}
	}
}

// parameters adds the inputs that no AuthValue and no field has.
func (e *exported) parameters(path string, inputs []definition.Input, list []parameter) []parameter {
	for i, input := range inputs {
		if e.used[input.Name] || slices.ContainsFunc(list, func(p parameter) bool { return p.TargetName == e.name(input.Name) }) {
			continue
		}
		p := parameter{
			TargetType: mergeField, TargetName: e.name(input.Name), Name: input.Title, Description: input.Help,
			IsOptional: input.Optional || input.Default != "", IsSensitive: input.Secret, IsAccountConnectorProperty: !input.Hidden, IsPartnerConnectorProperty: input.Hidden,
		}
		if e.d.Headers[p.TargetName] == "{"+input.Name+"}" {
			p.TargetType = httpHeader
		} else if e.d.Params[p.TargetName] == "{"+input.Name+"}" {
			p.TargetType = queryString
		}
		if input.Format == definition.FormatInteger {
			p.DataType = "Integer"
		}
		for _, choice := range input.Enum {
			p.Values = append(p.Values, choice.Value)
		}
		if input.Pattern != "" || len(input.Suffixes) > 0 || input.Default != "" {
			e.lose(fmt.Sprintf("%s[%d]", path, i), "Cyclr has no patterns, suffixes and defaults of parameters")
		}
		list = append(list, p)
	}
	return list
}
