package accounts_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A program may give the ID of an account that is gone to a new account, whose requests have
// the new credential in each process.
func TestIDOfADisconnectedAccountIsUsedAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r, other := w.process(), w.process()
		for _, key := range []connectorauth.Secret{"CANARY-key", "CANARY-another"} {
			q := accounts.Request{ID: "a1", Owner: "o1", Definition: "acme", Values: values{"apiKey": key}}
			accepted := authtest.Answer(200, nil, `{"user": "ada"}`)
			if key != "CANARY-key" {
				w.p.Inject(w.p.KeyHeaderURL, authtest.Always, accepted)
			}
			_, err := r.Connect(t.Context(), q)
			require.NoError(t, err)
			for _, process := range []*accounts.Registry{r, other} {
				require.Equal(t, 200, w.status(process, "a1"))
				requests := w.p.Requests(w.p.KeyHeaderURL)
				assert.Equal(t, string(key), requests[len(requests)-1].Header.Get("X-Api-Key"))
			}
			_, err = r.Disconnect(t.Context(), "a1")
			require.NoError(t, err)
			time.Sleep(time.Millisecond)
		}
	})
}

// A client of the account that had the ID before says nothing of the new account, whether or
// not the process has seen the new account.
func TestClientOfTheAccountBeforeChangesNoStatus(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r, other := w.process(), w.process()
		for _, id := range []string{"seen", "unseen"} {
			connect := func() {
				_, err := other.Connect(t.Context(), accounts.Request{ID: id, Owner: "o1", Definition: "acme", Method: "app", Duplicate: true})
				require.NoError(t, err)
			}
			connect()
			before, err := r.Client(t.Context(), id)
			require.NoError(t, err)
			_, err = other.Disconnect(t.Context(), id)
			require.NoError(t, err)
			time.Sleep(time.Minute)
			connect()
			if id == "seen" {
				_, err = r.Client(t.Context(), id)
				require.NoError(t, err)
			}
			time.Sleep(2 * time.Hour)
			w.fail(w.p.TokenURL, 503)
			_, err = before.Get(w.p.BearerURL)
			require.Error(t, err)
			synctest.Wait()
			a, err := r.Get(t.Context(), id)
			require.NoError(t, err)
			assert.Equal(t, accounts.StatusOK, a.Status, id)
		}
	})
}

// Disconnect forgets the credential in memory too.
func TestDisconnectForgetsTheConnector(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a := w.withKey(r)
		connected, err := r.Connected(t.Context(), a.ID)
		require.NoError(t, err)
		kept := weak.Make(connected)
		_, err = r.Disconnect(t.Context(), a.ID)
		require.NoError(t, err)
		runtime.GC()
		assert.Nil(t, kept.Value())
		_, err = r.Client(t.Context(), a.ID)
		assert.ErrorIs(t, err, accounts.ErrNotFound)
	})
}
