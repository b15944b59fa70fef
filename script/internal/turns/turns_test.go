package turns

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"runtime"
)

// work uses a turn for so long, in steps.
func work(ctx context.Context, turn *Turn, long time.Duration) error {
	for turn.Ran() < long {
		time.Sleep(100 * time.Microsecond)
		if err := turn.Yield(ctx); err != nil {
			return err
		}
	}
	turn.Leave()
	return nil
}

func TestNoMoreTurnsRunThanThereAreProcessors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q Queue
		var running, most atomic.Int64
		for i := range 100 {
			go func() {
				turn, err := q.Enter(t.Context(), fmt.Sprint(i%10), false)
				require.NoError(t, err)
				most.Store(max(most.Load(), running.Add(1)))
				time.Sleep(time.Millisecond)
				running.Add(-1)
				turn.Leave()
			}()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.EqualValues(t, runtime.GOMAXPROCS(0), most.Load())
		assert.Empty(t, q.tenants, "the queue forgets")
		assert.Zero(t, q.running+q.begun+len(q.waiting)+len(q.paused))
	})
}

// However many turns others want, a tenant waits for slices and not for turns.
func TestATenantWithLittleToDoIsNext(t *testing.T) {
	for _, hostile := range []int{1, 7, most() - 1} {
		synctest.Test(t, func(t *testing.T) {
			var q Queue
			ctx, stop := context.WithCancel(t.Context())
			var others sync.WaitGroup
			for i := range hostile {
				for range 10 {
					others.Go(func() {
						for ctx.Err() == nil {
							turn, err := q.Enter(ctx, fmt.Sprint(i), false)
							if err == nil {
								work(ctx, turn, 250*time.Millisecond)
							}
						}
					})
				}
			}
			time.Sleep(time.Second)
			for range 100 {
				began := time.Now()
				turn, err := q.Enter(t.Context(), "good", false)
				require.NoError(t, err)
				each := time.Duration(1 + hostile/runtime.GOMAXPROCS(0))
				assert.LessOrEqual(t, time.Since(began), (1+each)*slice, "%d others: a slice of each", hostile)
				require.NoError(t, work(t.Context(), turn, 200*time.Microsecond))
			}
			stop()
			others.Wait()
			assert.Empty(t, q.tenants)
		})
	}
}

// Tenants with endless work get the same time.
func TestTenantsShareEqually(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q Queue
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
		defer stop()
		used := make([]atomic.Int64, 8)
		var all sync.WaitGroup
		for i := range used {
			for range 1 + 5*i {
				all.Go(func() {
					for {
						turn, err := q.Enter(ctx, fmt.Sprint(i), false)
						if err != nil {
							return
						}
						err = work(ctx, turn, 50*time.Millisecond)
						used[i].Add(int64(turn.ran))
						if err != nil {
							return
						}
					}
				})
			}
		}
		all.Wait()
		whole := 10 * time.Second * time.Duration(runtime.GOMAXPROCS(0))
		for i := range used[1:] { // the first tenant has one message at a time
			share := float64(used[i+1].Load()) / float64(whole)
			assert.InDelta(t, 1./8, share, 0.03, "tenant %d", i+1)
		}
	})
}

func TestAWaitingTurnEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q Queue
		var turns []*Turn
		for range runtime.GOMAXPROCS(0) {
			turn, err := q.Enter(t.Context(), "first", false)
			require.NoError(t, err)
			turns = append(turns, turn)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := q.Enter(ctx, "second", false)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = q.Enter(ctx, "second", false)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		for _, turn := range turns {
			turn.Leave()
		}
		assert.Empty(t, q.tenants)
		turn, err := q.Enter(t.Context(), "second", false)
		require.NoError(t, err)
		turn.Leave()
	})
}

// A caller gives a turn back, whether or not the turn ended by itself in Yield.
func TestATurnEndsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q Queue
		var turns []*Turn
		for range runtime.GOMAXPROCS(0) {
			turn, err := q.Enter(t.Context(), "first", false)
			require.NoError(t, err)
			turns = append(turns, turn)
		}
		go func() { // somebody waits, so that Yield pauses
			turn, err := q.Enter(t.Context(), "second", false)
			require.NoError(t, err)
			time.Sleep(time.Second)
			turn.Leave()
		}()
		synctest.Wait()
		time.Sleep(2 * slice)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, turns[0].Yield(ctx), context.Canceled)
		for _, turn := range turns {
			turn.Leave()
			turn.Leave()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Zero(t, q.running, "turns that run")
		assert.Zero(t, q.begun, "turns that have begun")
		assert.Empty(t, q.tenants)
	})
}

// A renewal does not wait for the messages of its tenant, however many there are.
func TestAnUrgentTurnIsBeforeTheOthersOfItsTenant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q Queue
		ctx, stop := context.WithCancel(t.Context())
		var messages sync.WaitGroup
		for range 1000 {
			messages.Go(func() {
				if turn, err := q.Enter(ctx, "one", false); err == nil {
					work(ctx, turn, 250*time.Millisecond)
				}
			})
		}
		synctest.Wait()
		var urgent sync.WaitGroup
		for range 3 {
			urgent.Go(func() {
				began := time.Now()
				turn, err := q.Enter(t.Context(), "one", true)
				require.NoError(t, err)
				assert.Less(t, time.Since(began), time.Second)
				assert.NoError(t, work(t.Context(), turn, time.Millisecond))
			})
			synctest.Wait()
		}
		urgent.Wait()
		stop()
		messages.Wait()
		assert.Empty(t, q.tenants)
	})
}
