package definition

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/session"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// schemaOf is a part of a JSON Schema.
type schemaOf = map[string]any

// A generator makes the JSON Schema of the shapes.
type generator struct {
	t     *testing.T
	docs  *documented
	defs  schemaOf
	rules map[string]schemaOf // which are left: see rules
}

// configs have the comments of fields that a Scheme shares with them.
var configs = map[reflect.Type]reflect.Type{
	reflect.TypeFor[APIKey]():     reflect.TypeFor[connectorauth.APIKeyConfig](),
	reflect.TypeFor[Basic]():      reflect.TypeFor[connectorauth.BasicConfig](),
	reflect.TypeFor[AuthFields](): reflect.TypeFor[connectorauth.AuthFieldsConfig](),
	reflect.TypeFor[OAuth1]():     reflect.TypeFor[connectorauth.OAuth1Config](),
	reflect.TypeFor[OAuth2]():     reflect.TypeFor[connectorauth.OAuth2Config](),
	reflect.TypeFor[Session]():    reflect.TypeFor[session.Config](),
}

// generate returns the schema.
func generate(t *testing.T) schemaOf {
	g := &generator{t, readDocs(t), schemaOf{}, maps.Clone(rules)}
	root := schemaOf{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"$id":     "https://github.com/connectorauth/connectorauth/definition/schema.json",
		"title":   "Connector definition",
		"$ref":    g.of(reflect.TypeFor[Definition]())["$ref"],
	}
	g.defs["duration"] = schemaOf{
		"type": "string", "description": "A positive duration, such as 1h30m.",
		"allOf": []schemaOf{{"pattern": `^\+?(([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`}, {"pattern": "[1-9]"}},
	}
	root["$defs"] = g.defs
	require.Empty(t, g.rules, "these rules are about members that do not exist")
	return root
}

// name returns the name of a type in the schema.
func name(t reflect.Type) string { return strings.TrimPrefix(t.String(), "definition.") }

// rule adds the rule for a type, or for a member of a type.
func (g *generator) rule(of string, to schemaOf) {
	maps.Copy(to, rules[of])
	delete(g.rules, of)
}

// of returns the schema of the values of a type.
func (g *generator) of(t reflect.Type) schemaOf {
	ref := schemaOf{"$ref": "#/$defs/" + name(t)}
	switch {
	case t == durationType:
		return schemaOf{"$ref": "#/$defs/duration"}
	case t.Kind() == reflect.String && (limited(t) != nil || reflect.PointerTo(t).Implements(unmarshalerType)):
		if g.defs[name(t)] == nil {
			g.defs[name(t)] = g.enumeration(t)
		}
		return ref
	case reflect.PointerTo(t).Implements(shorthandType):
		g.structure(t)
		return schemaOf{"anyOf": []schemaOf{{"type": "string", "minLength": 1}, ref}}
	}
	switch t.Kind() {
	case reflect.String:
		require.Empty(g.t, g.docs.words[t.String()], "the constants of %s are no enumeration", t)
		return schemaOf{"type": "string"}
	case reflect.Pointer:
		return g.of(t.Elem())
	case reflect.Struct:
		g.structure(t)
		return ref
	case reflect.Map:
		return schemaOf{"type": "object", "additionalProperties": g.of(t.Elem()), "maxProperties": maxElements}
	case reflect.Slice:
		return schemaOf{"type": "array", "items": g.of(t.Elem()), "maxItems": maxElements}
	case reflect.Bool:
		return schemaOf{"type": "boolean"}
	case reflect.Int:
		return schemaOf{"type": "integer"}
	case reflect.Interface:
		return schemaOf{"type": []string{"object", "array", "string", "number", "boolean"}}
	}
	g.t.Fatalf("no schema for a %s", t)
	return nil
}

var typeOfTypes = reflect.TypeFor[connectorauth.AuthType]()

// limited returns the words of an enumeration that does not check itself, or nil.
func limited(t reflect.Type) []string {
	if t == typeOfTypes {
		return schemeNames
	}
	return enumerations[t]
}

