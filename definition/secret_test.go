package definition_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// No error quotes a value, whichever rule the value breaks and wherever the value stands.
func TestErrorsQuoteNoValue(t *testing.T) {
	const canary = "CANARY"
	for name, test := range map[string]struct{ input, use, value string }{
		"control character": {"", `"type": "ApiKey", "key": "{x}"`, canary + "\n"},
		"not UTF-8":         {"", `"type": "ApiKey", "key": "{x}"`, canary + "\xff"},
		"label":             {`, "format": "label"`, `"type": "ApiKey", "key": "{x}"`, canary},
		"host":              {`, "format": "host", "suffixes": [".example.com"]`, `"type": "ApiKey", "key": "{x}"`, canary + ".evil.com"},
		"origin":            {`, "format": "origin"`, `"type": "ApiKey", "key": "{x}"`, "https://user:" + canary + "@example.com"},
		"uuid":              {`, "format": "uuid"`, `"type": "ApiKey", "key": "{x}"`, canary},
		"email":             {`, "format": "email"`, `"type": "ApiKey", "key": "{x}"`, canary},
		"integer":           {`, "format": "integer"`, `"type": "ApiKey", "key": "{x}"`, "12345678901234567890" + canary},
		"pattern":           {`, "pattern": "[a-z]+"`, `"type": "ApiKey", "key": "{x}"`, canary},
		"enum":              {`, "enum": ["a"]`, `"type": "ApiKey", "key": "{x}"`, canary},
		"header":            {"", `"type": "ApiKey", "key": "{x}"`, canary + " "},
		"colon":             {"", `"type": "Basic", "username": "{x}"`, canary + ":a"},
		"charset":           {"", `"type": "Basic", "charset": "ISO-8859-1", "username": "{x}"`, canary + "€"},
		"client":            {"", `"type": "OAuth2", "grant": {"clientCredentials": {}}, "tokenUrl": "https://example.com", "clientId": "id", "clientSecret": "{x}"`, canary + "é"},
	} {
		d := parse(t, `{"connectorauth": 1, "name": "acme", "inputs": [{"name": "x", "secret": true`+test.input+`}],
			"baseUrl": "https://api.example.com", "methods": [{"name": "a", `+test.use+`}]}`)
		_, err := d.Connect(definition.Connection{
			Values: values{"x": connectorauth.Secret(test.value)}, Client: definition.Client{ID: "id", Secret: "secret"},
		})
		require.Error(t, err, name)
		for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
			assert.NotContains(t, fmt.Sprintf(verb, err), canary, name)
		}
	}
}

func TestSecretHasNoDefault(t *testing.T) {
	assert.Contains(t, mistakes(withURL(`, "secret": true, "default": "a"`, "https://example.com")), "inputs[0].default: a secret has no default")
}

// A value that would change what a URL leads to is a mistake of the account owner.
func TestValueThatCannotStandInAURL(t *testing.T) {
	d := parse(t, withURL("", "https://example.com/{x}/api"))
	_, err := d.Connect(definition.Connection{Values: values{"x": ".."}})
	var failed *definition.InputError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, "x", failed.Problems[0].Input)
	assert.Contains(t, failed.Problems[0].Text, "cannot stand in a URL")
}

// A secret stands in nothing that errors, records or browsers show.
func TestSecretsStandWhereNothingShowsThem(t *testing.T) {
	const oauth2 = `"type": "OAuth2", "grant": {"clientCredentials": {}}, "tokenUrl": "https://example.com"`
	for use, at := range map[string]string{
		oauth2 + `, "scopes": ["{x}"]`:                        "methods[0].scopes[0]",
		oauth2 + `, "clientId": "{x}"`:                        "methods[0].clientId",
		oauth2 + `, "revokeUrl": "https://example.com/{x}"`:   "methods[0].revokeUrl",
		oauth2 + `, "resources": ["https://example.com/{x}"]`: "methods[0].resources[0]",
		`"type": "OAuth2", "grant": {"deviceCode": {"deviceUrl": "https://example.com/{x}"}}, "tokenUrl": "https://example.com"`:                                                              "methods[0].grant.deviceCode.deviceUrl",
		`"type": "OAuth2", "grant": {"authorizationCode": {"authUrl": "https://example.com", "pushedAuthorizationRequestUrl": "https://example.com/{x}"}}, "tokenUrl": "https://example.com"`: "methods[0].grant.authorizationCode.pushedAuthorizationRequestUrl",
		`"type": "OAuth2", "grant": {"passwordCredentials": {"username": "{lower({x})}", "password": "{x}"}}, "tokenUrl": "https://example.com"`:                                              "methods[0].grant.passwordCredentials.username",
		`"type": "OAuth2", "grant": {"authorizationCode": {"authUrl": "https://example.com", "params": {"a": ["{x}"]}}}, "tokenUrl": "https://example.com"`:                                   "methods[0].grant.authorizationCode.params.a[0]",
		`"type": "OAuth1", "clientId": "{x}", "clientSecret": "{x}"`:                                                                                                                          "methods[0].clientId",
		`"type": "Session", "login": [{"url": "https://{x}.example.com", "capture": {"token": "t"}}]`:                                                                                         "methods[0].login[0].url",
		`"type": "None", "baseUrl": "https://api.example.com/{x}"`:                                                                                                                            "methods[0].baseUrl",
	} {
		got := mistakes(`{"connectorauth": 1, "name": "acme", "inputs": [{"name": "x", "secret": true, "format": "label"}],
			"baseUrl": "https://api.example.com", "methods": [{"name": "a", ` + use + `}]}`)
		assert.Regexp(t, `^acme.json:2:\d+: `+regexp.QuoteMeta(at)+": {x} is a secret, and errors, records and browsers show this text; put the secret elsewhere$", got)
	}
}
