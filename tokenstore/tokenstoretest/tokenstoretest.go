package tokenstoretest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// Run tests a store. Each call of open must open the same data again, as
// another process would. If the data cannot be opened twice, open may return the
// same store again. Open a store without other data: Run saves and deletes the
// empty key and a few other short keys. Run tests a store without Lock and
// CompareAndSwap as a connectorauth.TokenStore, and tests Wait if the store has
// Wait. [RunLease] has more tests for locks.
func Run(t *testing.T, open func(t *testing.T) tokenstore.Store) {
	t.Run("RoundTrip", func(t *testing.T) { testRoundTrip(t, open(t), open(t)) })
	t.Run("AbsentKey", func(t *testing.T) { testAbsentKey(t, open(t)) })
	t.Run("HostileKeys", func(t *testing.T) { testHostileKeys(t, open(t)) })
	t.Run("HostileValues", func(t *testing.T) { testHostileValues(t, open(t)) })
	t.Run("SlicesAreCopies", func(t *testing.T) { testSlicesAreCopies(t, open(t)) })
	t.Run("ManyKeys", func(t *testing.T) { testManyKeys(t, open(t)) })
	t.Run("CancelledContext", func(t *testing.T) { testCancelledContext(t, open(t)) })

	if _, ok := open(t).(tokenstore.SharedStore); !ok {
		t.Log("the store is not a SharedStore: the tests of Lock and CompareAndSwap are left out")
		return
	}
	shared := func(t *testing.T) tokenstore.SharedStore { return open(t).(tokenstore.SharedStore) }
	t.Run("CompareAndSwap", func(t *testing.T) { testCompareAndSwap(t, shared(t)) })
	t.Run("CompareAndSwapHasOneWinner", func(t *testing.T) { testOneWinner(t, shared) })
	t.Run("LockExcludes", func(t *testing.T) { testLockExcludes(t, shared) })
	t.Run("LockIsPerKey", func(t *testing.T) { testLockIsPerKey(t, shared(t)) })
	t.Run("LockBlocksNothingElse", func(t *testing.T) { testLockBlocksNothingElse(t, shared(t), shared(t)) })
	t.Run("LockWaiterLeavesWithItsContext", func(t *testing.T) { testLockWaiterLeaves(t, shared(t), shared(t)) })
	t.Run("UnlockTwice", func(t *testing.T) { testUnlockTwice(t, shared(t), shared(t)) })
	t.Run("UnlockAfterContextEnded", func(t *testing.T) { testUnlockAfterContextEnded(t, shared(t)) })
	t.Run("Check", func(t *testing.T) { testCheck(t, shared(t), shared(t)) })

	if _, ok := open(t).(renew.Waiter); !ok {
		t.Log("the store has no method Wait: its tests are left out")
		return
	}
	t.Run("WaitReturnsNews", func(t *testing.T) { testWaitReturnsNews(t, shared(t), shared(t)) })
	t.Run("WaitComparesBytes", func(t *testing.T) { testWaitComparesBytes(t, shared(t)) })
	t.Run("WaitWakes", func(t *testing.T) { testWaitWakes(t, shared(t), shared(t)) })
	t.Run("WaiterLeavesWithItsContext", func(t *testing.T) { testWaiterLeaves(t, shared(t)) })
	t.Run("ManyWaiters", func(t *testing.T) { testManyWaiters(t, shared(t), shared(t)) })
}

func testRoundTrip(t *testing.T, store, other tokenstore.Store) {
	key := newKey(t)
	for _, value := range []string{"first", "second, which is longer", "3"} {
		save(t, store, key, []byte(value))
		mustLoad(t, store, key, []byte(value))
		mustLoad(t, other, key, []byte(value))
	}
	if err := other.Delete(t.Context(), key); err != nil {
		t.Errorf("Delete: %v", err)
	}
	mustBeAbsent(t, store, key)
	save(t, store, key, []byte("again"))
	mustLoad(t, other, key, []byte("again"))
}

func testAbsentKey(t *testing.T, store tokenstore.Store) {
	key := newKey(t)
	mustBeAbsent(t, store, key)
	for range 2 {
		if err := store.Delete(t.Context(), key); err != nil {
			t.Errorf("Delete of an absent key: %v", err)
		}
	}
}

