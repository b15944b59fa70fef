package renew_test

import (
	"bytes"
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

func TestOrderLockReadRenewSaveUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := newStore(nil)
		e := start(t, p, store)
		p.hook = func(context.Context) { store.do(context.Background(), "request", func() {}) }
		store.done()
		time.Sleep(time.Hour)
		assert.Equal(t, 2, got(t, e))
		synctest.Wait()
		assert.Equal(t, []string{"load", "lock", "load", "mark", "request", "swap", "unlock"}, store.done())
		assert.Equal(t, 2, store.n(t), "saved before it was used")
		assert.Equal(t, []string{renew.Renewed, renew.Saved}, p.happened())
	})
}

func TestSaveIsAwaitedBeforeUse(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour}
		store, inner := open(nil)
		e := start(t, p, store)
		inner.before = func(op string) error {
			if writes(op) {
				time.Sleep(3 * time.Second)
			}
			return nil
		}
		time.Sleep(time.Hour)
		began := time.Now()
		assert.Equal(t, 2, got(t, e))
		assert.Equal(t, 3*time.Second, time.Since(began))
	})
}

// The request took all of the flight's time.
func TestSaveHasItsOwnTime(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, hook: func(context.Context) { time.Sleep(2 * time.Minute) }}
		store, inner := open(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		_, err := e.Get(t.Context())
		require.ErrorIs(t, err, renew.ErrStuck)
		time.Sleep(time.Minute)
		assert.Equal(t, 2, got(t, e))
		assert.Equal(t, 2, inner.n(t))
		assert.Equal(t, []string{renew.Renewed, renew.Saved}, p.happened())
	})
}

func TestAdoptedBeforeTheLock(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour}
		store, inner := open(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		inner.put(p.grant())
		inner.done()
		assert.Equal(t, 2, got(t, e))
		assert.Equal(t, []string{"load"}, inner.done())
		assert.Equal(t, []string{renew.Adopted}, p.happened())
		assert.Zero(t, p.count())
	})
}

func TestAdoptedAfterTheLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := newStore(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		lease, err := store.Lock(t.Context(), key)
		require.NoError(t, err)
		go func() {
			time.Sleep(3 * time.Second)
			store.put(p.grant())
			lease.Unlock()
		}()
		began := time.Now()
		assert.Equal(t, 2, got(t, e))
		assert.Equal(t, 3*time.Second, time.Since(began))
		assert.Zero(t, p.count())
		assert.False(t, store.isLocked())
	})
}

func TestFirstValueComesFromTheStore(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour}
		store, _ := open(p.grant())
		e := newEngine(p, store)
		assert.Equal(t, 1, got(t, e))
		assert.Zero(t, p.count())
	})
}

func TestLostSwapAdoptsTheStoredValue(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, delay: time.Second}
		store, inner := open(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		go func() {
			time.Sleep(500 * time.Millisecond)
			inner.put(&value{N: 9, Issued: time.Now(), Expiry: time.Now().Add(time.Hour)})
		}()
		assert.Equal(t, 9, got(t, e))
		assert.Equal(t, 9, inner.n(t))
		assert.Equal(t, []string{renew.Renewed, renew.Adopted}, p.happened())
	})
}

func TestSaveFailsForAWhile(t *testing.T) {
	for name, lasts := range map[string]time.Duration{"once": 100 * time.Millisecond, "for a minute": time.Minute} {
		for _, panics := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
					p := &provider{life: time.Hour}
					store, inner := open(nil)
					e := start(t, p, store)
					time.Sleep(time.Hour)
					back := time.Now().Add(lasts)
					inner.before = func(op string) error {
						if !writes(op) || time.Until(back) <= 0 {
							return nil
						}
						if panics {
							panic("store")
						}
						return errors.New("store down")
					}
					var all sync.WaitGroup
					for range 100 {
						all.Go(func() { assert.Equal(t, 2, got(t, e), "waiters are served") })
					}
					all.Wait()
					assert.Equal(t, []string{renew.Renewed, renew.SaveFailed}, p.happened())
					assert.Equal(t, 1, inner.n(t))
					assert.Equal(t, store == inner, inner.isLocked(), "nobody may renew the predecessor")
					assert.Equal(t, 2, got(t, e))

					time.Sleep(lasts + 40*time.Second)
					assert.Equal(t, 2, inner.n(t))
					assert.False(t, inner.isLocked())
					assert.Equal(t, []string{renew.Saved}, p.happened())
					assert.Equal(t, 1, p.count())

					time.Sleep(time.Hour)
					assert.Equal(t, 3, got(t, e))
					assert.Equal(t, 3, inner.n(t))
					assert.Zero(t, p.reused)
				})
			})
		}
	}
}

