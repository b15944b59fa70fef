package local

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/home"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/egress"
)

// opened returns the accounts of a new folder.
func opened(t *testing.T, allow ...string) *Accounts {
	t.Helper()
	h, err := home.Find(filepath.Join(t.TempDir(), "home"), "")
	require.NoError(t, err)
	a, err := Open(t.Context(), Config{Home: h, Program: "connectorauth test", Allow: allow})
	require.NoError(t, err)
	return a
}

// What one account may reach of a private network, no other account may reach.
func TestAnAccountReachesWhatItsProgramAllows(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(api.Close)
	a := opened(t)
	for id, allow := range map[string][]string{"near": {"127.0.0.1"}, "far": {"10.0.0.0/8"}} {
		require.NoError(t, a.SetProgram(t.Context(), id, Program{Allow: allow}))
	}
	near, err := a.connection(t.Context(), accounts.Account{ID: "near"})
	require.NoError(t, err)
	require.NotNil(t, near.HTTPClient)
	resp, err := near.HTTPClient.Get(api.URL)
	require.NoError(t, err)
	resp.Body.Close()
	t.Cleanup(near.HTTPClient.CloseIdleConnections)

	far, err := a.connection(t.Context(), accounts.Account{ID: "far"})
	require.NoError(t, err)
	require.NotNil(t, far.HTTPClient)
	_, err = far.HTTPClient.Get(api.URL)
	var private *egress.Error
	require.ErrorAs(t, err, &private)

	none, err := a.connection(t.Context(), accounts.Account{ID: "none"})
	require.NoError(t, err)
	assert.Nil(t, none.HTTPClient, "the definition decides")
}

// A damaged record is no empty record: the account would be used without its client.
func TestADamagedProgramIsAnError(t *testing.T) {
	a := opened(t)
	require.NoError(t, a.programs.Save(t.Context(), "acme-1", []byte(`{"client_id": 7`)))
	_, err := a.Program(t.Context(), "acme-1")
	require.ErrorContains(t, err, "damaged: connect the account again")
	_, err = a.connection(t.Context(), accounts.Account{ID: "acme-1"})
	require.ErrorContains(t, err, "damaged")
}

// The next account of a service gets the client of the account before, and reaches no private
// network for the sake of that account.
func TestARegistrationIsAClientAndNoWayToAPrivateNetwork(t *testing.T) {
	a := opened(t)
	stored, err := a.index.Put(t.Context(), accounts.Account{ID: "first", Owner: Owner, Definition: "acme", Method: "oauth"})
	require.NoError(t, err)
	require.True(t, stored)
	p := Program{Client: definition.Client{ID: "client", Secret: "secret"}, Allow: []string{"127.0.0.1"}}
	require.NoError(t, a.SetProgram(t.Context(), "first", p))
	require.NoError(t, a.Offer(t.Context()))
	c, err := a.connection(t.Context(), accounts.Account{ID: "second", Definition: "acme"})
	require.NoError(t, err)
	assert.Equal(t, p.Client, c.Client)
	assert.Nil(t, c.HTTPClient)
	c, err = a.connection(t.Context(), accounts.Account{ID: "first", Definition: "acme"})
	require.NoError(t, err)
	assert.NotNil(t, c.HTTPClient)
}
