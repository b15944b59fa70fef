package definition_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stamp is a kind of another package: a header of two parts.
func stamp() definition.Kind {
	return definition.Kind{
		Name:    "Stamp",
		Members: []definition.Member{{Name: "realm", Required: true, Enum: []string{"inner", "outer"}}, {Name: "secret", Secret: true}, {Name: "label"}},
		Connect: func(texts map[string]connectorauth.Secret, hosts []string, c definition.Connection) (connectorauth.Connector, error) {
			if texts["secret"] == "" {
				return nil, errors.New("stamp: secret is empty, account " + c.Account)
			}
			if strings.HasPrefix(string(texts["secret"]), "bad") {
				return nil, errors.New("stamp: refuses " + string(texts["secret"]))
			}
			return connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: texts["realm"] + ":" + texts["secret"], Name: "X-Stamp", Hosts: hosts})
		},
	}
}

const stamped = `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "inputs": [{"name": "key", "secret": true}],
	"methods": [{"name": "a", "type": "Stamp", "realm": "inner", "secret": "{base64({key})}", "x-note": 1, "and": [{"type": "ApiKey", "key": "k"}]},
	{"name": "b", "type": "None", "and": [{"type": "Stamp", "realm": "outer", "secret": "{key}"}]}]}`

func TestKindsOfOtherPackages(t *testing.T) {
	parse := func(document string, kinds ...definition.Kind) (*definition.Definition, error) {
		return definition.Parse("acme.json", []byte(document), definition.Options{Kinds: kinds})
	}
	d, err := parse(stamped, stamp())
	require.NoError(t, err)
	for method, want := range map[string]string{"a": "inner:Yg==", "b": "outer:b"} {
		c, err := d.Connect(definition.Connection{Method: method, Values: values{"key": "b"}})
		require.NoError(t, err)
		assert.Equal(t, want, sent(t, c, "GET", "/x", "").Header.Get("X-Stamp"))
		_, err = connectorauth.NewClient(c.Connector(), nil).Get("https://other.example.com")
		assert.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
	}
	_, err = d.Connect(definition.Connection{Method: "b", Values: values{"key": "bad-secret"}})
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "bad-secret")

	for _, test := range []struct{ from, to, want string }{
		{`"Stamp", "realm": "inner"`, `"Stamp", "relm": "inner"`, "acme.json:2:45: methods[0].relm: is no member here; did you mean realm?"},
		{`"Stamp", "realm": "inner"`, `"Stamp", "relm": "inner"`, "methods[0].realm: is missing"},
		{`"realm": "inner"`, `"realm": "iner"`, `acme.json:2:54: methods[0].realm: "iner" is none of inner, outer; did you mean inner?`},
		{`"realm": "inner"`, `"realm": 1`, "methods[0].realm: is a number; want text"},
		{`"type": "Stamp"`, `"type": "Stomp"`, `"Stomp" is none of ApiKey, Basic, AuthFields, OAuth1, OAuth2, Session, JWT, None, Stamp; did you mean Stamp?`},
		{`"secret": "{base64({key})}"`, `"label": "{key}"`, "methods[0].label: {key} is a secret"},
		{`"secret": "{base64({key})}"`, `"secret": "{nokey}"`, "methods[0].secret: there is no value for {nokey} here; did you mean key?"},
		{`"secret": "{base64({key})}", `, ``, "methods[0]: stamp: secret is empty"},
		{`"secret": "{key}"}]`, `"secrt": "{key}"}]`, "methods[1].and[0].secrt: is no member here; did you mean secret?"},
	} {
		_, err := parse(strings.Replace(stamped, test.from, test.to, 1), stamp())
		assert.ErrorContains(t, err, test.want, test.to)
	}
	_, err = parse(stamped)
	assert.ErrorContains(t, err, `"Stamp" is none of`)
}

func TestKindsThatAreRefused(t *testing.T) {
	for name, change := range map[string]func(*definition.Kind){
		"type of package definition":   func(k *definition.Kind) { k.Name = "OAuth2" },
		"Name: \"\"":                   func(k *definition.Kind) { k.Name = "" },
		"Connect: is nil":              func(k *definition.Kind) { k.Connect = nil },
		"Members[0]: Name: \"inputs\"": func(k *definition.Kind) { k.Members[0].Name = "inputs" },
		"Members[0]: Name: \"x-a\"":    func(k *definition.Kind) { k.Members[0].Name = "x-a" },
		"Members[1]: Name: \"realm\"":  func(k *definition.Kind) { k.Members[1].Name = "realm" },
	} {
		k := stamp()
		change(&k)
		_, err := definition.Parse("f", []byte(stamped), definition.Options{Kinds: []definition.Kind{k}})
		assert.ErrorContains(t, err, name)
	}
	_, err := definition.Parse("f", []byte(stamped), definition.Options{Kinds: []definition.Kind{stamp(), stamp()}})
	assert.ErrorContains(t, err, "there twice")
	k := stamp()
	k.Connect = func(map[string]connectorauth.Secret, []string, definition.Connection) (connectorauth.Connector, error) {
		return nil, nil
	}
	_, err = definition.Parse("f", []byte(stamped), definition.Options{Kinds: []definition.Kind{k}})
	assert.ErrorContains(t, err, "the Kind returned no connector")
}
