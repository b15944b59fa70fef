package openapi

import (
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/importer"
)

// maxScopes is how many scopes a method has.
const maxScopes = 1000

// flows returns the flows of a scheme by the words of OpenAPI 3.
func (i *imported) flows(v importer.Value) map[string]importer.Value {
	flows := map[string]importer.Value{}
	if i.swagger {
		name := map[string]string{"accessCode": "authorizationCode", "application": "clientCredentials"}[v.Get("flow").Text()]
		if name == "" {
			name = v.Get("flow").Text()
		}
		flows[name] = v
		return flows
	}
	for name, flow := range v.Get("flows").Members() {
		flows[name] = flow
	}
	return flows
}

// oauth2 returns a way for each flow of a scheme.
func (i *imported) oauth2(name string, v importer.Value) (list []way) {
	flows := i.flows(v)
	metadata := v.Get("oauth2MetadataUrl")
	hint := ""
	if metadata.Exists() {
		hint = " (see the metadata at " + importer.Line(metadata.Text()) + ")"
		i.Note(metadata, "is not read: the endpoints are those of the flows")
	}
	for _, kind := range []string{"authorizationCode", "implicit", "clientCredentials", "password"} {
		flow, ok := flows[kind]
		_, hasCode := flows["authorizationCode"]
		switch {
		case !ok:
			continue
		case kind == "implicit" && hasCode:
			i.Note(flow, "is left out: the flow authorizationCode takes its place (RFC 9700 section 2.1.2)")
			continue
		}
		s := &definition.OAuth2{}
		w := way{flow: kind, parts: []part{{scheme: name, credential: s, place: "header authorization"}}}
		tokenText := "is missing; what is the token URL" + hint + "?"
		switch kind {
		case "authorizationCode", "implicit":
			w.flow, w.parts[0].title = "code", "OAuth 2.0"
			code := &connectorauth.AuthorizationCode{}
			s.Grant.AuthorizationCode = code
			code.AuthURL, _ = i.endpoint(flow.Get("authorizationUrl"), "authUrl:"+name, "is missing; what is the authorization URL"+hint+"?")
			if kind == "implicit" {
				tokenText = "is the implicit flow, which gives no lasting token; if the provider has the authorization code flow too, what is the token URL" + hint + "?"
			}
		case "clientCredentials":
			w.flow, w.parts[0].title = "client", "OAuth 2.0 without a person"
			s.Grant.ClientCredentials = &connectorauth.ClientCredentials{}
		case "password":
			w.parts[0].title = "OAuth 2.0 with a password"
			b := i.basic(name, "")
			w.inputs = b.inputs
			s.Grant.PasswordCredentials = &connectorauth.PasswordCredentials{Username: "{" + b.inputs[0].Name + "}", Password: connectorauth.Secret("{" + b.inputs[1].Name + "}")}
		}
		at := flow.Get("tokenUrl")
		if kind == "implicit" {
			at = flow
		}
		if !i.tokenURL(s, at, name, tokenText) {
			continue
		}
		if refresh := flow.Get("refreshUrl"); refresh.Text() != "" {
			if url := i.absolute(refresh.Text()); url == "" {
				i.Note(refresh, "is relative, and left out")
			} else if url != s.TokenURL {
				s.Dialect.RefreshURL = secure(url)
			}
		}
		answer, _ := i.Ask(v, importer.ClientAuth(name))
		s.ClientAuth = connectorauth.ClientAuthMethod(answer)
		s.Scopes = i.scopeList(name, flow.Get("scopes"))
		w.finish(i, s)
		list = append(list, w)
	}
	for kind, flow := range v.Get("flows").Members() {
		if !slices.Contains([]string{"authorizationCode", "implicit", "clientCredentials", "password"}, kind) && !strings.HasPrefix(kind, "x-") {
			i.Note(flow, "is left out: a definition has no such grant")
		}
	}
	if len(list) == 0 && !i.Pending {
		i.Note(v, "has no flow that a definition can say")
	}
	return list
}

