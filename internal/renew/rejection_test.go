package renew_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReplaceOlderGenerationReturnsThePresentOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		e := start(t, p, nil)
		first := present(t, e)
		second, err := e.Replace(t.Context(), first)
		require.NoError(t, err)
		for range 1000 { // late rejections of the first
			g, err := e.Replace(t.Context(), first)
			require.NoError(t, err)
			require.Same(t, second, g)
			e.ReplaceLater(t.Context(), first)
		}
		synctest.Wait()
		assert.Equal(t, 1, p.count())
	})
}

func TestThousandRejectionsMakeOneRenewal(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, delay: time.Second}
		store, _ := open(nil)
		e := start(t, p, store)
		rejected := present(t, e)
		var all sync.WaitGroup
		for i := range 1000 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 3 * time.Millisecond) // some come late
				g, err := e.Replace(t.Context(), rejected)
				if assert.NoError(t, err) {
					assert.Equal(t, 2, g.Value.N)
				}
			})
		}
		all.Wait()
		assert.Equal(t, 1, p.count())
	})
}

func TestRenewDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour, delay: time.Second}
		e := start(t, p, nil)
		began := time.Now()
		e.ReplaceLater(t.Context(), present(t, e))
		assert.Zero(t, time.Since(began))
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Equal(t, 2, got(t, e))
	})
}

func TestGenerationRejectedAgainIsNotRenewedForAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		e := start(t, p, nil)
		g, err := e.Replace(t.Context(), present(t, e))
		require.NoError(t, err)
		e.RejectedAgain(g)
		for range 59 {
			_, err := e.Replace(t.Context(), g)
			require.ErrorIs(t, err, renew.ErrRejectedAgain)
			e.ReplaceLater(t.Context(), g)
			assert.Equal(t, 2, got(t, e), "it is served all the same")
			time.Sleep(time.Second)
		}
		assert.Equal(t, 1, p.count())
		time.Sleep(time.Second)
		g, err = e.Replace(t.Context(), g)
		require.NoError(t, err)
		assert.Equal(t, 3, g.Value.N)
	})
}

func TestGenerationRejectedAgainIsNotRenewedEarlyEither(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		e := start(t, p, nil)
		time.Sleep(56*time.Minute + time.Second)
		e.RejectedAgain(func() *generation { g := present(t, e); synctest.Wait(); return g }()) // its Get renews already
		assert.Equal(t, 1, p.count())
		g := present(t, e)
		time.Sleep(56*time.Minute + time.Second)
		e.RejectedAgain(g)
		assert.Equal(t, 2, got(t, e))
		synctest.Wait()
		assert.Equal(t, 1, p.count())
		time.Sleep(time.Minute)
		assert.Equal(t, 2, got(t, e))
		synctest.Wait()
		assert.Equal(t, 2, p.count())
	})
}

// A caller that cannot replay its request renews for the requests to come. If
// the API rejects each new generation too, one renewal is enough.
func TestRejectionsWithoutReplayCostOneRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		e := start(t, p, nil)
		for range 30 {
			e.ReplaceLater(t.Context(), present(t, e))
			synctest.Wait()
		}
		assert.Equal(t, 1, p.count())
		time.Sleep(time.Minute)
		e.ReplaceLater(t.Context(), present(t, e))
		synctest.Wait()
		assert.Equal(t, 2, p.count(), "after a minute, another renewal is allowed")
	})
}
