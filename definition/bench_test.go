package definition_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/require"
)

// BenchmarkParse reads the definitions of the services. json is json.Unmarshal of the
// same documents into an any.
func BenchmarkParse(b *testing.B) {
	files, err := filepath.Glob("testdata/services/*.json")
	require.NoError(b, err)
	var documents [][]byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(b, err)
		documents = append(documents, text)
	}
	b.Run("json", func(b *testing.B) {
		for b.Loop() {
			for _, document := range documents {
				var v any
				require.NoError(b, json.Unmarshal(document, &v))
			}
		}
	})
	b.Run("definition", func(b *testing.B) {
		for b.Loop() {
			for _, document := range documents {
				_, err := definition.Parse("f", document, definition.Options{})
				require.NoError(b, err)
			}
		}
	})
}

// BenchmarkConnect makes a connector of a definition, and by the constructor.
func BenchmarkConnect(b *testing.B) {
	key, consent := service(b, "pipedrive"), service(b, "zendesk")
	client := definition.Client{ID: "id", Secret: "secret"}
	b.Run("APIKey/constructor", func(b *testing.B) {
		for b.Loop() {
			_, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "t", In: "query", Name: "api_token", Hosts: []string{"https://api.pipedrive.com"}})
			require.NoError(b, err)
		}
	})
	b.Run("APIKey/definition", func(b *testing.B) {
		for b.Loop() {
			_, err := key.Connect(definition.Connection{Method: "key", Values: values{"token": "t"}})
			require.NoError(b, err)
		}
	})
	b.Run("OAuth2/constructor", func(b *testing.B) {
		for b.Loop() {
			_, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
				ClientID: "id", ClientSecret: "secret", TokenURL: "https://a.zendesk.com/oauth/tokens", Scopes: []string{"read"},
				Grant: connectorauth.AuthorizationCode{AuthURL: "https://a.zendesk.com/oauth/authorizations/new"}, Hosts: []string{"https://a.zendesk.com"},
			})
			require.NoError(b, err)
		}
	})
	b.Run("OAuth2/definition", func(b *testing.B) {
		for b.Loop() {
			_, err := consent.Connect(definition.Connection{Values: values{"subdomain": "a"}, Client: client})
			require.NoError(b, err)
		}
	})
}
