// Package stores tests and measures token stores beyond what package
// tokenstoretest can do: with child processes that the tests kill or stop, and
// with benchmarks.
package stores

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
)

// Open opens the store at a place. The place is text of any kind, such as a
// directory or an address.
type Open func(place string) (tokenstore.SharedStore, error)

// The names of the jobs.
const (
	saveJob = "save numbers"
	holdJob = "hold a lock"
)

// Jobs returns the jobs of the child processes. The test binary must pass the
// jobs to child.Main.
func Jobs(open Open) child.Jobs {
	return child.Jobs{
		saveJob: on(open, SaveNumbers),
		holdJob: on(open, hold),
	}
}

// patience is how long the lock of a dead process may last: much longer than a lease, so
// that a busy machine has the time.
const patience = 2 * time.Minute

// target is the argument of a job: a store and a key.
type target struct{ Place, Key string }

// on makes a job of a function that needs an open store.
func on(open Open, do func(store tokenstore.SharedStore, key string) error) func(argument string) error {
	return func(argument string) error {
		var to target
		if err := json.Unmarshal([]byte(argument), &to); err != nil {
			return err
		}
		store, err := open(to.Place)
		if err != nil {
			return err
		}
		return do(store, to.Key)
	}
}

func start(t testing.TB, job, place string) *child.Process {
	t.Helper()
	argument, err := json.Marshal(target{place, t.Name()})
	check(t, err)
	return child.Start(t, job, string(argument))
}

