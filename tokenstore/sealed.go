package tokenstore

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

// A Key encrypts values for [NewSealed]. A Key never prints the secret: every fmt
// verb, log/slog, JSON and XML leave the secret out, and package gob refuses a Key.
// Only a program that walks memory by reflection, and calls no methods, prints the
// secret of a Key, such as the diff of testify's assert.Equal. The store that NewSealed
// returns keeps its keys where reflection does not reach.
type Key struct {
	// ID is the name of the key: 1 to 255 bytes, unique, not secret. Every sealed
	// value contains the ID.
	ID string
	// Secret is 32 random bytes, for example from "openssl rand 32".
	Secret []byte `json:"-" xml:"-"`
}

// Format writes the ID without the secret, for every verb.
func (k Key) Format(f fmt.State, verb rune) { fmt.Fprintf(f, "{ID:%q Secret:[redacted]}", k.ID) }

// GobEncode returns an error: package gob would write the secret.
func (Key) GobEncode() ([]byte, error) {
	return nil, errors.New("tokenstore: a Key is not for package gob")
}

// NewSealed returns a store that encrypts values with AES-256-GCM before they
// reach inner, and decrypts values from inner. The store keys and the number of
// values stay visible. The result is a [SharedStore] if inner is a SharedStore,
// and has the method Wait if such an inner has Wait.
//
// The first of keys seals values; all keys open values. A program replaces a key in four
// steps, each in all processes before the next one: the new key comes second; the new key
// comes first; [Reseal] seals each value again; the old key goes. A key may seal 2^32 values.
//
// A value belongs to the store key under which the value was saved. Load, Wait
// and CompareAndSwap return an error that names the store key if the value was
// changed, moved from another store key, sealed with an unknown key, or never
// sealed. The error is a *storeerror.Sealed of package tokenstore/storeerror, or a
// *storeerror.Damaged for a value that was never sealed. Both have a method
// Damaged() bool that returns true, so a connector that obtains tokens without a person
// replaces the value: see connectorauth.TokenStore. Errors of inner have no method
// Damaged unless inner gives them one.
func NewSealed(inner Store, keys ...Key) (Store, error) {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if inner == nil {
		add("inner: is nil")
	}
	if len(keys) == 0 {
		add("keys: there are none; give at least one")
	}
	s := &sealed{inner: inner, keys: make(map[string]func() cipher.AEAD, len(keys))}
	for i, k := range keys {
		if len(k.ID) == 0 || len(k.ID) > 255 {
			add("keys[%d]: ID has %d bytes, not 1 to 255", i, len(k.ID))
		}
		if _, twice := s.keys[k.ID]; twice {
			add("keys[%d]: two keys have the ID %q", i, k.ID)
		}
		s.keys[k.ID] = nil
		if len(k.Secret) != 32 {
			add("keys[%d]: the secret of key %q has %d bytes, not 32; an encoding such as base64 is no part of the secret", i, k.ID, len(k.Secret))
			continue
		}
		block, err := aes.NewCipher(k.Secret)
		if err != nil {
			add("keys[%d]: %w", i, err)
			continue
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			add("keys[%d]: %w", i, err)
		}
		s.keys[k.ID] = func() cipher.AEAD { return aead }
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("tokenstore: NewSealed: %w", err)
	}
	s.first = keys[0].ID
	if shared, ok := inner.(SharedStore); ok {
		both := &sealedShared{sealed: s, shared: shared}
		if inner, ok := inner.(renew.Waiter); ok {
			return &sealedWaiting{sealedShared: both, waiting: inner}, nil
		}
		return both, nil
	}
	return s, nil
}

// sealed is the store that NewSealed returns. A sealed value is
//
//	format (1 byte) | length of the key's ID (1 byte) | ID | nonce (12 bytes) | ciphertext | tag (16 bytes)
//
// The tag authenticates the value, everything up to the ID, and the store key.
type sealed struct {
	inner Store
	keys  map[string]func() cipher.AEAD // by ID; functions, because a program that walks memory by reflection sees an address alone
	first string                        // the ID of the key that seals
}

const sealedFormat = 1

