package tokenstoretest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/tokenstore"
)

// slack is how much longer than a lease a lock may last on a very busy machine.
const slack = 15 * time.Second

// RunLease tests a store whose locks are leases: a lock ends by itself unless the
// store prolongs the lock. lease is how long the locks of the opened stores last:
// some seconds, or a shorter time if the store has an option for tests. A busy machine
// needs some seconds. RunLease takes about twice as long.
//
// open opens the same data again at each call, as another process would. RunLease runs
// its tests at the same time, so open must be safe for concurrent use. While
// cut is set, all calls of the returned store to its data fail, as with a broken
// network; open may do so with a dialer or a driver of its own.
func RunLease(t *testing.T, lease time.Duration, open func(t *testing.T) (store tokenstore.SharedStore, cut func(bool))) {
	var tests sync.WaitGroup
	for name, test := range map[string]func(*testing.T, time.Duration, openCut){
		"IsProlonged": testProlonged, "ShortCutCostsNothing": testShortCut,
		"DeadHolderLosesItsLock": testDeadHolder, "LateHolderKnowsThatItsLockIsLost": testLateHolder,
	} {
		tests.Go(func() { t.Run(name, func(t *testing.T) { test(t, lease, open) }) })
	}
	tests.Wait()
}

type openCut = func(t *testing.T) (store tokenstore.SharedStore, cut func(bool))

// testProlonged holds a lock for much longer than a lease. Nobody calls Check
// meanwhile, because Check may prolong the lock.
func testProlonged(t *testing.T, lease time.Duration, open openCut) {
	holder, _ := open(t)
	other, _ := open(t)
	key := newKey(t)
	held := lock(t, holder, key)
	ctx, cancel := context.WithTimeout(t.Context(), 2*lease)
	defer cancel()
	if second, err := other.Lock(ctx, key); err == nil {
		second.Unlock()
		t.Fatal("somebody else got a lock whose holder lives")
	} else if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Lock past its deadline: %v", err)
	}
	mustHold(t, held)
	held.Unlock()
	lock(t, other, key).Unlock()
}

// testShortCut cuts the holder off for less than a lease.
func testShortCut(t *testing.T, lease time.Duration, open openCut) {
	holder, cut := open(t)
	other, _ := open(t)
	key := newKey(t)
	held := lock(t, holder, key)
	defer held.Unlock()
	cut(true)
	time.Sleep(lease / 2)
	cut(false)
	time.Sleep(lease)
	mustBeLocked(t, other, key)
	mustHold(t, held)
}

// testDeadHolder cuts the holder off for good.
func testDeadHolder(t *testing.T, lease time.Duration, open openCut) {
	holder, cut := open(t)
	other, _ := open(t)
	key := newKey(t)
	held := lock(t, holder, key)
	mustHold(t, held)
	cut(true)
	began := time.Now()
	if held.Check(t.Context()) == nil {
		t.Error("Check of a holder that cannot reach the store: no error")
	}
	select {
	case <-held.Lost():
	case <-time.After(time.Until(began.Add(lease + slack))):
		t.Errorf("Lost is not closed %v after the holder was cut off", time.Since(began))
	}
	second := lock(t, other, key)
	defer second.Unlock()
	if waited := time.Since(began); waited > lease+slack {
		t.Errorf("the lock of a dead holder was free after %v", waited)
	}
	if held.Check(t.Context()) == nil {
		t.Error("Check after Lost is closed: no error")
	}
	held.Unlock()
	mustHold(t, second)
}

// testLateHolder cuts the holder off until somebody else has the lock. Afterwards,
// the first holder must not take the lock back, and must not release the lock of
// the other holder.
func testLateHolder(t *testing.T, lease time.Duration, open openCut) {
	late, cut := open(t)
	owner, _ := open(t)
	other, _ := open(t)
	key := newKey(t)
	held := lock(t, late, key)
	cut(true)
	second := lock(t, owner, key) // waits for the end of the lease
	cut(false)
	if held.Check(t.Context()) == nil {
		t.Error("Check while somebody else has the lock: no error")
	}
	if !isLost(held) {
		t.Error("Lost is not closed though somebody else has the lock")
	}
	time.Sleep(lease / 2) // the late holder may try to prolong
	mustHold(t, second)
	held.Unlock()
	held.Unlock()
	mustBeLocked(t, other, key)
	mustHold(t, second)
	second.Unlock()
	lock(t, other, key).Unlock()
	if held.Check(t.Context()) == nil {
		t.Error("Check of a lost lock that is free by now: no error")
	}
}
