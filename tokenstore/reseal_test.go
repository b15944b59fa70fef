package tokenstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/records"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

// client is the key of a registered client.
var client = records.Client("b6bYQWkTTlwPZvNdyEzl")

// filled saves a value under the first key: of two accounts, of finished consents, and of a registered
// client. filled returns the keys of the values.
func filled(t *testing.T, inner tokenstore.SharedStore) []string {
	t.Helper()
	names := []string{"alice", "alice#2", records.Consent(0), records.Consent(255), client}
	for _, name := range names {
		require.NoError(t, seal(t, inner, key1).Save(t.Context(), name, []byte("value of "+name)))
	}
	list, _ := records.Enlist(nil, client)
	require.NoError(t, inner.Save(t.Context(), records.ClientList(client), list))
	return names
}

// given are the keys that a program gives to Reseal. One of them has no value.
var given = slices.Values([]string{"alice", "alice#2", "bob"})

func TestReseal(t *testing.T) {
	for name, inner := range map[string]tokenstore.SharedStore{"memory": new(tokenstore.Memory), "file": openFile(t, newDir(t))} {
		t.Run(name, func(t *testing.T) {
			names := filled(t, inner)
			done, err := tokenstore.Reseal(t.Context(), seal(t, inner, key2, key1), given)
			require.NoError(t, err)
			assert.Equal(t, tokenstore.Resealed{Sealed: 5}, done)
			sealed := map[string][]byte{}
			for _, name := range names {
				value, _, err := seal(t, inner, key2).Load(t.Context(), name)
				require.NoError(t, err)
				assert.Equal(t, "value of "+name, string(value))
				sealed[name], _, err = inner.Load(t.Context(), name)
				require.NoError(t, err)
			}
			_, found, err := inner.Load(t.Context(), "bob")
			require.NoError(t, err)
			assert.False(t, found)

			done, err = tokenstore.Reseal(t.Context(), seal(t, inner, key2), given) // as the old key is gone
			require.NoError(t, err)
			assert.Equal(t, tokenstore.Resealed{Before: 5}, done)
			for name, before := range sealed {
				now, _, err := inner.Load(t.Context(), name)
				require.NoError(t, err)
				assert.True(t, bytes.Equal(before, now), "written again: %s", name)
			}
		})
	}
}

// A program that keeps no accounts in the store has clients that are registered.
func TestResealWithoutKeys(t *testing.T) {
	inner := new(tokenstore.Memory)
	filled(t, inner)
	done, err := tokenstore.Reseal(t.Context(), seal(t, inner, key2, key1), nil)
	require.NoError(t, err)
	assert.Equal(t, tokenstore.Resealed{Sealed: 3}, done)
}

// Reseal names each value that cannot be opened, and seals all others.
func TestResealGoesOnAfterALostValue(t *testing.T) {
	inner := newerStore{new(tokenstore.Memory)}
	filled(t, inner)
	lost := tokenstore.Key{ID: "lost", Secret: bytes.Repeat([]byte("3"), 32)}
	require.NoError(t, seal(t, inner, lost).Save(t.Context(), "alice", []byte("x")))
	require.NoError(t, inner.Save(t.Context(), "bob", []byte("never sealed")))
	require.NoError(t, inner.Save(t.Context(), records.ClientList(""), []byte("torn")))
	names := slices.Values([]string{"alice", "bob", "newer", "alice#2"})
	done, err := tokenstore.Reseal(t.Context(), seal(t, inner, key2, key1), names)
	assert.Equal(t, tokenstore.Resealed{Sealed: 4}, done)
	for _, name := range []string{`reseal "alice": the value is sealed with the key "lost"`, `reseal "bob": the value is not sealed`, "version 2", records.ClientList("")} {
		assert.ErrorContains(t, err, name)
	}
	assert.ErrorAs(t, err, new(*storeerror.Sealed))
	assert.ErrorAs(t, err, new(*storeerror.Damaged))
	assert.ErrorAs(t, err, new(*storeerror.Newer))
	assert.NotContains(t, err.Error(), "alice#2")
	value, _, err := inner.Load(t.Context(), "bob")
	require.NoError(t, err)
	assert.Equal(t, "never sealed", string(value))
}

