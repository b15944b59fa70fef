package cyclr

import (
	"cmp"
	"maps"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/importer"
)

// method makes a method of an authentication.
func (i *imported) method(v importer.Value) {
	kind := v.Get("AuthType").Text()
	name := importer.Unique(i.names, cmp.Or(importer.Slug(v.Get("AuthName").Text()), importer.Slug(kind), "method"), "-")
	m := definition.Method{Name: name, Title: importer.Line(v.Get("AuthName").Text()), Default: v.Get("IsDefault").True()}
	if text := v.Get("AuthDescription"); text.Text() != "" && text.Text() != "null" {
		i.Note(text, "is left out: a method has a title only")
	}
	before := len(i.def.Inputs)
	pending := i.Watch(func() { m.Scheme = i.scheme(v, kind, &m) })
	if m.Scheme == nil {
		i.Note(v, "is left out: the AuthType %q cannot be a definition", importer.Short(kind))
		return
	}
	if !pending {
		if err := importer.TryPart(i.def, &m, ""); err != nil {
			i.Note(v, "is left out: %v", err)
			i.forget(before, name)
			return
		}
	}
	for _, other := range i.def.Methods {
		if m.Default && other.Default {
			i.Note(v.Get("IsDefault"), "is left out: %s is the default", other.Name)
			m.Default = false
		}
	}
	i.def.Methods = append(i.def.Methods, m)
}

// forget removes what a method has left that cannot be one.
func (i *imported) forget(before int, method string) {
	delete(i.clients, method)
	for _, input := range i.def.Inputs[before:] {
		maps.DeleteFunc(i.fields, func(_, known string) bool { return known == input.Name })
	}
	i.def.Inputs = i.def.Inputs[:before]
}

// scheme makes the credential of a method, or returns nil.
func (i *imported) scheme(v importer.Value, kind string, m *definition.Method) definition.Scheme {
	if i.drop && kind != "None" {
		i.Note(v, "is left to the script")
		return &definition.None{}
	}
	switch kind {
	case "ApiKey":
		return i.apiKey(v, m)
	case "Basic":
		return &definition.Basic{Username: i.ask(m, "username", "User name", false), Password: i.ask(m, "password", "Password", true)}
	case "OAuth1", "NetSuiteOAuth1":
		s := &definition.OAuth1{}
		s.ClientID, s.ClientSecret = i.client(v, m.Name)
		s.RequestTokenURL = i.endpoint(v.Get("RequestTokenUrl"), m, "requestTokenUrl", "request token URL")
		s.AuthorizeURL = i.endpoint(spelled(v, "AuthorizeUrl", "AuthoriseUrl"), m, "authUrl", "authorise URL")
		s.AccessTokenURL = i.endpoint(v.Get("AccessTokenUrl"), m, "tokenUrl", "access token URL")
		return s
	case "OAuth2":
		return i.oauth2(v, m)
	case "AuthFields":
		return i.authFields(v, m)
	case "None":
		return &definition.None{}
	}
	return nil
}

// spelled returns the member that is there, in either spelling.
func spelled(v importer.Value, name, other string) importer.Value {
	if found := v.Get(other); found.Text() != "" {
		return found
	}
	return v.Get(name)
}

// ask adds an input, and returns its template.
func (i *imported) ask(m *definition.Method, name, title string, secret bool) string {
	input := definition.Input{Name: importer.Unique(i.inputs, name, "_"), Title: title, Secret: secret}
	m.Inputs = append(m.Inputs, input)
	return "{" + input.Name + "}"
}

func (i *imported) apiKey(v importer.Value, m *definition.Method) definition.Scheme {
	s := &definition.APIKey{Key: i.ask(m, "apiKey", "API key", true)}
	header := v.Get("AuthScheme").Text()
	switch {
	case i.bearer:
		s.Placement = dialect.Placement{Name: "Authorization", Prefix: "Bearer "}
	case header != "" && header != "null":
		s.Placement.Name = header
	default:
		answer, ok := i.Ask(v.Get("AuthScheme"), importer.OpenQuestion("place:"+m.Name, "is missing; where does the key go? header NAME, query NAME, cookie NAME or body NAME",
			definition.Choice{Value: "header Authorization"}))
		in, name, _ := strings.Cut(answer, " ")
		if s.Placement.Name = name; in != "header" {
			s.Placement.In = dialect.Location(in)
		}
		if ok && !(s.Placement.In.Valid() && s.Placement.In != dialect.InPath && name != "") {
			s.Placement = dialect.Placement{}
			i.Reopen(v.Get("AuthScheme"), importer.OpenQuestion("place:"+m.Name, "where does the key go? header NAME, query NAME, cookie NAME or body NAME"))
		}
	}
	return s
}

