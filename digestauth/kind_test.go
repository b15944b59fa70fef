package digestauth_test

import (
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/digestauth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestKindOfDefinitions(t *testing.T) {
	s := &service{algorithms: []string{"MD5"}, qop: "auth"}
	document := `{"connectorauth": 1, "name": "acme", "baseUrl": "` + s.start(t) + `", "inputs": [{"name": "who"}, {"name": "password", "secret": true}],
		"methods": [{"name": "digest", "type": "Digest", "username": "{who}", "password": "{password}", "allowMd5": "true"}]}`
	options := definition.Options{Kinds: []definition.Kind{digestauth.Kind()}}
	d, err := definition.Parse("acme.json", []byte(document), options)
	require.NoError(t, err)
	c, err := d.Connect(definition.Connection{Values: map[string]connectorauth.Secret{"who": user, "password": password}})
	require.NoError(t, err)
	base, err := c.BaseURL(t.Context(), "")
	require.NoError(t, err)
	client := connectorauth.NewClient(c.Connector(), nil)
	assert.Equal(t, 200, status(t, client, base, ""))
	_, err = client.Get("https://other.example.com")
	assert.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)

	for from, want := range map[string]string{
		`"allowMd5": "true"`: `acme.json:2:111: methods[0].allowMd5: "yes" is none of true, false`,
		`"username"`:         `methods[0].usernam: is no member here; did you mean username?`,
		`"{password}"`:       `methods[0]: Password: is empty`,
		`"{who}"`:            `methods[0].username: {password} is a secret`,
	} {
		to := map[string]string{`"allowMd5": "true"`: `"allowMd5": "yes"`, `"username"`: `"usernam"`, `"{password}"`: `"{lower()}"`, `"{who}"`: `"{password}"`}[from]
		_, err := definition.Parse("acme.json", []byte(strings.Replace(document, from, to, 1)), options)
		assert.ErrorContains(t, err, want)
	}
}
