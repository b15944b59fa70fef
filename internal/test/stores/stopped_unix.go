//go:build unix

package stores

import (
	"syscall"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/tokenstore"
)

// StoppedHolder stops a process while the process holds the lock of the key
// t.Name(), for the time given: longer than a lease. The lock ends, and a new
// holder replaces the value. Then the stopped process goes on. The process must
// know that the lock is lost. The process must not change the value, and must not
// take or release the lock of the new holder. store and other are the store at
// place.
func StoppedHolder(t *testing.T, store, other tokenstore.SharedStore, place string, stopped time.Duration) {
	t.Helper()
	key := t.Name()
	check(t, store.Save(t.Context(), key, []byte("first")))
	process := StartHolder(t, place)
	check(t, process.Signal(syscall.SIGSTOP))
	began := time.Now()

	lease, err := store.Lock(t.Context(), key) // waits for the end of the lease
	check(t, err)
	t.Logf("the lock of a stopped process was free after %v", time.Since(began).Round(time.Millisecond))
	defer lease.Unlock()
	swapped, err := store.CompareAndSwap(t.Context(), key, []byte("first"), []byte("newer"))
	if err != nil || !swapped {
		t.Fatalf("CompareAndSwap by the new holder = %v, %v", swapped, err)
	}
	time.Sleep(time.Until(began.Add(stopped)))

	check(t, process.Signal(syscall.SIGCONT))
	process.EndPause(t)
	if line := process.Line(t); line != "held: false, lost: true, swapped: false" {
		t.Errorf("the stopped holder printed %q", line)
	}
	got, _, err := store.Load(t.Context(), key)
	check(t, err)
	if string(got) != "newer" {
		t.Errorf("the value is %q after the stopped holder went on", got)
	}
	check(t, process.Wait())
	MustBeLocked(t, other, key)
	check(t, lease.Check(t.Context()))
}
