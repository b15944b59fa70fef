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

// Another process stores a value while the value of before goes to revoke, or while revoke would
// get none: of a consent, or, where the lock was lost, of a renewal.
func TestForgetSparesAValueThatAnotherProcessStores(t *testing.T) {
	kinds(t, func(t *testing.T, open func(*value) (renew.Store, *sharedStore)) {
		p := &provider{life: time.Hour}
		store, shared := open(p.grant())
		e := newEngine(p, store)
		next := p.grant()
		err := e.Forget(t.Context(), func(context.Context, *value) error { shared.put(next); return nil })
		require.ErrorContains(t, err, "another token was set")
		assert.Equal(t, next.N, shared.n(t))
		assert.Equal(t, next.N, got(t, newEngine(p, store)))
		assert.False(t, shared.isLocked())
	})
}

// The other process has lost its patience with the lock, and is about to send the value.
func TestForgetSparesAMarkOfAnotherProcess(t *testing.T) {
	p := &provider{life: time.Hour}
	store := newStore(p.grant())
	e := newEngine(p, store)
	marked := []byte(`{"v":2,"identity":"the provider","value":{"N":1},"doubt":{"since":"2000-01-01T00:00:00Z"}}`)
	err := e.Forget(t.Context(), func(context.Context, *value) error { store.set(marked); return nil })
	require.ErrorContains(t, err, "another token was set")
	assert.Equal(t, 1, store.n(t))
}

// The saver of this process stores the value that goes to revoke.
func TestForgetTakesWhatItsOwnSaverStores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomicBool
		s := newStore(nil)
		e := unsaved(t, s, plainStore{s}, &down)
		require.NoError(t, e.Forget(t.Context(), func(context.Context, *value) error {
			down.set(false)
			time.Sleep(time.Minute)
			require.Equal(t, 2, s.n(t))
			return nil
		}))
		assert.Zero(t, s.n(t))
	})
}

func TestForgetOfNothingSparesAValueThatAnotherProcessAdds(t *testing.T) {
	p := &provider{life: time.Hour}
	store := newStore(nil)
	store.after = func(op string) error {
		if op == "load" {
			store.after = nil
			added, err := newEngine(p, store).Add(t.Context(), p.grant())
			require.NoError(t, err)
			require.True(t, added)
		}
		return nil
	}
	err := newEngine(p, store).Forget(t.Context(), func(context.Context, *value) error { panic("there is none") })
	require.ErrorContains(t, err, "another token was set")
	assert.Equal(t, 1, store.n(t))
}
