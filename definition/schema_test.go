package definition

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write schema.json")

const (
	namePattern  = "^[a-z0-9_-]{1,64}$"
	inputPattern = "^[A-Za-z0-9_]+$"
	urlPattern   = `^($|https?://|\{[A-Za-z0-9_]+\}($|[/?]))`
)

// rules are what the loader checks beyond the shapes, by type, or by type and member,
// as far as a schema can say so.
var rules = map[string]schemaOf{
	"Definition": {
		"if":   schemaOf{"not": present("baseUrl")},
		"then": schemaOf{"properties": schemaOf{"methods": schemaOf{"items": present("baseUrl")}}},
	},
	"Definition.connectorauth": {"const": version},
	"Definition.name":          {"pattern": namePattern},
	"Definition.revision":      {"minimum": 1},
	"Definition.was":           {"items": schemaOf{"type": "string", "pattern": namePattern}},
	"Definition.inputs":        {"maxItems": maxCommon},
	"Definition.headers":       {"maxProperties": maxCommon},
	"Definition.params":        {"maxProperties": maxCommon},
	"Definition.baseUrls": {
		"propertyNames": schemaOf{"pattern": namePattern}, "maxProperties": maxCommon,
		"additionalProperties": schemaOf{"type": "string", "pattern": urlPattern, "minLength": 1},
	},
	"Definition.methods": {
		"maxItems": maxCommon, "minContains": 0, "maxContains": 1,
		"contains": schemaOf{"properties": schemaOf{"default": schemaOf{"const": true}}, "required": []string{"default"}},
	},
	"Method.name":  {"pattern": namePattern},
	"Method.was":   {"items": schemaOf{"type": "string", "pattern": namePattern}},
	"Link.url":     {"pattern": "^[Hh][Tt][Tt][Pp][Ss]://"},
	"Test.request": {"pattern": "^[A-Z0-9!#$%&'*+.^_`|~-]+ /"},
	"Test.ok":      {"items": schemaOf{"type": "integer", "minimum": 100, "maximum": 599}},
	"Test.id":      {"pattern": "^($|/([^~]|~[01])*$)"},
	"Input": {"not": schemaOf{
		"required": []string{"secret", "default"}, "properties": schemaOf{"secret": schemaOf{"const": true}, "default": schemaOf{"minLength": 1}},
	}},
	"Input.name":      {"pattern": inputPattern},
	"Input.was":       {"items": schemaOf{"type": "string", "pattern": inputPattern}},
	"Input.default":   {"maxLength": maxValue},
	"Input.example":   {"maxLength": maxValue},
	"Captured.name":   {"pattern": inputPattern},
	"Limits.pattern":  {"maxLength": maxPattern},
	"Limits.enum":     {"uniqueItems": true},
	"Limits.suffixes": {"items": schemaOf{"type": "string", "pattern": `^\.`}},
	"Grant":           {"oneOf": oneOf("authorizationCode", "clientCredentials", "passwordCredentials", "jwtBearer", "deviceCode")},
	"Assertion":       {"oneOf": oneOf("private", "secret")},
	"JWT":             {"oneOf": oneOf("private", "secret")},
	"OAuth2.dpop":     {"enum": []string{"ES256", "ES384", "ES512", "EdDSA"}},
	"OAuth2": {
		"not": schemaOf{"required": []string{"clientAuth", "clientAssertion"}},
		"if":  schemaOf{"not": schemaOf{"required": []string{"issuer"}}}, // whose metadata name what is left out
		"then": schemaOf{"allOf": []schemaOf{present("tokenUrl"), {"properties": schemaOf{"grant": schemaOf{"properties": schemaOf{
			"authorizationCode": present("authUrl"), "deviceCode": present("deviceUrl"),
		}}}}}},
	},
	"connectorauth.AuthorizationCode":         {"required": []string{}},
	"connectorauth.AuthorizationCode.authUrl": {"minLength": 0},
	"connectorauth.DeviceCode":                {"required": []string{}},
	"connectorauth.DeviceCode.deviceUrl":      {"minLength": 0},
	"Issuer.origins":                          {"items": schemaOf{"type": "string", "minLength": 1, "pattern": urlPattern}},
}

// The schema in the repository is that of the format.
func TestSchemaIsUpToDate(t *testing.T) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	require.NoError(t, encoder.Encode(generate(t)))
	if *update {
		require.NoError(t, os.WriteFile("schema.json", b.Bytes(), 0o644))
		return
	}
	have, want := strings.Split(Schema(), "\n"), strings.Split(b.String(), "\n")
	for i := range min(len(have), len(want)) {
		require.Equal(t, want[i], have[i], "line %d of schema.json; run: go generate ./definition", i+1)
	}
	require.Len(t, have, len(want), "run: go generate ./definition")
}
