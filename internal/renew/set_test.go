package renew_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSetWakesTheWaitersOfAFlight(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, delay: 20 * time.Second}
		store, inner := open(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		began := time.Now()
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { assert.Equal(t, 5, got(t, e)); assert.Equal(t, time.Second, time.Since(began)) })
		}
		time.Sleep(time.Second)
		require.NoError(t, e.Set(t.Context(), &value{N: 5, Issued: time.Now(), Expiry: time.Now().Add(time.Hour)}))
		all.Wait()
		time.Sleep(time.Minute) // the flight ends, and what it got is nobody's
		assert.Equal(t, 5, got(t, e))
		assert.Equal(t, 5, inner.n(t), "the flight did not overwrite it")
		assert.False(t, inner.isLocked())
	})
}

// Set and the flight's save meet: whichever the store sees last, it is Set's.
func TestSetWinsOverAFlightThatIsSaving(t *testing.T) {
	for _, at := range []time.Duration{0, 500 * time.Millisecond, 1500 * time.Millisecond, 2500 * time.Millisecond, 3500 * time.Millisecond, 6 * time.Second} {
		kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
			p := &provider{life: time.Hour}
			store, inner := open(nil)
			e := start(t, p, store)
			time.Sleep(time.Hour)
			inner.before = func(string) error { time.Sleep(time.Second); return nil }
			go e.Get(t.Context())
			time.Sleep(at)
			require.NoError(t, e.Set(t.Context(), &value{N: 50, Issued: time.Now(), Expiry: time.Now().Add(time.Hour)}))
			assert.Equal(t, 50, got(t, e))
			time.Sleep(time.Minute)
			assert.Equal(t, 50, inner.n(t), at)
			assert.Equal(t, 50, got(t, e))
		})
	}
}

func TestUnsavedSetWinsOverAFlight(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, delay: 5 * time.Second}
		store, inner := open(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		var down atomicBool
		inner.before = failing(&down, "save", "swap")
		down.set(true)
		go e.Get(t.Context())
		synctest.Wait()
		require.Error(t, e.Set(t.Context(), &value{N: 50, Issued: time.Now(), Expiry: time.Now().Add(time.Hour)}))
		time.Sleep(4900 * time.Millisecond)
		down.set(false) // the saver has a long wait before it, and the flight has its value
		time.Sleep(time.Minute)
		assert.Equal(t, 50, inner.n(t))
		assert.Equal(t, 50, got(t, e))
	})
}

func TestSetEndsAFailure(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour}
		store, _ := open(nil)
		e := newEngine(p, store)
		_, err := e.Get(t.Context())
		require.ErrorIs(t, err, errDead)
		require.NoError(t, e.Set(t.Context(), p.grant()))
		assert.Equal(t, 1, got(t, e))
	})
}

func TestSetOfWhatCannotBeStoredChangesNothing(t *testing.T) {
	p := &provider{life: time.Hour}
	store := newStore(nil)
	e := start(t, p, store)
	store.done()
	require.ErrorContains(t, e.Set(t.Context(), &value{N: 9, Damage: "broken"}), "broken")
	assert.Equal(t, 1, got(t, e))
	assert.Empty(t, store.done())
}

func TestConcurrentSetsLeaveStoreAndMemoryAlike(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		store, inner := open(nil)
		e := newEngine(&provider{}, store)
		inner.after = func(string) error { time.Sleep(time.Millisecond); return nil }
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() { assert.NoError(t, e.Set(t.Context(), &value{N: i + 1})) })
		}
		all.Wait()
		assert.Equal(t, got(t, e), inner.n(t))
	})
}

