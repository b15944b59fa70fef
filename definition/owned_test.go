package definition_test

import (
	"errors"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A value that a constructor refuses is a mistake of the account owner, who gave the value.
func TestValuesThatConstructorsRefuse(t *testing.T) {
	const token = `"type": "OAuth2", "tokenUrl": "https://a.example.com/token", "grant": {"clientCredentials": {}}, `
	for method, value := range map[string]string{
		`"type": "ApiKey", "key": "{v}"`:                                                                      "abc ",
		`"type": "ApiKey", "key": "{v}", "placement": {"in": "cookie", "name": "k"}`:                          "a;b",
		`"type": "ApiKey", "key": "{v}", "placement": {"in": "path", "name": "k"}`:                            "..",
		`"type": "Basic", "username": "{v}", "password": "{x}"`:                                               "a:b",
		`"type": "AuthFields", "fields": [{"key": "n", "value": "{v}", "type": "integer"}]`:                   "01x",
		token + `"clientId": "{v}", "clientSecret": "{x}"`:                                                    "café",
		token + `"clientId": "a", "clientSecret": "{v}"`:                                                      "café",
		token + `"scopes": ["{v}.read"]`:                                                                      "a b",
		`"type": "ApiKey", "key": "k", "and": [{"type": "ApiKey", "key": "{v}", "placement": {"name": "X"}}]`: " abc",
	} {
		d, err := definition.Parse("acme.json", []byte(`{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com",
			"inputs": [{"name": "v", "title": "Value", "format": "text", "example": "1"}, {"name": "x", "secret": true}], "methods": [{"name": "m", `+method+`}]}`), definition.Options{})
		require.NoError(t, err, method)
		_, err = d.Connect(definition.Connection{Client: definition.Client{ID: "program", Secret: "secret"}, Values: values{"v": connectorauth.Secret(value), "x": "secret"}})
		var failed *definition.InputError
		require.True(t, errors.As(err, &failed), "%s: %v", method, err)
		require.Len(t, failed.Problems, 1)
		assert.Equal(t, []string{"v", "Value"}, []string{failed.Problems[0].Input, failed.Problems[0].Title})
		assert.NotContains(t, failed.Problems[0].Text, value)
	}
}

// A header of the definition is a place as good as a credential's.
func TestHeaderThatCannotHaveAValue(t *testing.T) {
	d := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "inputs": [{"name": "v"}], "headers": {"X-Team": "{v}"}, "methods": [{"name": "m", "type": "None"}]}`)
	_, err := d.Connect(definition.Connection{Values: values{"v": "abc "}})
	var failed *definition.InputError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, "v", failed.Problems[0].Input)
}
