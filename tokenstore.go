package connectorauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
)

// A TokenStore keeps the tokens that an account owner's consent or a renewal
// produced, so that they outlive the process. Values are opaque bytes; keys are
// the Account strings of connector configs. Implementations are safe for
// concurrent use and use basic types only, so that an adapter need not import
// this package.
//
// A store that several processes share should implement [SharedTokenStore] as
// well: without it, two processes may renew one token at the same time, and
// many providers answer that by revoking the account's whole grant.
type TokenStore interface {
	// Load returns the value under key; ok is false if there is none.
	Load(ctx context.Context, key string) (value []byte, ok bool, err error)
	// Save stores value under key, replacing what was there. When it returns
	// nil the value is durable.
	Save(ctx context.Context, key string, value []byte) error
	// Delete removes key. An absent key is not an error.
	Delete(ctx context.Context, key string) error
}

// A SharedTokenStore is a [TokenStore] that several processes, or several
// connectors of one process, can share safely.
type SharedTokenStore interface {
	TokenStore
	// Lock waits until the caller alone holds key, or ctx ends. It is a lease:
	// the hold of a process that died runs out by itself. A renewal takes up to 90
	// seconds, and holds the lock on while the store does not take its result;
	// a lease of minutes is long enough. unlock releases only the caller's own
	// hold and may be called more than once. Locks do not block Load, Save,
	// Delete or CompareAndSwap.
	Lock(ctx context.Context, key string) (unlock func(), err error)
	// CompareAndSwap stores new under key if the current value equals old, and
	// reports whether it did. A nil old means that key must be absent.
	CompareAndSwap(ctx context.Context, key string, old, new []byte) (swapped bool, err error)
}

// tokenVersion is that of the values that connectors save. A program refuses
// what a later one wrote.
const tokenVersion = 1

// decodeStored reads a value that a connector saved into t, of which version is
// a field. Its errors do not quote the value.
func decodeStored(stored []byte, t any, version *int) error {
	dec := json.NewDecoder(bytes.NewReader(stored))
	dec.UseNumber() // as in a fresh answer
	if dec.Decode(t) != nil || *version < 1 {
		return errors.New("it is not a token that this library saved")
	}
	if *version > tokenVersion {
		return fmt.Errorf("it has version %d, and this program knows versions up to %d; update the program", *version, tokenVersion)
	}
	return nil
}

// MemoryStore is a [SharedTokenStore] in memory: connectors of one process
// that are given the same MemoryStore and Account share one token and one
// renewal. The zero value is ready to use. It must not be copied.
type MemoryStore struct {
	mu     sync.Mutex
	values map[string][]byte
	locks  map[string]*memoryLock
}

// memoryLock is the lock of one key; it exists while somebody holds or wants it.
type memoryLock struct {
	held  chan struct{} // holds one element while locked
	users int           // holder and waiters, guarded by MemoryStore.mu
}

// Load returns a copy of the value under key.
func (s *MemoryStore) Load(ctx context.Context, key string) (value []byte, ok bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	value, ok = s.values[key]
	return bytes.Clone(value), ok, nil
}

// Save stores a copy of value under key.
func (s *MemoryStore) Save(ctx context.Context, key string, value []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(key, value)
	return nil
}

// Delete removes key.
func (s *MemoryStore) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.values, key)
	return nil
}

// CompareAndSwap stores new under key if the current value equals old; a nil
// old means that key must be absent.
func (s *MemoryStore) CompareAndSwap(ctx context.Context, key string, old, new []byte) (swapped bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	current, ok := s.values[key]
	if ok != (old != nil) || !bytes.Equal(current, old) {
		return false, nil
	}
	s.set(key, new)
	return true, nil
}

// set stores a non-nil copy of value; s.mu is held.
func (s *MemoryStore) set(key string, value []byte) {
	if s.values == nil {
		s.values = make(map[string][]byte)
	}
	s.values[key] = append([]byte{}, value...)
}

// Lock waits until the caller alone holds key, or ctx ends. The holder lives in
// this process, so the lease has no end of its own.
func (s *MemoryStore) Lock(ctx context.Context, key string) (unlock func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	l := s.locks[key]
	if l == nil {
		if s.locks == nil {
			s.locks = make(map[string]*memoryLock)
		}
		l = &memoryLock{held: make(chan struct{}, 1)}
		s.locks[key] = l
	}
	l.users++
	s.mu.Unlock()

	select {
	case l.held <- struct{}{}:
		return sync.OnceFunc(func() { <-l.held; s.leave(key, l) }), nil
	case <-ctx.Done():
		s.leave(key, l)
		return nil, ctx.Err()
	}
}

// leave forgets the lock of key when nobody holds or wants it any more.
func (s *MemoryStore) leave(key string, l *memoryLock) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(s.locks, key)
	}
}