// newerStore has a record of a newer program under the key newer.
type newerStore struct{ *tokenstore.Memory }

func (s newerStore) Load(ctx context.Context, key string) ([]byte, bool, error) {
	if key == "newer" {
		return nil, false, &storeerror.Newer{Version: 2, Known: 1}
	}
	return s.Memory.Load(ctx, key)
}

// An outage says nothing about values, and ends Reseal with the numbers so far. The next Reseal does the
// rest.
func TestResealCountsErrorsBeyondAThousand(t *testing.T) {
	inner, keys := brokenStore{Memory: new(tokenstore.Memory), load: "down"}, make([]string, 1002)
	for i := range keys {
		keys[i] = fmt.Sprint("account-", i)
		require.NoError(t, inner.Save(t.Context(), keys[i], []byte("never sealed")))
	}
	_, err := tokenstore.Reseal(t.Context(), seal(t, inner, key1), slices.Values(keys))
	require.ErrorContains(t, err, `"account-999"`)
	assert.NotContains(t, err.Error(), `"account-1000"`)
	assert.ErrorContains(t, err, "and 2 further errors")
	_, err = tokenstore.Reseal(t.Context(), seal(t, inner, key1), slices.Values(append(keys, "down")))
	assert.ErrorIs(t, err, errDown, "an outage is named, however many errors came before")
}

func TestResealEndsWithAnOutage(t *testing.T) {
	for name, outage := range map[string]brokenStore{
		"load": {load: "alice#2"}, "swap": {swap: "alice#2"}, "load of a list": {load: records.ClientList(client)},
	} {
		t.Run(name, func(t *testing.T) {
			outage.Memory = new(tokenstore.Memory)
			filled(t, outage.Memory)
			done, err := tokenstore.Reseal(t.Context(), seal(t, outage, key2, key1), given)
			require.ErrorIs(t, err, errDown)
			assert.NotErrorIs(t, err, errAfter)
			assert.NotZero(t, done.Sealed)
			rest, err := tokenstore.Reseal(t.Context(), seal(t, outage.Memory, key2, key1), given)
			require.NoError(t, err)
			assert.Equal(t, done.Sealed, rest.Before)
			assert.Equal(t, 5, rest.Before+rest.Sealed)
			assert.NotZero(t, rest.Sealed)
		})
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := tokenstore.Reseal(ended, seal(t, new(tokenstore.Memory), key1), given)
	assert.Equal(t, 1, len(err.(interface{ Unwrap() []error }).Unwrap()), "one error for all keys: %v", err)
	assert.ErrorIs(t, err, context.Canceled)
}

var errAfter = errors.New("used after an outage")

// brokenStore is down from a load or a swap of one key on.
type brokenStore struct {
	*tokenstore.Memory
	load, swap string
}

func (s brokenStore) Load(ctx context.Context, key string) ([]byte, bool, error) {
	if key == s.load {
		return nil, false, errDown
	}
	if key == "bob" && s.load+s.swap == "alice#2" {
		return nil, false, errAfter
	}
	return s.Memory.Load(ctx, key)
}

func (s brokenStore) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	if key == s.swap {
		return false, errDown
	}
	return s.Memory.CompareAndSwap(ctx, key, old, new)
}

