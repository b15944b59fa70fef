package accounts_test

import (
	"context"
	"testing"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A request of another process finds that the account fails, and writes the status, while
// Reconnect reads what the account owner has given. The status supersedes nothing.
func TestAStatusThatIsWrittenMeanwhileDoesNotEndAReconnect(t *testing.T) {
	for name, test := range map[string]struct {
		method string
		status accounts.Status
	}{
		"a new consent": {"oauth", accounts.StatusReauthRequired},
		"the same key":  {"", accounts.StatusFailing},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				a := w.withKey(w.process())
				meanwhile := func() {
					now, _, err := w.index.Get(t.Context(), a.ID)
					require.NoError(t, err)
					now.Status = test.status
					stored, err := w.index.Put(t.Context(), now)
					require.NoError(t, err)
					require.True(t, stored)
				}
				connection := w.config.Connection
				w.config.Connection = func(ctx context.Context, a accounts.Account) (definition.Connection, error) {
					if meanwhile != nil {
						meanwhile()
						meanwhile = nil
					}
					return connection(ctx, a)
				}
				r := w.process()
				a, err := r.Reconnect(t.Context(), a.ID, accounts.Request{Method: test.method})
				require.NoError(t, err)
				if test.method != "" {
					assert.Equal(t, test.status, a.Status, "the status of the credential in use is lost")
					require.NoError(t, w.consent(r, a.ID))
				}
				a, err = r.Get(t.Context(), a.ID)
				require.NoError(t, err)
				assert.Equal(t, accounts.StatusOK, a.Status)
				assert.Zero(t, a.Pending)
				assert.Equal(t, 200, w.status(r, a.ID))
			})
		})
	}
}

// What another process does to the generations of the account meanwhile supersedes the Reconnect,
// which must not take the number of another generation.
func TestAnAccountThatChangesMeanwhileEndsAReconnect(t *testing.T) {
	for name, change := range map[string]func(a *accounts.Account){
		"disconnected":                 func(a *accounts.Account) { a.Status = accounts.StatusDisconnected },
		"a new consent":                func(a *accounts.Account) { a.Pending, a.Last = a.Last+1, a.Last+1 },
		"a new consent, taken back":    func(a *accounts.Account) { a.Last++ },
		"another consent took over":    func(a *accounts.Account) { a.Pending = a.Last },
		"another generation in use":    func(a *accounts.Account) { a.Current++ },
		"another account with this ID": func(a *accounts.Account) { a.First++ },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				a := w.withKey(w.process())
				var changed accounts.Account
				connection := w.config.Connection
				w.config.Connection = func(ctx context.Context, a accounts.Account) (definition.Connection, error) {
					if changed.ID == "" {
						now, _, err := w.index.Get(t.Context(), a.ID)
						require.NoError(t, err)
						change(&now)
						stored, err := w.index.Put(t.Context(), now)
						require.NoError(t, err)
						require.True(t, stored)
						changed, _, err = w.index.Get(t.Context(), a.ID)
						require.NoError(t, err)
					}
					return connection(ctx, a)
				}
				_, err := w.process().Reconnect(t.Context(), a.ID, accounts.Request{Method: "oauth"})
				require.ErrorIs(t, err, accounts.ErrSuperseded)
				now, _, err := w.index.Get(t.Context(), a.ID)
				require.NoError(t, err)
				assert.Equal(t, changed, now)
			})
		})
	}
}
