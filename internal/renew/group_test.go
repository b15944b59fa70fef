package renew_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// listStore is a store that cannot be the key of a map.
type listStore struct {
	renew.Store
	list []string
}

func open(g *renew.Group, s renew.Store, key, identity string) *renew.Engine[value] {
	return renew.Open[value](g, s, key, identity).Engine
}

func TestConnectorsOfAnAccountShareAnEngine(t *testing.T) {
	var g, other renew.Group
	a, b := newStore(nil), newStore(nil)
	first := open(&g, a, "alice", "client")
	assert.Same(t, first, open(&g, a, "alice", "client"))
	assert.NotSame(t, first, open(&g, a, "bob", "client"), "another account")
	assert.NotSame(t, first, open(&g, b, "alice", "client"), "another store")
	assert.NotSame(t, first, open(&g, a, "alice", "another client"))
	assert.NotSame(t, first, open(&other, a, "alice", "client"), "another group")
	assert.NotSame(t, open(&g, nil, "alice", "client"), open(&g, nil, "alice", "client"), "without a store")
	incomparable := listStore{a, nil}
	assert.NotSame(t, open(&g, incomparable, "alice", "client"), open(&g, incomparable, "alice", "client"))
	runtime.KeepAlive(first)
}

func TestUnusedEnginesAreForgotten(t *testing.T) {
	var g renew.Group
	s := newStore(nil)
	for range 1000 {
		open(&g, s, "alice", "client")
	}
	for i := range 1000 {
		open(&g, s, string(rune('a'+i)), "client")
	}
	require.Eventually(t, func() bool { runtime.GC(); return renew.Engines(&g) == 0 }, time.Minute, time.Millisecond)
	kept := open(&g, s, "alice", "client")
	runtime.GC()
	assert.Same(t, kept, open(&g, s, "alice", "client"))
	assert.Equal(t, 1, renew.Engines(&g))
	runtime.KeepAlive(kept)
}

// interrupting is a context that calls a function when somebody asks for its
// error, which await does right before it joins a flight.
type interrupting struct {
	context.Context
	call func()
}

func (c interrupting) Err() error { c.call(); return c.Context.Err() }

func TestLookBetweenGetAndItsFlightLosesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g renew.Group
		p := &provider{life: time.Hour}
		store := newStore(nil)
		old := renew.Open[value](&g, store, key, "client")
		require.NoError(t, old.Set(t.Context(), p, p.grant()))
		time.Sleep(time.Hour) // the value has expired
		store.put(p.grant())  // by another process
		ctx := interrupting{t.Context(), sync.OnceFunc(func() { renew.Look(t.Context(), old) })}
		got, err := old.Engine.Get(ctx, p)
		require.NoError(t, err)
		require.NotNil(t, got)
		assert.Equal(t, 2, got.Value.N)
	})
}

func TestNewConnectorLooksThoughASaveFailedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g renew.Group
		p := &provider{life: time.Hour}
		store := newStore(nil)
		failed := false
		store.before = func(op string) error {
			if writes(op) && !failed {
				failed = true
				return errors.New("store down")
			}
			return nil
		}
		old := renew.Open[value](&g, store, key, "client")
		require.Error(t, old.Set(t.Context(), p, p.grant()))
		got, err := renew.Open[value](&g, store, key, "client").Get(t.Context(), p)
		require.NoError(t, err)
		assert.Equal(t, 1, got.Value.N, "the value waits to be saved")
		time.Sleep(time.Minute)
		require.Equal(t, 1, store.n(t), "it is saved by now")
		require.NoError(t, store.Delete(t.Context(), key))
		_, err = renew.Open[value](&g, store, key, "client").Get(t.Context(), p)
		require.ErrorIs(t, err, errDead, "a deleted value is not used")
		runtime.KeepAlive(old)
	})
}
