package pending_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/connectorauth/connectorauth/internal/pending"
	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// keyless is a store of which some values were sealed with a key that is gone.
type keyless struct {
	store
	held    sync.Mutex // the lock of every key
	locking func()     // called when the lock is held; may be nil
	deleted atomic.Int32
}

type errKeyless struct{ error }

func (errKeyless) Damaged() bool { return true }

func (s *keyless) Load(ctx context.Context, key string) ([]byte, bool, error) {
	value, ok, err := s.store.Load(ctx, key)
	if string(value) == "sealed" {
		return nil, false, errKeyless{errStore}
	}
	return value, ok, err
}

func (s *keyless) Lock(context.Context, string) (renew.Lease, error) {
	s.held.Lock()
	if s.locking != nil {
		s.locking()
	}
	return unlocker{unlock: s.held.Unlock}, nil
}

type unlocker struct {
	renew.Lease // nil
	unlock      func()
}

func (u unlocker) Unlock() { u.unlock() }

func (s *keyless) Delete(_ context.Context, key string) error {
	if s.held.TryLock() {
		s.held.Unlock()
		return errors.New("another process may have replaced the record")
	}
	s.deleted.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.values, key)
	return nil
}

// Nobody could read the record of claims ever again, so it is removed.
func TestRecordOfClaimsThatCannotBeReadIsRemoved(t *testing.T) {
	s := &keyless{store: store{values: make(map[string]string)}}
	for i := range 256 {
		s.values[fmt.Sprintf("connectorauth-consents-%02x", i)] = "sealed"
	}
	c := begin("s1")
	c.flow.Store = s
	require.NoError(t, new(pending.Keeper).Finish(t.Context(), c.flow, c.text, granted("s1")))
	assert.Equal(t, pending.Used, kind(t, new(pending.Keeper).Finish(t.Context(), c.flow, c.text, granted("s1"))))
	assert.EqualValues(t, 1, c.obtained.Load())
	assert.EqualValues(t, 1, s.deleted.Load())
	assert.True(t, s.held.TryLock(), "the lock is free again")
}

// Another process has removed the damaged record before, and has claimed a consent.
func TestRecordOfClaimsThatWasReplacedIsKept(t *testing.T) {
	s := &keyless{store: store{values: make(map[string]string)}}
	for i := range 256 {
		s.values[fmt.Sprintf("connectorauth-consents-%02x", i)] = "sealed"
	}
	c := begin("s1")
	s.locking = func() {
		s.locking = nil
		s.mu.Lock()
		for key := range s.values {
			delete(s.values, key)
		}
		s.mu.Unlock()
		mine := c.flow
		mine.Store = &s.store
		require.NoError(t, new(pending.Keeper).Finish(t.Context(), mine, c.text, granted("s1")))
	}
	c.flow.Store = s
	assert.Equal(t, pending.Used, kind(t, new(pending.Keeper).Finish(t.Context(), c.flow, c.text, granted("s1"))))
	assert.EqualValues(t, 1, c.obtained.Load())
	assert.True(t, s.held.TryLock(), "the lock is free again")
}