func (i *imported) oauth2(v importer.Value, m *definition.Method) definition.Scheme {
	s := &definition.OAuth2{}
	s.ClientID, s.ClientSecret = i.client(v, m.Name)
	kind, at := v.Get("OAuth2Type").Text(), v.Get("OAuth2Type")
	switch kind {
	case authorisationCode, "AuthorizationCode", clientCredentials, passwordCredentials:
	default:
		kind, _ = i.Ask(at, importer.Question("grant:"+m.Name, "does not say which grant; which one is it?",
			definition.Choice{Value: authorisationCode}, definition.Choice{Value: clientCredentials}, definition.Choice{Value: passwordCredentials}))
	}
	switch kind {
	case authorisationCode, "AuthorizationCode":
		s.Grant.AuthorizationCode = &connectorauth.AuthorizationCode{AuthURL: i.endpoint(spelled(v, "AuthoriseUrl", "AuthorizeUrl"), m, "authUrl", "authorise URL")}
	case clientCredentials:
		s.Grant.ClientCredentials = &connectorauth.ClientCredentials{}
	case passwordCredentials:
		user, password := i.fields["username"], i.fields["password"]
		if user != "" && password != "" {
			user, password = "{"+user+"}", "{"+password+"}"
		} else {
			user, password = i.ask(m, "username", "User name", false), i.ask(m, "password", "Password", true)
		}
		s.Grant.PasswordCredentials = &connectorauth.PasswordCredentials{Username: user, Password: connectorauth.Secret(password)}
	}
	s.TokenURL = i.endpoint(v.Get("AccessTokenUrl"), m, "tokenUrl", "access token URL")
	for scope := range strings.FieldsSeq(v.Get("Scopes").Text()) {
		s.Scopes = append(s.Scopes, definition.Scope{Name: importer.Literal(scope)})
	}
	if scheme := v.Get("AuthScheme").Text(); scheme != "" && scheme != "null" && scheme != "Bearer" && scheme != "Authorization" {
		s.Dialect.Placement = dialect.Placement{Name: "Authorization", Prefix: scheme + " "}
	}
	answer, _ := i.Ask(v, importer.ClientAuth(m.Name))
	s.ClientAuth = connectorauth.ClientAuthMethod(answer)
	return s
}

// endpoint returns the template of a URL, or asks for the URL.
func (i *imported) endpoint(v importer.Value, m *definition.Method, id, what string) string {
	text := v.Text()
	if text == "" || text == "null" {
		text, _ = i.Ask(v, importer.OpenQuestion(id+":"+m.Name, "is missing; what is the "+what+"?"))
	}
	url, inputs, _ := i.url(v, strings.TrimSpace(text), m.Inputs)
	i.def.Inputs = append(i.def.Inputs, inputs...) // for further methods too
	return url
}

func (i *imported) authFields(v importer.Value, m *definition.Method) definition.Scheme {
	s := &definition.AuthFields{}
	for n, f := range v.Get("AuthFields").Elements() {
		if n == maxFields {
			i.Note(f, "is left out, and so are all further fields: there are too many")
			break
		}
		name, key, kind := f.Get("Name").Text(), f.Get("Key").Text(), f.Get("Type").Text()
		field := connectorauth.AuthField{Name: importer.Line(name), Key: key, Type: dialect.FieldType(strings.ToLower(kind))}
		if !field.Type.Valid() {
			i.Note(f.Get("Type"), "is left out: the field is a text")
			field.Type = ""
		}
		if field.Type == dialect.FieldText {
			field.Type = ""
		}
		field.Value = connectorauth.Secret(i.ask(m, importer.InputName(cmp.Or(name, key), "field"), importer.Line(cmp.Or(name, key)), field.Type == dialect.FieldPassword))
		switch input := &m.Inputs[len(m.Inputs)-1]; field.Type {
		case dialect.FieldInteger:
			input.Format = definition.FormatInteger
		case dialect.FieldNumber:
			input.Pattern, input.Example = `-?(0|[1-9][0-9]*)(\.[0-9]+)?`, "1.5"
		case dialect.FieldBoolean:
			input.Enum = []definition.Choice{{Value: "true"}, {Value: "false"}}
		}
		s.Fields = append(s.Fields, field)
	}
	return s
}
