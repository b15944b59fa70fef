package indextest

import (
	"context"
	"crypto/rand"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
)

// Test tests an index. Each call of open must open the same data again, as another process
// would. If the data cannot be opened twice, open may return the same index again. Open an
// index without accounts: each test removes the accounts that the test has put there.
func Test(t *testing.T, open func(t *testing.T) accounts.Index) {
	run := func(name string, test func(t *testing.T, index, other accounts.Index)) {
		t.Run(name, func(t *testing.T) {
			index := open(t)
			t.Cleanup(func() { empty(t, index) })
			test(t, index, open(t))
		})
	}
	run("RoundTrip", testRoundTrip)
	run("Versions", testVersions)
	run("PutHasOneWinner", testOneWinner)
	run("ByteOrder", testByteOrder)
	run("Filters", testFilters)
	run("OddTexts", testOddTexts)
	run("LongTexts", testLongTexts)
	run("Stats", testStats)
	run("Claim", testClaim)
	run("ClaimEnds", testClaimEnds)
	run("ManyClaimants", testManyClaimants)
	run("CancelledContext", testCancelledContext)
}

// at is a time that is over.
var at = time.Date(1999, 1, 2, 3, 4, 5, 6000, time.UTC)

// full returns an account whose fields all have values.
func full(id string) accounts.Account {
	times := func(days int) time.Time { return at.AddDate(0, 0, days) }
	return accounts.Account{
		ID: id, Owner: "ö", Definition: "acme", Revision: 2, Method: "key", Identity: "7", Label: "Ada ☃", Status: accounts.StatusFailing,
		Reason: definition.ReasonForbidden, Error: "no", Since: times(1), Granted: []string{"r"}, Missing: []string{"w"}, Created: times(2),
		Tested: times(3), ReauthBy: times(4), Due: times(5), Current: 3, Pending: 4, Last: 5, First: 2,
	}
}

func testRoundTrip(t *testing.T, index, other accounts.Index) {
	want := full("a")
	absent(t, index, "a")
	mustPut(t, index, want)
	want.Granted[0] = "changed by the caller"
	want.Version, want.Granted = 1, []string{"r"}
	for _, from := range []accounts.Index{index, other} {
		mustBe(t, from, want)
	}
	got := get(t, index, "a")
	clear(got.Missing) // which is the caller's
	mustBe(t, index, want)
	mustBe(t, other, want)
	for name, page := range map[string][]accounts.Account{"List": list(t, other, accounts.Filter{}, "", 10), "Claim": claim(t, other, 10, time.Minute)} {
		if len(page) != 1 || !reflect.DeepEqual(page[0], want) {
			t.Errorf("%s = %+v; want %+v", name, page, want)
		}
	}
	mustPut(t, index, accounts.Account{ID: "empty", Since: at, Created: at})
	mustBe(t, other, accounts.Account{ID: "empty", Since: at, Created: at, Version: 1})
	want.Due, want.Granted, want.Owner, want.Error = time.Time{}, nil, "somebody else", ""
	mustPut(t, other, want)
	want.Version = 2
	mustBe(t, index, want)
}

func testVersions(t *testing.T, index, other accounts.Index) {
	a := full("a")
	put := func(index accounts.Index, version int64, want bool) {
		t.Helper()
		a.Version = version
		if stored, err := index.Put(t.Context(), a); err != nil || stored != want {
			t.Errorf("Put of version %d = %v, %v; want %v", version, stored, err, want)
		}
	}
	put(index, 1, false) // there is no such account
	absent(t, index, "a")
	put(index, 0, true)
	put(other, 0, false)
	put(other, 1, true)
	put(index, 1, false)
	put(index, 7, false) // a version that there never was
	put(index, 2, true)
	remove := func(index accounts.Index, version int64, want bool) {
		t.Helper()
		if deleted, err := index.Delete(t.Context(), "a", version); err != nil || deleted != want {
			t.Errorf("Delete of version %d = %v, %v; want %v", version, deleted, err, want)
		}
	}
	remove(index, 2, false)
	remove(index, 0, false)
	mustBe(t, other, with(full("a"), func(a *accounts.Account) { a.Version = 3 }))
	remove(other, 3, true)
	absent(t, index, "a")
	remove(index, 3, true) // the account is gone already
	remove(index, 0, true)
	put(index, 3, false)
	put(index, 0, true)
}

func testByteOrder(t *testing.T, index, other accounts.Index) {
	ids := []string{"b", "B", "_", "a", "a.", "ab", "a-b", "a:b", "aB", "Z", "z", "0", "10", "9", "-", ".", ":"}
	for _, id := range ids {
		mustPut(t, index, full(id))
	}
	slices.Sort(ids)
	same(t, ids, list(t, other, accounts.Filter{}, "", 100))
	for i, id := range ids {
		same(t, ids[i+1:], list(t, index, accounts.Filter{}, id, 100))
		same(t, ids[i+1:min(i+3, len(ids))], list(t, index, accounts.Filter{Owner: "ö"}, id, 2))
	}
	same(t, ids[slices.Index(ids, "a"):], list(t, index, accounts.Filter{}, "`", 100)) // no ID
	same(t, nil, list(t, index, accounts.Filter{}, "zz", 100))
}

