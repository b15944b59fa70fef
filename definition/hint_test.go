package definition_test

import (
	"testing"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Editors find the schema by the member $schema, which says nothing of the service.
func TestDocumentNamesItsSchema(t *testing.T) {
	const open = `"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [{"name": "open", "type": "None"`
	d, err := definition.Parse("acme.json", []byte(`{"$schema": "../definition/schema.json", `+open+`}]}`), definition.Options{})
	require.NoError(t, err)
	document, err := d.Document()
	require.NoError(t, err)
	assert.Contains(t, string(document), `"$schema": "../definition/schema.json"`)
	assert.Contains(t, mistakes(`{"$schema": 1, `+open+`}]}`), "acme.json:1:13: $schema: is a number; want text in quotes")
	assert.Contains(t, mistakes(`{`+open+`, "$schema": "a"}]}`), "methods[0].$schema: is no member here")
}

// A word that is near no member gets the list of members.
func TestUnknownMemberIsToldWhichMembersThereAre(t *testing.T) {
	got := mistakes(`{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com",
"inputs": [{"name": "a", "label": "A"}],
"methods": [{"name": "key", "type": "Basic", "user": "a", "pass": "b", "auth": "c"}]}`)
	assert.Equal(t, `acme.json:2:26: inputs[0].label: is no member here; use name, was, title, help, example, secret, optional, default, hidden, prefix, suffix, format, pattern, enum, suffixes or anyHost
acme.json:3:46: methods[0].user: is no member here; did you mean username?
acme.json:3:59: methods[0].pass: is no member here; did you mean password?
acme.json:3:72: methods[0].auth: is no member here; use name, was, title, default, inputs, baseUrl, type, and, refreshLifetime, refreshIdle, renewBefore, keepAlive, username, password or charset`, got)
}

func TestTheOnlyMemberIsNamedAlone(t *testing.T) {
	got := mistakes(`{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [{"name": "a", "type": "None", "and": [{"type": "None", "label": "A"}]}]}`)
	assert.Equal(t, "acme.json:1:143: methods[0].and[0].label: is no member here; use type", got)
}

// Beginners write these. Each text says what to do.
func TestMistakesOfBeginners(t *testing.T) {
	const open = `"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", `
	for document, want := range map[string]string{
		`{"connectorauth": "1"}`: "1:19: connectorauth: is text; want the number 1",
		`{"connectorauth": 1, "baseUrl": "https://api.example.com", "methods": [{"type": "None"}]}`:                "1:1: name: is missing\nacme.json:1:72: methods[0].name: is missing",
		`{` + open + `"methods": {"name": "a", "type": "None"}}`:                                                   "1:87: methods: is an object; want a list",
		`{` + open + `"inputs": ["a"], "methods": [{"name": "a", "type": "None"}]}`:                                "1:87: inputs[0]: is text; want an object",
		`{` + open + `"methods": [{"name": "a", "type": "None", "keepAlive": "30d"}]}`:                             "1:131: methods[0].keepAlive: want a positive duration such as 1h30m; a day is 24h",
		`{` + open + `"inputs": [{"name": "a", "pattern": "(?=a)b"}], "methods": [{"name": "a", "type": "None"}]}`: "1:112: inputs[0].pattern: is no regular expression (RE2): invalid or unsupported Perl syntax \"(?=\"",
		"{\n  // Acme\n  \"connectorauth\": 1}":                                                                    "2:3: want the name of a member; JSON has no comments: use a member such as x-note",
		`{"connectorauth": 1,}`:                                                                                    "1:21: want the name of a member, or no comma before the }",
	} {
		assert.Equal(t, "acme.json:"+want, mistakes(document))
	}
}

// A value that was pasted with a space often fits the pattern without the space.
func TestSpaceAroundAValueWithAPattern(t *testing.T) {
	d := parse(t, acme)
	err := d.Validate("", values{"subdomain": "mycompany", "apiKey": "ak_00ff "})
	assert.EqualError(t, err, "definition: acme\nAPI key: has a space at an end; remove the space")
}

// The mistakes that constructors find are at the members of the document, in its words.
func TestMistakesOfConstructorsHaveTheirPlaces(t *testing.T) {
	const begin = "{\"connectorauth\": 1, \"name\": \"acme\", \"baseUrl\": \"https://api.example.com\", \"methods\": [\n{\"name\": \"a\", "
	for method, want := range map[string]string{
		`"type": "ApiKey", "key": "x", "placement": {"prefix": "Bearer"}`: `2:69: methods[0].placement.prefix: "Bearer" needs a space`,
		`"type": "ApiKey", "key": "x", "placement": {"in": "query"}`:      "2:58: methods[0].placement.name: a query parameter needs a name",
		`"type": "Basic"`: "2:1: methods[0]: username, password: both are empty",
		`"type": "None", "and": [{"type": "None"}, {"type": "ApiKey", "key": "x", "placement": {"prefix": "Bearer"}}]`:                                     "2:112: methods[0].and[1].placement.prefix: ",
		`"type": "OAuth2", "grant": {"authorizationCode": {}}, "tokenUrl": "https://api.example.com"`:                                                      "2:64: methods[0].grant.authorizationCode.authUrl: want",
		`"type": "OAuth2", "grant": {"clientCredentials": {}}, "tokenUrl": "https://api.example.com", "scopes": ["a", "b c"]`:                              `2:118: methods[0].scopes: "b c" is not one scope`,
		`"type": "Session", "login": [{"url": "https://api.example.com", "capture": {"token": "t"}}], "places": [{"name": "X"}, {"value": "{sessionId}"}]`: "2:144: methods[0].places[1].value: there is no value for {sessionId}",
	} {
		assert.Contains(t, mistakes(begin+method+"}]}"), "acme.json:"+want, method)
	}
}

// One mistake has one text: the constructor would say again that the client has no ID.
func TestMissingClientIsToldOnce(t *testing.T) {
	d := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [
{"name": "oauth", "type": "OAuth2", "grant": {"authorizationCode": {"authUrl": "https://api.example.com/auth"}}, "tokenUrl": "https://api.example.com/token"}]}`)
	_, err := d.Connect(definition.Connection{})
	assert.EqualError(t, err, "definition: acme: Connection.Client: ID is missing; register the program with the service, and give its client ID there")
}

// All revisions of a definition have its present name.
func TestRevisionWithAFormerName(t *testing.T) {
	const rest = `"connectorauth": 1, "baseUrl": "https://api.example.com", "methods": [{"name": "open", "type": "None"}]}`
	before := parse(t, `{"name": "acme", `+rest)
	after := parse(t, `{"name": "acme-crm", "was": ["acme"], "revision": 2, `+rest)
	_, err := definition.NewSet(before, after)
	assert.EqualError(t, err, `definition: "acme" is a name, or a former name, of another definition: see acme; after a rename, all revisions have the new name`)
	renamed := parse(t, `{"name": "acme-crm", "was": ["acme"], `+rest)
	set, err := definition.NewSet(renamed, after)
	require.NoError(t, err)
	d, err := set.Find(definition.Account{Definition: "acme", Revision: 1})
	require.NoError(t, err)
	assert.Same(t, renamed, d)
}

// A suffix such as .com is a name of the DNS, and no name of the service.
func TestSuffixOfOneLabel(t *testing.T) {
	got := mistakes(`{"connectorauth": 1, "name": "acme", "baseUrl": "{site}", "methods": [{"name": "open", "type": "None"}],
"inputs": [{"name": "site", "format": "origin", "suffixes": [".com", ".x_y", ".internal"]}]}`)
	assert.Contains(t, got, "inputs[0].suffixes[0]: everybody can register names that end in .com; use a longer suffix")
	assert.Contains(t, got, `inputs[0].suffixes[2]: "internal" is not the name of a host`)
	assert.Contains(t, got, `inputs[0].suffixes[1]: "x_y" is not the name of a host`)
}
