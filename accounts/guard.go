package accounts

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/connectorauth/connectorauth"
)

// guarded is the Store of a Registry, below the seal: a generation that has ended gets no
// token any more, whatever renewals and clients are left in whatever process. Its errors are
// outages.
type guarded struct {
	inner connectorauth.SharedTokenStore
}

// waiter is a store that tells when a value changes: see connectorauth.SharedTokenStore.
type waiter interface {
	Wait(ctx context.Context, key string, old []byte) (value []byte, err error)
}

// guardedWaiting is guarded around a waiter.
type guardedWaiting struct {
	guarded
	waiter
}

// guard returns store with a guard.
func guard(store connectorauth.SharedTokenStore) connectorauth.SharedTokenStore {
	if w, ok := store.(waiter); ok {
		return guardedWaiting{guarded{store}, w}
	}
	return guarded{store}
}

func (s guarded) Load(ctx context.Context, key string) (value []byte, ok bool, err error) {
	value, ok, err = s.inner.Load(ctx, key)
	return value, ok, ofStore(err)
}

func (s guarded) Save(ctx context.Context, key string, value []byte) error {
	created, err := s.create(ctx, key, func() (bool, error) { return true, s.inner.Save(ctx, key, value) })
	if err == nil && !created {
		return ErrDisconnected
	}
	return err
}

func (s guarded) Delete(ctx context.Context, key string) error {
	return ofStore(s.inner.Delete(ctx, key))
}

func (s guarded) Lock(ctx context.Context, key string) (connectorauth.Lease, error) {
	lease, err := s.inner.Lock(ctx, key)
	return lease, ofStore(err)
}

func (s guarded) CompareAndSwap(ctx context.Context, key string, old, new []byte) (swapped bool, err error) {
	swap := func() (bool, error) { return s.inner.CompareAndSwap(ctx, key, old, new) }
	if old != nil { // the end of a generation has deleted what there was
		swapped, err = swap()
		return swapped, ofStore(err)
	}
	return s.create(ctx, key, swap)
}

// A list names the further records of a generation, as a Kind makes them: what follows after the
// first "#" of their keys. So the registry removes them without the Kind. The list is not
// sealed.
const listSuffix = "#records"

// listOf returns the key of the list in which a record must stand, and the name of the record
// there. ok is false for a record that needs no list: see tokenKeys.
func listOf(key string) (list, name string, ok bool) {
	first, name, further := strings.Cut(key, "#")
	if _, err := strconv.Atoi(name); !further || err == nil || !strings.Contains(first, "/") || "#"+name == listSuffix {
		return "", "", false
	}
	return first + listSuffix, name, true
}

// listed returns the further records of a generation, and the list as the store has it.
func listed(ctx context.Context, store connectorauth.TokenStore, list string) (names []string, stored []byte, err error) {
	stored, found, err := store.Load(ctx, list)
	if err != nil || !found {
		return nil, nil, ofStore(err)
	}
	if json.Unmarshal(stored, &names) != nil {
		return nil, stored, nil // damaged: better a record that nobody removes than an account that cannot end
	}
	return names, stored, nil
}

// enlist puts a record into its list, before there is the record.
func (s guarded) enlist(ctx context.Context, key string) error {
	list, name, ok := listOf(key)
	for ok {
		names, stored, err := listed(ctx, s.inner, list)
		if err != nil || slices.Contains(names, name) {
			return err
		}
		text, _ := json.Marshal(append(names, name)) // strings: cannot fail
		enlisted, err := s.CompareAndSwap(ctx, list, stored, text)
		if err != nil {
			return err
		}
		if !enlisted && stored == nil {
			if lives, err := s.lives(ctx, list); err != nil || !lives {
				return ofStore(err) // create removes the record
			}
		}
		ok = !enlisted
	}
	return nil
}

// create calls write, which may make a new record under key, and reports whether there is
// one. The values of a generation are removed before its tokens. So a write that comes after
// the end of the generation sees no values, be it before the write or after.
func (s guarded) create(ctx context.Context, key string, write func() (bool, error)) (created bool, err error) {
	lives, err := s.lives(ctx, key)
	if err == nil && lives {
		if err = s.enlist(ctx, key); err != nil {
			return false, err
		}
		if created, err = write(); err != nil || !created {
			return false, ofStore(err)
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		lives, err = s.lives(ctx, key)
	}
	if err == nil && !lives {
		err = s.inner.Delete(ctx, key)
	}
	return lives, ofStore(err)
}

// lives reports whether the generation whose record is under key has its values. A key of no
// generation is that of consents.
func (s guarded) lives(ctx context.Context, key string) (bool, error) {
	if !strings.Contains(key, "/") || strings.HasSuffix(key, valuesSuffix) {
		return true, nil
	}
	first, _, _ := strings.Cut(key, "#") // a second credential: see definition.Connection
	_, found, err := s.inner.Load(ctx, first+valuesSuffix)
	return found, err
}
