package tokenstoretest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/internal/renew"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// quiet is a time in which a waiter must not return. soon is the time within
// which a waiter must return, on a very busy machine.
const (
	quiet = 500 * time.Millisecond
	soon  = 20 * time.Second
)

// testWaitReturnsNews waits with old values that are not current.
func testWaitReturnsNews(t *testing.T, store, other tokenstore.SharedStore) {
	key := newKey(t)
	mustWait(t, store, key, []byte("x"), nil)
	mustWait(t, store, key, []byte{}, nil)
	save(t, other, key, []byte("a"))
	mustWait(t, store, key, nil, []byte("a"))
	mustWait(t, store, key, []byte("x"), []byte("a"))
	save(t, store, key, []byte("b"))
	for _, s := range []tokenstore.SharedStore{store, other} { // never an older value
		mustWait(t, s, key, []byte("a"), []byte("b"))
	}
	save(t, other, key, []byte{})
	mustWait(t, store, key, []byte("b"), []byte{})
	mustWait(t, store, key, nil, []byte{})
}

func testWaitComparesBytes(t *testing.T, store tokenstore.SharedStore) {
	key := newKey(t)
	save(t, store, key, []byte("a"))
	for _, old := range []string{"A", "a ", "a\x00", ""} {
		mustWait(t, store, key, []byte(old), []byte("a"))
	}
	value, err := waitFor(t, store, key, []byte("x"))
	if err != nil {
		t.Fatalf("Wait: %v", err)
	}
	clear(value)
	mustLoad(t, store, key, []byte("a")) // value is a copy
}

// testWaitWakes changes a value in each way while somebody waits.
func testWaitWakes(t *testing.T, store, other tokenstore.SharedStore) {
	key := newKey(t)
	var old []byte
	for _, step := range []struct {
		name   string
		change func(s tokenstore.SharedStore) error
		want   []byte
	}{
		{"Save", func(s tokenstore.SharedStore) error { return s.Save(t.Context(), key, []byte("a")) }, []byte("a")},
		{"CompareAndSwap", func(s tokenstore.SharedStore) error {
			_, err := s.CompareAndSwap(t.Context(), key, []byte("a"), []byte("b"))
			return err
		}, []byte("b")},
		{"Delete", func(s tokenstore.SharedStore) error { return s.Delete(t.Context(), key) }, nil},
		{"CompareAndSwap of an absent key", func(s tokenstore.SharedStore) error {
			_, err := s.CompareAndSwap(t.Context(), key, nil, []byte{})
			return err
		}, []byte{}},
	} {
		for _, changer := range []tokenstore.SharedStore{store, other} {
			mustSet(t, store, key, old)
			var group sync.WaitGroup
			returned := make(chan struct{})
			group.Go(func() {
				defer close(returned)
				mustWait(t, store, key, old, step.want)
			})
			select {
			case <-returned:
				t.Errorf("%s: Wait returned before the change", step.name)
			case <-time.After(quiet / 2):
			}
			if old != nil {
				save(t, changer, key, old) // no change
				select {
				case <-returned:
					t.Errorf("%s: Wait returned after the same value was saved again", step.name)
				case <-time.After(quiet / 2):
				}
			}
			if err := step.change(changer); err != nil {
				t.Errorf("%s: %v", step.name, err)
			}
			group.Wait()
			if t.Failed() {
				return // more failures of the same kind take long
			}
		}
		old = step.want
	}
}

func testWaiterLeaves(t *testing.T, store tokenstore.SharedStore) {
	key := newKey(t)
	save(t, store, key, []byte("a"))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	start := time.Now()
	_, err := store.(renew.Waiter).Wait(ctx, key, []byte("a"))
	mustBeCanceled(t, "Wait", err)
	if waited := time.Since(start); waited > soon {
		t.Fatalf("Wait returned %v after its context was cancelled", waited)
	}
	_, err = store.(renew.Waiter).Wait(ctx, key, []byte("x"))
	mustBeCanceled(t, "Wait", err)
	deadline, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err = store.(renew.Waiter).Wait(deadline, key, []byte("a")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Wait past its deadline: %v", err)
	}
	mustWait(t, store, key, nil, []byte("a")) // those who left disturb nobody
}

// testManyWaiters lets many goroutines wait for many keys. Some of the keys
// change.
func testManyWaiters(t *testing.T, store, other tokenstore.SharedStore) {
	const keys, each = 600, 3 // more keys than a store reads at once
	base := newKey(t)
	name := func(i int) string { return fmt.Sprint(base, "/", i) }
	for i := range keys {
		if i%2 == 0 {
			save(t, other, name(i), []byte("old"))
		}
	}
	awake := make(chan struct{}, keys*each)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var group sync.WaitGroup
	for i := range keys {
		var old []byte
		if i%2 == 0 {
			old = []byte("old")
		}
		for range each {
			group.Go(func() {
				value, err := store.(renew.Waiter).Wait(ctx, name(i), old)
				if want := fmt.Append(nil, "new", i); !errors.Is(err, context.Canceled) && (err != nil || !bytes.Equal(value, want)) {
					t.Errorf("Wait(%q) = %q, %v; want %q", name(i), value, err, want)
				}
				if err == nil {
					awake <- struct{}{}
				}
			})
		}
	}
	time.Sleep(quiet)
	if len(awake) > 0 {
		t.Errorf("%d of %d waiters returned before any change", len(awake), keys*each)
	}
	changed := []int{0, 1, keys / 2, keys - 2, keys - 1}
	for _, i := range changed {
		save(t, other, name(i), fmt.Append(nil, "new", i))
	}
	for range len(changed) * each {
		select {
		case <-awake:
		case <-time.After(soon):
			t.Fatal("a waiter of a changed key did not return")
		}
	}
	time.Sleep(quiet / 2)
	if len(awake) > 0 {
		t.Errorf("%d waiters of unchanged keys returned", len(awake))
	}
	cancel()
	group.Wait()
}

func mustWait(t *testing.T, store tokenstore.SharedStore, key string, old, want []byte) {
	t.Helper()
	got, err := waitFor(t, store, key, old)
	if err != nil || (got == nil) != (want == nil) || !bytes.Equal(got, want) {
		t.Errorf("Wait(%q, %q) = %q, %v; want %q", key, old, got, err, want)
	}
}

func waitFor(t *testing.T, store tokenstore.SharedStore, key string, old []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	return store.(renew.Waiter).Wait(ctx, key, old)
}

// mustSet saves value, or deletes key if value is nil.
func mustSet(t *testing.T, store tokenstore.SharedStore, key string, value []byte) {
	t.Helper()
	if value != nil {
		save(t, store, key, value)
	} else if err := store.Delete(t.Context(), key); err != nil {
		t.Errorf("Delete(%q): %v", key, err)
	}
}
