package renew_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// watchedStore is a sharedStore with Wait, whose Lock minds no context.
type watchedStore struct{ *sharedStore }

func (s watchedStore) Lock(ctx context.Context, k string) (renew.Lease, error) {
	return s.sharedStore.Lock(context.WithoutCancel(ctx), k)
}

func (s watchedStore) Wait(ctx context.Context, k string, old []byte) ([]byte, error) {
	for {
		raw, _, err := s.Load(ctx, k)
		if err != nil || !bytes.Equal(raw, old) {
			return raw, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// behindALock starts a Get of an expired value while somebody else holds the lock.
func behindALock(t *testing.T, p *provider) (s watchedStore, lease renew.Lease, value chan int) {
	t.Helper()
	s = watchedStore{newStore(nil)}
	e := start(t, p, s)
	time.Sleep(time.Hour)
	lease, err := s.Lock(t.Context(), key)
	require.NoError(t, err)
	value = make(chan int, 1)
	go func() {
		g, err := e.Get(context.Background())
		assert.NoError(t, err)
		value <- g.Value.N
	}()
	time.Sleep(time.Second)
	return s, lease, value
}

func TestLockThatIsGrantedToWhoHasLeftIsReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		s, lease, got := behindALock(t, p)
		s.put(p.grant())
		assert.Equal(t, 2, <-got, "nobody waits for the lock")
		lease.Unlock()
		assert.False(t, s.isLocked())
		assert.Zero(t, p.count())
	})
}

func TestMarkOfTheHolderIsNoNewValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		s, lease, got := behindALock(t, p)
		var record map[string]any
		require.NoError(t, json.Unmarshal(s.value, &record))
		record["attempts"] = 1 // the holder notes something
		raw, err := json.Marshal(record)
		require.NoError(t, err)
		s.set(raw)
		time.Sleep(time.Second)
		select {
		case n := <-got:
			t.Fatal("the wait ended with value", n)
		default:
		}
		s.put(p.grant())
		assert.Equal(t, 2, <-got)
		lease.Unlock()
	})
}

// A lock that is held elsewhere must not hold up the other accounts of a provider.
func TestLockHeldElsewhereKeepsNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var group renew.Group
		one, two := &provider{life: time.Hour, endpoint: "e", most: 1}, &provider{life: time.Hour, endpoint: "e", most: 1}
		locked, free := newStore(one.grant()), newStore(two.grant())
		time.Sleep(2 * time.Hour)
		lease, err := locked.Lock(t.Context(), key)
		require.NoError(t, err)
		get := func(p *provider, s *sharedStore) error {
			_, err := renew.Open[value](&group, s, key, "identity").Get(t.Context(), p)
			return err
		}
		failed := make(chan error, 1)
		go func() { failed <- get(one, locked) }()
		synctest.Wait() // which has the turn
		began := time.Now()
		require.NoError(t, get(two, free))
		assert.Less(t, time.Since(began), 2*time.Second)
		time.Sleep(20 * time.Second)
		lease.Unlock()
		require.NoError(t, <-failed)
	})
}