func testFilters(t *testing.T, index, other accounts.Index) {
	for i, id := range []string{"b", "B", "_", "a", "a.", "ab"} {
		mustPut(t, index, accounts.Account{
			ID: id, Owner: []string{"even", "odd"}[i%2], Definition: []string{"d0", "d1", "d2"}[i%3], Identity: string(rune('0' + i)),
			Status: []accounts.Status{accounts.StatusOK, accounts.StatusReauthRequired}[i/3], Since: at, Created: at,
		})
	}
	for _, c := range []struct {
		f    accounts.Filter
		want []string
	}{
		{accounts.Filter{}, []string{"B", "_", "a", "a.", "ab", "b"}},
		{accounts.Filter{Owner: "even"}, []string{"_", "a.", "b"}},
		{accounts.Filter{Owner: "nobody"}, nil},
		{accounts.Filter{Definitions: []string{"d1", "d2"}}, []string{"B", "_", "a.", "ab"}},
		{accounts.Filter{Definitions: []string{"d0", "none", "d0"}}, []string{"a", "b"}},
		{accounts.Filter{Status: accounts.StatusReauthRequired}, []string{"a", "a.", "ab"}},
		{accounts.Filter{Status: accounts.StatusConnecting}, nil},
		{accounts.Filter{Identity: "2"}, []string{"_"}},
		{accounts.Filter{Owner: "even", Definitions: []string{"d1"}, Status: accounts.StatusReauthRequired, Identity: "4"}, []string{"a."}},
		{accounts.Filter{Owner: "odd", Definitions: []string{"d1"}, Status: accounts.StatusReauthRequired, Identity: "4"}, nil},
	} {
		same(t, c.want, list(t, other, c.f, "", 10))
		if len(c.want) > 1 {
			same(t, c.want[1:2], list(t, index, c.f, c.want[0], 1))
		}
	}
}

func testStats(t *testing.T, index, other accounts.Index) {
	mustHave := func(want accounts.Stats) {
		t.Helper()
		got, err := other.Stats(t.Context())
		for status, n := range got.Accounts {
			if n == 0 {
				delete(got.Accounts, status)
			}
		}
		if len(got.Accounts) == 0 {
			got.Accounts = nil
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("Stats = %+v, %v; want %+v", got, err, want)
		}
	}
	mustHave(accounts.Stats{})
	for i, id := range []string{"a", "b", "c"} {
		mustPut(t, index, with(full(id), func(a *accounts.Account) { a.Due = at.Add(time.Duration(-i) * time.Microsecond) }))
	}
	mustPut(t, index, with(full("never"), func(a *accounts.Account) { a.Due, a.Status = time.Time{}, accounts.StatusOK }))
	mustPut(t, index, with(full("later"), func(a *accounts.Account) { a.Due, a.Status = future(), accounts.StatusOK }))
	want := accounts.Stats{
		Accounts: map[accounts.Status]int{accounts.StatusFailing: 3, accounts.StatusOK: 2}, Due: 3, Oldest: at.Add(-2 * time.Microsecond),
	}
	mustHave(want)
	claim(t, index, 2, time.Minute)
	mustHave(want) // a claimed account is due
	mustPut(t, index, with(get(t, index, "c"), func(a *accounts.Account) { a.Due = future() }))
	want.Due, want.Oldest = 2, at.Add(-time.Microsecond)
	mustHave(want)
}

func testCancelledContext(t *testing.T, index, _ accounts.Index) {
	mustPut(t, index, full("a"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, getErr := index.Get(ctx, "a")
	_, putErr := index.Put(ctx, with(full("a"), func(a *accounts.Account) { a.Version = 1 }))
	_, newErr := index.Put(ctx, full("b"))
	_, deleteErr := index.Delete(ctx, "a", 1)
	_, listErr := index.List(ctx, accounts.Filter{}, "", 10)
	_, claimErr := index.Claim(ctx, 10, time.Minute)
	_, statsErr := index.Stats(ctx)
	for name, err := range map[string]error{
		"Get": getErr, "Put": putErr, "Put of a new account": newErr, "Delete": deleteErr, "List": listErr, "Claim": claimErr, "Stats": statsErr,
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a cancelled context: %v", name, err)
		}
	}
	mustBe(t, index, with(full("a"), func(a *accounts.Account) { a.Version = 1 }))
	absent(t, index, "b")
	same(t, []string{"a"}, claim(t, index, 10, time.Minute))
}

// future returns a time that is not over.
func future() time.Time { return time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond) }

// newID returns an ID that nobody uses.
func newID() string { return rand.Text() }
