package renew_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
