package guides

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// bubble runs a test with a provider in memory, where days pass at once.
func bubble(t *testing.T, test func(t *testing.T, p *authtest.Provider)) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true})
		defer p.Close()
		test(t, p)
	})
}

// acme returns a Set with one service, acme, whose accounts consent at the provider or have its
// key. more has further members of the method for consents, and ends in a comma.
func acme(p *authtest.Provider, more string) *definition.Set {
	return must(definition.NewSet(must(definition.Parse("acme.json", fmt.Appendf(nil, `{"connectorauth": 1, "name": "acme",
		"methods": [
			{"name": "oauth", "default": true, "type": "OAuth2", "baseUrl": %q, "tokenUrl": %q, "revokeUrl": %q, %s
				"grant": {"authorizationCode": {"authUrl": %q}}},
			{"name": "key", "type": "ApiKey", "baseUrl": %q, "inputs": [{"name": "apiKey", "secret": true}], "key": "{apiKey}",
				"placement": {"name": "X-Api-Key"}}],
		"test": {"request": "GET /me", "id": "/auth_type"}}`, p.BearerURL, p.TokenURL, p.RevokeURL, more, p.AuthURL, p.KeyHeaderURL), definition.Options{}))))
}

// place is what the processes of a program have in common, in memory: the clock of a database
// would be outside of a bubble.
func place(p *authtest.Provider, set *definition.Set) accounts.Config {
	return accounts.Config{
		Definitions: func() *definition.Set { return set },
		Index:       new(accounts.Memory),
		Store:       new(tokenstore.Memory),
		Keys:        []tokenstore.Key{{ID: "2026", Secret: bytes.Repeat([]byte{7}, 32)}},
		Connection: func(context.Context, accounts.Account) (definition.Connection, error) {
			return definition.Connection{Client: definition.Client{ID: p.ClientID, Secret: connectorauth.Secret(p.ClientSecret)}, HTTPClient: p.Client()}, nil
		},
	}
}

// process is a registry as of a process that has just begun: with nothing in memory.
func process(config accounts.Config) *accounts.Registry {
	config.Shared = new(connectorauth.Shared)
	return must(accounts.New(config))
}

// imported makes an account with a token that is good for an hour.
func imported(t *testing.T, registry *accounts.Registry, p *authtest.Provider, id string) {
	t.Helper()
	access, refresh := p.IssueTokens("")
	for _, err := range registry.Import(t.Context(), func(yield func(accounts.Row) bool) {
		yield(accounts.Row{
			Request: accounts.Request{ID: id, Owner: "ada", Definition: "acme"},
			Token:   &oauth2.Token{AccessToken: access, RefreshToken: refresh, Expiry: time.Now().Add(time.Hour)},
		})
	}) {
		require.NoError(t, err)
	}
}
