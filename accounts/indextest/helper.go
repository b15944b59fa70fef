package indextest

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
)

// with returns the account after a change.
func with(a accounts.Account, change func(a *accounts.Account)) accounts.Account {
	change(&a)
	return a
}

func mustPut(t *testing.T, index accounts.Index, a accounts.Account) {
	t.Helper()
	if stored, err := index.Put(t.Context(), a); err != nil || !stored {
		t.Fatalf("Put(%q of version %d) = %v, %v", a.ID, a.Version, stored, err)
	}
}

func get(t *testing.T, index accounts.Index, id string) accounts.Account {
	t.Helper()
	a, found, err := index.Get(t.Context(), id)
	if err != nil || !found {
		t.Fatalf("Get(%q) = %v, %v", id, found, err)
	}
	return a
}

func mustBe(t *testing.T, index accounts.Index, want accounts.Account) {
	t.Helper()
	if got := get(t, index, want.ID); !reflect.DeepEqual(got, want) {
		t.Errorf("Get(%q) = %.2000v; want %.2000v", want.ID, got, want)
	}
}

func absent(t *testing.T, index accounts.Index, id string) {
	t.Helper()
	if _, found, err := index.Get(t.Context(), id); err != nil || found {
		t.Errorf("Get(%q) = %v, %v; want it absent", id, found, err)
	}
}

func list(t *testing.T, index accounts.Index, f accounts.Filter, after string, limit int) []accounts.Account {
	t.Helper()
	page, err := index.List(t.Context(), f, after, limit)
	if err != nil {
		t.Errorf("List(%.200v, %q): %v", f, after, err)
	}
	return page
}

func claim(t *testing.T, index accounts.Index, limit int, lease time.Duration) []accounts.Account {
	t.Helper()
	page, err := index.Claim(t.Context(), limit, lease)
	if err != nil {
		t.Errorf("Claim: %v", err)
	}
	return page
}

func remove(t *testing.T, index accounts.Index, id string) {
	t.Helper()
	if deleted, err := index.Delete(t.Context(), id, get(t, index, id).Version); err != nil || !deleted {
		t.Errorf("Delete(%q) = %v, %v", id, deleted, err)
	}
}

// same compares the IDs of a page.
func same(t *testing.T, want []string, page []accounts.Account) {
	t.Helper()
	var got []string
	for _, a := range page {
		got = append(got, a.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the accounts are %q; want %q", got, want)
	}
}

// empty removes all accounts, for the next test.
func empty(t *testing.T, index accounts.Index) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	page, err := index.List(ctx, accounts.Filter{}, "", 1000)
	for _, a := range page {
		if _, err := index.Delete(ctx, a.ID, a.Version); err != nil {
			t.Errorf("Delete: %v", err)
		}
	}
	if err != nil {
		t.Errorf("List: %v", err)
	}
}
