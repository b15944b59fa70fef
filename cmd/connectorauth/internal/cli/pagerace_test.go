package cli_test

import (
	"net/url"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/home"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/local"
)

// page returns the accounts as a page of serve has them, ready for a service.
func (w *world) page(service string) *local.Accounts {
	h, err := home.Find(w.home, "")
	require.NoError(w.t, err)
	page, err := local.Open(w.t.Context(), local.Config{Home: h, Program: "connectorauth test"})
	require.NoError(w.t, err)
	_, _, err = page.Need(service)
	require.NoError(w.t, err)
	return page
}

// A page of serve, which takes no lock, disconnects an account while a command connects the account
// again. The client secret must not outlive the account.
func TestNothingIsKeptOfAnAccountThatAPageDisconnects(t *testing.T) {
	w := newWorld(t)
	w.consent()
	page := w.page("globex")
	disconnect := func(authURL string) {
		_, err := page.Disconnect(t.Context(), "globex-1")
		assert.NoError(t, err)
		w.allow(authURL)
	}
	code, out, text := w.consenting(`(http://127\S+/\S+\?\S+)`, disconnect, "{}", "connect", "--again", "globex", "--values", "-", "--no-browser")
	assert.Equal(t, exit.Failed, code, "%s\n%s", out, text)
	assert.Contains(t, text, "disconnected meanwhile")
	assert.Empty(t, w.clients())
	left, err := filepath.Glob(filepath.Join(w.home, "tokens", "globex*.token"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

// A page disconnects a new account whose consent is under way. The page waits two seconds for the
// command and then leaves the client to the command, whatever becomes of the consent.
func TestNothingIsKeptOfANewAccountThatAPageDisconnects(t *testing.T) {
	w := newWorld(t)
	page := w.page("globex")
	for name, end := range map[string]func(authURL string) (*url.URL, error){"allowed": w.p.Authorize, "denied": w.p.Deny} {
		disconnect := func(authURL string) {
			_, err := page.Disconnect(t.Context(), "globex-1")
			assert.NoError(t, err)
			assert.Len(t, w.clients(), 2, "the client and the lock of the command")
			callback, err := end(authURL)
			require.NoError(t, err)
			w.get(callback.String())
		}
		code, out, text := w.consenting(`(http://127\S+/\S+\?\S+)`, disconnect, w.client(), "connect", "globex", "--values", "-", "--no-browser")
		assert.Equal(t, exit.Failed, code, "%s: %s\n%s", name, out, text)
		assert.Empty(t, w.clients(), name)
	}
}

// A page disconnects a new account while the command shows the account.
func TestNothingIsKeptOfAnAccountThatAPageDisconnectsAtTheEnd(t *testing.T) {
	w := newWorld(t)
	w.umbrella()
	page := w.page("umbrella")
	w.stopped(w.client(), func() {
		_, err := page.Disconnect(t.Context(), "umbrella-1")
		assert.NoError(t, err)
	}, "connect", "umbrella", "--values", "-")
	assert.Empty(t, w.clients())
}
