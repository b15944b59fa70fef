package tokenstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
)

// Memory is a [SharedStore] in the memory of one process. Connectors with the
// same Memory and the same Account share a single token and a single renewal.
// All values are lost when the process ends. The zero value is an empty store,
// ready to use. A Memory must not be copied.
type Memory struct {
	mu      sync.Mutex               // guards the fields below
	values  map[string]func() []byte // functions, because a program that walks memory by reflection sees an address alone
	locks   map[string]*memoryLock   // only keys that somebody holds or waits for
	changes map[string]*memoryChange // only keys that somebody waits for a change of
}

// A memoryLock is the lock of one key.
type memoryLock struct {
	held  chan struct{} // contains one element while the lock is held
	users int           // the holder and all waiters; guarded by Memory.mu
}

// A memoryChange is the next change of the value of one key.
type memoryChange struct {
	happened chan struct{} // closed at the change
	users    int           // who wait for the change; guarded by Memory.mu
}

// Format prints the same for every verb: the values are secrets.
func (*Memory) Format(f fmt.State, _ rune) { io.WriteString(f, "tokenstore.Memory") }

// Load returns a copy of the value under key.
func (m *Memory) Load(ctx context.Context, key string) (value []byte, ok bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, fail("load", key, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	value = m.value(key)
	return bytes.Clone(value), value != nil, nil
}

// Save stores a copy of value under key.
func (m *Memory) Save(ctx context.Context, key string, value []byte) error {
	if err := ctx.Err(); err != nil {
		return fail("save", key, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set(key, value)
	return nil
}

// Delete removes the value under key.
func (m *Memory) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return fail("delete", key, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.values, key)
	m.changed(key)
	return nil
}

// CompareAndSwap stores a copy of new under key if the current value equals
// old, and reports whether new was stored. A nil old means: key is absent.
func (m *Memory) CompareAndSwap(ctx context.Context, key string, old, new []byte) (swapped bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, fail("swap", key, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !same(m.value(key), old) {
		return false, nil
	}
	m.set(key, new)
	return true, nil
}

// value returns the value of key, or nil. The caller holds m.mu.
func (m *Memory) value(key string) []byte {
	if value := m.values[key]; value != nil {
		return value()
	}
	return nil
}

// set stores a copy of value. The copy is never nil, because a nil value would
// mean an absent key. The caller holds m.mu.
func (m *Memory) set(key string, value []byte) {
	if m.values == nil {
		m.values = make(map[string]func() []byte)
	}
	value = append([]byte{}, value...)
	m.values[key] = func() []byte { return value }
	m.changed(key)
}

// Lock waits until the caller alone holds key, or until ctx ends. The lock lasts
// until Unlock and is never lost: a process cannot outlive its own memory, so a
// lock without a living holder cannot exist.
func (m *Memory) Lock(ctx context.Context, key string) (Lease, error) {
	if err := ctx.Err(); err != nil {
		return nil, fail("lock", key, err)
	}
	l := m.enter(key)
	select {
	case l.held <- struct{}{}:
		return &memoryLease{memory: m, key: key, lock: l}, nil
	case <-ctx.Done():
		m.leave(key, l)
		return nil, fail("lock", key, ctx.Err())
	}
}

// A memoryLease is a held lock.
type memoryLease struct {
	memory   *Memory
	key      string
	lock     *memoryLock
	released atomic.Bool
}

// Check fails only after Unlock.
func (l *memoryLease) Check(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fail("check the lock of", l.key, err)
	}
	if l.released.Load() {
		return fail("check the lock of", l.key, errors.New("the lock was released by its holder"))
	}
	return nil
}

// Lost returns a nil channel: the lock is never lost.
func (l *memoryLease) Lost() <-chan struct{} { return nil }

// Unlock releases the lock.
func (l *memoryLease) Unlock() {
	if l.released.CompareAndSwap(false, true) {
		<-l.lock.held
		l.memory.leave(l.key, l.lock)
	}
}

// enter returns the lock of key and counts the caller as a user of the lock.
func (m *Memory) enter(key string) *memoryLock {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.locks[key]
	if l == nil {
		if m.locks == nil {
			m.locks = make(map[string]*memoryLock)
		}
		l = &memoryLock{held: make(chan struct{}, 1)}
		m.locks[key] = l
	}
	l.users++
	return l
}

// leave ends one use of the lock of key. The last user removes the lock, so
// a store with many keys does not grow for ever.
func (m *Memory) leave(key string, l *memoryLock) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(m.locks, key)
	}
}

// Wait returns the value of key as soon as the value is not old, or an error when
// ctx ends. A nil value is absent.
func (m *Memory) Wait(ctx context.Context, key string, old []byte) (value []byte, err error) {
	if err := ctx.Err(); err != nil {
		return nil, fail("wait for", key, err)
	}
	for {
		value, change := m.watch(key, old)
		if change == nil {
			return value, nil
		}
		select {
		case <-change.happened:
		case <-ctx.Done():
			m.unwatch(key, change)
			return nil, fail("wait for", key, ctx.Err())
		}
	}
}

// watch returns the value of key, or the next change of key if the value is old.
func (m *Memory) watch(key string, old []byte) (value []byte, next *memoryChange) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if value = m.value(key); !same(value, old) {
		return bytes.Clone(value), nil
	}
	next = m.changes[key]
	if next == nil {
		if m.changes == nil {
			m.changes = make(map[string]*memoryChange)
		}
		next = &memoryChange{happened: make(chan struct{})}
		m.changes[key] = next
	}
	next.users++
	return nil, next
}

// unwatch ends one use of a change. The last user removes the change.
func (m *Memory) unwatch(key string, c *memoryChange) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.users--; c.users == 0 && m.changes[key] == c {
		delete(m.changes, key)
	}
}

// changed wakes all who wait for a change of key. The caller holds m.mu.
func (m *Memory) changed(key string) {
	if c := m.changes[key]; c != nil {
		close(c.happened)
		delete(m.changes, key)
	}
}
