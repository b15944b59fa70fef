package renew_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A queue is no fault: a renewal whose turn comes late has not ended late.
func TestTurnAtABusyEndpointMayComeLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g renew.Group
		_, _, get := accounts(t, &g, 8, func() *provider { return &provider{endpoint: "e", most: 1, delay: 25 * time.Second} })
		began := time.Now()
		for _, err := range all(t, get) {
			require.NoError(t, err)
		}
		assert.Equal(t, 200*time.Second, time.Since(began))
	})
}

func TestShutdownDoesNotWaitForTurnsAtAnEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g renew.Group
		_, ps, get := accounts(t, &g, 2, func() *provider { return &provider{endpoint: "e", most: 1, delay: 20 * time.Second} })
		go get[0](context.Background())
		time.Sleep(time.Second)
		failed := make(chan error, 1)
		began := time.Now()
		go func() {
			_, err := get[1](context.Background())
			failed <- err
		}()
		go g.Shutdown(context.Background())
		require.EqualError(t, <-failed, renew.ErrShutdown.Error(), "the place in the queue says nothing")
		assert.Less(t, time.Since(began), time.Second)
		assert.Zero(t, ps[1].count())
		time.Sleep(time.Minute)
	})
}

func TestSlowStoreTakesNoTurnAtAnEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g renew.Group
		p, other := &provider{endpoint: "e", most: 1}, &provider{endpoint: "e", most: 1, free: true}
		store := newStore(nil)
		e := renew.Open[value](&g, store, key, "identity")
		require.NoError(t, e.Set(t.Context(), p, p.grant()))
		store.before = func(op string) error {
			if op == "swap" {
				time.Sleep(10 * time.Second)
			}
			return nil
		}
		go e.Renew(context.Background(), p)
		synctest.Wait()
		require.Equal(t, 1, p.count())
		began := time.Now()
		_, err := renew.New[value](&g, nil, "").Get(t.Context(), other)
		require.NoError(t, err)
		assert.Zero(t, time.Since(began))
		time.Sleep(time.Minute)
	})
}

func TestRenewIsNotHeldBackByAPauseOfTheEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := start(t, &provider{endpoint: "e", most: 1, before: func(n int) error {
			return map[int]error{1: retryAfter(20 * time.Second)}[n]
		}}, newStore(nil))
		require.Error(t, e.Renew(t.Context()))
		require.NoError(t, e.Renew(t.Context()), "now")
		assert.Equal(t, 2, got(t, e))
	})
}

// A caller of the Group who leaves the queue costs no turn.
func TestWhoLeavesTheQueueCostsNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g renew.Group
		const most = 2
		_, _, get := accounts(t, &g, 1+most, func() *provider {
			return &provider{endpoint: "e", most: most, hook: func(context.Context) { time.Sleep(11 * time.Minute) }}
		})
		for _, f := range get[1:] { // occupy all turns for longer than anybody waits
			go f(context.Background())
		}
		time.Sleep(time.Second)
		_, err := get[0](t.Context())
		require.ErrorContains(t, err, "wait for other token requests", "no turn within ten minutes")
		time.Sleep(time.Hour)
		assert.Zero(t, renew.Endpoints(&g), "nothing is left")
	})
}

// Other accounts of the endpoint end their requests, and ask for shorter pauses, while
// the endpoint is paused.
func TestPauseOfAnEndpointLastsAsLongAsTheLongest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g renew.Group
		n := 0
		_, ps, get := accounts(t, &g, 4, func() *provider {
			i := n
			n++
			return &provider{endpoint: "e", most: 16, before: func(int) error {
				switch i {
				case 0:
					time.Sleep(time.Second / 2) // until all requests are under way
					return retryAfter(40 * time.Second)
				case 1:
					time.Sleep(time.Second)
					return retryAfter(5 * time.Second)
				case 2:
					time.Sleep(2 * time.Second)
				}
				return nil
			}}
		})
		go all(t, get[:3])
		time.Sleep(10 * time.Second)
		for ; ps[3].count() == 0; time.Sleep(time.Second) {
			get[3](t.Context())
		}
		assert.InDelta(t, 40, ps[3].requests[0].Sub(ps[0].requests[0]).Seconds(), 1.5)
	})
}

// A pause at a moment in which a request is under way.
func TestPauseForgetsNoRequestUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g renew.Group
		_, _, slow := accounts(t, &g, 1, func() *provider { return &provider{endpoint: "slow", most: 1, delay: 20 * time.Second} })
		_, _, paused := accounts(t, &g, 1, func() *provider {
			return &provider{endpoint: "paused", most: 1, before: func(int) error { return retryAfter(time.Second) }}
		})
		failed := make(chan error, 1)
		go func() {
			_, err := slow[0](context.Background())
			failed <- err
		}()
		time.Sleep(time.Second)
		paused[0](t.Context())
		require.NoError(t, <-failed)
		time.Sleep(time.Minute)
	})
}
