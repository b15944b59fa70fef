package accounts_test

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// audited lets the processes of w tell what is done, and returns a function that returns what
// was told since the last call: actor, action and outcome.
func (w *world) audited() func() []string {
	var mu sync.Mutex
	var entries []accounts.Entry
	var count uint64
	w.config.Audit = func(e accounts.Entry) {
		mu.Lock()
		defer mu.Unlock()
		entries = append(entries, e)
	}
	return func() (list []string) {
		w.Helper()
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		for _, e := range entries {
			count++
			assert.Equal(w, count, e.Sequence)
			assert.Equal(w, time.Now().UTC(), e.Time)
			assert.Equal(w, "acme", e.Definition)
			assert.Equal(w, "o1", e.Owner)
			assert.NotEmpty(w, e.Account)
			assert.Equal(w, e.Outcome == accounts.OutcomeFailed || e.Action == accounts.ActionReauthRequired, e.Error != "", e)
			text, err := json.Marshal(e)
			require.NoError(w, err)
			assert.NotContains(w, string(text), "CANARY")
			list = append(list, strings.TrimSpace(e.Actor+" "+string(e.Action)+" "+string(e.Outcome)))
		}
		entries = nil
		return list
	}
}

func TestAuditTellsWhoHasDoneWhat(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		told := w.audited()
		program := w.process()
		ada, eve := program.As("ada"), program.As("eve")
		key := accounts.Request{Owner: "o1", Definition: "acme", Values: values{"apiKey": "CANARY-wrong"}}
		_, err := ada.Connect(t.Context(), key)
		require.Error(t, err)
		assert.Equal(t, []string{"ada connect failed"}, told())
		a := w.withKey(ada)
		assert.Equal(t, []string{"ada connect ok"}, told())
		_, err = program.Test(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, []string{"test ok"}, told())

		w.fail(w.p.KeyHeaderURL, 401)
		_, err = eve.Test(t.Context(), a.ID)
		require.Error(t, err)
		assert.Equal(t, []string{"reauth_required ok", "eve test failed"}, told())
		w.fail(w.p.KeyHeaderURL, 401)
		_, err = eve.Test(t.Context(), a.ID)
		require.Error(t, err)
		assert.Equal(t, []string{"eve test failed"}, told(), "the account needed its owner before")

		_, err = eve.Reconnect(t.Context(), a.ID, key)
		require.Error(t, err)
		_, err = eve.Reconnect(t.Context(), a.ID, accounts.Request{Method: "oauth"})
		require.NoError(t, err)
		assert.Equal(t, []string{"eve reconnect failed", "eve reconnect consent"}, told())
		w.fail(w.p.TokenURL, 400)
		require.Error(t, w.consent(ada, a.ID))
		require.NoError(t, w.consent(ada, a.ID))
		assert.Equal(t, []string{"ada reconnect failed", "ada reconnect ok"}, told())

		w.p.RevokeGrants()
		time.Sleep(2 * time.Hour)
		w.request(eve, a.ID, w.p.BearerURL)()
		assert.Equal(t, []string{"reauth_required ok"}, told(), "nobody has made the grant end")

		w.fail(w.p.RevokeURL, 503)
		w.fail(w.p.RevokeURL, 503)
		_, err = ada.Disconnect(t.Context(), a.ID)
		require.Error(t, err)
		assert.Equal(t, []string{"ada disconnect failed"}, told())
		time.Sleep(time.Hour)
		_, err = program.Sweep(t.Context(), 10)
		require.NoError(t, err)
		_, err = ada.Disconnect(t.Context(), a.ID) // which is gone
		require.NoError(t, err)
		assert.Equal(t, []string{"disconnect ok"}, told())
	})
}

func TestAuditTellsOfConsentsAndImports(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		told := w.audited()
		ada := w.process().As("ada")
		w.withConsent(ada)
		assert.Equal(t, []string{"ada connect consent", "ada connect ok"}, told())

		// The process that has the token does not live to the test.
		b, err := ada.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Method: "oauth", Duplicate: true})
		require.NoError(t, err)
		w.fail(w.p.BearerURL, 503)
		require.Error(t, w.consent(ada, b.ID))
		assert.Equal(t, []string{"ada connect consent", "ada connect failed"}, told())
		_, err = ada.As("").Test(t.Context(), b.ID)
		require.NoError(t, err)
		assert.Equal(t, []string{"connect ok", "test ok"}, told())
	})
	inWorld(t, func(t *testing.T, w *world) {
		told := w.audited()
		r := w.process().As("mover")
		rows := []accounts.Row{
			{Request: accounts.Request{ID: "a", Owner: "o1", Definition: "acme", Values: values{"apiKey": "CANARY-key"}}},
			{Request: accounts.Request{ID: "b", Owner: "o1", Definition: "acme"}},
		}
		for range 2 {
			for range r.Import(t.Context(), slices.Values(rows)) {
			}
		}
		assert.Equal(t, []string{"mover import ok", "mover import failed", "mover import failed"}, told(), "a row that is there is nothing new")
	})
}
