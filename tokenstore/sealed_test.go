package tokenstore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/tokenstoretest"
)

var (
	key1 = tokenstore.Key{ID: "2026-01", Secret: []byte(strings.Repeat("1", 32))}
	key2 = tokenstore.Key{ID: "2026-02", Secret: []byte(strings.Repeat("2", 32))}
)

func TestSealed(t *testing.T) {
	dir := newDir(t)
	tokenstoretest.Run(t, func(t *testing.T) tokenstore.Store { return seal(t, openFile(t, dir), key1) })
}

// plainStore hides Lock and CompareAndSwap of a SharedStore.
type plainStore struct{ tokenstore.Store }

func TestSealedIsSharedOnlyIfTheInnerStoreIs(t *testing.T) {
	file := openFile(t, newDir(t))
	_, ok := seal(t, file, key1).(tokenstore.SharedStore)
	assert.True(t, ok)
	_, ok = seal(t, plainStore{file}, key1).(tokenstore.SharedStore)
	assert.False(t, ok)
	tokenstoretest.Run(t, func(t *testing.T) tokenstore.Store { return seal(t, plainStore{file}, key1) })
}

func TestSealedHidesValues(t *testing.T) {
	file := openFile(t, newDir(t))
	store := seal(t, file, key1)
	seen := map[string]bool{}
	for range 100 {
		require.NoError(t, store.Save(t.Context(), "alice", []byte("canary-token")))
		raw, _, err := file.Load(t.Context(), "alice")
		require.NoError(t, err)
		assert.NotContains(t, string(raw), "canary")
		assert.False(t, seen[string(raw)], "the same bytes for the same value")
		seen[string(raw)] = true
	}
}

func TestSealedRefuses(t *testing.T) {
	ctx := t.Context()
	file := openFile(t, newDir(t))
	store := seal(t, file, key1).(tokenstore.SharedStore)
	require.NoError(t, store.Save(ctx, "alice", []byte("canary-token")))
	require.NoError(t, store.Save(ctx, "bob", []byte("another")))
	alices, _, err := file.Load(ctx, "alice")
	require.NoError(t, err)
	bobs, _, err := file.Load(ctx, "bob")
	require.NoError(t, err)

	wrong := map[string][]byte{"moved from another key": bobs, "never sealed": []byte(`{"t":1}`), "a long ID": {1, 255}}
	for length := range alices {
		wrong[fmt.Sprintf("cut to %d bytes", length)] = alices[:length]
	}
	for i := range alices {
		changed := bytes.Clone(alices)
		changed[i] ^= 1
		wrong[fmt.Sprintf("changed at %d", i)] = changed
	}
	for name, raw := range wrong {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, file.Save(ctx, "alice", raw))
			_, ok, err := store.Load(ctx, "alice")
			require.ErrorContains(t, err, `"alice"`)
			assert.True(t, damaged(err))
			assert.NotContains(t, err.Error(), "canary")
			assert.False(t, ok)
			swapped, err := store.CompareAndSwap(ctx, "alice", []byte("canary-token"), []byte("new"))
			assert.ErrorContains(t, err, `"alice"`)
			assert.True(t, damaged(err))
			assert.False(t, swapped)
			left, _, err := file.Load(ctx, "alice")
			require.NoError(t, err)
			assert.True(t, bytes.Equal(raw, left), "overwritten by CompareAndSwap")
		})
	}
}

func TestSealedKeyRotation(t *testing.T) {
	ctx := t.Context()
	file := openFile(t, newDir(t))
	before := seal(t, file, key1)
	during := seal(t, file, key2, key1).(tokenstore.SharedStore)
	after := seal(t, file, key2)
	require.NoError(t, before.Save(ctx, "alice", []byte("token")))

	_, _, err := after.Load(ctx, "alice")
	assert.ErrorContains(t, err, `"2026-01"`)
	assert.True(t, damaged(err))
	value, ok, err := during.Load(ctx, "alice")
	require.NoError(t, err)
	require.True(t, ok)
	swapped, err := during.CompareAndSwap(ctx, "alice", value, value)
	require.NoError(t, err)
	require.True(t, swapped)
	value, ok, err = after.Load(ctx, "alice")
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Equal(t, "token", string(value))

	impostor := seal(t, file, tokenstore.Key{ID: key2.ID, Secret: key1.Secret})
	_, _, err = impostor.Load(ctx, "alice")
	assert.ErrorContains(t, err, `"alice"`)
}

