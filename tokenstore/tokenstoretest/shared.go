package tokenstoretest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/tokenstore"
)

// patience is the time limit for operations without a reason to wait, on a busy
// machine.
const patience = 30 * time.Second

func testCompareAndSwap(t *testing.T, store tokenstore.SharedStore) {
	key := newKey(t)
	for _, step := range []struct {
		name     string
		old, new []byte
		want     bool
	}{
		{"an absent key has no empty value", []byte{}, []byte("a"), false},
		{"an absent key has no value", []byte("x"), []byte("a"), false},
		{"nil is absent", nil, []byte("a"), true},
		{"nil is not present", nil, []byte("b"), false},
		{"another value", []byte("x"), []byte("b"), false},
		{"case counts", []byte("A"), []byte("b"), false},
		{"trailing space counts", []byte("a "), []byte("b"), false},
		{"trailing NUL counts", []byte("a\x00"), []byte("b"), false},
		{"the value", []byte("a"), []byte("b"), true},
		{"the same value", []byte("b"), []byte("b"), true},
		{"to empty", []byte("b"), []byte{}, true},
		{"nil is not empty", nil, []byte("c"), false},
		{"empty to empty", []byte{}, []byte{}, true},
		{"from empty", []byte{}, []byte("c"), true},
		{"to nil, which is stored as empty", []byte("c"), nil, true},
		{"from empty again", []byte{}, bytes.Repeat([]byte{0xff, 0}, 1<<19), true},
		{"from large", bytes.Repeat([]byte{0xff, 0}, 1<<19), []byte("d"), true},
	} {
		before, existed, err := store.Load(t.Context(), key)
		if err != nil {
			t.Fatalf("Load: %v", err)
		}
		got, err := store.CompareAndSwap(t.Context(), key, step.old, step.new)
		if err != nil || got != step.want {
			t.Errorf("%s: CompareAndSwap = %v, %v; want %v", step.name, got, err, step.want)
		}
		switch {
		case step.want:
			mustLoad(t, store, key, step.new)
		case existed:
			mustLoad(t, store, key, before)
		default:
			mustBeAbsent(t, store, key)
		}
	}
}

// testOneWinner lets several goroutines replace a value at the same time, each
// with a separately opened store. Each round must have a single winner. The
// first round begins with an absent key.
func testOneWinner(t *testing.T, open func(t *testing.T) tokenstore.SharedStore) {
	const racers, rounds = 8, 10
	key := newKey(t)
	stores := make([]tokenstore.SharedStore, racers)
	for i := range stores {
		stores[i] = open(t)
	}
	var old []byte
	for round := range rounds {
		var winners atomic.Int32
		var winner atomic.Value
		var group sync.WaitGroup
		for i, store := range stores {
			group.Go(func() {
				mine := fmt.Appendf(nil, "round %d, racer %d", round, i)
				swapped, err := store.CompareAndSwap(t.Context(), key, old, mine)
				if err != nil {
					t.Errorf("CompareAndSwap: %v", err)
				}
				if swapped {
					winners.Add(1)
					winner.Store(mine)
				}
			})
		}
		group.Wait()
		if winners.Load() != 1 {
			t.Fatalf("round %d has %d winners", round, winners.Load())
		}
		old = winner.Load().([]byte)
		mustLoad(t, stores[0], key, old)
	}
}

// testLockExcludes increments a counter in the store without CompareAndSwap.
// Some goroutines share an opened store; other goroutines open the store again.
func testLockExcludes(t *testing.T, open func(t *testing.T) tokenstore.SharedStore) {
	const stores, goroutines, rounds = 3, 3, 4
	key := newKey(t)
	var holders atomic.Int32
	save(t, open(t), key, []byte("0"))
	var group sync.WaitGroup
	for range stores {
		store := open(t)
		for range goroutines {
			group.Go(func() {
				for range rounds {
					ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
					lease, err := store.Lock(ctx, key)
					cancel() // the lock must last longer than ctx
					if err != nil {
						t.Errorf("Lock: %v", err)
						return
					}
					if holders.Add(1) != 1 {
						t.Error("two holders at the same time")
					}
					value, _, err := store.Load(t.Context(), key)
					if err != nil {
						t.Errorf("Load: %v", err)
					}
					var count int
					fmt.Sscan(string(value), &count)
					save(t, store, key, fmt.Append(nil, count+1))
					holders.Add(-1)
					lease.Unlock()
				}
			})
		}
	}
	group.Wait()
	mustLoad(t, open(t), key, fmt.Append(nil, stores*goroutines*rounds))
}

