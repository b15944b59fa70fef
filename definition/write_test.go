package definition_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/session"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The documents of the services are as Document writes them, but for the spelling of
// durations and the order of members.
func TestDocumentLosesNothing(t *testing.T) {
	files, err := filepath.Glob("testdata/services/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		d, err := definition.Parse(file, text, definition.Options{})
		require.NoError(t, err)
		written, err := d.Document()
		require.NoError(t, err)
		again, err := definition.Parse(file, written, definition.Options{})
		require.NoError(t, err)
		assert.Equal(t, d, again, file)
		var members map[string]any
		require.NoError(t, json.Unmarshal(text, &members))
		delete(members, "x-note")
		expected, err := json.Marshal(members)
		require.NoError(t, err)
		assert.JSONEq(t, string(expected), string(written))
		indented, err := json.MarshalIndent(d, "", "  ")
		require.NoError(t, err)
		assert.JSONEq(t, string(written), string(indented))
	}
}

func TestDocumentOfADefinitionInGo(t *testing.T) {
	written, err := (&definition.Definition{
		Name: "acme", BaseURL: "https://api.example.com",
		Inputs: []definition.Input{
			{Name: "site", Limits: definition.Limits{Enum: []definition.Choice{{Value: "eu"}, {Value: "us", Title: "Americas"}}}},
			{Name: "user"}, {Name: "key", Secret: true, Limits: definition.Limits{Format: definition.FormatKey}},
		},
		Headers: map[string]string{"X-Site": "{site}", "Accept": "<&>"},
		Methods: []definition.Method{
			{Name: "oauth", Credential: definition.Credential{Scheme: &definition.OAuth2{
				Grant:    definition.Grant{ClientCredentials: &connectorauth.ClientCredentials{}},
				TokenURL: "https://api.example.com/token", Scopes: []definition.Scope{{Name: "read"}, {Name: "write", Default: true}},
				Dialect: dialect.OAuth2{TokenNames: map[string]string{"scope": ""}, Response: dialect.Response{Lifetime: 90 * time.Second}},
			}}, KeepAlive: 36 * time.Hour},
			{Name: "jwt", Credential: definition.Credential{Type: definition.TypeJWT, Scheme: &definition.JWT{Assertion: definition.Assertion{
				Private: "{key}", Claims: assertion.Claims{Issuer: "{user}", More: map[string]any{"n": 1, "empty": map[string]any{}}},
			}}}, And: []definition.Credential{{Scheme: &definition.None{}}}},
			{Name: "login", Credential: definition.Credential{Scheme: &definition.Session{
				Login: []session.Request{{URL: "https://api.example.com/login", JSON: false, Capture: map[string]string{"token": ""}}},
			}}},
		},
	}).Document()
	require.NoError(t, err)
	assert.Equal(t, `{
  "connectorauth": 1,
  "name": "acme",
  "inputs": [
    {
      "name": "site",
      "enum": [
        "eu",
        {
          "value": "us",
          "title": "Americas"
        }
      ]
    },
    {
      "name": "user"
    },
    {
      "name": "key",
      "secret": true,
      "format": "key"
    }
  ],
  "baseUrl": "https://api.example.com",
  "headers": {
    "Accept": "<&>",
    "X-Site": "{site}"
  },
  "methods": [
    {
      "name": "oauth",
      "type": "OAuth2",
      "grant": {
        "clientCredentials": {}
      },
      "tokenUrl": "https://api.example.com/token",
      "scopes": [
        "read",
        {
          "name": "write",
          "default": true
        }
      ],
      "dialect": {
        "tokenNames": {
          "scope": ""
        },
        "response": {
          "lifetime": "1m30s"
        }
      },
      "keepAlive": "36h"
    },
    {
      "name": "jwt",
      "type": "JWT",
      "private": "{key}",
      "claims": {
        "issuer": "{user}",
        "more": {
          "empty": {},
          "n": 1
        }
      },
      "and": [
        {
          "type": "None"
        }
      ]
    },
    {
      "name": "login",
      "type": "Session",
      "login": [
        {
          "url": "https://api.example.com/login",
          "json": false,
          "capture": {
            "token": ""
          }
        }
      ]
    }
  ]
}
`, string(written))
	parse(t, string(written))
}