func TestSetWithAFailingStore(t *testing.T) {
	for name, ops := range map[string][]string{"writes": {"save", "swap"}, "everything": nil} {
		t.Run(name, func(t *testing.T) {
			kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
				p := &provider{life: time.Hour}
				store, inner := open(nil)
				e := start(t, p, store)
				var down atomicBool
				inner.before = failing(&down, ops...)
				down.set(true)
				err := e.Set(t.Context(), p.grant())
				require.ErrorContains(t, err, `save "alice/service" to the token store: `)
				require.ErrorContains(t, err, "store down")
				assert.Equal(t, 2, got(t, e), "it is in use all the same")
				assert.Equal(t, []string{renew.SaveFailed}, p.happened())
				assert.Equal(t, 1, inner.n(t))
				time.Sleep(time.Minute)
				down.set(false)
				time.Sleep(time.Minute)
				assert.Equal(t, 2, inner.n(t), "over the value that was there")
				assert.Equal(t, []string{renew.Saved}, p.happened())
				time.Sleep(time.Hour)
				assert.Equal(t, 3, got(t, e))
				assert.Equal(t, []int{2}, p.tried)
			})
		})
	}
}

func TestSetWithAnEndedContextIsSavedInTheBackground(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour}
		store, inner := open(nil)
		e := start(t, p, store)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, e.Set(ctx, p.grant()), context.Canceled)
		assert.Equal(t, 2, got(t, e))
		time.Sleep(time.Second)
		assert.Equal(t, 2, inner.n(t))
	})
}

func TestSetOfAPanickingStoreIsKept(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour}
		store, inner := open(nil)
		e := start(t, p, store)
		var broken atomicBool
		broken.set(true)
		inner.before = func(string) error {
			if broken.get() {
				panic("secret")
			}
			return nil
		}
		err := e.Set(t.Context(), p.grant())
		require.ErrorContains(t, err, "panic of type string in the token store")
		assert.NotContains(t, err.Error(), "secret")
		assert.Equal(t, 2, got(t, e))
		broken.set(false)
		time.Sleep(time.Second)
		assert.Equal(t, 2, inner.n(t))
	})
}

func TestSetThatHappenedAlthoughItsAnswerWasLost(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour}
		store, inner := open(nil)
		e := start(t, p, store)
		inner.after = func(op string) error {
			if !writes(op) {
				return nil
			}
			inner.after = nil
			return errors.New("connection reset")
		}
		require.Error(t, e.Set(t.Context(), p.grant()))
		time.Sleep(time.Second)
		assert.Equal(t, 2, inner.n(t))
		assert.Equal(t, []string{renew.SaveFailed, renew.Saved}, p.happened())
	})
}

func TestSetWhileTheSaverIsActive(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour}
		store, inner := open(nil)
		e := start(t, p, store)
		var down atomicBool
		inner.before = failing(&down, "save", "swap")
		down.set(true)
		time.Sleep(time.Hour)
		assert.Equal(t, 2, got(t, e))
		require.Error(t, e.Set(t.Context(), p.grant()))
		require.Error(t, e.Set(t.Context(), p.grant()))
		assert.False(t, inner.isLocked(), "the first saver has gone")
		down.set(false)
		time.Sleep(time.Minute)
		assert.Equal(t, 4, inner.n(t))
		assert.Equal(t, 4, got(t, e))
		require.NoError(t, e.Set(t.Context(), p.grant()))
		time.Sleep(time.Minute)
		assert.Equal(t, 5, inner.n(t))
	})
}

func TestSetDoesNotWaitForASlowSaver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := &hanging{sharedStore: newStore(nil)}
		e := start(t, p, store)
		store.hang.set(true)
		time.Sleep(time.Hour)
		assert.Equal(t, 2, got(t, e)) // after 15 seconds
		time.Sleep(time.Second)       // the saver hangs again
		store.hang.set(false)         // for others
		began := time.Now()
		require.NoError(t, e.Set(t.Context(), p.grant()))
		assert.Zero(t, time.Since(began))
		assert.Equal(t, 3, store.n(t))
	})
}

func TestSetWinsOverWhatRemainsOfAFailedRequest(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &partial{provider: &provider{life: time.Hour, delay: time.Second}}
		store, inner := open(nil)
		e := newEngine(p, store)
		require.NoError(t, e.Set(t.Context(), p.grant()))
		time.Sleep(time.Hour)
		go func() {
			time.Sleep(time.Second / 2)
			inner.put(&value{N: 9, Issued: time.Now(), Expiry: time.Now().Add(time.Hour)}) // another process
		}()
		assert.Equal(t, 9, got(t, e))
		assert.Equal(t, 9, inner.n(t))
	})
}