func testLockIsPerKey(t *testing.T, store tokenstore.SharedStore) {
	key := newKey(t)
	for _, k := range []string{key, key + " ", key + "\x00", strings.ToUpper(key), key + "ä", key + "Ä", "../" + key} {
		defer lock(t, store, k).Unlock()
	}
}

func testLockBlocksNothingElse(t *testing.T, holder, other tokenstore.SharedStore) {
	key := newKey(t)
	defer lock(t, holder, key).Unlock()
	for _, store := range []tokenstore.SharedStore{holder, other} {
		save(t, store, key, []byte("a"))
		mustLoad(t, store, key, []byte("a"))
		if swapped, err := store.CompareAndSwap(t.Context(), key, []byte("a"), []byte("b")); !swapped || err != nil {
			t.Errorf("CompareAndSwap under a lock = %v, %v", swapped, err)
		}
		if err := store.Delete(t.Context(), key); err != nil {
			t.Errorf("Delete under a lock: %v", err)
		}
	}
	mustBeLocked(t, other, key) // Delete must not remove the lock
}

func testLockWaiterLeaves(t *testing.T, holder, other tokenstore.SharedStore) {
	key := newKey(t)
	lease := lock(t, holder, key)
	mustBeLocked(t, other, key)

	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	start := time.Now()
	_, err := other.Lock(ctx, key)
	mustBeCanceled(t, "Lock", err)
	if waited := time.Since(start); waited > soon {
		t.Errorf("Lock returned %v after its context was cancelled", waited)
	}
	lease.Unlock()
	lock(t, holder, key).Unlock() // the waiters that left must not hold the lock
}

func testUnlockTwice(t *testing.T, first, second tokenstore.SharedStore) {
	key := newKey(t)
	one := lock(t, first, key)
	one.Unlock()
	two := lock(t, second, key)
	one.Unlock()
	mustBeLocked(t, first, key)
	mustHold(t, two)
	two.Unlock()
	two.Unlock()
	lock(t, first, key).Unlock()
}

func testUnlockAfterContextEnded(t *testing.T, store tokenstore.SharedStore) {
	key := newKey(t)
	ctx, cancel := context.WithCancel(t.Context())
	lease, err := store.Lock(ctx, key)
	if err != nil {
		t.Fatalf("Lock: %v", err)
	}
	cancel()
	mustBeLocked(t, store, key)
	mustHold(t, lease)
	lease.Unlock()
	lock(t, store, key).Unlock()
}

// testCheck asks for a lock before and after Unlock, and after somebody else has
// the lock.
func testCheck(t *testing.T, first, second tokenstore.SharedStore) {
	key := newKey(t)
	one := lock(t, first, key)
	for range 3 {
		mustHold(t, one)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	mustBeCanceled(t, "Check", one.Check(ctx))
	mustHold(t, one) // that a caller gave up says nothing about the lock
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() { mustHold(t, one) })
	}
	group.Wait()

	one.Unlock()
	if one.Check(t.Context()) == nil {
		t.Error("Check after Unlock: no error")
	}
	if isLost(one) {
		t.Error("Unlock closed Lost")
	}
	two := lock(t, second, key)
	defer two.Unlock()
	if one.Check(t.Context()) == nil {
		t.Error("Check while somebody else has the lock: no error")
	}
	mustHold(t, two)
}

// lock locks key, or fails the test.
func lock(t *testing.T, store tokenstore.SharedStore, key string) tokenstore.Lease {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	lease, err := store.Lock(ctx, key)
	if err != nil {
		t.Fatalf("Lock(%q): %v", key, err)
	}
	return lease
}

// mustHold fails the test if the lock is not held any more.
func mustHold(t *testing.T, lease tokenstore.Lease) {
	t.Helper()
	if err := lease.Check(t.Context()); err != nil {
		t.Errorf("Check by the holder: %v", err)
	}
	if isLost(lease) {
		t.Error("Lost is closed while the lock is held")
	}
}

func isLost(lease tokenstore.Lease) bool {
	select {
	case <-lease.Lost():
		return true
	default:
		return false
	}
}

// mustBeLocked fails the test if the lock of key is free.
func mustBeLocked(t *testing.T, store tokenstore.SharedStore, key string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	lease, err := store.Lock(ctx, key)
	if err == nil {
		lease.Unlock()
		t.Fatalf("Lock(%q) while it is held", key)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Lock(%q) past its deadline: %v", key, err)
	}
}