func (s *sealed) Load(ctx context.Context, key string) (value []byte, ok bool, err error) {
	envelope, ok, err := s.inner.Load(ctx, key)
	if err != nil || !ok {
		return nil, false, err
	}
	if value, err = s.open(key, envelope); err != nil {
		return nil, false, fail("open", key, err)
	}
	return value, true, nil
}

func (s *sealed) Save(ctx context.Context, key string, value []byte) error {
	return s.inner.Save(ctx, key, s.seal(key, value))
}

func (s *sealed) Delete(ctx context.Context, key string) error { return s.inner.Delete(ctx, key) }

func (s *sealed) seal(key string, value []byte) []byte {
	header := append([]byte{sealedFormat, byte(len(s.first))}, s.first...)
	box := s.keys[s.first]().Seal(nil, nil, value, slices.Concat(header, []byte(key)))
	return slices.Concat(header, box)
}

// foreign returns the error of a value that no key opens.
func (s *sealed) foreign(id string) error {
	return &storeerror.Sealed{Key: id, Keys: slices.Sorted(maps.Keys(s.keys))}
}

// open returns the value in envelope.
func (s *sealed) open(key string, envelope []byte) (value []byte, err error) {
	if len(envelope) < 2 || envelope[0] != sealedFormat || len(envelope) < 2+int(envelope[1]) {
		return nil, damaged("the value is not sealed: delete the key, or save the value again through this store")
	}
	id := sealer(envelope)
	end := 2 + len(id)
	header, box := envelope[:end], envelope[end:]
	aead := s.keys[id]
	if aead == nil {
		return nil, s.foreign(id)
	}
	value, err = aead().Open([]byte{}, nil, box, slices.Concat(header, []byte(key)))
	if err != nil {
		return nil, s.foreign(id)
	}
	return value, nil
}

// sealer returns the ID of the key that has sealed the value in envelope.
func sealer(envelope []byte) string { return string(envelope[2 : 2+int(envelope[1])]) }

// sealedShared is a sealed store around a SharedStore.
type sealedShared struct {
	*sealed
	shared SharedStore
}

func (s *sealedShared) Lock(ctx context.Context, key string) (Lease, error) {
	return s.shared.Lock(ctx, key)
}

// CompareAndSwap opens the current value and compares the opened value with
// old, because sealing old again would give other bytes. CompareAndSwap then
// replaces exactly the sealed bytes that were opened.
func (s *sealedShared) CompareAndSwap(ctx context.Context, key string, old, new []byte) (swapped bool, err error) {
	if old == nil {
		return s.shared.CompareAndSwap(ctx, key, nil, s.seal(key, new))
	}
	for {
		envelope, ok, err := s.shared.Load(ctx, key)
		if err != nil || !ok {
			return false, err
		}
		current, err := s.open(key, envelope)
		if err != nil {
			return false, fail("swap", key, err)
		}
		if subtle.ConstantTimeCompare(current, old) == 0 {
			return false, nil
		}
		swapped, err := s.shared.CompareAndSwap(ctx, key, envelope, s.seal(key, new))
		if swapped || err != nil {
			return swapped, err
		}
		// Another process has stored a value, perhaps the same value sealed again.
	}
}

// sealedWaiting is a sealed store around a SharedStore that has Wait.
type sealedWaiting struct {
	*sealedShared
	waiting renew.Waiter
}

// Wait waits for sealed values of the inner store, and compares the opened value
// with old: the same value sealed again is no news. The first sealed value to wait
// for is empty. No value is sealed like that, so the inner store returns the
// present value at once, from the same read for all who wait.
func (s *sealedWaiting) Wait(ctx context.Context, key string, old []byte) (value []byte, err error) {
	envelope := []byte{}
	for {
		if envelope, err = s.waiting.Wait(ctx, key, envelope); err != nil {
			return nil, err
		}
		if value = nil; envelope != nil {
			if value, err = s.open(key, envelope); err != nil {
				return nil, fail("open", key, err)
			}
		}
		if (value == nil) != (old == nil) || subtle.ConstantTimeCompare(value, old) == 0 {
			return value, nil
		}
	}
}
