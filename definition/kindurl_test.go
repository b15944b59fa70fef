package definition_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tester is a kind that makes the test, and has a URL.
func tester(seen *string) definition.Kind {
	return definition.Kind{
		Name:    "Tester",
		Members: []definition.Member{{Name: "at", URL: true}, {Name: "login", URL: true, Client: true}, {Name: "key", Secret: true}},
		Connect: func(texts map[string]connectorauth.Secret, hosts []string, _ definition.Connection) (connectorauth.Connector, error) {
			if seen != nil {
				*seen = string(texts["at"])
			}
			return connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "k", Name: "X-Key", Hosts: hosts})
		},
		Check: func(context.Context, map[string]connectorauth.Secret, func(*http.Request) (*http.Response, error)) (definition.Identity, error) {
			return definition.Identity{ID: "of the tester"}, nil
		},
	}
}

// A further credential of a kind that makes tests takes nothing from the first one.
func TestKindBesideAKind(t *testing.T) {
	d, err := definition.Parse("acme.json", []byte(`{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com",
		"methods": [{"name": "a", "type": "Found", "at": "here", "and": [{"type": "Tester"}]}]}`), definition.Options{Kinds: []definition.Kind{finder(), tester(nil)}})
	require.NoError(t, err)
	c, err := d.Connect(definition.Connection{})
	require.NoError(t, err)
	require.NotNil(t, c.Consent(), "the consent is that of the first credential")
	_, err = c.Open(t.Context())
	require.ErrorIs(t, err, connectorauth.ErrNotConnected)
}

// A value in the URL of a kind leads nowhere else than the definition says.
func TestURLOfAKind(t *testing.T) {
	var seen string
	options := definition.Options{AnyHost: true, Kinds: []definition.Kind{tester(&seen)}}
	document := `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "inputs": [{"name": "x"}],
		"methods": [{"name": "a", "type": "Tester", "at": "https://{x}.example.com/mcp"}]}`
	_, err := definition.Parse("acme.json", []byte(document), options)
	require.ErrorContains(t, err, "methods[0].at: ")
	d, err := definition.Parse("acme.json", []byte(strings.Replace(document, `"x"`, `"x", "format": "label"`, 1)), options)
	require.NoError(t, err)
	_, err = d.Connect(definition.Connection{Values: values{"x": "acme"}})
	require.NoError(t, err)
	assert.Equal(t, "https://acme.example.com/mcp", seen)
	var input *definition.InputError
	_, err = d.Connect(definition.Connection{Values: values{"x": "evil.example/"}})
	require.ErrorAs(t, err, &input)
	d, err = definition.Parse("acme.json", []byte(strings.Replace(document, "{x}.example.com/mcp", "api.example.com/{x}", 1)), options)
	require.NoError(t, err)
	_, err = d.Connect(definition.Connection{Values: values{"x": "a/b?c"}})
	require.NoError(t, err)
	assert.Equal(t, "https://api.example.com/a%2Fb%3Fc", seen)
	_, err = definition.Parse("acme.json", []byte(strings.Replace(document, "https://{x}.example.com/mcp", "api.example.com", 1)), options)
	require.ErrorContains(t, err, "methods[0].at: ")

	for _, m := range []definition.Member{{Name: "at", URL: true, Secret: true}, {Name: "at", Client: true}} {
		kind := tester(nil)
		kind.Members = []definition.Member{m}
		_, err = definition.Parse("acme.json", []byte(document), definition.Options{Kinds: []definition.Kind{kind}})
		require.ErrorContains(t, err, "Options.Kinds[0]: Members[0]: a URL is not Secret, and Client is for a URL")
	}
}

// The URLs of a kind count when secrets of the program may go to strangers.
func TestAdviceForASecretOfTheProgramInAKind(t *testing.T) {
	options := definition.Options{AnyHost: true, Kinds: []definition.Kind{tester(nil)}}
	for members, want := range map[string]string{
		`"at": "{any}"`:                                     "",
		`"login": "{any}"`:                                  "methods[0].login: account owners choose the host, which would get the client secret of the program",
		`"login": "https://login.example.com"`:              "",
		`"key": "{partner}"`:                                "",
		`"at": "{any}", "key": "{partner}"`:                 "methods[0].key: carries {partner}, which the program gives, to a host that account owners choose",
		`"at": "https://a.example.com", "key": "{partner}"`: "",
	} {
		findings, err := definition.Lint("acme.json", []byte(`{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "inputs": [
			{"name": "any", "format": "url", "anyHost": true}, {"name": "partner", "secret": true, "hidden": true}],
			"methods": [{"name": "a", "type": "Tester", `+members+`}]}`), options)
		require.NoError(t, err)
		var got []string
		for _, f := range findings {
			if strings.Contains(f.Text, "account owners choose") {
				got = append(got, f.Path+": "+f.Text)
			}
		}
		if want == "" {
			assert.Empty(t, got, members)
		} else if assert.Len(t, got, 1, members) {
			assert.True(t, strings.HasPrefix(got[0], want), got[0])
		}
	}
}
