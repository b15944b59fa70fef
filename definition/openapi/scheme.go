package openapi

import (
	"strings"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/importer"
	"github.com/connectorauth/connectorauth/internal/lazy"
)

// ways are the ways through one scheme. None of them, and not pending, means that the
// scheme cannot be a definition, as a note says.
type ways struct {
	list    []way
	pending bool
}

// declaredSchemes returns the schemes of the document.
func (i *imported) declaredSchemes() importer.Value {
	if i.swagger {
		return i.root.Get("securityDefinitions")
	}
	return i.root.Get("components").Get("securitySchemes")
}

// scheme returns the ways through a scheme, which has a name or, since 3.2, a URI.
func (i *imported) scheme(at importer.Value, name string) ways {
	if found, ok := i.ways[name]; ok {
		return found
	}
	var found ways
	found.pending = i.Watch(func() {
		v := i.declaredSchemes().Get(name)
		if !v.Exists() {
			if v = i.byURI(at.Get(name), name); !v.Exists() {
				return
			}
		}
		if target, ok := i.resolve(v); ok {
			found.list = i.through(name, target)
		}
	})
	for n := range found.list {
		found.list[n].pending = found.pending
	}
	i.ways[name] = found
	return found
}

// byURI returns the scheme at a URI. A name of a scheme comes first, as OpenAPI says.
func (i *imported) byURI(at importer.Value, name string) (v importer.Value) {
	fragment, local := strings.CutPrefix(name, "#")
	switch {
	case local:
		target, ok := i.pointer(fragment)
		if ok {
			return target
		}
		i.Note(at, "leads nowhere")
	case strings.ContainsAny(name, ":/#"):
		i.external(at, name)
	default:
		i.Note(at, "is the name of no scheme of the document")
	}
	return v
}

// through returns the ways through a scheme.
func (i *imported) through(name string, v importer.Value) []way {
	help := importer.Line(v.Get("description").Text())
	switch kind := v.Get("type").Text(); {
	case kind == "apiKey":
		return i.apiKey(name, help, v)
	case kind == "http":
		return i.http(name, help, v)
	case kind == "basic" && i.swagger:
		return []way{i.basic(name, help)}
	case kind == "oauth2":
		return i.oauth2(name, v)
	case kind == "openIdConnect":
		return i.openID(name, v)
	case kind == "mutualTLS":
		answer, ok := i.Ask(v, importer.Question("mutualTLS:"+name, "wants a client certificate, which belongs to the connection; does the program's transport present one (assertion.NewCertificateTransport)?",
			definition.Choice{Value: "program", Title: "the program presents the certificate"}, importer.No))
		if ok && answer == "program" {
			return []way{{parts: []part{{scheme: name, same: "certificate"}}}}
		}
		if ok {
			i.Note(v, "is left out: a client certificate is not a part of a definition")
		}
	default:
		i.Note(v.Get("type"), "is no type of OpenAPI")
	}
	return nil
}

// signature matches what documents call the signatures of AWS.
var signature = lazy.Regexp(`(?i)sig(nature)?[ _-]?v(ersion)?[ _-]?4|signature version 4|aws4|aws[ _-]?iam|^iam`)

// apiKey returns the way with a key.
func (i *imported) apiKey(name, help string, v importer.Value) []way {
	authtype := v.Get("x-amazon-apigateway-authtype").Text()
	isKey := true
	if strings.HasPrefix(strings.ToLower(authtype), "aws") || authtype == "" && (signature().MatchString(name) || signature().MatchString(help)) {
		answer, ok := i.Ask(v, importer.Question("aws:"+name, "looks like a signature of AWS, which OpenAPI writes as an API key; which one is it?",
			definition.Choice{Value: "signature", Title: "AWS Signature Version 4"}, definition.Choice{Value: "key", Title: "an API key"}))
		if ok && answer == "signature" {
			i.Note(v, "is left out: package awsauth makes signatures of AWS")
		}
		isKey = ok && answer == "key"
	}
	if !isKey {
		return nil
	}
	in, field := v.Get("in").Text(), v.Get("name").Text()
	switch {
	case in != "header" && in != "query" && (in != "cookie" || i.swagger):
		i.Note(v.Get("in"), "is no place for a key")
		return nil
	case field == "":
		i.Note(v.Get("name"), "is missing: a key needs the name of its place")
		return nil
	case in == "header" && strings.EqualFold(field, "Authorization"):
		return i.prefixed(name, help, v)
	}
	return []way{i.key(name, help, dialect.Placement{In: dialect.Location(in), Name: field})}
}