// SaveNumbers saves growing numbers under key until the process is killed. Each
// number has 20,000 digits and so needs several pages of a disk or a database.
// SaveNumbers prints each number after Save has returned.
func SaveNumbers(store tokenstore.SharedStore, key string) error {
	ctx := context.Background()
	last, _, err := store.Load(ctx, key)
	if err != nil {
		return err
	}
	for n := number(string(last)) + 1; ; n++ {
		if err := store.Save(ctx, key, fmt.Appendf(nil, "%020000d", n)); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

// number reads a number with leading zeros. Empty text means 0.
func number(text string) int {
	n, _ := strconv.Atoi(strings.TrimLeft(text, "0"))
	return n
}

// hold takes the lock of key, loads the value, and prints "locked". After the
// pause, hold asks for the lock, replaces the value by CompareAndSwap, unlocks,
// and prints what happened.
func hold(store tokenstore.SharedStore, key string) error {
	ctx := context.Background()
	lease, err := store.Lock(ctx, key)
	if err != nil {
		return err
	}
	old, _, err := store.Load(ctx, key)
	if err != nil {
		return err
	}
	fmt.Println("locked")
	child.Pause()
	held, lost := lease.Check(ctx) == nil, false
	select {
	case <-lease.Lost():
		lost = true
	default:
	}
	swapped, err := store.CompareAndSwap(ctx, key, old, []byte("stale"))
	if err != nil {
		return err
	}
	lease.Unlock()
	fmt.Printf("held: %v, lost: %v, swapped: %v\n", held, lost, swapped)
	return nil
}

// StartHolder starts a child process, and returns when the process holds the
// lock of the key t.Name() in the store at place.
func StartHolder(t *testing.T, place string) *child.Process {
	t.Helper()
	process := start(t, holdJob, place)
	if line := process.Line(t); line != "locked" {
		t.Fatalf("the holder printed %q", line)
	}
	return process
}

// KilledWhileSaving kills a process in the middle of a save. Afterwards, the value
// of the key t.Name() must be the last number saved, or the next number.
// KilledWhileSaving does so for the given number of rounds. After each kill,
// KilledWhileSaving calls ended, which waits until a database server works no longer
// for the killed client.
func KilledWhileSaving(t *testing.T, store tokenstore.SharedStore, place string, rounds int, ended func()) {
	t.Helper()
	for range rounds {
		process := start(t, saveJob, place)
		acknowledged := number(process.Line(t))
		time.Sleep(rand.N(20 * time.Millisecond))
		check(t, process.Kill())
		for _, line := range process.Rest() {
			acknowledged = number(line)
		}
		ended()

		value, ok, err := store.Load(t.Context(), t.Name())
		check(t, err)
		if !ok || len(value) != 20000 {
			t.Fatalf("Load after the kill = %d bytes, %v; want 20000 bytes", len(value), ok)
		}
		if stored := number(string(value)); stored != acknowledged && stored != acknowledged+1 {
			t.Fatalf("the store has %d; Save acknowledged %d", stored, acknowledged)
		}
	}
}

// KilledHolder kills a process that holds the lock of the key t.Name(). The lock must
// become free. Before, KilledHolder calls killed, which can look when the lock ends.
func KilledHolder(t *testing.T, store tokenstore.SharedStore, place string, killed func()) {
	t.Helper()
	process := StartHolder(t, place)
	MustBeLocked(t, store, t.Name())
	check(t, process.Kill())
	began := time.Now()
	killed()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	lease, err := store.Lock(ctx, t.Name())
	check(t, err)
	lease.Unlock()
	t.Logf("the lock of a killed process was free after %v", time.Since(began).Round(time.Millisecond))
}

// NamesTheHolder locks the key t.Name() in another process. The error of a waiter must name
// the process, and no process that has ended.
func NamesTheHolder(t *testing.T, store tokenstore.SharedStore, place string) {
	t.Helper()
	process := StartHolder(t, place)
	host, err := os.Hostname()
	check(t, err)
	if h := holder(t, store); h.PID != process.Pid || h.Host == "" || !strings.HasPrefix(host, h.Host) || h.Since.IsZero() {
		t.Errorf("the error names %+v; want process %d on host %s", h, process.Pid, host)
	}
	check(t, process.Kill())
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	lease, err := store.Lock(ctx, t.Name())
	check(t, err)
	defer lease.Unlock()
	if h := holder(t, store); h.PID != os.Getpid() {
		t.Errorf("the error names %+v; want this process, %d", h, os.Getpid())
	}
}

// holder returns the process that the error of a waiter names. A waiter must have looked at the
// lock once, which takes long on a busy machine: holder waits longer each time, up to patience.
func holder(t *testing.T, store tokenstore.SharedStore) storeerror.Holder {
	t.Helper()
	for wait := 300 * time.Millisecond; ; wait *= 2 {
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		lease, err := store.Lock(ctx, t.Name())
		cancel()
		if err == nil {
			lease.Unlock()
			t.Fatalf("the lock of %q is free", t.Name())
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Lock: %v; want an error of the deadline", err)
		}
		var locked *storeerror.Locked
		if errors.As(err, &locked) {
			return locked.Holder
		}
		if wait > patience {
			t.Fatalf("Lock: %v; want a *storeerror.Locked", err)
		}
	}
}

// MustBeLocked fails the test if the lock of key is free.
func MustBeLocked(t *testing.T, store tokenstore.SharedStore, key string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	lease, err := store.Lock(ctx, key)
	if err == nil {
		lease.Unlock()
		t.Fatalf("the lock of %q is free", key)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Lock(%q): %v", key, err)
	}
}

// Benchmark measures each operation of store, with a value of 2,000 bytes.
func Benchmark(b *testing.B, store tokenstore.SharedStore) {
	const key = "k"
	value := []byte(strings.Repeat("v", 2000))
	check(b, store.Save(b.Context(), key, value))
	b.Run("Save", func(b *testing.B) {
		for b.Loop() {
			check(b, store.Save(b.Context(), key, value))
		}
	})
	b.Run("Load", func(b *testing.B) {
		for b.Loop() {
			_, _, err := store.Load(b.Context(), key)
			check(b, err)
		}
	})
	b.Run("CompareAndSwap", func(b *testing.B) {
		for b.Loop() {
			_, err := store.CompareAndSwap(b.Context(), key, value, value)
			check(b, err)
		}
	})
	b.Run("Lock", func(b *testing.B) {
		for b.Loop() {
			lease, err := store.Lock(b.Context(), key)
			check(b, err)
			lease.Unlock()
		}
	})
}

// Missing skips a test, because the test needs a server and err prevents the use
// of the server. With CONNECTORAUTH_TEST_REQUIRE=1 in the environment, the test
// fails instead. advice says how to get the server.
func Missing(t testing.TB, server, advice string, err error) {
	t.Helper()
	if os.Getenv("CONNECTORAUTH_TEST_REQUIRE") == "1" {
		t.Fatalf("no %s: %v", server, err)
	}
	t.Skipf("no %s (%v): %s", server, err, advice)
}

// reserved are the reservations of ports, which last until the process ends.
var reserved struct {
	sync.Mutex
	all []net.PacketConn
}

// FreePort returns an unused port of 127.0.0.1, for a server that another process
// starts later. The port is below those that systems give to outgoing connections, so
// no connection of another test takes the port meanwhile. No other process gets the
// port from FreePort while this process runs: FreePort reserves a port by the UDP port
// of the same number.
func FreePort() (port string, err error) {
	for range 100 {
		port = strconv.Itoa(10_000 + rand.IntN(22_000))
		var reservation net.PacketConn
		if reservation, err = net.ListenPacket("udp", "127.0.0.1:"+port); err != nil {
			continue
		}
		var listener net.Listener
		if listener, err = net.Listen("tcp", "127.0.0.1:"+port); err != nil {
			reservation.Close()
			continue
		}
		reserved.Lock()
		defer reserved.Unlock()
		reserved.all = append(reserved.all, reservation)
		return port, listener.Close()
	}
	return "", err
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
