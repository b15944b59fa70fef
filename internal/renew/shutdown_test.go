package renew_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// accounts opens n accounts of g in one store. Their values have expired.
func accounts(t *testing.T, g *renew.Group, n int, each func() *provider) (store *tokenstore.Memory, ps []*provider, get []func(context.Context) (*generation, error)) {
	t.Helper()
	store = new(tokenstore.Memory)
	for i := range n {
		p := each()
		p.life = time.Minute
		ps = append(ps, p)
		e := renew.Open[value](g, store, fmt.Sprintf("account %d", i), "identity")
		require.NoError(t, e.Set(t.Context(), p, p.grant()))
		p.life = time.Hour
		get = append(get, func(ctx context.Context) (*generation, error) { return e.Get(ctx, p) })
	}
	time.Sleep(2 * time.Minute)
	return store, ps, get
}

// all calls each function at the same time.
func all(t *testing.T, get []func(context.Context) (*generation, error)) (errs []error) {
	var wg sync.WaitGroup
	errs = make([]error, len(get))
	for i, f := range get {
		wg.Go(func() { _, errs[i] = f(t.Context()) })
	}
	wg.Wait()
	return errs
}

func TestShutdownWaitsForWhatIsUnderWayAndStartsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g renew.Group
		store, ps, get := accounts(t, &g, 10, func() *provider { return &provider{delay: 20 * time.Second, endpoint: "e", most: 3} })
		var errs []error
		var wg sync.WaitGroup
		wg.Go(func() { errs = all(t, get) })
		time.Sleep(10 * time.Second)
		began := time.Now()
		require.NoError(t, g.Shutdown(t.Context()))
		assert.Equal(t, 10*time.Second, time.Since(began).Round(time.Second), "the three under way")
		wg.Wait()
		renewed := 0
		for i, err := range errs {
			if ps[i].count() == 0 {
				require.ErrorIs(t, err, renew.ErrShutdown)
				continue
			}
			require.NoError(t, err)
			renewed++
		}
		assert.Equal(t, 3, renewed)
		_, err := get[0](t.Context())
		if ps[0].count() == 1 {
			require.NoError(t, err, "a good value needs no renewal")
		}
		var next renew.Group // the next process
		for i, p := range ps {
			e := renew.Open[value](&next, store, fmt.Sprintf("account %d", i), "identity")
			_, err := e.Get(t.Context(), p)
			require.NoError(t, err)
			assert.Zero(t, p.reused)
			assert.Equal(t, 1, p.count())
		}
		_, err = g.Begin("alice")
		require.ErrorIs(t, err, renew.ErrShutdown)
	})
}

func TestShutdownNamesWhatIsNotSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g renew.Group
		down := new(atomicBool)
		store := newStore(nil)
		store.before = failing(down, "swap", "save")
		p := &provider{life: time.Minute, reusable: true}
		e := renew.Open[value](&g, store, key, "identity")
		require.NoError(t, e.Set(t.Context(), p, p.grant()))
		time.Sleep(2 * time.Minute)
		down.set(true)
		_, err := e.Get(t.Context(), p)
		require.NoError(t, err)
		time.Sleep(5 * time.Minute) // the pauses between attempts have grown
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		err = g.Shutdown(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorContains(t, err, `"alice/service"`)
		down.set(false)
		began := time.Now()
		require.NoError(t, g.Shutdown(t.Context()))
		assert.Less(t, time.Since(began), time.Second)
		assert.Equal(t, 2, store.n(t))
	})
}

func TestShutdownWhileTheLockIsElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g renew.Group
		p := &provider{life: time.Minute}
		store := newStore(p.grant())
		e := renew.Open[value](&g, store, key, "identity")
		_, err := e.Get(t.Context(), p)
		require.NoError(t, err)
		time.Sleep(2 * time.Minute)
		lease, err := store.Lock(t.Context(), key)
		require.NoError(t, err)
		defer lease.Unlock()
		done := make(chan error)
		go func() {
			_, err := e.Get(context.Background(), p)
			done <- err
		}()
		time.Sleep(10 * time.Second)
		began := time.Now()
		require.NoError(t, g.Shutdown(t.Context()))
		assert.Less(t, time.Since(began), time.Second, "nothing can be saved")
		require.ErrorIs(t, <-done, renew.ErrShutdown)
		assert.Zero(t, p.count())
	})
}

func TestRequestsToAnEndpointAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g renew.Group
		var mu sync.Mutex
		busy, most := 0, 0
		count := func(n int) {
			mu.Lock()
			defer mu.Unlock()
			busy += n
			most = max(most, busy)
		}
		_, _, get := accounts(t, &g, 1000, func() *provider {
			return &provider{endpoint: "e", most: 16, hook: func(context.Context) {
				count(1)
				time.Sleep(50 * time.Millisecond)
				count(-1)
			}}
		})
		began := time.Now()
		for _, err := range all(t, get) {
			require.NoError(t, err)
		}
		assert.Equal(t, 16, most)
		assert.Less(t, time.Since(began), 5*time.Second)
		assert.Zero(t, renew.Endpoints(&g), "forgotten")
	})
}

func TestWaitersForAnEndpointMayLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g renew.Group
		_, ps, get := accounts(t, &g, 3, func() *provider { return &provider{endpoint: "e", most: 1, delay: 10 * time.Second} })
		go get[0](context.Background())
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := get[1](ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = get[2](t.Context())
		require.NoError(t, err)
		synctest.Wait()
		assert.Equal(t, 1, ps[1].count(), "the renewal goes on for the next caller")
		assert.Zero(t, renew.Endpoints(&g))
	})
}

func TestRetryAfterPausesTheEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g renew.Group
		overloaded := true
		_, ps, get := accounts(t, &g, 3, func() *provider {
			return &provider{endpoint: "e", most: 1, before: func(int) error {
				if overloaded {
					return retryAfter(20 * time.Second)
				}
				return nil
			}}
		})
		_, err := get[0](t.Context())
		require.Error(t, err)
		_, err = get[1](t.Context())
		var after retryAfter
		require.ErrorAs(t, err, &after)
		assert.Equal(t, 20*time.Second, time.Duration(after))
		assert.Zero(t, ps[1].count())
		overloaded = false
		time.Sleep(20 * time.Second)
		_, err = get[1](t.Context())
		require.NoError(t, err)
		assert.Zero(t, renew.Endpoints(&g))
	})
}

func TestPauseOfAnEndpointIsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g renew.Group
		n := 0
		_, _, get := accounts(t, &g, 2, func() *provider {
			return &provider{endpoint: "e", most: 1, before: func(int) error {
				if n++; n == 1 {
					return retryAfter(time.Hour)
				}
				return nil
			}}
		})
		_, err := get[0](t.Context())
		require.Error(t, err)
		time.Sleep(time.Minute)
		_, err = get[1](t.Context())
		require.NoError(t, err, "the pause was meant for one account")
		_, err = get[0](t.Context())
		require.Error(t, err)
	})
}

// lostLease is a lock that somebody else has by now.
type lostLease struct{ renew.Lease }

func (lostLease) Check(context.Context) error { return errors.New("lost") }

type losingStore struct {
	*sharedStore
	locks int
}

func (s *losingStore) Lock(ctx context.Context, key string) (renew.Lease, error) {
	lease, err := s.sharedStore.Lock(ctx, key)
	if s.locks++; s.locks == 1 && err == nil {
		return lostLease{lease}, nil
	}
	return lease, err
}

func TestLockThatWasLostSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Minute}
		store := &losingStore{sharedStore: newStore(p.grant())}
		e := newEngine(p, store)
		assert.Equal(t, 1, got(t, e))
		time.Sleep(2 * time.Minute)
		assert.Equal(t, 2, got(t, e))
		assert.Equal(t, 2, store.locks)
		assert.Equal(t, []int{1}, p.tried)
		synctest.Wait() // the lock is given back after the value
		assert.Equal(t, []string{"load", "load", "lock", "load", "mark", "swap", "unlock", "lock", "load", "mark", "swap", "unlock"}, store.done())
	})
}

func TestWaitersLeaveAsSoonAsTheValueIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := new(tokenstore.Memory)
		var elsewhere, here renew.Group
		other := renew.Open[value](&elsewhere, store, key, "identity")
		require.NoError(t, other.Set(t.Context(), p, p.grant()))
		time.Sleep(2 * time.Hour)
		lease, err := store.Lock(t.Context(), key) // the holder saves, and vanishes before it unlocks
		require.NoError(t, err)
		defer lease.Unlock()
		began := time.Now()
		go func() {
			time.Sleep(5 * time.Second)
			other.Set(context.Background(), p, p.grant())
		}()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				g, err := renew.Open[value](&here, store, key, "identity").Get(t.Context(), p)
				assert.NoError(t, err)
				assert.Equal(t, 2, g.Value.N)
			})
		}
		wg.Wait()
		assert.Less(t, time.Since(began), 5500*time.Millisecond)
		assert.Zero(t, p.count())
	})
}

// A machine was paused in the middle of a token request. Another process has found
// the mark, and given the account up. The response is good all the same.
func TestTokenWinsOverADoubtThatWasSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Minute}
		store := newStore(p.grant())
		e := newEngine(p, store)
		assert.Equal(t, 1, got(t, e))
		time.Sleep(2 * time.Minute)
		assert.Equal(t, 2, got(t, e)) // so it rotates
		time.Sleep(2 * time.Minute)
		p.hook = func(context.Context) {
			raw, ok, err := store.Load(context.Background(), key)
			require.True(t, ok && err == nil)
			var record map[string]json.RawMessage
			require.NoError(t, json.Unmarshal(raw, &record))
			delete(record, "doubt")
			record["dead"] = json.RawMessage(`{"code":"in_doubt","since":"2000-01-01T00:00:00Z"}`)
			raw, err = json.Marshal(record)
			require.NoError(t, err)
			store.set(raw)
		}
		assert.Equal(t, 3, got(t, e))
		assert.Equal(t, 3, store.n(t))
		p.hook = nil
		assert.Equal(t, 3, got(t, newEngine(p, store)))
	})
}
