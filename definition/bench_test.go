package definition_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
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

// BenchmarkMemory holds 20,000 live accounts of one definition, each with a token, and
// prints the heap of one: by the constructor with the same config, and by the definition.
func BenchmarkMemory(b *testing.B) {
	const count = 20_000
	client := definition.Client{ID: "client", Secret: "secret"}
	held := make([]any, count)
	measure := func(b *testing.B, open func(i int) (any, *connectorauth.OAuth2, error)) {
		var before, after runtime.MemStats
		for b.Loop() {
			clear(held)
			runtime.GC()
			runtime.ReadMemStats(&before)
			for i := range held {
				account, c, err := open(i)
				require.NoError(b, err)
				require.NoError(b, c.SetToken(context.Background(), &oauth2.Token{
					AccessToken: fmt.Sprintf("access-token-of-40-characters-%010d", i), RefreshToken: fmt.Sprintf("refresh-token-of-40-characters-%09d", i), Expiry: time.Now().Add(time.Hour),
				}))
				held[i] = account
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
		}
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/count, "heap-B/account")
		runtime.KeepAlive(held)
	}
	b.Run("constructor", func(b *testing.B) {
		measure(b, func(i int) (any, *connectorauth.OAuth2, error) {
			c, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
				ClientID: "client", ClientSecret: "secret", TokenURL: "https://api.notion.com/v1/oauth/token", Account: fmt.Sprint("account-", i),
				Grant: connectorauth.AuthorizationCode{AuthURL: "https://api.notion.com/v1/oauth/authorize"}, Hosts: []string{"https://api.notion.com"},
			})
			return c, c, err
		})
	})
	for _, name := range []string{"notion", "salesforce", "quickbooks", "shopify"} { // dialect and header; captured; captured; input
		d := service(b, name)
		given := values{}
		for _, i := range d.Inputs {
			given[i.Name] = connectorauth.Secret(i.Example)
		}
		b.Run(name, func(b *testing.B) {
			measure(b, func(i int) (any, *connectorauth.OAuth2, error) {
				c, err := d.Connect(definition.Connection{Method: "oauth", Values: given, Client: client, Account: fmt.Sprint("account-", i)})
				if err != nil {
					return nil, nil, err
				}
				return c, c.Credential().(*connectorauth.OAuth2), nil
			})
		})
	}
}
