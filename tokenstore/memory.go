package tokenstore

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
)

// Memory is a [SharedStore] in the memory of one process. Connectors with the
// same Memory and the same Account share a single token and a single renewal.
// All values are lost when the process ends. The zero value is an empty store,
// ready to use. A Memory must not be copied.
type Memory struct {
	mu     sync.Mutex // guards the fields below
	values map[string][]byte
	locks  map[string]*memoryLock // only keys that somebody holds or waits for
}

// A memoryLock is the lock of one key.
type memoryLock struct {
	held  chan struct{} // contains one element while the lock is held
	users int           // the holder and all waiters; guarded by Memory.mu
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
	value, ok = m.values[key]
	return bytes.Clone(value), ok, nil
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
	current, ok := m.values[key]
	if ok != (old != nil) || !bytes.Equal(current, old) {
		return false, nil
	}
	m.set(key, new)
	return true, nil
}

// set stores a copy of value. The copy is never nil, because a nil value would
// mean an absent key. The caller holds m.mu.
func (m *Memory) set(key string, value []byte) {
	if m.values == nil {
		m.values = make(map[string][]byte)
	}
	m.values[key] = append([]byte{}, value...)
}

// Lock waits until the caller alone holds key, or until ctx ends. The lock lasts
// until unlock: a process cannot outlive its own memory, so a lock without a
// living holder cannot exist.
func (m *Memory) Lock(ctx context.Context, key string) (unlock func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, fail("lock", key, err)
	}
	l := m.enter(key)
	select {
	case l.held <- struct{}{}:
		return sync.OnceFunc(func() { <-l.held; m.leave(key, l) }), nil
	case <-ctx.Done():
		m.leave(key, l)
		return nil, fail("lock", key, ctx.Err())
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

// leave ends one use of the lock of key. The last user removes the lock, so that
// a store with many keys does not grow for ever.
func (m *Memory) leave(key string, l *memoryLock) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(m.locks, key)
	}
}
