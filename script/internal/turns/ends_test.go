package turns

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A turn that has begun, and waits for its next slice, ends with its context. The
// processor is free for others.
func TestAPausedTurnEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q Queue
		stop, end := context.WithCancel(t.Context())
		for i := range 3 * runtime.GOMAXPROCS(0) {
			go func() {
				turn, err := q.Enter(stop, fmt.Sprint(i), false)
				if err != nil {
					return
				}
				for stop.Err() == nil {
					time.Sleep(100 * time.Microsecond)
					if turn.Yield(stop) != nil {
						return
					}
				}
				turn.Leave()
			}()
		}
		time.Sleep(100 * time.Millisecond)
		end()
		time.Sleep(time.Second) // those that run see the end at their next step
		synctest.Wait()
		assert.Empty(t, q.tenants)
		assert.Zero(t, q.running+q.begun+len(q.waiting)+len(q.paused))
		for i := range runtime.GOMAXPROCS(0) {
			turn, err := q.Enter(t.Context(), fmt.Sprint(i), false)
			require.NoError(t, err)
			defer turn.Leave()
		}
	})
}

// A turn that comes together with the end of its context takes nothing from its
// tenant.
func TestATurnThatComesTooLateTakesNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 100 {
			var q Queue
			turn, err := q.Enter(t.Context(), "first", false)
			require.NoError(t, err)
			late := &Turn{queue: &q, tenant: turn.tenant, start: make(chan struct{}, 1)}
			q.running, q.begun, turn.tenant.begun = q.running+1, q.begun+1, turn.tenant.begun+1
			late.start <- struct{}{}
			ended, end := context.WithCancel(t.Context())
			end()
			if late.wait(ended) == nil {
				late.Leave()
			}
			assert.Less(t, turn.tenant.used, time.Hour)
			turn.Leave()
			assert.Empty(t, q.tenants)
			assert.Zero(t, q.running+q.begun)
		}
	})
}

// Each turn that has begun has a machine with its memory: there are never many.
func TestFewTurnsHaveBegun(t *testing.T) {
	for _, test := range []struct{ tenants, limit int }{{100, most() * 2}, {5, most() + 5}, {1, perTenant()}} {
		synctest.Test(t, func(t *testing.T) {
			var q Queue
			var highest int
			for i := range 5 * most() {
				go func() {
					turn, err := q.Enter(t.Context(), fmt.Sprint(i%test.tenants), false)
					require.NoError(t, err)
					for turn.Ran() < 5*time.Millisecond {
						time.Sleep(100 * time.Microsecond)
						q.mu.Lock()
						highest = max(highest, q.begun)
						q.mu.Unlock()
						require.NoError(t, turn.Yield(t.Context()))
					}
					turn.Leave()
				}()
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			assert.LessOrEqual(t, highest, test.limit, "%d tenants", test.tenants)
			assert.GreaterOrEqual(t, highest, min(test.tenants*perTenant(), most()), "%d tenants", test.tenants)
			assert.Empty(t, q.tenants)
		})
	}
}

// What counts is the time of a tenant, not the number of its turns.
func TestATenantWithOneTurnGetsItsShare(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	synctest.Test(t, func(t *testing.T) {
		var q Queue
		stop, end := context.WithTimeout(t.Context(), 10*time.Second)
		defer end()
		var used [3]atomic.Int64
		for i, turns := range []int{10, 10, 1} {
			for range turns {
				go func() {
					for {
						turn, err := q.Enter(stop, fmt.Sprint(i), false)
						if err != nil {
							return
						}
						err = work(stop, turn, 20*time.Millisecond)
						used[i].Add(int64(turn.ran))
						if err != nil {
							return
						}
					}
				}()
			}
		}
		time.Sleep(11 * time.Second)
		synctest.Wait()
		assert.InDelta(t, 2./3, float64(used[2].Load())/float64(10*time.Second), 0.05)
	})
}

// A tenant is one tenant as long as one of its turns lasts.
func TestATenantLastsAsLongAsItsTurns(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	var q Queue
	first, err := q.Enter(t.Context(), "t", false)
	require.NoError(t, err)
	second, err := q.Enter(t.Context(), "t", false)
	require.NoError(t, err)
	second.Leave()
	third, err := q.Enter(t.Context(), "t", false)
	require.NoError(t, err)
	assert.Same(t, first.tenant, third.tenant)
	first.Leave()
	third.Leave()
	assert.Empty(t, q.tenants)
}
