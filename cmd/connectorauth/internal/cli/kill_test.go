//go:build unix

package cli_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

// rounds is how often a test kills the program.
const rounds = 10

// killed starts the program, and kills the program at a moment that is random within the time of a whole run.
func (w *world) killed(whole time.Duration, args ...string) {
	w.t.Helper()
	command := w.program(args...)
	require.NoError(w.t, command.Start())
	timer := time.AfterFunc(rand.N(whole), func() { command.Process.Kill() })
	command.Wait()
	timer.Stop()
}

// whole returns how long the program runs.
func (w *world) whole(args ...string) time.Duration {
	w.t.Helper()
	start := time.Now()
	text, err := w.program(args...).CombinedOutput()
	require.NoError(w.t, err, "%s", text)
	return time.Since(start)
}

func TestAKilledConnectIsDoneAgain(t *testing.T) {
	w := newWorld(t)
	answers := w.file("values.json", values("apiKey", w.p.APIKey))
	args := []string{"connect", "acme", "--values", answers}
	whole := w.whole(args...)
	w.ok("", "disconnect", "acme")
	for range rounds {
		require.NoError(t, os.Remove(filepath.Join(w.home, "key"))) // so some rounds end while the key is made
		w.killed(whole, args...)
		var all []map[string]any
		w.read(&all, "list")
		if len(all) == 0 || all[0]["status"] == "connecting" {
			w.ok("", args...)
		}
		assert.Contains(t, w.ok("", "call", "acme", "GET", "/me"), "ApiKey")
		w.read(&all, "list")
		for _, a := range all {
			w.ok("", "disconnect", a["id"].(string))
		}
	}
	left, err := os.ReadDir(filepath.Join(w.home, "tokens"))
	require.NoError(t, err)
	assert.Empty(t, left, "a record of no account")
}

// A consent whose program was killed leaves an account that waits for the consent.
func TestAKilledConsentIsDoneAgain(t *testing.T) {
	w := newWorld(t)
	s := w.inTerminal("connect", "globex", "--no-browser", "--values", w.file("values.json", w.client()))
	s.until(w.p.AuthURL)
	require.NoError(t, s.command.Process.Kill())
	s.end()
	assert.Contains(t, w.ok("", "list"), "connecting")
	w.consent()
	assert.Contains(t, w.ok("", "call", "globex", "GET", "/me"), w.p.Username)

	w.ok("", "disconnect", "globex")
	w.ok("", "disconnect", "globex") // the account that is left
	assert.Equal(t, "[]\n", w.ok("", "list", "--json"))
}

// A consent takes minutes, in which a person may close the terminal. Until the consent has ended,
// the account goes on with the former client, also in other processes.
func TestAConsentToConnectAgainLeavesTheFormerClientToTheAccount(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{"kill": syscall.SIGKILL, "the terminal is closed": syscall.SIGHUP, "Ctrl+C": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			if signal == syscall.SIGHUP {
				needHangup(t)
			}
			w := newWorld(t)
			w.consent()
			works := func() {
				t.Helper()
				w.p.ExpireAccessTokens()
				assert.Contains(t, w.ok("", "call", "globex", "GET", "/me"), w.p.Username)
			}
			other := w.file("other.json", values("client_id", "other-client", "client_secret", "other-secret"))
			s := w.inTerminal("connect", "--again", "globex-1", "--no-browser", "--values", other)
			s.until(w.p.AuthURL)
			works()
			require.NoError(t, s.command.Process.Signal(signal))
			s.end()
			works()

			w.p.ClientID = "moved" // of a registration that takes the place of the first one
			code, out, err := w.consenting(`(http://127\S+/\S+\?\S+)`, w.allow, w.client(), "connect", "--again", "globex-1", "--values", "-", "--no-browser")
			require.Equal(t, exit.OK, code, "%s\n%s", out, err)
			works()
		})
	}
}

func TestAKilledImportIsDoneAgain(t *testing.T) {
	w := newWorld(t)
	document := filepath.Join(w.home, "definitions", "acme.json")
	args := []string{"import", document, "--force"}
	whole := w.whole(args...)
	for range rounds {
		w.killed(whole, args...)
		assert.Contains(t, w.ok("", "catalog", "show", "acme"), w.p.KeyHeaderURL)
	}
	w.ok("", args...)
	w.key()
}