// prefixed asks what comes before a key in the header Authorization.
func (i *imported) prefixed(name, help string, v importer.Value) []way {
	prefix, ok := i.Ask(v, importer.OpenQuestion("prefix:"+name, "is a key in the header Authorization; what comes before the key?",
		definition.Choice{Value: "Bearer "}, definition.Choice{Value: "Token "}, definition.Choice{Value: "ApiKey "},
		definition.Choice{Value: "Basic ", Title: "user name and password"}, definition.Choice{Value: "", Title: "nothing"}))
	switch prefix = strings.TrimSpace(prefix); {
	case ok && strings.EqualFold(prefix, "Basic"):
		return []way{i.basic(name, help)}
	case prefix != "":
		prefix += " "
	}
	return []way{i.key(name, help, dialect.Placement{Name: "Authorization", Prefix: prefix})}
}

// http returns the way with a scheme of RFC 9110 section 11.
func (i *imported) http(name, help string, v importer.Value) []way {
	scheme := v.Get("scheme").Text()
	switch strings.ToLower(scheme) {
	case "basic":
		return []way{i.basic(name, help)}
	case "bearer":
		return []way{i.bearer(name, help)}
	case "":
		i.Note(v.Get("scheme"), "is missing")
		return nil
	case "digest":
		answer, ok := i.Ask(v, importer.Question("http:"+name, "is HTTP Digest, which a definition cannot say (package digestauth can); does the service take Basic too?",
			definition.Choice{Value: "basic", Title: "Basic"}, importer.No))
		if ok && answer == "basic" {
			return []way{i.basic(name, help)}
		}
		if ok {
			i.Note(v, "is left out: package digestauth answers the challenges of HTTP Digest")
		}
		return nil
	}
	answer, ok := i.Ask(v, importer.Question("http:"+name, "is the scheme "+importer.Short(scheme)+" of HTTP; is the header Authorization the name of the scheme, a space and a key?",
		definition.Choice{Value: "key", Title: "a key"}, importer.No))
	if ok && answer == "key" {
		return []way{i.key(name, help, dialect.Placement{Name: "Authorization", Prefix: scheme + " "})}
	}
	if ok {
		i.Note(v, "is left out: the scheme computes something from each request")
	}
	return nil
}

// bearer returns the way with a token that the account owner has.
func (i *imported) bearer(name, help string) way {
	w := i.key(name, help, dialect.Placement{Name: "Authorization", Prefix: "Bearer "})
	w.parts[0].title, w.inputs[0].Title = "Token", "Token"
	return w
}

// key returns the way with a key in a place.
func (i *imported) key(name, help string, p dialect.Placement) way {
	input := definition.Input{Name: importer.Unique(i.inputs, importer.InputName(last(name), "key"), "_"), Title: "API key", Help: help, Secret: true}
	if p.Name != "Authorization" {
		input.Title = importer.Line(p.Name)
	}
	place := string(p.In)
	if p.In == "" || p.In == dialect.InHeader {
		place = "header"
	}
	place += " " + p.Name
	if strings.HasPrefix(place, "header ") {
		place = strings.ToLower(place)
	}
	if p.In == dialect.InHeader {
		p.In = "" // the default
	}
	return way{
		inputs: []definition.Input{input},
		parts: []part{{
			scheme: name, credential: &definition.APIKey{Key: "{" + input.Name + "}", Placement: p}, title: "API key", place: place, same: place + " " + p.Prefix,
		}},
	}
}

// basic returns the way with a user name and a password.
func (i *imported) basic(name, help string) way {
	user := definition.Input{Name: importer.Unique(i.inputs, "username", "_"), Title: "User name", Help: help}
	password := definition.Input{Name: importer.Unique(i.inputs, "password", "_"), Title: "Password", Secret: true}
	return way{
		inputs: []definition.Input{user, password},
		parts: []part{{
			scheme: name, credential: &definition.Basic{Username: "{" + user.Name + "}", Password: "{" + password.Name + "}"}, title: "User name and password",
			place: "header authorization", same: "basic",
		}},
	}
}
