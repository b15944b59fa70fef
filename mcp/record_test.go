package mcp_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/mcp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A consent that has only begun makes the account one of its server, too.
func TestConsentOfAnotherServerIsNotFinished(t *testing.T) {
	w := newWorld(t)
	other := newWorld(t)
	other.set(func() { other.issuer = w.old })
	store := new(tokenstore.Memory)
	authURL, pending, err := must(mcp.New(w.config(store))).Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	account := must(mcp.New(other.config(store)))
	_, _, err = account.Begin(t.Context(), callbackURL)
	require.ErrorContains(t, err, "another MCP server, "+w.URL+"/mcp")
	err = account.Finish(t.Context(), pending, must(w.old.Authorize(authURL)).Query())
	require.ErrorContains(t, err, "another MCP server")
	assert.Empty(t, w.old.Requests(w.old.TokenURL), "the code stays here")
}

// A process dies after the token of another authorization server is saved, and before the record
// is. The account has the new token, and Forget leaves neither.
func TestProcessDiesAfterTheTokenOfAnotherServer(t *testing.T) {
	w := newWorld(t)
	store := new(tokenstore.Memory)
	account := must(mcp.New(w.config(store)))
	require.NoError(t, w.consent(t.Context(), account))
	w.set(func() { w.issuer = w.new })
	authURL, pending, err := account.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	before, ok, err := store.Load(t.Context(), recordKey)
	require.NoError(t, err)
	require.True(t, ok)
	require.NoError(t, account.Finish(t.Context(), pending, must(w.new.Authorize(authURL)).Query()))
	require.NoError(t, store.Save(t.Context(), recordKey, before))

	account = must(mcp.New(w.config(store)))
	assert.Equal(t, 200, must(w.call(t, account)))
	assert.Equal(t, 1, w.consents)
	connector := must(account.Connector(t.Context()))
	require.Equal(t, connectorauth.StateOK, must(connector.Status(t.Context())).State)
	require.NoError(t, account.Forget(t.Context()))
	assert.Equal(t, connectorauth.StateNotConnected, must(connector.Status(t.Context())).State)
}

// A value that this library has not saved, or that a later one has, is no account.
func TestForeignRecordsAreRefused(t *testing.T) {
	w := newWorld(t)
	for value, problem := range map[string]string{
		`{}`: "nothing that this library saved", `{"v": 0}`: "nothing that this library saved", `{"v": -1}`: "nothing that this library saved",
		`null`: "nothing that this library saved", `x`: "nothing that this library saved", `{"v": 2}`: "newer version of the program",
	} {
		store := new(tokenstore.Memory)
		require.NoError(t, store.Save(t.Context(), recordKey, []byte(value)))
		account := must(mcp.New(w.config(store)))
		_, _, err := account.Begin(t.Context(), callbackURL)
		assert.ErrorContains(t, err, problem, value)
		_, err = account.Connector(t.Context())
		assert.ErrorContains(t, err, problem, value)
		assert.NotErrorIs(t, err, connectorauth.ErrNotConnected, value)
	}
}

// A challenge of 8 KiB is kept, and a longer one is not.
func TestRecordKeepsEightKiBOfChallenges(t *testing.T) {
	w := newWorld(t)
	for length, kept := range map[int]bool{8 << 10: true, 8<<10 + 1: false} {
		store := new(tokenstore.Memory)
		config := w.config(store)
		config.Consent = nil
		text := `Bearer scope="write", realm="`
		text += strings.Repeat("x", length-len(text)-1) + `"`
		resp := &http.Response{StatusCode: 401, Body: http.NoBody, Header: http.Header{"Www-Authenticate": {text}}}
		req := must(http.NewRequest(http.MethodGet, w.URL+"/mcp", nil))
		require.ErrorIs(t, must(mcp.New(config)).Authorize(t.Context(), req, resp), connectorauth.ErrReauthRequired)
		record, _, err := store.Load(t.Context(), recordKey)
		require.NoError(t, err)
		assert.Equal(t, kept, strings.Contains(string(record), "write"), length)
	}
}