// openID returns the way through OpenID Connect, whose endpoints are elsewhere.
func (i *imported) openID(name string, v importer.Value) []way {
	hint := " (see the metadata at " + importer.Line(v.Get("openIdConnectUrl").Text()) + ")"
	code := &connectorauth.AuthorizationCode{}
	s := &definition.OAuth2{Grant: definition.Grant{AuthorizationCode: code}}
	at := v.Get("openIdConnectUrl")
	code.AuthURL, _ = i.endpoint(at.Place(), "authUrl:"+name, "is OpenID Connect, whose endpoints Import does not read; what is the authorization URL"+hint+"?")
	if !i.tokenURL(s, at.Place(), name, "is OpenID Connect, whose endpoints Import does not read; what is the token URL"+hint+"?") {
		return nil
	}
	answer, _ := i.Ask(v, importer.ClientAuth(name))
	s.ClientAuth = connectorauth.ClientAuthMethod(answer)
	if !slices.Contains(i.scopes[name], "openid") {
		i.scopes[name] = append([]string{"openid"}, i.scopes[name]...)
	}
	s.Scopes = i.scopeList(name, v.Get("scopes"))
	w := way{parts: []part{{scheme: name, credential: s, place: "header authorization", title: "OpenID Connect"}}}
	w.finish(i, s)
	return []way{w}
}

// finish makes inputs of the variables in the URLs of a scheme.
func (w *way) finish(i *imported, s *definition.OAuth2) {
	renamed := map[string]string{}
	urls := []*string{&s.TokenURL, &s.Dialect.RefreshURL}
	if code := s.Grant.AuthorizationCode; code != nil {
		urls = append(urls, &code.AuthURL)
	}
	same := []string{w.flow}
	for _, u := range urls {
		*u = variable().ReplaceAllStringFunc(*u, func(v string) string {
			name := v[1 : len(v)-1]
			if slices.ContainsFunc(i.def.Inputs, func(in definition.Input) bool { return in.Name == name }) {
				return v
			}
			if renamed[name] == "" {
				input := definition.Input{Name: importer.Unique(i.inputs, importer.InputName(name, "variable"), "_"), Title: importer.Line(name)}
				renamed[name] = input.Name
				w.inputs = append(w.inputs, input)
			}
			return "{" + renamed[name] + "}"
		})
		same = append(same, *u)
	}
	w.parts[0].same = strings.Join(same, " ")
}

// tokenURL sets the token URL. false means that the way is left out.
func (i *imported) tokenURL(s *definition.OAuth2, at importer.Value, name, text string) bool {
	url, ok := i.endpoint(at, "tokenUrl:"+name, text, importer.No)
	if ok && url == importer.No.Value {
		i.Note(at, "is left out: there is no token URL")
		return false
	}
	s.TokenURL = url
	return true
}

// endpoint returns the URL of an endpoint, or asks for one that is absolute and https.
func (i *imported) endpoint(v importer.Value, id, text string, choices ...definition.Choice) (url string, ok bool) {
	url = i.absolute(v.Text())
	switch {
	case v.Text() == "":
	case url == "":
		text = "is relative; what is the whole URL?"
	case secure(url) != url:
		text = "is plain http; what is the https URL?"
		choices = append([]definition.Choice{{Value: secure(url)}}, choices...)
	default:
		return url, true
	}
	url, ok = i.Ask(v, importer.OpenQuestion(id, text, choices...))
	return strings.TrimSpace(url), ok
}

// scopeList returns the scopes of a flow. Those that requirements name are the default.
func (i *imported) scopeList(name string, scopes importer.Value) (list []definition.Scope) {
	wanted := i.scopes[name]
	add := func(at importer.Value, scope, title string) bool {
		switch {
		case len(list) == maxScopes:
			i.Note(scopes, "has more than %d scopes; the others are left out", maxScopes)
			return false
		case scope == "", strings.ContainsFunc(scope, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }):
			i.Note(at, "the scope %q is left out: RFC 6749 section 3.3 has no such scope", importer.Short(scope))
		default:
			list = append(list, definition.Scope{Name: importer.Literal(scope), Title: title, Default: slices.Contains(wanted, scope)})
		}
		return true
	}
	for scope, text := range scopes.Members() {
		if !strings.HasPrefix(scope, "x-") && !add(text, scope, importer.Line(text.Text())) {
			return list
		}
	}
	for _, scope := range wanted {
		if !scopes.Get(scope).Exists() && !add(scopes, scope, "") {
			return list
		}
	}
	return list
}
