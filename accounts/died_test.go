package accounts_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dead is the index of a process that dies before the process writes to the index.
type dead struct{ accounts.Index }

func (dead) Put(context.Context, accounts.Account) (bool, error) {
	return false, errors.New("the process has died")
}

// A process that dies between a renewal and the write to the index makes nobody renew again.
func TestSweepDoesNotRepeatTheRenewalOfADeadProcess(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.define(strings.Replace(document, `"revokeUrl"`, `"keepAlive": "24h", "revokeUrl"`, 1))
		r := w.process()
		a := w.withConsent(r)
		time.Sleep(25 * time.Hour)
		requests := w.p.Stats().TokenRequests
		alive := w.config.Index
		w.config.Index = dead{alive}
		_, err := w.process().Sweep(t.Context(), 10)
		require.NoError(t, err)
		require.Equal(t, requests+1, w.p.Stats().TokenRequests)
		w.config.Index = alive
		time.Sleep(5 * time.Minute) // the claim of the dead process ends
		swept, err := r.Sweep(t.Context(), 10)
		require.NoError(t, err)
		assert.Equal(t, accounts.Swept{Claimed: 1}, swept)
		assert.Equal(t, requests+1, w.p.Stats().TokenRequests)
		b, err := r.Get(t.Context(), a.ID)
		require.NoError(t, err)
		assert.True(t, b.Due.After(time.Now().Add(20*time.Hour)))
		time.Sleep(25 * time.Hour)
		swept, err = r.Sweep(t.Context(), 10)
		require.NoError(t, err)
		assert.Equal(t, accounts.Swept{Claimed: 1, Renewed: 1}, swept)
	})
}

// A request that renewed the token long ago is no reason to leave the token alone.
func TestSweepRenewsWhatARequestHasRenewedLongAgo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.define(strings.Replace(document, `"revokeUrl"`, `"keepAlive": "24h", "revokeUrl"`, 1))
		r := w.process()
		a := w.withConsent(r)
		time.Sleep(2 * time.Hour)
		assert.Equal(t, 200, w.status(r, a.ID)) // renews
		requests := w.p.Stats().TokenRequests
		time.Sleep(23 * time.Hour)
		swept, err := r.Sweep(t.Context(), 10)
		require.NoError(t, err)
		assert.Equal(t, accounts.Swept{Claimed: 1, Renewed: 1}, swept)
		assert.Equal(t, requests+1, w.p.Stats().TokenRequests)
	})
}
