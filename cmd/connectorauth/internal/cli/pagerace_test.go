package cli_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/home"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/local"
)

// A page of serve, which takes no lock, disconnects an account while a command connects the account
// again. The client secret must not outlive the account.
func TestNothingIsKeptOfAnAccountThatAPageDisconnects(t *testing.T) {
	w := newWorld(t)
	w.consent()
	h, err := home.Find(w.home, "")
	require.NoError(t, err)
	page, err := local.Open(t.Context(), local.Config{Home: h, Program: "connectorauth test"})
	require.NoError(t, err)
	_, _, err = page.Need("globex")
	require.NoError(t, err)
	disconnect := func(authURL string) {
		_, err := page.Disconnect(t.Context(), "globex-1")
		assert.NoError(t, err)
		w.allow(authURL)
	}
	code, out, text := w.consenting(`(http://127\S+/\S+\?\S+)`, disconnect, "{}", "connect", "--again", "globex", "--values", "-", "--no-browser")
	assert.Equal(t, exit.Failed, code, "%s\n%s", out, text)
	assert.Contains(t, text, "disconnected meanwhile")
	left, err := filepath.Glob(filepath.Join(w.home, "clients", "*.token"))
	require.NoError(t, err)
	assert.Empty(t, left)
	left, err = filepath.Glob(filepath.Join(w.home, "tokens", "globex*.token"))
	require.NoError(t, err)
	assert.Empty(t, left)
}
