package definition_test

import (
	"errors"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
)

// A hidden input is the program's, so its mistakes are no words for the account owner.
func TestMistakesOfHiddenInputs(t *testing.T) {
	d := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://{site}.example.com/{site}", "headers": {"X-App": "{app}"},
		"inputs": [{"name": "site", "format": "label", "hidden": true}, {"name": "app", "title": "App", "secret": true, "hidden": true}, {"name": "key", "secret": true}],
		"methods": [{"name": "key", "type": "ApiKey", "key": "{key}"}]}`)
	for want, given := range map[string]values{
		"definition: acme: Values: app: is missing; the input is hidden, so the program gives the value":                                                                                {"site": "a", "key": "k"},
		"definition: acme: Values: site: is missing; the input is hidden, so the program gives the value\nValues: app: is missing; the input is hidden, so the program gives the value": {"key": "k"},
		"definition: acme: Values: site: use lower-case letters, digits and hyphens only, such as mycompany; the input is hidden, so the program gives the value":                       {"site": "EVIL", "app": "x", "key": "k"},
	} {
		_, err := d.Connect(definition.Connection{Values: given})
		assert.EqualError(t, err, want)
		var input *definition.InputError
		assert.False(t, errors.As(err, &input))
	}
	// The account owner hears of the own mistakes first.
	_, err := d.Connect(definition.Connection{})
	assert.EqualError(t, err, "definition: acme\nkey: is missing")
	_, err = d.Connect(definition.Connection{Values: map[string]connectorauth.Secret{"site": "a", "app": "x", "key": "k"}})
	assert.NoError(t, err)
}
