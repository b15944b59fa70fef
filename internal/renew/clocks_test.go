package renew_test

import (
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A process whose clock was a day ahead has left a mark and a value. The API
// rejects the value. The account must be given up after the holder's time, and not
// after a day.
func TestDoubtOfAClockAheadIsSettledAlthoughTheValueLooksFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		v := p.grant()
		v.Issued, v.Expiry = v.Issued.Add(24*time.Hour), v.Issued.Add(24*time.Hour+time.Second)
		store := newStore(nil)
		raw, err := json.Marshal(map[string]any{
			"v": 2, "identity": "the provider", "value": v, "rotates": true, "doubt": map[string]any{"since": time.Now().Add(24 * time.Hour)},
		})
		require.NoError(t, err)
		store.set(raw)
		e := newEngine(p, store)
		for range 60 { // requests, and each is rejected
			var g *generation
			if g, err = e.Get(t.Context()); err == nil {
				_, err = e.Replace(t.Context(), g)
			}
			if errors.Is(err, errDead) {
				break
			}
			time.Sleep(time.Second)
		}
		require.ErrorIs(t, err, errDead)
		assert.Empty(t, p.tried)
	})
}

// A holder is stopped in its token request for longer than the holder's time, so
// another process gives the account up. Then the response arrives. The token must
// not be thrown away.
func TestResponseAfterTheAccountWasGivenUpIsSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := newStore(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		require.Equal(t, 2, got(t, e)) // so it rotates
		time.Sleep(time.Hour)
		p.delay = time.Minute // the process is stopped
		renewed := make(chan int)
		go func() {
			g, err := e.Get(t.Context())
			assert.NoError(t, err)
			renewed <- g.Value.N
		}()
		time.Sleep(12 * time.Second)
		<-store.locked // the lease has ended
		other := newEngine(p, store)
		time.Sleep(30 * time.Second)
		_, err := other.Get(t.Context())
		require.ErrorIs(t, err, errDead)
		store.locked <- struct{}{} // for Unlock of the stopped holder
		assert.Equal(t, 3, <-renewed)
		synctest.Wait()
		assert.Equal(t, 3, store.n(t), "the new value is saved")
		assert.Equal(t, 3, got(t, newEngine(p, store)), "nobody needs the account owner")
	})
}

// A process whose clock was a day ahead has recorded a pause of a minute.
func TestPauseOfAClockAheadDoesNotLastADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		v := p.grant()
		store := newStore(nil)
		raw, err := json.Marshal(map[string]any{
			"v": 2, "identity": "the provider", "value": v, "code": "invalid_client", "attempts": 1, "pause": 60,
			"not_before": time.Now().Add(25 * time.Hour).Add(time.Minute),
		})
		require.NoError(t, err)
		store.set(raw)
		time.Sleep(time.Hour)
		e := newEngine(p, store)
		_, err = e.Get(t.Context())
		require.Error(t, err)
		time.Sleep(3 * time.Minute)
		assert.Equal(t, 2, got(t, e))
	})
}
