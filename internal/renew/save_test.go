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
