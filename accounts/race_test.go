package accounts_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Test of one process puts a token to use while Finish of another process still tests the token.
func TestTestAndFinishCompleteOneConsent(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r, other := w.process(), w.process()
		a, err := r.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Method: "oauth"})
		require.NoError(t, err)
		w.p.Inject(w.p.BearerURL, 1, authtest.Delay(time.Second))
		var wg sync.WaitGroup
		wg.Go(func() { assert.NoError(t, w.consent(r, a.ID)) })
		synctest.Wait()
		_, err = other.Test(t.Context(), a.ID)
		require.NoError(t, err)
		wg.Wait()
		assert.Equal(t, 200, w.status(w.process(), a.ID))
		a, err = r.Get(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, accounts.StatusOK, a.Status)
	})
}

func TestOneOfManyReconnectsWins(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a := w.withKey(r)
		w.p.Inject(w.p.KeyHeaderURL, 20, authtest.Delay(time.Second))
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				_, err := w.process().Reconnect(t.Context(), a.ID, accounts.Request{})
				if err != nil {
					assert.ErrorIs(t, err, accounts.ErrSuperseded)
				}
			})
		}
		wg.Wait()
		a, err := r.Get(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Zero(t, a.Pending)
		assert.Greater(t, a.Current, 1, "no reconnect has won")
		assert.Equal(t, 200, w.status(r, a.ID))
		for number := range a.Last {
			values, token := w.stored(fmt.Sprintf("%s/%d", a.ID, number+1))
			assert.Equal(t, number+1 == a.Current, values, "generation %d", number+1)
			assert.False(t, token)
		}
	})
}