// enumeration returns the schema of the words of a type.
func (g *generator) enumeration(t reflect.Type) schemaOf {
	words := g.docs.words[t.String()]
	if list := limited(t); list != nil {
		if t == typeOfTypes { // no document has a Custom
			words = slices.DeleteFunc(slices.Clone(words), func(w word) bool { return !slices.Contains(list, w.text) })
		}
		constants := make([]string, len(words))
		for i, w := range words {
			constants[i] = w.text
		}
		require.ElementsMatch(g.t, list, constants, "the constants of %s", t)
	}
	require.NotEmpty(g.t, words, t)
	var choices []schemaOf
	for _, w := range words {
		choice := schemaOf{"const": w.text}
		if kind := schemeOf(w.text); kind != nil && t == typeOfTypes {
			w.comment = g.docs.types[kind.String()]
		}
		if w.comment != "" {
			choice["description"] = g.docs.inDocuments(w.comment, nil)
		}
		choices = append(choices, choice)
	}
	return schemaOf{"description": g.docs.inDocuments(g.docs.types[t.String()], nil), "oneOf": choices}
}

// structure adds the schema of a struct to the definitions.
func (g *generator) structure(t reflect.Type) {
	if g.defs[name(t)] != nil {
		return
	}
	s, members := shapes()[t], map[string]string{}
	for member, index := range s.fields {
		members[t.FieldByIndex(index).Name] = member
	}
	properties, needed := schemaOf{}, []string{}
	of := schemaOf{
		"type": "object", "description": g.docs.inDocuments(g.docs.types[t.String()], members), "properties": properties,
		"patternProperties": schemaOf{"^x-": true},
	}
	g.defs[name(t)] = of
	for _, member := range s.names {
		field := t.FieldByIndex(s.fields[member])
		owner := t
		if path := s.fields[member]; len(path) > 1 {
			owner = t.FieldByIndex(path[:len(path)-1]).Type
		}
		text := g.docs.fields[owner.String()+"."+field.Name]
		if config, ok := configs[owner]; ok && text == "" {
			text = g.docs.fields[config.String()+"."+field.Name]
		}
		if text == "" {
			text = g.docs.types[strings.TrimPrefix(field.Type.String(), "*")]
		}
		assert.NotEmpty(g.t, text, "%s.%s has no comment", owner, field.Name)
		value := g.of(field.Type)
		if field.Type.Kind() == reflect.String && value["type"] == "string" && strings.HasSuffix(strings.ToLower(member), "url") {
			value["pattern"] = urlPattern
		}
		if required(field.Name, text) {
			needed = append(needed, member)
			switch value["type"] {
			case "string":
				value["minLength"] = 1
			case "array":
				value["minItems"] = 1
			}
		}
		g.rule(name(owner)+"."+member, value)
		value["description"] = g.docs.inDocuments(text, members)
		properties[member] = value
	}
	switch {
	case len(needed) > 0 && strings.HasPrefix(name(t), "dialect."): // an empty struct of which is as none
		of["if"], of["else"] = schemaOf{"propertyNames": schemaOf{"pattern": "^x-"}}, schemaOf{"required": needed}
	case len(needed) > 0:
		of["required"] = needed
	}
	switch {
	case s.scheme != nil:
		of["unevaluatedProperties"] = false
		of["allOf"] = g.schemes()
	case !slices.Contains(schemeTypes, t):
		of["additionalProperties"] = false
	default:
		delete(of, "patternProperties") // which the struct with the type has
	}
	g.rule(name(t), of)
}

// schemes returns what each type of a credential asks for.
func (g *generator) schemes() (list []schemaOf) {
	for i, t := range schemeTypes {
		is := schemaOf{"properties": schemaOf{"type": schemaOf{"const": schemeNames[i]}}, "required": []string{"type"}}
		list = append(list, schemaOf{"if": is, "then": g.of(t)})
	}
	return list
}

// present is a member that is there, and not empty: an empty text counts as absent.
func present(member string) schemaOf {
	return schemaOf{"required": []string{member}, "properties": schemaOf{member: schemaOf{"minLength": 1}}}
}

// oneOf asks for exactly one of some members.
func oneOf(members ...string) (list []schemaOf) {
	for _, member := range members {
		list = append(list, present(member))
	}
	return list
}
