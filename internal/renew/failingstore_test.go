package renew_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDeletedKeyIsNotResurrected(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour}
		store, inner := open(nil)
		e := start(t, p, store)
		require.NoError(t, store.Delete(t.Context(), key))
		time.Sleep(time.Hour)
		for range 10 {
			_, err := e.Get(t.Context())
			require.ErrorIs(t, err, errDead)
		}
		assert.Equal(t, []int{0}, p.tried, "the deleted value is not used")
		assert.Zero(t, inner.n(t))
	})
}

func TestKeyDeletedDuringARenewalIsNotResurrected(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour, delay: 2 * time.Second}
		store, inner := open(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		go func() { time.Sleep(time.Second); store.Delete(context.Background(), key) }()
		assert.Equal(t, 2, got(t, e), "whoever waits is served for the last time")
		assert.Zero(t, inner.n(t))
		time.Sleep(time.Hour)
		_, err := e.Get(t.Context())
		require.ErrorIs(t, err, errDead)
		assert.Zero(t, inner.n(t))
	})
}

func TestDamagedStoredValue(t *testing.T) {
	for _, damage := range []string{"", "{", "null?", "\x00\x01", `{"N":`} {
		t.Run(fmt.Sprintf("%q", damage), func(t *testing.T) {
			kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
				p := &provider{life: time.Hour}
				store, inner := open(nil)
				inner.set([]byte(damage))
				e := newEngine(p, store)
				for range 3 {
					_, err := e.Get(t.Context())
					require.ErrorContains(t, err, `the value of "alice/service" in the token store is damaged`)
				}
				assert.Zero(t, p.count(), "nothing is obtained that would overwrite it")
				assert.Equal(t, []byte(damage), inner.value)

				inner.put(p.grant())
				assert.Equal(t, 1, got(t, e), "at once")
				inner.set([]byte(damage))
				assert.Equal(t, 1, got(t, e), "what is in memory is good")
				time.Sleep(time.Hour)
				_, err := e.Get(t.Context())
				require.ErrorContains(t, err, "damaged")
				assert.Equal(t, []byte(damage), inner.value)
				require.NoError(t, e.Set(t.Context(), p.grant())) // asked to
				assert.Equal(t, 2, inner.n(t))
			})
		})
	}
}

func TestValueDamagedDuringARenewalIsNotOverwritten(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour}
		store, inner := open(nil)
		e := start(t, p, store)
		p.hook = func(context.Context) { inner.set([]byte("{")) }
		time.Sleep(time.Hour)
		assert.Equal(t, 2, got(t, e))
		assert.Equal(t, "{", string(inner.value))
		assert.Equal(t, []string{renew.Renewed, renew.SaveFailed}, p.happened())
	})
}

func TestStoreDownAndBack(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour}
		store, inner := open(nil)
		e := start(t, p, store)
		var down atomicBool
		inner.before = failing(&down)
		down.set(true)
		for range 3599 {
			require.Equal(t, 1, got(t, e), "the value is served while it is good")
			time.Sleep(time.Second)
			synctest.Wait()
		}
		time.Sleep(time.Second)
		for range 100 {
			_, err := e.Get(t.Context())
			require.ErrorContains(t, err, `load "alice/service" from the token store: store down`)
			time.Sleep(time.Second)
		}
		assert.Contains(t, p.happened(), renew.Failed, "a platform hears of it")
		assert.Zero(t, p.count())
		down.set(false)
		assert.Equal(t, 2, got(t, e), "at once")
	})
}

func TestStoreDownHoldsEarlyRenewalBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := newStore(nil)
		e := start(t, p, store)
		loads := 0
		store.before = func(string) error { loads++; return errors.New("store down") }
		time.Sleep(56 * time.Minute)
		for range 10000 {
			got(t, e)
			synctest.Wait()
			time.Sleep(10 * time.Millisecond)
		}
		assert.Less(t, loads, 10)
	})
}

func TestLockErrorIsTemporary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := newStore(nil)
		e := start(t, p, store)
		var down atomicBool
		store.before = failing(&down, "lock")
		down.set(true)
		time.Sleep(time.Hour)
		_, err := e.Get(t.Context())
		require.ErrorContains(t, err, `lock "alice/service" in the token store: store down`)
		assert.Zero(t, p.count())
		down.set(false)
		assert.Equal(t, 2, got(t, e))
	})
}

func TestPanicInTheStoreIsAnError(t *testing.T) {
	for _, op := range []string{"load", "lock"} {
		synctest.Test(t, func(t *testing.T) {
			p := &provider{life: time.Hour}
			store := newStore(nil)
			e := start(t, p, store)
			store.before = func(o string) error {
				if o == op {
					panic("secret")
				}
				return nil
			}
			time.Sleep(time.Hour)
			_, err := e.Get(t.Context())
			require.ErrorContains(t, err, "panic of type string")
			assert.NotContains(t, err.Error(), "secret")
			assert.Zero(t, p.count())
			store.before = nil
			store.locked = make(chan struct{}, 1) // Lock panicked while it held it
			assert.Equal(t, 2, got(t, e))
		})
	}
}

// panickyUnlock is a store whose unlock panics.
type panickyUnlock struct{ *sharedStore }

func (s panickyUnlock) Lock(ctx context.Context, k string) (renew.Lease, error) {
	lease, err := s.sharedStore.Lock(ctx, k)
	return fakeLease(func() { lease.Unlock(); panic("unlock") }), err
}

func TestPanicOfUnlockCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := panickyUnlock{newStore(nil)}
		e := start(t, p, store)
		time.Sleep(time.Hour)
		assert.Equal(t, 2, got(t, e))
		var down atomicBool
		store.before = failing(&down, "swap")
		down.set(true)
		time.Sleep(time.Hour)
		assert.Equal(t, 3, got(t, e))
		down.set(false)
		time.Sleep(time.Second)
		assert.Equal(t, 3, store.n(t))
	})
}
