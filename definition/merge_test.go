package definition_test

import (
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func merging(t testing.TB) *definition.Connected {
	t.Helper()
	c, err := parse(t, asking).Connect(definition.Connection{Values: values{"subdomain": "mycompany", "apiKey": "CANARY"}})
	require.NoError(t, err)
	return c
}

func TestMergeFields(t *testing.T) {
	c := merging(t)
	for text, want := range map[string]string{
		"":                                "",
		"no fields, { or }} alone":        "no fields, { or }} alone",
		"{{subdomain}}-{{ region }}":      "mycompany-eu",
		"{{version}}{{note}}{{version}}":  "v1v1",
		`{"a":{"b":"{{subdomain}}"}}`:     `{"a":{"b":"mycompany"}}`,
		"https://{{subdomain}}/{{region}": "definition: acme: Merge: byte 22: a {{ has no }} after it",
		"{{Subdomain}}":                   `definition: acme: Merge: byte 0: "Subdomain" is no input of method key; did you mean subdomain?`,
		"a {{apiKey}}":                    "definition: acme: Merge: byte 2: {{apiKey}} is a secret, and secrets are not merged",
		"{{clientId}}":                    `definition: acme: Merge: byte 0: "clientId" is no input of method key`,
		"{{}}":                            `definition: acme: Merge: byte 0: "" is no input of method key`,
		"{{{region}}}":                    `definition: acme: Merge: byte 0: "{region" is no input of method key; did you mean region?`,
	} {
		got, err := c.Merge(text)
		if err != nil {
			got = err.Error()
		}
		assert.Equal(t, want, got, text)
	}
}

// A value that looks like a field is not merged again.
func TestMergedValueIsNoField(t *testing.T) {
	c, err := parse(t, asking).Connect(definition.Connection{Values: values{"subdomain": "a", "apiKey": "CANARY", "note": "{{apiKey}}"}})
	require.NoError(t, err)
	got, err := c.Merge("{{note}}")
	require.NoError(t, err)
	assert.Equal(t, "{{apiKey}}", got)
}

// FuzzMerge: no text brings a secret out, and a text without fields stays as it is.
func FuzzMerge(f *testing.F) {
	for _, text := range []string{"", "{{subdomain}}", "{{apiKey}}", "{{{{region}}}}", "a{{ b", "}}{{version}}{{"} {
		f.Add(text)
	}
	c := merging(f)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := c.Merge(text)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(text, "CANARY") {
			require.NotContains(t, got, "CANARY")
		}
		if !strings.Contains(text, "{{") {
			require.NoError(t, err)
			require.Equal(t, text, got)
		}
	})
}
