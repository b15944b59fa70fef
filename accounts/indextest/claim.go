package indextest

import (
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
)

func testClaim(t *testing.T, index, other accounts.Index) {
	same(t, nil, claim(t, index, 10, time.Minute))
	for i, id := range []string{"b", "B", "_", "a"} {
		mustPut(t, index, with(full(id), func(a *accounts.Account) { a.Due = at.Add(time.Duration(-i) * time.Microsecond) }))
	}
	mustPut(t, index, with(full("c"), func(a *accounts.Account) { a.Due = at }))
	mustPut(t, index, with(full("never"), func(a *accounts.Account) { a.Due = time.Time{} }))
	mustPut(t, index, with(full("later"), func(a *accounts.Account) { a.Due = future() }))
	same(t, []string{"a", "_"}, claim(t, index, 2, time.Minute))
	same(t, []string{"B", "b", "c"}, claim(t, other, 10, time.Minute))
	same(t, nil, claim(t, index, 10, time.Minute))
	same(t, []string{"B", "_", "a", "b", "c", "later", "never"}, list(t, index, accounts.Filter{}, "", 10)) // a claim hides nothing
	mustPut(t, other, get(t, other, "_"))
	same(t, []string{"_"}, claim(t, index, 10, time.Minute)) // Put ends a claim
	mustPut(t, other, with(get(t, other, "_"), func(a *accounts.Account) { a.Due = future() }))
	same(t, nil, claim(t, index, 10, time.Minute))
	stale := get(t, index, "a")
	stale.Version--
	if stored, err := index.Put(t.Context(), stale); err != nil || stored {
		t.Errorf("Put of an old version = %v, %v", stored, err)
	}
	same(t, nil, claim(t, index, 10, time.Minute)) // which ended no claim
	remove(t, other, "a")
	mustPut(t, other, full("a"))
	same(t, []string{"a"}, claim(t, index, 10, time.Minute)) // the claim went with the account
}

func testClaimEnds(t *testing.T, index, other accounts.Index) {
	mustPut(t, index, full("long"))
	same(t, []string{"long"}, claim(t, index, 10, time.Minute))
	mustPut(t, index, full("short"))
	const short = 2 * time.Second
	began := time.Now()
	same(t, []string{"short"}, claim(t, other, 10, short))
	if early := claim(t, index, 10, time.Minute); time.Since(began) < short {
		same(t, nil, early)
	} else if len(early) > 0 {
		return // the machine was too slow to see the claim before its end, and has seen the end
	}
	time.Sleep(short + 100*time.Millisecond)
	same(t, []string{"short"}, claim(t, index, 10, time.Minute))
	mustBe(t, index, with(full("short"), func(a *accounts.Account) { a.Version = 1 })) // a claim is no write
}

// testManyClaimants lets many claim at a time. Each account must go to one of them.
func testManyClaimants(t *testing.T, index, other accounts.Index) {
	const all, claimants = 120, 8
	for range all {
		mustPut(t, index, full(newID()))
	}
	var mu sync.Mutex
	times := map[string]int{}
	var group sync.WaitGroup
	for i := range claimants {
		group.Go(func() {
			from := []accounts.Index{index, other}[i%2]
			for range all { // with a database, a claim may miss what another claim is about to leave
				page := claim(t, from, 7, time.Minute)
				if len(page) > 7 {
					t.Errorf("Claim returned %d accounts; the limit is 7", len(page))
				}
				mu.Lock()
				for _, a := range page {
					times[a.ID]++
				}
				found := len(times)
				mu.Unlock()
				if found == all || t.Failed() {
					return
				}
			}
		})
	}
	group.Wait()
	if len(times) != all {
		t.Errorf("%d of %d accounts were claimed", len(times), all)
	}
	for id, n := range times {
		if n != 1 {
			t.Errorf("the account %s was claimed %d times", id, n)
		}
	}
}

// testOneWinner lets many change an account at a time. Of those that have the same version,
// one must win.
func testOneWinner(t *testing.T, index, other accounts.Index) {
	const writers, rounds = 8, 10
	var mu sync.Mutex
	winners := map[int64]int{} // by the version that was replaced
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() {
			in := []accounts.Index{index, other}[i%2]
			for range rounds {
				a, found, err := in.Get(t.Context(), "a")
				if err != nil {
					t.Errorf("Get: %v", err)
					return
				}
				if !found {
					a = full("a")
				}
				a.Current++
				stored, err := in.Put(t.Context(), a)
				if err != nil {
					t.Errorf("Put: %v", err)
					return
				}
				if stored {
					mu.Lock()
					winners[a.Version]++
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	won := 0
	for version, n := range winners {
		won += n
		if n != 1 {
			t.Errorf("%d writers replaced version %d", n, version)
		}
	}
	mustBe(t, index, with(full("a"), func(a *accounts.Account) { a.Version, a.Current = int64(won), full("a").Current+won }))
}