// A renewal or the end of an account comes between the load and the swap. Reseal undoes neither.
func TestResealBesideWrites(t *testing.T) {
	for name, test := range map[string]struct {
		write func(store tokenstore.Store) error
		want  string
		done  tokenstore.Resealed
	}{
		"renewed by a process of the old key first": {
			func(store tokenstore.Store) error {
				return seal(t, store, key1, key2).Save(t.Context(), "alice", []byte("renewed"))
			},
			"renewed", tokenstore.Resealed{Sealed: 5}},
		"renewed by a process of the new key first": {
			func(store tokenstore.Store) error {
				return seal(t, store, key2, key1).Save(t.Context(), "alice", []byte("renewed"))
			},
			"renewed", tokenstore.Resealed{Sealed: 4, Before: 1}},
		"disconnected": {func(store tokenstore.Store) error { return store.Delete(t.Context(), "alice") }, "", tokenstore.Resealed{Sealed: 4}},
	} {
		t.Run(name, func(t *testing.T) {
			inner := &interrupted{Memory: new(tokenstore.Memory)}
			filled(t, inner.Memory)
			inner.between = func() error { return test.write(inner.Memory) }
			done, err := tokenstore.Reseal(t.Context(), seal(t, inner, key2, key1), given)
			require.NoError(t, err)
			assert.Equal(t, test.done, done)
			value, _, err := seal(t, inner.Memory, key2).Load(t.Context(), "alice")
			require.NoError(t, err)
			assert.Equal(t, test.want, string(value))
		})
	}
}

// interrupted calls between right before the first swap of alice.
type interrupted struct {
	*tokenstore.Memory
	between func() error
}

func (s *interrupted) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	if between := s.between; between != nil && key == "alice" {
		s.between = nil
		if err := between(); err != nil {
			return false, err
		}
	}
	return s.Memory.CompareAndSwap(ctx, key, old, new)
}

// A caller that swaps the value which was loaded before a Reseal has success: the value is the same.
func TestResealDisturbsNoSwap(t *testing.T) {
	inner := new(tokenstore.Memory)
	filled(t, inner)
	store := seal(t, inner, key2, key1).(tokenstore.SharedStore)
	before, _, err := store.Load(t.Context(), "alice")
	require.NoError(t, err)
	_, err = tokenstore.Reseal(t.Context(), store, given)
	require.NoError(t, err)
	swapped, err := store.CompareAndSwap(t.Context(), "alice", before, []byte("renewed"))
	require.NoError(t, err)
	assert.True(t, swapped)
}

func TestResealRefusesOtherStores(t *testing.T) {
	memory := new(tokenstore.Memory)
	for name, store := range map[string]tokenstore.Store{
		"not sealed": memory, "none": nil, "without CompareAndSwap": seal(t, plainStore{memory}, key1),
	} {
		_, err := tokenstore.Reseal(t.Context(), store, given)
		assert.ErrorContains(t, err, "tokenstore: Reseal: store: ", name)
	}
}

// A key is replaced, and the program knows its accounts by itself.
func ExampleReseal() {
	older := tokenstore.Key{ID: "2026", Secret: bytes.Repeat([]byte{7}, 32)} // of 32 random bytes
	newer := tokenstore.Key{ID: "2027", Secret: bytes.Repeat([]byte{8}, 32)}
	ctx, table := context.Background(), new(tokenstore.Memory) // or tokenstore.NewSQL
	before, err := tokenstore.NewSealed(table, older)
	if err != nil {
		fmt.Println(err)
	}
	if err := before.Save(ctx, "alice/mail", []byte("a token")); err != nil {
		fmt.Println(err)
	}

	during, err := tokenstore.NewSealed(table, newer, older) // in all processes, since the second step
	if err != nil {
		fmt.Println(err)
	}
	done, err := tokenstore.Reseal(ctx, during, slices.Values([]string{"alice/mail", "bob/mail"}))
	fmt.Println(done.Sealed, done.Before, err)

	after, err := tokenstore.NewSealed(table, newer)
	if err != nil {
		fmt.Println(err)
	}
	value, _, err := after.Load(ctx, "alice/mail")
	fmt.Println(string(value), err)
	// Output:
	// 1 0 <nil>
	// a token <nil>
}
