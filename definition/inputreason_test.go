package definition_test

import (
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMistakesOfValuesHaveReasons(t *testing.T) {
	for _, test := range []struct {
		input, value string
		want         definition.InputReason
	}{
		{`"format": "text"`, "", definition.InputMissing}, {`"enum": ["a"]`, "b", definition.InputNoChoice},
		{`"format": "integer"`, "x", definition.InputFormat}, {`"pattern": "a+"`, "b", definition.InputPattern},
		{`"pattern": "a+"`, "a ", definition.InputSpace}, {`"format": "host", "suffixes": [".example.com"]`, "a.example.org", definition.InputHost},
		{`"format": "text"`, "a\nb", definition.InputUnusable},
	} {
		d := parse(t, `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "params": {"x": "{x}"},
			"inputs": [{"name": "x", `+test.input+`}], "methods": [{"name": "open", "type": "None"}]}`)
		var failed *definition.InputError
		require.ErrorAs(t, d.Validate("", values{"x": connectorauth.Secret(test.value)}), &failed, test.input)
		require.Len(t, failed.Problems, 1)
		assert.Equal(t, test.want, failed.Problems[0].Reason, test.input)
	}
}
