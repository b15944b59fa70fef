package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

// umbrella imports a definition whose accounts are those of an application, without a person.
func (w *world) umbrella() {
	w.ok(`{"connectorauth": 1, "name": "umbrella", "baseUrl": "`+w.p.BearerURL+`", "test": {"request": "GET /me"},
		"methods": [{"name": "app", "type": "OAuth2", "grant": {"clientCredentials": {}}, "tokenUrl": "`+w.p.TokenURL+`"}]}`, "import", "-")
}

// clients returns the names of the files with what the program has kept of accounts.
func (w *world) clients() (names []string) {
	entries, err := os.ReadDir(filepath.Join(w.home, "clients"))
	require.NoError(w.t, err)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// A client secret is kept for the account, and goes with the account.
func TestAClientIsKeptAsLongAsItsAccount(t *testing.T) {
	w := newWorld(t)
	w.umbrella()
	code, _, err := w.run(values("client_id", w.p.ClientID, "client_secret", "wrong"), "connect", "umbrella", "--values", "-")
	require.Equal(t, exit.Failed, code, err)
	assert.Empty(t, w.clients(), "of an account that was refused")

	deny := func(authURL string) {
		callback, err := w.p.Deny(authURL)
		require.NoError(t, err)
		w.get(callback.String())
	}
	code, _, err = w.consenting(`(http://127\S+/\S+\?\S+)`, deny, w.client(), "connect", "globex", "--values", "-", "--no-browser")
	require.Equal(t, exit.Failed, code, err)
	assert.Empty(t, w.clients(), "of an account without a consent")

	w.ok(w.client(), "connect", "umbrella", "--values", "-")
	assert.Len(t, w.clients(), 1)
	w.ok("", "disconnect", "umbrella")
	assert.Empty(t, w.clients(), "of an account that is over")
}

// A client that the service refuses does not take the place of the client of the account.
func TestARefusedClientLeavesTheClientOfTheAccount(t *testing.T) {
	w := newWorld(t)
	w.umbrella()
	w.ok(w.client(), "connect", "umbrella", "--values", "-")
	code, _, err := w.run(values("client_id", w.p.ClientID, "client_secret", "wrong"), "connect", "--again", "umbrella", "--values", "-")
	require.Equal(t, exit.Failed, code, err)
	w.p.ExpireAccessTokens()
	assert.Contains(t, w.ok("", "call", "umbrella", "GET", "/me"), "client_credentials")
	w.ok("{}", "connect", "--again", "umbrella", "--values", "-")
}

// remove removes an imported definition.
func (w *world) remove(service string) {
	require.NoError(w.t, os.Remove(filepath.Join(w.home, "definitions", service+".json")))
}