func TestDocumentNamesWhatCannotBeWritten(t *testing.T) {
	_, err := (&definition.Definition{
		Title: "a\xff", Params: map[string]string{"b": "\xff"},
		Methods: []definition.Method{
			{Name: "none"},
			{Credential: definition.Credential{Type: connectorauth.AuthTypeBasic, Scheme: &definition.APIKey{}}},
			{And: []definition.Credential{{Scheme: (*definition.Basic)(nil)}}, Credential: definition.Credential{Scheme: &definition.JWT{
				Assertion: definition.Assertion{Claims: assertion.Claims{More: map[string]any{"x": math.NaN()}}},
			}}},
		},
	}).Document()
	assert.EqualError(t, err, `definition: title: is not valid UTF-8
params.b: is not valid UTF-8
methods[0]: has no Scheme
methods[1].type: "Basic" is not the type of a APIKey
methods[2].claims.more.x: json: unsupported value: NaN
methods[2].and[0]: has no Scheme`)
}

func TestDocumentOfAKindOfAnotherPackage(t *testing.T) {
	options := definition.Options{Kinds: []definition.Kind{{
		Name: "Signed", Members: []definition.Member{{Name: "user", Required: true}, {Name: "secret", Secret: true}, {Name: "mode"}},
		Connect: func(texts map[string]connectorauth.Secret, hosts []string, _ definition.Connection) (connectorauth.Connector, error) {
			return connectorauth.NewBasic(connectorauth.BasicConfig{Username: string(texts["user"]), Password: texts["secret"], Hosts: hosts})
		},
	}}}
	const document = `{"connectorauth": 1, "name": "acme", "inputs": [{"name": "secret", "secret": true}], "baseUrl": "https://api.example.com",
		"methods": [{"name": "signed", "type": "Signed", "user": "u", "secret": "{secret}"}]}`
	d, err := definition.Parse("a.json", []byte(document), options)
	require.NoError(t, err)
	written, err := d.Document()
	require.NoError(t, err)
	assert.JSONEq(t, document, string(written))
	again, err := definition.Parse("a.json", written, options)
	require.NoError(t, err)
	rewritten, err := again.Document()
	require.NoError(t, err)
	assert.Equal(t, string(written), string(rewritten))
}

func TestChangedDefinitionIsParsedAgain(t *testing.T) {
	parse := func() *definition.Definition {
		d, err := definition.Parse("acme.json", []byte(`{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [
			{"name": "app", "type": "OAuth2", "grant": {"clientCredentials": {}}, "tokenUrl": "https://api.example.com/v1/token"}]}`), definition.Options{})
		require.NoError(t, err)
		return d
	}
	for name, change := range map[string]func(*definition.Definition){
		"token URL": func(d *definition.Definition) {
			d.Methods[0].Scheme.(*definition.OAuth2).TokenURL = "https://api.example.com/v2/token"
		},
		"base URL": func(d *definition.Definition) { d.BaseURL = "https://api.example.com/v2/token" },
	} {
		t.Run(name, func(t *testing.T) {
			d := parse()
			change(d)
			connection := definition.Connection{Client: definition.Client{ID: "id", Secret: "secret"}}
			_, err := d.Connect(connection)
			require.ErrorContains(t, err, `"https://api.example.com/v2/token": Parse has not read this URL; after a change of a Definition, Parse the result of its Document`)
			document, err := d.Document()
			require.NoError(t, err)
			again, err := definition.Parse("acme.json", document, definition.Options{})
			require.NoError(t, err)
			_, err = again.Connect(connection)
			require.NoError(t, err)
		})
	}
}