// testHostileKeys saves a value under each of many keys. File systems,
// collations, encodings or quoting may confuse these keys. Load must still find
// the right value under each key.
func testHostileKeys(t *testing.T, store tokenstore.Store) {
	base := newKey(t)
	var keys []string
	for _, ending := range []string{
		"", "a", "A", "a ", "a  ", " a", "a\t", "a\n", "a.", "a..", "a\x00", "a\x00b", "a\x00\x00",
		"/", "//", "/a", "/../a", "/../../../../etc/passwd", `\a`, `\..\a`, "../a", "/.", "/..",
		"'", "''", "`", `"`, `""`, "';--", "'; DROP TABLE connectorauth_tokens;--", "?", "$1", "%", "%25", "%s", "_", "*", "[", "{a}",
		"ä", "a\u0308", "Ä", "ß", "ss", "SS", "é", "e\u0301", "ı", "i", "I", "İ", "K", "k", "\u212a",
		"🔑", "👩‍👩‍👧", "\u200b", "\u202e", "\ufeff", "日本語", "\xff", "\xfe", "\xed\xa0\x80", "\xc3", "\ufffd",
		":", "<", ">", "|", "CON", "nul", ".token", ".lock", ".tmp",
		strings.Repeat("k", 1000), strings.Repeat("k", 1001), strings.Repeat("🔑", 1000), strings.Repeat("K", 1000),
	} {
		keys = append(keys, base+ending)
	}
	keys = append(keys, "", " ", ".", "..", "/", "\x00", "con", "NUL")
	defer func() {
		for _, key := range keys {
			if err := store.Delete(t.Context(), key); err != nil {
				t.Errorf("Delete(%q): %v", key, err)
			}
		}
	}()
	for i, key := range keys {
		save(t, store, key, fmt.Appendf(nil, "value %d", i))
	}
	for i, key := range keys {
		mustLoad(t, store, key, fmt.Appendf(nil, "value %d", i))
	}
	if err := store.Delete(t.Context(), keys[1]); err != nil {
		t.Errorf("Delete(%q): %v", keys[1], err)
	}
	mustBeAbsent(t, store, keys[1])
	for i, key := range keys[2:] {
		mustLoad(t, store, key, fmt.Appendf(nil, "value %d", i+2))
	}
}

func testHostileValues(t *testing.T, store tokenstore.Store) {
	var every []byte
	for b := range 256 {
		every = append(every, byte(b))
	}
	large := make([]byte, 1<<20)
	rand.Read(large)
	for name, value := range map[string][]byte{
		"empty": {}, "nil": nil, "NUL": {0}, "space": []byte(" "), "every byte": every, "1 MiB": large,
		"newline": []byte("\n\r\n"), "NULL": []byte("NULL"), "hex": []byte(`\x41`), "quotes": []byte(`'"\`), "not UTF-8": {0xff, 0xfe},
	} {
		t.Run(name, func(t *testing.T) {
			key := newKey(t)
			save(t, store, key, value)
			mustLoad(t, store, key, value)
			if got, _, _ := store.Load(t.Context(), key); got == nil {
				t.Error("Load of an empty value returned nil; CompareAndSwap takes nil for an absent key")
			}
		})
	}
}

func testSlicesAreCopies(t *testing.T, store tokenstore.Store) {
	key, value := newKey(t), []byte("original")
	save(t, store, key, value)
	value[0] = 'X'
	mustLoad(t, store, key, []byte("original"))
	loaded, _, err := store.Load(t.Context(), key)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	clear(loaded)
	_ = append(loaded, "more"...)
	mustLoad(t, store, key, []byte("original"))
}

func testManyKeys(t *testing.T, store tokenstore.Store) {
	base := newKey(t)
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 40 {
				key := fmt.Sprintf("%s/%d/%d", base, worker, i)
				save(t, store, key, []byte(key))
				mustLoad(t, store, key, []byte(key))
			}
		})
	}
	group.Wait()
	for worker := range 8 {
		key := fmt.Sprintf("%s/%d/%d", base, worker, worker)
		mustLoad(t, store, key, []byte(key))
	}
}

func testCancelledContext(t *testing.T, store tokenstore.Store) {
	key := newKey(t)
	save(t, store, key, []byte("kept"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := store.Load(ctx, key)
	mustBeCanceled(t, "Load", err)
	mustBeCanceled(t, "Save", store.Save(ctx, key, []byte("lost")))
	mustBeCanceled(t, "Delete", store.Delete(ctx, key))
	if shared, ok := store.(tokenstore.SharedStore); ok {
		_, err = shared.CompareAndSwap(ctx, key, []byte("kept"), []byte("lost"))
		mustBeCanceled(t, "CompareAndSwap", err)
		_, err = shared.Lock(ctx, key)
		mustBeCanceled(t, "Lock", err)
		lock(t, shared, key).Unlock()
	}
	mustLoad(t, store, key, []byte("kept"))
}

// newKey returns a new key. No other test uses the key.
func newKey(t *testing.T) string { return t.Name() + "/" + rand.Text() }

func save(t *testing.T, store tokenstore.Store, key string, value []byte) {
	t.Helper()
	if err := store.Save(t.Context(), key, value); err != nil {
		t.Errorf("Save(%q): %v", key, err)
	}
}

func mustLoad(t *testing.T, store tokenstore.Store, key string, want []byte) {
	t.Helper()
	got, ok, err := store.Load(t.Context(), key)
	if err != nil || !ok || !bytes.Equal(got, want) {
		t.Errorf("Load(%q) = %d bytes %.40q, %v, %v; want %d bytes %.40q", key, len(got), got, ok, err, len(want), want)
	}
}

func mustBeAbsent(t *testing.T, store tokenstore.Store, key string) {
	t.Helper()
	if got, ok, err := store.Load(t.Context(), key); got != nil || ok || err != nil {
		t.Errorf("Load(%q) = %.40q, %v, %v; want it absent", key, got, ok, err)
	}
}

func mustBeCanceled(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%s with a cancelled context: %v", what, err)
	}
}
