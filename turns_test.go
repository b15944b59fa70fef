package connectorauth_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// A renewal that gets a lock late must not hold the lock while the renewals of many
// other accounts have their turns: other programs may want the account.
func TestLateLockGoesBeforeTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, shared := new(tokenstore.Memory), &connectorauth.Shared{TokenRequests: 1}
		connector := anew(store, new(fakehttp.Base)) // a token request takes a second
		account := func(i int) *connectorauth.OAuth2 {
			c := connector(shared, fmt.Sprint("account ", i))
			require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{RefreshToken: "r"}))
			return c
		}
		late := account(0)
		elsewhere, err := store.Lock(t.Context(), "account 0")
		require.NoError(t, err)
		began := time.Now()
		time.AfterFunc(3*time.Second, elsewhere.Unlock)
		var all sync.WaitGroup
		all.Go(func() {
			_, err := late.Token(t.Context())
			assert.NoError(t, err)
			assert.Less(t, time.Since(began), 6*time.Second)
		})
		synctest.Wait()
		for i := range 60 {
			all.Go(func() {
				_, err := account(i + 1).Token(t.Context())
				assert.NoError(t, err)
			})
		}
		all.Wait()
	})
}

// locks is a store that counts its locks.
type locks struct {
	tokenstore.Memory
	mu    sync.Mutex
	taken map[string]int
}

func (s *locks) Lock(ctx context.Context, key string) (connectorauth.Lease, error) {
	s.mu.Lock()
	s.taken[key]++
	s.mu.Unlock()
	return s.Memory.Lock(ctx, key)
}

// Programs that start together want the same accounts. A program whose renewals
// wait for their turns needs no lock for what others have renewed meanwhile.
func TestRenewedElsewhereInTheQueueNeedsNoLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &locks{taken: map[string]int{}}
		connector := anew(store, new(fakehttp.Base))
		here, there := &connectorauth.Shared{TokenRequests: 1}, new(connectorauth.Shared)
		first, second := connector(here, "first"), connector(here, "second")
		for _, c := range []*connectorauth.OAuth2{first, second} {
			require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{RefreshToken: "r"}))
		}
		var all sync.WaitGroup
		all.Go(func() { must(connector(there, "second").Token(t.Context())) })
		time.Sleep(time.Second / 2)
		all.Go(func() { must(first.Token(t.Context())) })
		synctest.Wait()
		all.Go(func() { must(second.Token(t.Context())) })
		all.Wait()
		assert.Equal(t, 1, store.taken["second"])
	})
}

// contexts is a store that keeps the contexts of its calls.
type contexts struct {
	tokenstore.Memory
	mu   sync.Mutex
	seen []context.Context
}

func (s *contexts) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	s.mu.Lock()
	s.seen = append(s.seen, ctx)
	s.mu.Unlock()
	return s.Memory.CompareAndSwap(ctx, key, old, new)
}

// A store may begin work that ends with the context, such as a transaction.
func TestContextsOfTheStoreEndWithTheirCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(contexts)
		c := anew(store, new(fakehttp.Base))(new(connectorauth.Shared), "alice")
		require.NoError(t, c.SetToken(t.Context(), &oauth2.Token{RefreshToken: "r"}))
		must(c.Token(t.Context()))
		synctest.Wait()
		require.NotEmpty(t, store.seen)
		for i, ctx := range store.seen {
			assert.Error(t, ctx.Err(), i)
		}
	})
}
