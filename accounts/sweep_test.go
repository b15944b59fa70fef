package accounts_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Refresh tokens that die after 15 hours without a use live on, with a token request
// for each half of that time.
func TestSweepKeepsIdleAccountsAlive(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.define(strings.Replace(document, `"revokeUrl"`, `"refreshIdle": "15h", "revokeUrl"`, 1))
		processes := []*accounts.Registry{w.process(), w.process(), w.process()}
		const many, days = 6, 10
		var ids []string
		for range many {
			ids = append(ids, w.withConsent(processes[0]).ID)
		}
		consents, renewed := w.p.Stats().TokenRequests, 0
		for range days * 24 {
			time.Sleep(time.Hour)
			var mu sync.Mutex
			var wg sync.WaitGroup
			for _, r := range processes {
				wg.Go(func() {
					swept, err := r.Sweep(t.Context(), 10)
					mu.Lock()
					defer mu.Unlock()
					assert.NoError(t, err)
					assert.Zero(t, swept.Failed+swept.Removed)
					renewed += swept.Renewed
				})
			}
			wg.Wait()
			for _, id := range ids {
				a, err := processes[0].Get(t.Context(), id)
				require.NoError(t, err)
				require.True(t, a.ReauthBy.After(time.Now()), "an account has died")
			}
		}
		assert.Equal(t, consents+renewed, w.p.Stats().TokenRequests)
		assert.Zero(t, w.p.Stats().ReuseDetected)
		assert.InDelta(t, days*24/7.5*many, renewed, days*24/7.5*many/4)
		for _, id := range ids {
			assert.Equal(t, 200, w.status(processes[1], id))
		}
	})
}

func TestSweepLeavesAccountsAloneThatAreUsed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.define(strings.Replace(document, `"revokeUrl"`, `"refreshIdle": "15h", "revokeUrl"`, 1))
		r := w.process()
		a := w.withConsent(r)
		time.Sleep(6 * time.Hour)
		require.Equal(t, 200, w.status(w.process(), a.ID)) // renews
		requests := w.p.Stats().TokenRequests
		time.Sleep(2 * time.Hour)
		swept, err := r.Sweep(t.Context(), 10)
		require.NoError(t, err)
		assert.Equal(t, accounts.Swept{Claimed: 1}, swept)
		assert.Equal(t, requests, w.p.Stats().TokenRequests)
		b, err := r.Get(t.Context(), a.ID)
		require.NoError(t, err)
		assert.True(t, b.ReauthBy.After(a.ReauthBy))
		assert.True(t, b.Due.After(time.Now()))
	})
}

func TestSweepSaysWhatIsWrong(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.define(strings.Replace(document, `"revokeUrl"`, `"keepAlive": "24h", "revokeUrl"`, 1))
		r := w.process()
		a := w.withConsent(r)
		sweep := func(want accounts.Swept) accounts.Account {
			t.Helper()
			swept, err := r.Sweep(t.Context(), 10)
			require.NoError(t, err)
			assert.Equal(t, want, swept)
			a, err := r.Get(t.Context(), a.ID)
			require.NoError(t, err)
			return a
		}
		sweep(accounts.Swept{})
		time.Sleep(24 * time.Hour)
		w.fail(w.p.TokenURL, 503)
		assert.Equal(t, accounts.StatusFailing, sweep(accounts.Swept{Claimed: 1, Failed: 1}).Status)
		time.Sleep(time.Hour)
		assert.Equal(t, accounts.StatusOK, sweep(accounts.Swept{Claimed: 1, Renewed: 1}).Status)
		time.Sleep(24 * time.Hour)
		w.p.RevokeGrants()
		assert.Equal(t, accounts.StatusReauthRequired, sweep(accounts.Swept{Claimed: 1, Failed: 1}).Status)
		requests := w.p.Stats().TokenRequests
		time.Sleep(1000 * time.Hour)
		sweep(accounts.Swept{})
		assert.Equal(t, requests, w.p.Stats().TokenRequests, "a dead account costs token requests")
	})
}

func TestSweepEndsWhatHasNotEnded(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a := w.withConsent(r)
		w.fail(w.p.RevokeURL, 503)
		w.fail(w.p.RevokeURL, 503)
		_, err := r.Disconnect(t.Context(), a.ID)
		require.Error(t, err)
		abandoned := accounts.Request{Owner: "o1", Definition: "acme", Method: "oauth"}
		_, err = r.Connect(t.Context(), abandoned)
		require.NoError(t, err)
		late, err := r.Connect(t.Context(), abandoned) // consented, and not tested
		require.NoError(t, err)
		w.fail(w.p.BearerURL, 503)
		require.Error(t, w.consent(r, late.ID))

		time.Sleep(time.Hour)
		swept, err := w.process().Sweep(t.Context(), 10)
		require.NoError(t, err)
		assert.Equal(t, accounts.Swept{Claimed: 1, Removed: 1}, swept)
		time.Sleep(23 * time.Hour)
		swept, err = w.process().Sweep(t.Context(), 10)
		require.NoError(t, err)
		assert.Equal(t, accounts.Swept{Claimed: 2, Removed: 1}, swept)
		page, err := r.List(t.Context(), accounts.Filter{}, "", 10)
		require.NoError(t, err)
		require.Len(t, page, 1)
		assert.Equal(t, late.ID, page[0].ID)
		assert.Equal(t, accounts.StatusOK, page[0].Status)
	})
}

// A password that was refused for a while: once the account works again, Sweep takes care again.
func TestTestBringsAnAccountBackToTheSweep(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.define(strings.Replace(document, `"type": "Session"`, `"keepAlive": "24h", "type": "Session"`, 1))
		r := w.process()
		a, err := r.Connect(t.Context(), accounts.Request{
			Owner: "o1", Definition: "acme", Method: "login",
			Values: values{"username": connectorauth.Secret(w.p.Username), "password": connectorauth.Secret(w.p.Password)},
		})
		require.NoError(t, err)
		require.NotZero(t, a.Due)
		time.Sleep(24 * time.Hour)
		w.fail(w.p.LoginJSONURL, 401)
		swept, err := r.Sweep(t.Context(), 10)
		require.NoError(t, err)
		require.Equal(t, accounts.Swept{Claimed: 1, Failed: 1}, swept)
		a, err = r.Get(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, accounts.StatusReauthRequired, a.Status)
		assert.Zero(t, a.Due)
		time.Sleep(3 * time.Hour)
		a, err = r.Test(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, accounts.StatusOK, a.Status)
		assert.NotZero(t, a.Due)
	})
}

// A provider may ask for a pause of days. The account is due again within about an hour.
func TestSweepPausesNoLongerThanAnHour(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.define(strings.Replace(document, `"revokeUrl"`, `"keepAlive": "24h", "revokeUrl"`, 1))
		r := w.process()
		a := w.withConsent(r)
		time.Sleep(24 * time.Hour)
		w.p.Inject(w.p.TokenURL, 1, authtest.Answer(http.StatusTooManyRequests, http.Header{"Retry-After": {"360000"}}, ""))
		swept, err := r.Sweep(t.Context(), 10)
		require.NoError(t, err)
		assert.Equal(t, accounts.Swept{Claimed: 1, Later: 1}, swept)
		b, err := r.Get(t.Context(), a.ID)
		require.NoError(t, err)
		assert.True(t, b.Due.After(time.Now().Add(50*time.Minute)), b.Due)
		assert.True(t, b.Due.Before(time.Now().Add(62*time.Minute)), b.Due)
	})
}
