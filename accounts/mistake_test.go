package accounts_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A process that lacks the registration or the definition of an account, as a process of the
// former version does, says nothing about the account: other processes go on.
func TestMistakeOfAProcessIsNoFaultOfAnAccount(t *testing.T) {
	for name, spoil := range map[string]func(w *world){
		"no registration": func(w *world) { w.config.Connection = nil },
		"no definition":   func(w *world) { w.set = must(definition.NewSet()) },
		"former revision": func(w *world) { w.define(strings.Replace(document, `"was"`, `"revision": 1, "was"`, 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				alive := strings.Replace(document, `"revokeUrl"`, `"keepAlive": "24h", "revokeUrl"`, 1)
				w.define(strings.Replace(alive, `"was"`, `"revision": 2, "was"`, 1))
				healthy, set, connection := w.process(), w.set, w.config.Connection
				var log bytes.Buffer
				a, b := w.withConsent(healthy), w.withConsent(healthy)
				spoil(w)
				w.config.Logger = slog.New(slog.NewTextHandler(&log, nil))
				r := w.process()
				time.Sleep(24 * time.Hour)
				swept, err := r.Sweep(t.Context(), 10)
				require.NoError(t, err)
				assert.Equal(t, accounts.Swept{Claimed: 2, Later: 2}, swept)
				for _, id := range []string{a.ID, b.ID} {
					now, err := r.Get(t.Context(), id)
					require.NoError(t, err)
					assert.Equal(t, accounts.StatusOK, now.Status, now.Error)
				}
				assert.Equal(t, 1, strings.Count(log.String(), "level=ERROR"), "an error for each account, or none: %s", &log)
				assert.Contains(t, log.String(), "definition=acme")

				w.set, w.config.Connection = set, connection
				time.Sleep(11 * time.Minute)
				swept, err = healthy.Sweep(t.Context(), 10)
				require.NoError(t, err)
				assert.Equal(t, accounts.Swept{Claimed: 2, Renewed: 2}, swept)
			})
		})
	}
}

// An account that has waited for a consent for too long is removed, also by a process that does
// not know the definition any more.
func TestConnectingAccountOfAGoneDefinitionIsRemoved(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a, err := r.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Method: "oauth"})
		require.NoError(t, err)
		w.set = must(definition.NewSet())
		time.Sleep(8 * 24 * time.Hour)
		swept, err := r.Sweep(t.Context(), 10)
		require.NoError(t, err)
		assert.Equal(t, accounts.Swept{Claimed: 1, Removed: 1}, swept)
		_, err = r.Get(t.Context(), a.ID)
		require.ErrorIs(t, err, accounts.ErrNotFound)
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
