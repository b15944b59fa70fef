package renew

import (
	"reflect"
	"runtime"
	"sync"
	"weak"
)

// A Group finds the Engine of an account, so that all connectors of an account
// share an Engine. An Engine that nobody uses any more is forgotten. The zero
// value is ready to use.
type Group struct {
	mu      sync.Mutex
	engines map[account]any // weak.Pointer[Engine[T]]
}

// account tells Engines apart.
type account struct {
	store         Store
	key, identity string
}

// Open returns a way to the Engine for the value that store holds under key. Each
// call with the same identity finds the same Engine. Without a store, each call
// makes an Engine.
func Open[T any](g *Group, store Store, key, identity string) *Reader[T] {
	return &Reader[T]{Engine: find[T](g, store, key, identity)}
}

func find[T any](g *Group, store Store, key, identity string) *Engine[T] {
	if store == nil || !reflect.ValueOf(store).Comparable() {
		return New[T](store, key)
	}
	a := account{store, key, identity}
	g.mu.Lock()
	defer g.mu.Unlock()
	if p, ok := g.engines[a].(weak.Pointer[Engine[T]]); ok {
		if e := p.Value(); e != nil {
			return e
		}
	}
	e := New[T](store, key)
	if g.engines == nil {
		g.engines = make(map[account]any)
	}
	p := weak.Make(e)
	g.engines[a] = p
	runtime.AddCleanup(e, func(a account) {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.engines[a] == any(p) {
			delete(g.engines, a)
		}
	}, a)
	return e
}
