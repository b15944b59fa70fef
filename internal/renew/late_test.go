package renew_test

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lateStore reports a timeout for each write with a text, and carries the write out
// half a minute later, as a database may do with a statement that nobody awaits.
type lateStore struct {
	*sharedStore
	text string
	on   atomic.Bool
}

func (s *lateStore) late(new []byte, write func(context.Context)) error {
	if !s.on.Load() || !bytes.Contains(new, []byte(s.text)) {
		return nil
	}
	go func() {
		time.Sleep(30 * time.Second)
		write(context.Background())
	}()
	return errors.New("timeout")
}

func (s *lateStore) Save(ctx context.Context, k string, new []byte) error {
	if err := s.late(new, func(ctx context.Context) { s.sharedStore.Save(ctx, k, new) }); err != nil {
		return err
	}
	return s.sharedStore.Save(ctx, k, new)
}

func (s *lateStore) CompareAndSwap(ctx context.Context, k string, old, new []byte) (bool, error) {
	if err := s.late(new, func(ctx context.Context) { s.sharedStore.CompareAndSwap(ctx, k, old, new) }); err != nil {
		return false, err
	}
	return s.sharedStore.CompareAndSwap(ctx, k, old, new)
}

// The account must not look as if its credential had been sent.
func TestMarkThatArrivesLateLeavesNoDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := newStore(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		require.Equal(t, 2, got(t, e)) // so it rotates
		time.Sleep(time.Hour)
		late := &lateStore{sharedStore: store, text: `"doubt"`}
		late.on.Store(true)
		e = newEngine(p, late)
		_, err := e.Get(t.Context())
		require.ErrorContains(t, err, "timeout")
		time.Sleep(time.Minute) // the mark arrives
		late.on.Store(false)
		synctest.Wait()
		assert.Equal(t, 3, got(t, e))
		assert.Equal(t, 3, got(t, newEngine(p, store)))
		assert.Zero(t, p.reused)
	})
}

// The mark of a record that the provider has refused since is late too.
func TestMarkThatArrivesAfterARefusalLeavesNoDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := newStore(nil)
		e := start(t, p, store)
		time.Sleep(time.Hour)
		require.Equal(t, 2, got(t, e))
		time.Sleep(time.Hour)
		late := &lateStore{sharedStore: store, text: `"doubt"`}
		late.on.Store(true)
		_, err := newEngine(p, late).Get(t.Context())
		require.ErrorContains(t, err, "timeout")
		late.on.Store(false)
		p.before = always(errTemporary) // nothing is known afterwards, and the record has no mark
		_, err = newEngine(p, store).Get(t.Context())
		require.ErrorIs(t, err, errTemporary)
		time.Sleep(time.Minute) // the mark arrives
		synctest.Wait()
		p.before = nil
		assert.Equal(t, 3, got(t, newEngine(p, store)))
		assert.Zero(t, p.reused)
	})
}

// A value of Set that arrives late must not take the place of its successor.
func TestSetThatArrivesLateSparesTheSuccessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{life: time.Hour}
		store := newStore(nil)
		start(t, p, store)
		late := &lateStore{sharedStore: store, text: `"N":2`}
		late.on.Store(true)
		e := newEngine(p, late)
		v := p.grant()
		v.Expiry = v.Issued.Add(time.Second)
		require.ErrorContains(t, e.Set(t.Context(), v), "timeout")
		late.on.Store(false)
		time.Sleep(5 * time.Second) // the saver has stored the value
		assert.Equal(t, 3, got(t, e))
		time.Sleep(time.Minute) // the value of Set arrives
		synctest.Wait()
		assert.Equal(t, 3, store.n(t))
		assert.Equal(t, 3, got(t, newEngine(p, store)))
	})
}
