package renew

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"weak"
)

// A Group is what the Engines of a program have in common. A Group finds the
// Engine of an account, so all connectors of an account share an Engine. An
// Engine that nobody uses any more is forgotten. The zero value is ready to use.
type Group struct {
	mu        sync.Mutex      // guards the fields below; never held during a call of foreign code
	engines   map[account]any // weak.Pointer[Engine[T]]
	endpoints map[string]*endpoint
	rotating  map[client]bool // who was seen to replace single-use credentials
	works     map[*work]struct{}
	closed    bool // by Shutdown
}

// client is a client at an endpoint.
type client struct{ url, id string }

// maxRotating limits what a Group remembers of providers.
const maxRotating = 10_000

// rotates reports whether a provider was seen to replace single-use credentials.
// All accounts of a client are alike, so one account that was renewed tells what
// became of the credential of another.
func (g *Group) rotates(e Endpoint) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.rotating[client{e.URL, e.Client}]
}

// seenToRotate notes that a provider replaces single-use credentials.
func (g *Group) seenToRotate(e Endpoint) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.rotating == nil {
		g.rotating = make(map[client]bool)
	}
	if len(g.rotating) >= maxRotating {
		clear(g.rotating)
	}
	g.rotating[client{e.URL, e.Client}] = true
}

// account tells Engines apart.
type account struct {
	store Store
	name  [16]byte // a digest of the key, the identity and T
}

// accountOf returns the account of a value of type T.
func accountOf[T any](store Store, key, identity string) account {
	sum := digest(fmt.Appendf(nil, "%d %s %d %s %s", len(key), key, len(identity), identity, reflect.TypeFor[T]()))
	return account{store, [16]byte(sum[:16])}
}

// Open returns a way to the Engine for the value that store holds under key. Each
// call with the same identity finds the same Engine. Without a store, each call
// makes an Engine.
func Open[T any](g *Group, store Store, key, identity string) *Reader[T] {
	return &Reader[T]{Engine: find[T](g, store, key, identity)}
}

// Key returns the key in the store, which names the account.
func (e *Engine[T]) Key() string { return e.key }

// Store returns the store, or nil if the credential is in memory alone.
func (e *Engine[T]) Store() Store { return e.store }

func find[T any](g *Group, store Store, key, identity string) *Engine[T] {
	if store == nil || !reflect.ValueOf(store).Comparable() {
		return New[T](g, store, key)
	}
	a := accountOf[T](store, key, identity)
	g.mu.Lock()
	defer g.mu.Unlock()
	if p, ok := g.engines[a].(weak.Pointer[Engine[T]]); ok {
		if e := p.Value(); e != nil {
			return e
		}
	}
	e := New[T](g, store, key)
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

// A Reader is a connector's way to an Engine. The first Get looks into the store,
// which may have changed since other connectors of the account used the Engine.
type Reader[T any] struct {
	*Engine[T]
	looked atomic.Bool
}

// Get is Engine.Get.
func (r *Reader[T]) Get(ctx context.Context, s Scheme[T]) (*Generation[T], error) {
	if !r.looked.Load() {
		r.looked.Store(r.look(ctx)) // a Get that comes meanwhile looks too
	}
	return r.Engine.Get(ctx, s)
}

// look forgets the present generation if the store has another value, or none. An
// error of the store changes nothing, and look returns false: the next Get looks
// again.
func (e *Engine[T]) look(ctx context.Context) (looked bool) {
	g := e.current.Load()
	if e.store == nil || g == nil || g.unsaved != nil && (g.unsaved.raw == nil || e.isSaving()) {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	var raw []byte
	if err := e.calling(func() (err error) { raw, err = e.read(ctx); return err }); err != nil {
		return false
	}
	// What cannot be read says nothing about g: the record may be of a newer version.
	if rec, err := parse(raw); err != nil || digest(rec.Value) == g.sum && !rec.void() {
		return true
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.flight == nil && e.saver == nil {
		e.current.CompareAndSwap(g, nil) // the next Get loads the stored value
	}
	return true
}

// isSaving reports whether a saver has not stored its value yet.
func (e *Engine[T]) isSaving() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.saver != nil
}

// isLocked reports whether a saver holds the store's lock.
func (e *Engine[T]) isLocked() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.saver != nil && e.saver.lock
}
