package renew_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOneEngineForAnAccount(t *testing.T) {
	g := new(renew.Group)
	one, two := newStore(nil), newStore(nil)
	e := renew.Open[value](g, one, key, "identity")
	assert.Same(t, e, renew.Open[value](g, one, key, "identity"))
	others := map[string]*renew.Engine[value]{
		"another store":         renew.Open[value](g, two, key, "identity"),
		"another key":           renew.Open[value](g, one, key+"2", "identity"),
		"another identity":      renew.Open[value](g, one, key, "identity2"),
		"key into identity":     renew.Open[value](g, one, key+"identity", ""),
		"another kind of store": renew.Open[value](g, plainStore{one}, key, "identity"),
		"another group":         renew.Open[value](new(renew.Group), one, key, "identity"),
	}
	seen := map[*renew.Engine[value]]string{e: "the first"}
	for name, other := range others {
		assert.Empty(t, seen[other], name)
		seen[other] = name
	}
	assert.Same(t, others["another kind of store"], renew.Open[value](g, plainStore{one}, key, "identity"), "stores are compared by value")
	assert.Same(t, e, renew.Open[value](g, one, key, "identity"))
	assert.Equal(t, 6, g.Len())
	runtime.KeepAlive(others)
}

// Two kinds of credential in one account do not push each other out.
func TestEnginesOfTwoKinds(t *testing.T) {
	g, store := new(renew.Group), newStore(nil)
	type other struct{ value }
	a, b := renew.Open[value](g, store, key, "identity"), renew.Open[other](g, store, key, "identity")
	assert.Same(t, a, renew.Open[value](g, store, key, "identity"))
	assert.Same(t, b, renew.Open[other](g, store, key, "identity"))
}

// odd stores are values that Go cannot compare.
type (
	funcs struct {
		*sharedStore
		f func()
	}
	maps struct {
		*sharedStore
		m map[string]int
	}
	dynamic struct {
		*sharedStore
		v any
	}
)

func TestNoEngineIsSharedWithoutAComparableStore(t *testing.T) {
	g := new(renew.Group)
	for name, store := range map[string]renew.Store{
		"none": nil, "function": funcs{newStore(nil), func() {}}, "map": maps{newStore(nil), nil}, "slice within": dynamic{newStore(nil), []int{1}},
	} {
		a, b := renew.Open[value](g, store, key, "identity"), renew.Open[value](g, store, key, "identity")
		assert.NotSame(t, a, b, name)
	}
	assert.Zero(t, g.Len())
	same := dynamic{newStore(nil), 1}
	assert.Same(t, renew.Open[value](g, same, key, "identity"), renew.Open[value](g, same, key, "identity"))
}

func TestEngineIsOpenedOnce(t *testing.T) {
	g, store := new(renew.Group), newStore(nil)
	engines := make([]*renew.Engine[value], 100)
	var all sync.WaitGroup
	for i := range engines {
		all.Go(func() { engines[i] = renew.Open[value](g, store, key, "identity") })
	}
	all.Wait()
	for _, e := range engines {
		assert.Same(t, engines[0], e)
	}
}

// collected waits until g has n engines.
func collected(t *testing.T, g *renew.Group, n int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); g.Len() != n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			require.Equal(t, n, g.Len(), "engines after garbage collection")
		}
		runtime.GC()
	}
}

func TestEngineThatNobodyUsesIsForgotten(t *testing.T) {
	g, store := new(renew.Group), newStore(nil)
	kept := renew.Open[value](g, store, "kept", "identity")
	for i := range 1000 {
		renew.Open[value](g, store, fmt.Sprint("account", i), "identity")
	}
	collected(t, g, 1)
	assert.Same(t, kept, renew.Open[value](g, store, "kept", "identity"))
	runtime.KeepAlive(kept)
}

// The end of an engine must not take away the one that has come in its place.
func TestEngineThatIsOpenedAgainStays(t *testing.T) {
	g, store := new(renew.Group), newStore(nil)
	for range 300 {
		renew.Open[value](g, store, key, "identity")
		runtime.GC()
		e := renew.Open[value](g, store, key, "identity") // the first one's end may come now
		runtime.Gosched()
		require.Same(t, e, renew.Open[value](g, store, key, "identity"))
		runtime.KeepAlive(e)
	}
}

// A renewal under way goes on, for whoever opens the account next.
func TestRenewalKeepsItsEngine(t *testing.T) {
	g, store := new(renew.Group), newStore(nil)
	asked, answer := make(chan struct{}), make(chan struct{})
	p := &provider{life: time.Hour, free: true, before: func(int) error { close(asked); <-answer; return nil }}
	ctx, cancel := context.WithCancel(t.Context())
	func() {
		e := &engine{renew.Open[value](g, store, key, "identity"), p}
		go func() { <-asked; cancel() }()
		_, err := e.Get(ctx)
		require.ErrorIs(t, err, context.Canceled)
	}()
	for range 10 {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	require.Equal(t, 1, g.Len())
	e := &engine{renew.Open[value](g, store, key, "identity"), p}
	go close(answer)
	assert.Equal(t, 1, got(t, e))
	assert.Equal(t, 1, p.count())
	runtime.KeepAlive(e)
	e = nil
	collected(t, g, 0)
}

// So does a value that the store did not take yet.
func TestUnsavedValueKeepsItsEngine(t *testing.T) {
	g, store := new(renew.Group), newStore(nil)
	down := new(atomicBool)
	down.set(true)
	store.before = failing(down, "swap", "save")
	p := &provider{life: time.Hour}
	func() {
		e := &engine{renew.Open[value](g, store, key, "identity"), p}
		require.Error(t, e.Set(t.Context(), p.grant()))
	}()
	for range 10 {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	require.Equal(t, 1, g.Len())
	e := &engine{renew.Open[value](g, store, key, "identity"), p}
	assert.Equal(t, 1, got(t, e), "the value is in use")
	down.set(false)
	require.Eventually(t, func() bool { return store.n(t) == 1 }, 10*time.Second, 10*time.Millisecond)
	runtime.KeepAlive(e)
	e = nil
	collected(t, g, 0)
}

// What an account's connectors share is what the last request came to.
func TestConnectorsOfAnAccountShareTheirFailures(t *testing.T) {
	g, store := new(renew.Group), newStore(nil)
	p := &provider{before: func(int) error { return errDead }}
	var last *engine // somebody uses the account
	for range 5 {
		last = &engine{renew.Open[value](g, store, key, "identity"), p}
		_, err := last.Get(t.Context())
		assert.True(t, errors.Is(err, errDead))
	}
	assert.Equal(t, 1, p.count())
}
