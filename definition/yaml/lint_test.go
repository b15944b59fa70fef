package yaml_test

import (
	"testing"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/definition/yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The advice has the places of the YAML document, and its mistakes come first.
func TestLint(t *testing.T) {
	const document = `connectorauth: 1
name: acme
title: Acme
baseUrl: https://api.example.com
methods:
  - name: key
    type: ApiKey
    key: 0123456789abcdef
test:
  request: GET /me
  id: /id
`
	found, err := yaml.Lint("acme.yaml", []byte(document), definition.Options{})
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Contains(t, found[0].String(), "acme.yaml:8:10: methods[0].key: is the same for all accounts")
	_, err = yaml.Lint("acme.yaml", []byte(document+"tittle: Acme\n"), definition.Options{})
	assert.EqualError(t, err, "acme.yaml:12:1: tittle: is no member here; did you mean title?")
	_, err = yaml.Lint("acme.yaml", []byte("a: &b c"), definition.Options{})
	assert.ErrorContains(t, err, "acme.yaml:1:4: ")
	_, err = definition.Lint("acme.yaml", []byte(document), definition.Options{})
	assert.ErrorContains(t, err, "; the module definition/yaml reads YAML")
}

// The reader of YAML knows no more of these than that no token begins so.
func TestCharactersThatBeginNothing(t *testing.T) {
	for document, want := range map[string]string{
		"a: 1\nb:\n\t- c\n": "3:1: is not YAML: a tab does not indent; use spaces",
		"a: @b\n":           "1:4: is not YAML: a text that begins with this character needs quotes",
		"é: `b`\n":          "1:4: is not YAML: a text that begins with this character needs quotes",
	} {
		_, err := yaml.Parse("acme.yaml", []byte(document), definition.Options{})
		assert.EqualError(t, err, "acme.yaml:"+want)
	}
}
