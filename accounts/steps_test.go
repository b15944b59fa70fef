package accounts_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// A fate lets the operations of a process fail from some operation on.
type fate struct {
	mu   sync.Mutex
	left int  // operations that succeed before
	dead bool // no operation succeeds any more, as of a process that has died
	lost bool // the operation that fails is done nevertheless, and the response is lost
}

// next reports whether the next operation is done, and its error.
func (f *fate) next() (done bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left--
	switch {
	case f.left >= 0, f.left < -1 && !f.dead:
		return true, nil
	case f.left == -1:
		return f.lost, errBroken
	}
	return false, errBroken
}

// met reports whether an operation has failed.
func (f *fate) met() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.left < 0
}

// fated does an operation if the fate lets it.
func fated[T any](f *fate, do func() (T, error)) (result T, err error) {
	done, failed := f.next()
	if done {
		result, err = do()
	}
	if failed != nil {
		var none T
		return none, failed
	}
	return result, err
}

type fatedIndex struct {
	accounts.Index
	fate *fate
}

type gotten struct {
	a     accounts.Account
	found bool
}

func (i fatedIndex) Get(ctx context.Context, id string) (accounts.Account, bool, error) {
	g, err := fated(i.fate, func() (g gotten, err error) { g.a, g.found, err = i.Index.Get(ctx, id); return g, err })
	return g.a, g.found, err
}

func (i fatedIndex) Put(ctx context.Context, a accounts.Account) (bool, error) {
	return fated(i.fate, func() (bool, error) { return i.Index.Put(ctx, a) })
}

func (i fatedIndex) Delete(ctx context.Context, id string, version int64) (bool, error) {
	return fated(i.fate, func() (bool, error) { return i.Index.Delete(ctx, id, version) })
}

// A listedStore knows which keys there are.
type listedStore struct {
	*tokenstore.Memory
	mu   sync.Mutex
	keys map[string]bool
}

func (s *listedStore) note(key string, is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if delete(s.keys, key); is {
		s.keys[key] = true
	}
}

// all returns the keys.
func (s *listedStore) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.keys))
}

func (s *listedStore) Save(ctx context.Context, key string, value []byte) error {
	s.note(key, true)
	return s.Memory.Save(ctx, key, value)
}

func (s *listedStore) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	swapped, err := s.Memory.CompareAndSwap(ctx, key, old, new)
	if swapped {
		s.note(key, true)
	}
	return swapped, err
}

func (s *listedStore) Delete(ctx context.Context, key string) error {
	s.note(key, false)
	return s.Memory.Delete(ctx, key)
}

// A fatedStore has no Wait.
type fatedStore struct {
	inner connectorauth.SharedTokenStore
	fate  *fate
}

func (s fatedStore) Load(ctx context.Context, key string) ([]byte, bool, error) {
	type loaded struct {
		value []byte
		found bool
	}
	l, err := fated(s.fate, func() (l loaded, err error) { l.value, l.found, err = s.inner.Load(ctx, key); return l, err })
	return l.value, l.found, err
}

func (s fatedStore) Save(ctx context.Context, key string, value []byte) error {
	_, err := fated(s.fate, func() (any, error) { return nil, s.inner.Save(ctx, key, value) })
	return err
}

func (s fatedStore) Delete(ctx context.Context, key string) error {
	_, err := fated(s.fate, func() (any, error) { return nil, s.inner.Delete(ctx, key) })
	return err
}

func (s fatedStore) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	return fated(s.fate, func() (bool, error) { return s.inner.CompareAndSwap(ctx, key, old, new) })
}

func (s fatedStore) Lock(ctx context.Context, key string) (connectorauth.Lease, error) {
	if done, err := s.fate.next(); !done || err != nil {
		return nil, err // a lease that was granted nevertheless ends by itself
	}
	return s.inner.Lock(ctx, key)
}

