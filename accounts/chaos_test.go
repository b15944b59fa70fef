package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// A lazyIndex takes some time for each operation.
type lazyIndex struct{ accounts.Index }

func lazily() { time.Sleep(rand.N(300 * time.Millisecond)) }

func (i lazyIndex) Get(ctx context.Context, id string) (accounts.Account, bool, error) {
	lazily()
	defer lazily()
	return i.Index.Get(ctx, id)
}

func (i lazyIndex) Put(ctx context.Context, a accounts.Account) (bool, error) {
	lazily()
	defer lazily()
	return i.Index.Put(ctx, a)
}

// A lazyStore takes some time for each operation.
type lazyStore struct{ connectorauth.SharedTokenStore }

func (s lazyStore) Load(ctx context.Context, key string) ([]byte, bool, error) {
	lazily()
	return s.SharedTokenStore.Load(ctx, key)
}

func (s lazyStore) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	lazily()
	defer lazily()
	return s.SharedTokenStore.CompareAndSwap(ctx, key, old, new)
}

func (s lazyStore) Save(ctx context.Context, key string, value []byte) error {
	lazily()
	return s.SharedTokenStore.Save(ctx, key, value)
}

func (s lazyStore) Delete(ctx context.Context, key string) error {
	lazily()
	return s.SharedTokenStore.Delete(ctx, key)
}

// Whatever processes do to one ID at one time, an account has what its owner has given, and
// its end leaves nothing.
func TestOppositeCallsAtOneTime(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		store := &listedStore{Memory: w.store, keys: map[string]bool{}}
		w.config.Store, w.config.Index = lazyStore{store}, lazyIndex{w.index}
		w.p.Inject(w.p.KeyHeaderURL, authtest.Always, authtest.Delay(time.Second))
		request := func(owner string) accounts.Request {
			return accounts.Request{ID: "x", Owner: owner, Definition: "acme", Duplicate: true, Values: values{"apiKey": "CANARY-key", "team": connectorauth.Secret(owner)}}
		}
		token := func(owner string) accounts.Request {
			return accounts.Request{ID: "x", Owner: owner, Definition: "acme", Method: "oauth", Values: values{"team": connectorauth.Secret(owner)}}
		}
		expected := []error{accounts.ErrExists, accounts.ErrNotFound, accounts.ErrSuperseded, accounts.ErrDisconnected, accounts.ErrConnecting, connectorauth.ErrReauthRequired}
		var wg sync.WaitGroup
		var looked, connected sync.Map
		for n := range 8 {
			wg.Go(func() {
				r, owner := w.process(), fmt.Sprintf("o%d", n)
				ctx := t.Context()
				for step := range 200 {
					var err error
					time.Sleep(rand.N(10 * time.Second))
					switch rand.N(28) {
					case 0, 1, 2, 3:
						if _, err = r.Connect(ctx, request(owner)); err == nil {
							connected.Store(step*8+n, true)
						}
					case 4:
						_, err = r.Disconnect(ctx, "x")
					case 5, 6:
						_, err = r.Reconnect(ctx, "x", accounts.Request{})
					case 7, 8:
						_, err = r.Test(ctx, "x")
					case 9:
						_, err = r.Sweep(ctx, 10)
					case 10:
						for _, err = range r.Import(ctx, func(yield func(accounts.Row) bool) {
							yield(accounts.Row{Request: token(owner), Token: &oauth2.Token{AccessToken: "a", RefreshToken: "r"}})
						}) {
						}
					default:
						before, _, _ := w.index.Get(ctx, "x")
						c, useErr := r.Connected(ctx, "x")
						after, found, _ := w.index.Get(ctx, "x")
						if err = useErr; err == nil && found && before.Created.Equal(after.Created) && before.Owner == after.Owner {
							looked.Store(step*8+n, true)
							assert.Equal(t, after.Owner, string(c.Account().Values["team"]))
						}
					}
					is := errors.As(err, new(*definition.InputError)) // whose values are not in the store so far
					for _, e := range expected {
						is = is || errors.Is(err, e)
					}
					assert.True(t, err == nil || is, "%v", err)
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		some := func(m *sync.Map) (n int) { m.Range(func(any, any) bool { n++; return true }); return n }
		assert.NotZero(t, some(&looked))
		assert.NotZero(t, some(&connected))
		_, err := w.process().Disconnect(t.Context(), "x")
		require.NoError(t, err)
		time.Sleep(time.Minute)
		w.empty()
		for _, key := range store.all() {
			assert.NotContains(t, key, "x/")
		}
	})
}
