package definition_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// scopesOf returns the scopes that an authorization URL asks for.
func scopesOf(t testing.TB, raw string) []string {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	if scope := u.Query().Get("scope"); scope != "" {
		return strings.Split(scope, " ")
	}
	return nil
}

const asking = `{"connectorauth": 1, "name": "acme", "baseUrl": "https://{subdomain}.example.com",
	"inputs": [
		{"name": "subdomain", "title": "Subdomain", "format": "label", "prefix": "https://", "suffix": ".example.com", "help": "See the address.", "example": "mycompany"},
		{"name": "region", "enum": ["eu", {"value": "us", "title": "United States"}], "default": "eu"},
		{"name": "version", "hidden": true, "default": "v1"}],
	"methods": [
		{"name": "key", "was": ["token"], "type": "ApiKey", "key": "{apiKey}", "default": true, "inputs": [{"name": "apiKey", "title": "API key", "secret": true}, {"name": "note", "optional": true}]},
		{"name": "oauth", "type": "OAuth2", "clientId": "{clientId}", "clientSecret": "{clientSecret}", "tokenUrl": "https://{subdomain}.example.com/{tenant}/token", "grant": {"clientCredentials": {}},
			"inputs": [{"name": "clientId"}, {"name": "clientSecret", "secret": true}, {"name": "tenant", "default": "t"}]}]}`

// asked returns what a form asks, in short.
func asked(t testing.TB, d *definition.Definition, method string, stored values) (lines []string) {
	t.Helper()
	fields, err := d.Form(method, stored)
	require.NoError(t, err)
	for _, f := range fields {
		lines = append(lines, fmt.Sprintf("%s|%s|%s|required=%t stored=%t", f.Name, f.Title, f.Value, f.Required(), f.Stored))
	}
	return lines
}

func TestFormAsksInOrderForWhatPeopleGive(t *testing.T) {
	d := parse(t, asking)
	assert.Equal(t, []string{
		"subdomain|Subdomain||required=true stored=false",
		"region|region|eu|required=false stored=false",
		"apiKey|API key||required=true stored=false",
		"note|note||required=false stored=false",
	}, asked(t, d, "", nil))
	assert.Equal(t, []string{
		"subdomain|Subdomain||required=true stored=false",
		"region|region|eu|required=false stored=false",
		"clientId|clientId||required=true stored=false",
		"clientSecret|clientSecret||required=true stored=false",
		"tenant|tenant|t|required=false stored=false",
	}, asked(t, d, "oauth", nil))
	fields, err := d.Form("token", nil)
	require.NoError(t, err)
	f := fields[0]
	assert.Equal(t, []string{"https://", ".example.com", "See the address.", "mycompany"}, []string{f.Prefix, f.Suffix, f.Help, f.Example})
	assert.Equal(t, definition.Choice{Value: "us", Title: "United States"}, fields[1].Enum[1])
	_, err = d.Form("kez", nil)
	assert.EqualError(t, err, `definition: acme has no method "kez"; did you mean key?`)
}

func TestFormOfAnEditShowsNoSecret(t *testing.T) {
	d := parse(t, asking)
	account := definition.Account{Values: map[string]string{"subdomain": "a", "region": "us"}, Secrets: values{"apiKey": "CANARY"}}
	lines := asked(t, d, "key", account.Given())
	assert.Equal(t, []string{
		"subdomain|Subdomain|a|required=true stored=true",
		"region|region|us|required=false stored=true",
		"apiKey|API key||required=false stored=true",
		"note|note||required=false stored=false",
	}, lines)
	fields, err := d.Form("key", account.Given())
	require.NoError(t, err)
	assert.NotContains(t, fmt.Sprintf("%+v %#v", fields, fields), "CANARY")

	kept := account.Edited(values{"subdomain": "b", "apiKey": "", "region": ""})
	assert.Equal(t, values{"subdomain": "b", "apiKey": "CANARY", "region": ""}, kept)
	assert.Equal(t, values{"subdomain": "a", "apiKey": "new", "region": "us"}, account.Edited(values{"apiKey": "new"}))
	assert.Equal(t, values{"apiKey": "k"}, definition.Account{}.Edited(values{"apiKey": "k"}))
}

func TestValidateFindsMistakesWithoutAClient(t *testing.T) {
	d := parse(t, asking)
	assert.NoError(t, d.Validate("key", values{"subdomain": "a", "apiKey": "k"}))
	err := d.Validate("oauth", values{"subdomain": "A", "clientId": "i", "tenant": "t"})
	assert.EqualError(t, err, "definition: acme\nSubdomain: use lower-case letters, digits and hyphens only, such as mycompany\nclientSecret: is missing")
	err = d.Validate("oauth", values{"subdomain": "a", "clientId": "i", "clientSecret": "s", "tenant": ".."})
	assert.ErrorContains(t, err, "tenant: cannot stand in a URL")
	assert.ErrorContains(t, d.Validate("key", values{"subdomain": "a", "apiKey": "k "}), "begins or ends with a space")
	assert.ErrorContains(t, d.Validate("key", values{"subdomain": "a", "apiKey": "k", "regoin": "eu"}), "did you mean region?")
	assert.ErrorContains(t, d.Validate("kez", nil), "did you mean key?")
	assert.NoError(t, service(t, "zendesk").Validate("oauth", values{"subdomain": "a"}), "the client is the program's")

	several := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [{"name": "a", "type": "None"}, {"name": "b", "type": "None"}]}`)
	assert.EqualError(t, several.Validate("", nil), "definition: acme has several methods and no default; choose one of them")
}

// A value that stands in several URLs is one mistake.
func TestMistakeOfAValueIsListedOnce(t *testing.T) {
	d := parse(t, `{"connectorauth": 1, "name": "acme", "inputs": [{"name": "x"}], "baseUrl": "https://api.example.com/{x}/a", "baseUrls": {"b": "https://api.example.com/{x}/b"}, "methods": [{"name": "a", "type": "None"}]}`)
	_, err := d.Connect(definition.Connection{Values: values{"x": ".."}})
	var failed *definition.InputError
	require.ErrorAs(t, err, &failed)
	assert.Len(t, failed.Problems, 1)
}