func TestRenewalOfAnUnsavedValueSavesItFirst(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: 5 * time.Second}
		store, inner := open(nil)
		e := start(t, p, store)
		var down atomicBool
		inner.before = func(op string) error {
			if writes(op) {
				return failing(&down)(op)
			}
			return nil
		}
		down.set(true)
		time.Sleep(5 * time.Second)
		assert.Equal(t, 2, got(t, e))
		time.Sleep(8 * time.Second)
		_, err := e.Get(t.Context())
		require.ErrorContains(t, err, `save "alice/service" to the token store: store down`)
		assert.Equal(t, []int{1}, p.tried, "neither the spent value nor the kept one is sent meanwhile")
		down.set(false)
		assert.Equal(t, 3, got(t, e), "at once")
		assert.Equal(t, []int{1, 2}, p.tried)
		assert.Zero(t, p.reused)
		assert.Equal(t, 3, inner.n(t))
		assert.False(t, inner.isLocked())
	})
}

// The store was out of order for longer than the saver's patience.
func TestUnsavedValueIsKeptBeyondTheSaversPatience(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour}
		store, inner := open(nil)
		e := start(t, p, store)
		var down atomicBool
		inner.before = failing(&down, "save", "swap")
		down.set(true)
		time.Sleep(time.Hour)
		assert.Equal(t, 2, got(t, e))
		time.Sleep(11 * time.Minute)
		assert.False(t, inner.isLocked())
		time.Sleep(time.Hour)
		_, err := e.Get(t.Context())
		require.ErrorContains(t, err, "store down")
		down.set(false)
		assert.Equal(t, 3, got(t, e))
		assert.Equal(t, []int{1, 2}, p.tried)
		assert.Equal(t, 3, inner.n(t))
	})
}

func TestValueThatCannotBeEncodedIsKept(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &unencodable{provider: &provider{life: time.Hour}}
		store, inner := open(nil)
		e := newEngine(p, store)
		require.NoError(t, e.Set(t.Context(), p.grant()))
		p.happened()
		time.Sleep(30 * time.Minute)
		p.broken = true
		g, err := e.Replace(t.Context(), present(t, e))
		require.NoError(t, err)
		assert.Equal(t, 2, g.Value.N)
		assert.Equal(t, []string{renew.Renewed, renew.SaveFailed}, p.happened())
		p.broken = false
		g, err = e.Replace(t.Context(), g) // the store's is good by the clock, and spent
		require.NoError(t, err)
		assert.Equal(t, 3, g.Value.N)
		assert.Equal(t, 3, inner.n(t))
		assert.Zero(t, p.reused)
	})
}

type unencodable struct {
	*provider
	broken bool
}

func (u *unencodable) Encode(v *value) ([]byte, error) {
	if u.broken {
		return nil, errors.New("cannot be encoded")
	}
	return u.provider.Encode(v)
}

func TestSaveThatHappenedAlthoughItsAnswerWasLost(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour}
		store, inner := open(nil)
		e := start(t, p, store)
		lost := 0
		inner.after = func(op string) error {
			if writes(op) && lost == 0 {
				lost++
				return errors.New("connection reset")
			}
			return nil
		}
		time.Sleep(time.Hour)
		assert.Equal(t, 2, got(t, e))
		time.Sleep(time.Second)
		assert.Equal(t, []string{renew.Renewed, renew.SaveFailed, renew.Saved}, p.happened())
		assert.Equal(t, 2, inner.n(t))
		assert.False(t, inner.isLocked())
	})
}

func TestSaverGivesWayToWhoeverChangedTheStoredValue(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour}
		store, inner := open(nil)
		e := start(t, p, store)
		var down atomicBool
		inner.before = failing(&down, "save", "swap")
		down.set(true)
		time.Sleep(time.Hour)
		assert.Equal(t, 2, got(t, e))
		inner.put(&value{N: 9, Issued: time.Now(), Expiry: time.Now().Add(2 * time.Hour)}) // another process's Set
		down.set(false)
		time.Sleep(time.Minute)
		assert.Equal(t, 9, inner.n(t))
		assert.Equal(t, []string{renew.Renewed, renew.SaveFailed, renew.SaveFailed}, p.happened())
		time.Sleep(time.Hour)
		assert.Equal(t, 9, got(t, e))
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

// hanging is a store whose swaps, except of marks, hang until their context ends.
type hanging struct {
	*sharedStore
	hang atomicBool
}

func (h *hanging) CompareAndSwap(ctx context.Context, k string, old, new []byte) (bool, error) {
	if h.hang.get() && !bytes.Contains(new, []byte(`"doubt":`)) {
		<-ctx.Done()
		return false, ctx.Err()
	}
	return h.sharedStore.CompareAndSwap(ctx, k, old, new)
}

func TestHangingSaveIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := &hanging{sharedStore: newStore(nil)}
		e := start(t, p, store)
		store.hang.set(true)
		time.Sleep(time.Hour)
		began := time.Now()
		assert.Equal(t, 2, got(t, e))
		assert.Equal(t, 15*time.Second, time.Since(began))
		store.hang.set(false)
		time.Sleep(time.Minute)
		assert.Equal(t, 2, store.n(t))
	})
}

func TestTwoEnginesOnOneSharedStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: 2 * time.Second, delay: 20 * time.Millisecond}
		store := newStore(p.grant())
		var all sync.WaitGroup
		for range 8 {
			e := newEngine(p, store)
			for range 10 {
				all.Go(func() {
					for range 1000 {
						g, err := e.Get(t.Context())
						if !assert.NoError(t, err) || !assert.Positive(t, time.Until(g.Value.Expiry)) {
							return
						}
						time.Sleep(10 * time.Millisecond)
					}
				})
			}
		}
		all.Wait()
		time.Sleep(time.Minute)
		assert.Zero(t, p.reused)
		assert.GreaterOrEqual(t, p.count(), 5) // in 10 seconds, each serves for 1.6 to 2
		assert.LessOrEqual(t, p.count(), 7)
	})
}

func TestTwoEnginesWithAFailingStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: 10 * time.Second, delay: 20 * time.Millisecond}
		store := newStore(p.grant())
		var n int
		store.before = func(op string) error {
			store.mu.Lock()
			defer store.mu.Unlock()
			if n++; n%7 == 0 {
				return errors.New("store down")
			}
			return nil
		}
		store.after = func(op string) error {
			store.mu.Lock()
			defer store.mu.Unlock()
			if n%11 == 0 {
				return errors.New("connection reset")
			}
			return nil
		}
		var all sync.WaitGroup
		for range 4 {
			e := newEngine(p, store)
			for range 5 {
				all.Go(func() {
					for range 1000 {
						e.Get(t.Context())
						time.Sleep(100 * time.Millisecond)
					}
				})
			}
		}
		all.Wait()
		time.Sleep(11 * time.Minute)
		assert.Zero(t, p.reused)
		assert.Greater(t, p.count(), 3)
	})
}

// Without a lock another process may renew first: the provider calls the value
// dead, and the store has its successor.
func TestPlainStoreWhereAnotherProcessRenewed(t *testing.T) {
	for name, life := range map[string]time.Duration{"successor is good": time.Hour, "successor has expired": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &provider{life: time.Hour}
				inner := newStore(nil)
				e := start(t, p, plainStore{inner})
				time.Sleep(time.Hour)
				p.before = func(n int) error {
					if n == 1 {
						v := p.grant()
						v.Expiry = v.Issued.Add(life)
						inner.put(v)
						return errDead
					}
					return nil
				}
				if life > 0 {
					assert.Equal(t, 2, got(t, e))
					assert.Equal(t, []string{renew.Failed, renew.Adopted}, p.happened())
				} else {
					assert.Equal(t, 3, got(t, e))
					assert.Equal(t, []int{1, 2}, p.tried)
					assert.Equal(t, []string{renew.Failed, renew.Renewed, renew.Saved}, p.happened())
				}
				assert.Zero(t, p.reused)
			})
		})
	}
}

func TestFreeGrantNeedsNoStoredValue(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, free: true}
		store, inner := open(nil)
		e := newEngine(p, store)
		assert.Equal(t, 1, got(t, e))
		assert.Equal(t, 1, inner.n(t))
	})
}

// A request may fail and yet change the credential, as when the answer has a new
// refresh token and no access token.
func TestWhatRemainsOfAFailedRequestIsSaved(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &partial{provider: &provider{life: time.Hour}}
		store, inner := open(nil)
		e := newEngine(p, store)
		require.NoError(t, e.Set(t.Context(), p.grant()))
		time.Sleep(time.Hour)
		_, err := e.Get(t.Context())
		require.ErrorIs(t, err, errTemporary)
		assert.Equal(t, 2, inner.n(t))
		_, err = e.Get(t.Context())
		require.ErrorIs(t, err, errTemporary, "remembered, though the stored value is another")
		assert.Equal(t, 1, p.count())
		time.Sleep(2 * time.Second)
		assert.Equal(t, 3, got(t, e))
		assert.Equal(t, []int{1, 2}, p.tried)
		assert.Zero(t, p.reused)
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

// partial fails the first request, which replaces the credential all the same.
type partial struct{ *provider }

func (p *partial) Renew(ctx context.Context, old *value) (*value, error) {
	next, err := p.provider.Renew(ctx, old)
	if p.count() == 1 && err == nil {
		next.Expiry = next.Issued
		err = errTemporary
	}
	return next, err
}
