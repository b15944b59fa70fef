package renew_test

import (
	"runtime"
	"testing"
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
	require.Eventually(t, func() bool { runtime.GC(); return renew.Engines(&g) == 0 }, 10*time.Second, time.Millisecond)
	kept := open(&g, s, "alice", "client")
	runtime.GC()
	assert.Same(t, kept, open(&g, s, "alice", "client"))
	assert.Equal(t, 1, renew.Engines(&g))
	runtime.KeepAlive(kept)
}
