package local

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

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
	return openedAt(t, filepath.Join(t.TempDir(), "home"), allow...)
}

// openedAt returns the accounts of a folder, as another process has them.
func openedAt(t *testing.T, dir string, allow ...string) *Accounts {
	t.Helper()
	h, err := home.Find(dir, "")
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

// A page of serve disconnects an account, and a command connects another account of the name
// before the process of the page has forgotten what was kept of the former one.
func TestTheProgramOfANewAccountOutlivesTheFormerAccount(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	page, command := openedAt(t, dir), openedAt(t, dir)
	over := accounts.Entry{Action: accounts.ActionDisconnect, Account: "acme-1", Outcome: accounts.OutcomeOK}
	p := Program{Client: definition.Client{ID: "client", Secret: "secret"}}
	synctest.Test(t, func(t *testing.T) {
		done, err := command.Change(t.Context(), "acme-1")
		require.NoError(t, err)
		require.NoError(t, command.SetProgram(t.Context(), "acme-1", p))
		page.config.Audit(over) // the new account is not in the index so far
		kept, err := page.Program(t.Context(), "acme-1")
		require.NoError(t, err)
		assert.Equal(t, p.Client, kept.Client)

		waits := make(chan struct{})
		go func() {
			defer close(waits)
			page.config.Audit(over)
		}()
		synctest.Wait()
		stored, err := command.index.Put(t.Context(), accounts.Account{ID: "acme-1", Owner: Owner, Definition: "acme", Method: "oauth"})
		require.NoError(t, err)
		require.True(t, stored)
		done()
		<-waits
		kept, err = page.Program(t.Context(), "acme-1")
		require.NoError(t, err)
		assert.Equal(t, p.Client, kept.Client)
	})
}

// A page of serve connects an account again, while a command keeps the client of the generation that
// the command is connecting.
func TestTheProgramOfAGenerationOutlivesAPage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	page, command := openedAt(t, dir), openedAt(t, dir)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "definitions"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "definitions", "acme.json"), []byte(`{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.acme.example",
		"methods": [{"name": "oauth", "type": "OAuth2", "tokenUrl": "https://acme.example/token", "grant": {"authorizationCode": {"authUrl": "https://acme.example/authorize"}}}]}`), 0o600))
	for _, id := range []string{"first", "second"} {
		stored, err := command.index.Put(t.Context(), accounts.Account{ID: id, Owner: Owner, Definition: "acme", Method: "oauth", Current: 1, Last: 1})
		require.NoError(t, err)
		require.True(t, stored)
	}
	require.NoError(t, command.SetProgram(t.Context(), "first", Program{Client: definition.Client{ID: "of the first"}}))
	require.NoError(t, page.Offer(t.Context()))
	again := accounts.Entry{Action: accounts.ActionReconnect, Account: "second", Outcome: accounts.OutcomeOK}
	synctest.Test(t, func(t *testing.T) {
		done, err := command.Change(t.Context(), "second")
		require.NoError(t, err)
		require.NoError(t, command.SetNext(t.Context(), "second", 2, Program{Client: definition.Client{ID: "typed"}}))
		page.config.Audit(again)
		k, err := command.load(t.Context(), "second")
		require.NoError(t, err)
		assert.Equal(t, "typed", k.of(2).ClientID)
		require.NoError(t, command.SetProgram(t.Context(), "second", Program{}))
		done()
		page.config.Audit(again)
		kept, err := command.Program(t.Context(), "second")
		require.NoError(t, err)
		assert.Equal(t, "of the first", kept.Client.ID)
	})
}

func TestTheProgramEndsWithTheAccount(t *testing.T) {
	a := opened(t)
	over := accounts.Entry{Action: accounts.ActionDisconnect, Account: "acme-1", Outcome: accounts.OutcomeOK}
	p := Program{Client: definition.Client{ID: "client", Secret: "secret"}}
	ends := func() {
		require.NoError(t, a.SetProgram(t.Context(), "acme-1", p))
		a.config.Audit(over)
		kept, err := a.Program(t.Context(), "acme-1")
		require.NoError(t, err)
		assert.True(t, kept.lacks())
	}
	ends()
	done, err := a.Change(t.Context(), "acme-1")
	require.NoError(t, err)
	ends() // as the command that has the lock
	done()
}
