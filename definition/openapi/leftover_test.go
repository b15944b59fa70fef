package openapi_test

import (
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/definition/openapi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// secured returns a document with one scheme.
func secured(scheme string) string {
	return `{"openapi": "3.1.0", "info": {"title": "a"}, "servers": [{"url": "https://a.example.com"}], "security": [{"s": []}], "components": {"securitySchemes": {"s": ` + scheme + `}}}`
}

func TestPlacesOfKeys(t *testing.T) {
	for _, test := range []struct {
		scheme, answer, header, value string
	}{
		{`{"type": "apiKey", "in": "header", "name": "authorization"}`, "Token", "Authorization", "Token k"},
		{`{"type": "apiKey", "in": "header", "name": "Authorization"}`, "basic", "Authorization", "Basic azpr"},
		{`{"type": "apiKey", "in": "header", "name": "Authorization"}`, "", "Authorization", "k"},
		{`{"type": "http", "scheme": "BEARER"}`, "", "Authorization", "Bearer k"},
	} {
		draft, err := openapi.Import("a.json", []byte(secured(test.scheme)), openapi.Options{Answers: answers{"prefix:s": test.answer}})
		require.NoError(t, err)
		require.Empty(t, draft.Questions, test.scheme)
		given := values{}
		for _, input := range draft.Definition.Methods[0].Inputs {
			given[input.Name] = "k"
		}
		assert.Equal(t, test.value, sent(t, parsed(t, draft), "", given).Header.Get(test.header), test.scheme)
	}
	draft, err := openapi.Import("a.json", []byte(secured(`{"type": "http", "scheme": "GenieKey"}`)), openapi.Options{Answers: answers{"http:s": "key"}})
	require.NoError(t, err)
	assert.Equal(t, "GenieKey k", sent(t, parsed(t, draft), "", values{"s": "k"}).Header.Get("Authorization"))

	// Swagger 2.0 has no cookies.
	draft, err = openapi.Import("a.json", []byte(`{"swagger": "2.0", "info": {"title": "a"}, "host": "a.example.com", "schemes": ["https"], "security": [{"s": []}],
		"securityDefinitions": {"s": {"type": "apiKey", "in": "cookie", "name": "c"}}}`), openapi.Options{})
	require.NoError(t, err)
	assert.Empty(t, draft.Definition.Methods)
}

// What may be a signature of AWS is asked, by name or description, and each password is a
// secret.
func TestSchemesThatLookLikeSignatures(t *testing.T) {
	for _, scheme := range []string{
		`{"type": "apiKey", "in": "header", "name": "X-Key", "description": "AWS Signature Version 4"}`,
		`{"type": "apiKey", "in": "header", "name": "X-Key", "x-amazon-apigateway-authtype": "awsSigv4"}`,
	} {
		draft, err := openapi.Import("a.json", []byte(secured(scheme)), openapi.Options{})
		require.NoError(t, err)
		require.NotEmpty(t, draft.Questions, scheme)
		assert.Equal(t, "aws:s", draft.Questions[0].ID, scheme)
	}
	draft, err := openapi.Import("a.json", []byte(secured(`{"type": "http", "scheme": "basic"}`)), openapi.Options{})
	require.NoError(t, err)
	var secrets []string
	for _, input := range draft.Definition.Methods[0].Inputs {
		if input.Secret {
			secrets = append(secrets, input.Name)
		}
	}
	assert.Equal(t, []string{"password"}, secrets)
}

// An operation that lets everybody in overrides the requirements of the document, and a
// reference is decoded as a URI.
func TestOperationsAndReferences(t *testing.T) {
	draft, err := openapi.Import("a.json", []byte(`{"openapi": "3.1.0", "info": {"title": "a"}, "servers": [{"url": "https://a.example.com"}], "security": [{"s": []}],
		"paths": {"/x": {"get": {"security": []}, "post": {}}},
		"components": {"securitySchemes": {"s": {"$ref": "#/components/securitySchemes/a%20b"}, "a b": {"type": "apiKey", "in": "header", "name": "X-Key"}}}}`), openapi.Options{})
	require.NoError(t, err)
	assert.Equal(t, []string{"s"}, methods(draft.Definition))
	for _, note := range draft.Notes {
		assert.False(t, strings.Contains(note.Text, "operations take"), "one operation of one: %s", note)
	}
	assert.Equal(t, "k", sent(t, parsed(t, draft), "", values{"s": "k"}).Header.Get("X-Key"))

	draft, err = openapi.Import("a.json", []byte(secured(`{"type": "openIdConnect", "openIdConnectUrl": "https://login.example.com/.well-known/openid-configuration"}`)), openapi.Options{Answers: answers{
		"authUrl:s": "https://login.example.com/a", "tokenUrl:s": "https://login.example.com/t", "clientAuth:s": "none",
	}})
	require.NoError(t, err)
	require.Empty(t, draft.Questions)
	assert.Equal(t, []definition.Scope{{Name: "openid", Default: true}}, draft.Definition.Methods[0].Scheme.(*definition.OAuth2).Scopes)
}