// Wherever a call is cut off, the account is absent, or waits, or works, a call to its end
// brings the account where it should be, and the end of the account leaves nothing.
func TestCallsAreCutOffAfterEachStep(t *testing.T) {
	connect := func(w *world, r *accounts.Registry) error {
		_, err := r.Connect(w.Context(), accounts.Request{ID: "x", Owner: "o1", Definition: "acme", Method: "app"})
		return err
	}
	reconnect := func(w *world, r *accounts.Registry) error {
		_, err := r.Reconnect(w.Context(), "x", accounts.Request{})
		return err
	}
	begun := func(w *world, r *accounts.Registry) error {
		_, err := r.Connect(w.Context(), accounts.Request{ID: "x", Owner: "o1", Definition: "acme", Method: "oauth"})
		return err
	}
	for name, call := range map[string]struct {
		before, call func(*world, *accounts.Registry) error
	}{
		"Connect":   {nil, connect},
		"Reconnect": {connect, reconnect},
		"Test":      {connect, func(w *world, r *accounts.Registry) error { _, err := r.Test(w.Context(), "x"); return err }},
		"Finish": {begun, func(w *world, r *accounts.Registry) error {
			finish, err := w.consented(w.process(), "x")
			require.NoError(w, err)
			return finish(r)
		}},
		"Import": {nil, func(w *world, r *accounts.Registry) (err error) {
			rows := func(yield func(accounts.Row) bool) {
				yield(accounts.Row{Request: accounts.Request{ID: "x", Owner: "o1", Definition: "acme", Method: "oauth"}, Token: &oauth2.Token{AccessToken: "a", RefreshToken: "r"}})
			}
			for _, err = range r.Import(w.Context(), rows) {
			}
			return err
		}},
		"Disconnect": {connect, func(w *world, r *accounts.Registry) error { _, err := r.Disconnect(w.Context(), "x"); return err }},
	} {
		for _, f := range []struct{ dead, lost bool }{{false, false}, {false, true}, {true, false}, {true, true}} {
			t.Run(fmt.Sprintf("%s/dead=%t,lost=%t", name, f.dead, f.lost), func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					for steps := 0; ; steps++ {
						require.Less(t, steps, 200)
						store := &listedStore{Memory: w.store, keys: map[string]bool{}}
						w.config.Store, w.config.Index = store, w.index
						healthy := w.process()
						if call.before != nil {
							require.NoError(t, call.before(w, healthy))
						}
						f := &fate{left: steps, dead: f.dead, lost: f.lost}
						config := w.config
						config.Store, config.Index, config.Shared = fatedStore{store, f}, fatedIndex{w.index, f}, new(connectorauth.Shared)
						mortal, err := accounts.New(config)
						require.NoError(t, err)
						ended := call.call(w, mortal)
						synctest.Wait()
						hint := fmt.Sprintf("after %d operations, with the error %v", steps, ended)

						a, found, err := w.index.Get(t.Context(), "x")
						require.NoError(t, err)
						if ended == nil && name != "Disconnect" {
							assert.Equal(t, accounts.StatusOK, a.Status, hint)
						}
						if found && a.Current != 0 && a.Status != accounts.StatusDisconnected {
							assert.Equal(t, accounts.StatusOK, a.Status, hint)
							_, err := healthy.Client(t.Context(), "x")
							assert.NoError(t, err, hint)
							if name != "Import" {
								_, err = healthy.Test(t.Context(), "x")
								assert.NoError(t, err, hint)
							}
						}
						time.Sleep(25 * time.Hour) // a sweep ends what nobody has connected
						swept, err := healthy.Sweep(t.Context(), 10)
						require.NoError(t, err, hint)
						assert.Zero(t, swept.Later, hint)
						assert.True(t, swept.Failed == 0 || name == "Import", hint) // whose token is none
						_, err = healthy.Disconnect(t.Context(), "x")
						require.NoError(t, err, hint)
						w.empty()
						for _, key := range store.all() {
							assert.NotContains(t, key, "x/", hint)
						}
						if t.Failed() || !f.met() {
							return
						}
					}
				})
			})
		}
	}
}