// damaged reports whether err blames the stored value.
func damaged(err error) bool {
	var value interface{ Damaged() bool }
	return errors.As(err, &value) && value.Damaged()
}

// An error of the inner store says nothing about the value.
func TestSealedBlamesNoValueForTheInnerStore(t *testing.T) {
	file := openFile(t, newDir(t))
	store := seal(t, file, key1).(tokenstore.SharedStore)
	require.NoError(t, store.Save(t.Context(), "alice", []byte("token")))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	down := seal(t, downStore{file}, key1)
	_, _, err := down.Load(t.Context(), "alice")
	require.ErrorIs(t, err, errDown)
	assert.False(t, damaged(err))
	_, err = store.Lock(ended, "alice")
	require.Error(t, err)
	assert.False(t, damaged(err))
	_, _, err = store.Load(t.Context(), "nobody")
	assert.NoError(t, err)
}

var errDown = errors.New("down")

// downStore is a store that cannot load.
type downStore struct{ tokenstore.Store }

func (downStore) Load(context.Context, string) ([]byte, bool, error) { return nil, false, errDown }

// Wait of a sealed store reports a value that is put there damaged.
func TestSealedWaitTellsOfADamagedValue(t *testing.T) {
	inner := new(tokenstore.Memory)
	store := seal(t, inner, key1).(interface {
		Wait(context.Context, string, []byte) ([]byte, error)
	})
	require.NoError(t, inner.Save(t.Context(), "alice", []byte("torn")))
	_, err := store.Wait(t.Context(), "alice", nil)
	require.ErrorContains(t, err, `"alice"`)
	assert.True(t, damaged(err))
}

func TestNewSealedChecksItsKeys(t *testing.T) {
	file := openFile(t, newDir(t))
	for name, keys := range map[string][]tokenstore.Key{
		"none":         {},
		"no ID":        {{Secret: key1.Secret}},
		"long ID":      {{ID: strings.Repeat("i", 256), Secret: key1.Secret}},
		"short secret": {{ID: "a", Secret: []byte("short")}},
		"long secret":  {{ID: "a", Secret: make([]byte, 33)}},
		"same ID":      {key1, {ID: key1.ID, Secret: key2.Secret}},
	} {
		_, err := tokenstore.NewSealed(file, keys...)
		assert.ErrorContains(t, err, "tokenstore: ", name)
	}
	_, err := tokenstore.NewSealed(file, tokenstore.Key{ID: "2026", Secret: bytes.Repeat([]byte("QUFB"), 11)})
	assert.ErrorContains(t, err, `the secret of key "2026" has 44 bytes, not 32; an encoding such as base64 is no part of the secret`)
	_, err = tokenstore.NewSealed(nil, tokenstore.Key{Secret: []byte("canary")}, key1, key1)
	for _, problem := range []string{"inner: ", "keys[0]: ID has", "keys[0]: the secret", "keys[2]: two keys"} {
		assert.ErrorContains(t, err, problem)
	}
	assert.NotContains(t, err.Error(), "canary")
	store := seal(t, file, tokenstore.Key{ID: strings.Repeat("i", 255), Secret: key1.Secret})
	require.NoError(t, store.Save(t.Context(), "k", []byte("v")))
	got, _, err := store.Load(t.Context(), "k")
	require.NoError(t, err)
	assert.Equal(t, "v", string(got))
}

func TestKeyDoesNotPrintItsSecret(t *testing.T) {
	key := tokenstore.Key{ID: "id", Secret: []byte("0123456789canary0123456789canary")}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+"\n", key)
		fmt.Fprintf(&out, verb+"\n", &key)
		fmt.Fprintf(&out, verb+"\n", []tokenstore.Key{key})
	}
	encoded, err := json.Marshal(key)
	require.NoError(t, err)
	out.Write(encoded)
	slog.New(slog.NewTextHandler(&out, nil)).Info("key", "key", key)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("key", "key", key)
	for _, form := range []string{"canary", "63616e617279", "99 97 110", "Y2FuYXJ5"} {
		assert.NotContains(t, out.String(), form)
	}
	assert.Contains(t, out.String(), "[redacted]")
}

func seal(t *testing.T, inner tokenstore.Store, keys ...tokenstore.Key) tokenstore.Store {
	t.Helper()
	store, err := tokenstore.NewSealed(inner, keys...)
	require.NoError(t, err)
	return store
}
