package renew_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/stretchr/testify/require"
)

// sharedStore keeps one value, and fails on demand.
type sharedStore struct {
	before func(op string) error // the operation does not happen
	after  func(op string) error // it happened, and its answer is lost

	mu     sync.Mutex
	value  []byte // nil: absent
	ops    []string
	locked chan struct{}
}

func newStore(v *value) *sharedStore {
	s := &sharedStore{locked: make(chan struct{}, 1)}
	if v != nil {
		s.put(v)
	}
	return s
}

func (s *sharedStore) put(v *value) {
	raw, err := json.Marshal(map[string]any{"v": 2, "identity": "the provider", "value": v})
	if err != nil {
		panic(err)
	}
	s.set(raw)
}

func (s *sharedStore) set(raw []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.value = raw
}

// n returns the stored value's N, 0 if it is absent.
func (s *sharedStore) n(t *testing.T) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.value == nil {
		return 0
	}
	var record struct{ Value value }
	require.NoError(t, json.Unmarshal(s.value, &record))
	return record.Value.N
}

func (s *sharedStore) do(ctx context.Context, op string, f func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.before != nil {
		if err := s.before(op); err != nil {
			return err
		}
	}
	s.mu.Lock()
	s.ops = append(s.ops, op)
	f()
	s.mu.Unlock()
	if s.after != nil {
		return s.after(op)
	}
	return nil
}

func (s *sharedStore) Load(ctx context.Context, k string) (raw []byte, ok bool, err error) {
	if k != key {
		panic("wrong key")
	}
	err = s.do(ctx, "load", func() { raw, ok = bytes.Clone(s.value), s.value != nil })
	return raw, ok, err
}

func (s *sharedStore) Save(ctx context.Context, _ string, raw []byte) error {
	return s.do(ctx, "save", func() { s.value = bytes.Clone(raw) })
}

func (s *sharedStore) Delete(ctx context.Context, _ string) error {
	return s.do(ctx, "delete", func() { s.value = nil })
}

func (s *sharedStore) Lock(ctx context.Context, _ string) (renew.Lease, error) {
	select {
	case s.locked <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := s.do(ctx, "lock", func() {}); err != nil {
		<-s.locked
		return nil, err
	}
	return fakeLease(sync.OnceFunc(func() {
		<-s.locked
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ops = append(s.ops, "unlock")
	})), nil
}

// fakeLease is a lock that is never lost. The function releases the lock.
type fakeLease func()

func (fakeLease) Check(ctx context.Context) error { return ctx.Err() }
func (fakeLease) Lost() <-chan struct{}           { return nil }
func (unlock fakeLease) Unlock()                  { unlock() }

func (s *sharedStore) CompareAndSwap(ctx context.Context, _ string, old, new []byte) (swapped bool, err error) {
	op := "swap"
	if bytes.Contains(new, []byte(`"doubt":`)) {
		op = "mark"
	}
	err = s.do(ctx, op, func() {
		if swapped = (old == nil) == (s.value == nil) && bytes.Equal(old, s.value); swapped {
			s.value = bytes.Clone(new)
		}
	})
	return swapped, err
}

// isLocked reports whether somebody holds the lock once all goroutines of the
// bubble wait: a value may be known before its renewal gives the lock back.
func (s *sharedStore) isLocked() bool {
	synctest.Wait()
	return len(s.locked) > 0
}

// done returns the operations since the last call.
func (s *sharedStore) done() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ops := s.ops
	s.ops = nil
	return ops
}

// plainStore hides what is shared about a sharedStore.
type plainStore struct{ s *sharedStore }

func (p plainStore) Load(ctx context.Context, k string) ([]byte, bool, error) {
	return p.s.Load(ctx, k)
}
func (p plainStore) Save(ctx context.Context, k string, raw []byte) error {
	return p.s.Save(ctx, k, raw)
}
func (p plainStore) Delete(ctx context.Context, k string) error { return p.s.Delete(ctx, k) }

// writes reports whether op is a store's write of a value. A mark is none.
func writes(op string) bool { return op == "save" || op == "swap" }

// failing returns a hook that fails the given operations while it is on.
func failing(on *atomicBool, ops ...string) func(string) error {
	return func(op string) error {
		if on.get() && (len(ops) == 0 || slices.Contains(ops, op)) {
			return errors.New("store down")
		}
		return nil
	}
}

type atomicBool struct {
	mu sync.Mutex
	on bool
}

func (b *atomicBool) set(on bool) { b.mu.Lock(); b.on = on; b.mu.Unlock() }
func (b *atomicBool) get() bool   { b.mu.Lock(); defer b.mu.Unlock(); return b.on }

// kinds runs a test with a shared and with a plain store, in a synctest bubble.
func kinds(t *testing.T, test func(t *testing.T, open func(v *value) (renew.Store, *sharedStore))) {
	t.Run("shared", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			test(t, func(v *value) (renew.Store, *sharedStore) { s := newStore(v); return s, s })
		})
	})
	t.Run("plain", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			test(t, func(v *value) (renew.Store, *sharedStore) { s := newStore(v); return plainStore{s}, s })
		})
	})
}
