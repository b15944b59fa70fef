package accounts

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/renew"
)

// guarded is the Store of a Registry, below the seal. A generation that has ended gets no
// token any more, even if a process still has renewals or clients of the generation. The
// errors are outages.
type guarded struct {
	inner connectorauth.SharedTokenStore
}

// guardedWaiting is guarded around a renew.Waiter.
type guardedWaiting struct {
	guarded
	renew.Waiter
}

// guard returns store with a guard.
func guard(store connectorauth.SharedTokenStore) connectorauth.SharedTokenStore {
	if w, ok := store.(renew.Waiter); ok {
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

// A list names the further records of a generation, which a Kind makes, by what follows the
// first "#" of the key. So the registry removes the records without the Kind. The list is not
// sealed.
const listSuffix = "#records"

// listOf returns the key of the list in which a record must stand, and the name of the record
// in the list. ok is false for a record without a list: see tokenKeys.
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

// create calls write, which may make a new record under key, and reports whether the record
// is there. The end of a generation removes the values before the tokens. So create looks for
// the values before the write and after the write: without values, the generation has ended.
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

// lives reports whether the generation of the record under key has values. Keys of consents
// belong to no generation, and live.
func (s guarded) lives(ctx context.Context, key string) (bool, error) {
	if !strings.Contains(key, "/") || strings.HasSuffix(key, valuesSuffix) {
		return true, nil
	}
	first, _, _ := strings.Cut(key, "#") // a second credential: see definition.Connection
	_, found, err := s.inner.Load(ctx, first+valuesSuffix)
	return found, err
}
