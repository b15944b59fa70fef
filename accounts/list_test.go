package accounts_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestListHasPagesInTheOrderOfConnect(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		var want, got []string
		for range 7 {
			want = append(want, w.withKey(r).ID)
			time.Sleep(time.Millisecond)
		}
		after := ""
		for {
			page, err := r.List(t.Context(), accounts.Filter{Owner: "o1"}, after, 3)
			require.NoError(t, err)
			for _, a := range page {
				got = append(got, a.ID)
				after = a.ID
			}
			if len(page) < 3 {
				break
			}
		}
		assert.Equal(t, want, got)
		for _, limit := range []int{-1, 0, 1001} {
			_, err := r.List(t.Context(), accounts.Filter{}, "", limit)
			assert.Error(t, err)
		}
	})
}

func TestListFindsAccountsOfADefinitionThatWasRenamed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process()
		a := w.withKey(r)
		w.define(strings.Replace(document, `"name": "acme", "was": ["acme-old"]`, `"name": "acme-new", "was": ["acme", "acme-old"]`, 1))
		b := w.withKey(r) // by the former name
		assert.Equal(t, "acme-new", b.Definition)
		for _, name := range []string{"acme", "acme-new", "acme-old"} {
			page, err := r.List(t.Context(), accounts.Filter{Definitions: []string{name}}, "", 10)
			require.NoError(t, err)
			assert.Len(t, page, 2, name)
		}
		page, err := r.List(t.Context(), accounts.Filter{Definitions: []string{"other"}}, "", 10)
		require.NoError(t, err)
		assert.Empty(t, page)
		assert.Equal(t, 200, w.status(r, a.ID))
	})
}

// The cache is bounded, and forgets what was used longest ago.
func TestConnectorsAreKept(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.config.Connectors = 2
		r := w.process()
		var ids []string
		for range 3 {
			ids = append(ids, w.withKey(r).ID)
		}
		connected := func(i int) *definition.Connected {
			c, err := r.Connected(t.Context(), ids[i])
			require.NoError(t, err)
			return c
		}
		first, second := connected(0), connected(1)
		assert.Same(t, first, connected(0))
		connected(2) // takes the place of the second
		assert.Same(t, first, connected(0))
		assert.NotSame(t, second, connected(1))

		first = connected(0)
		w.define(strings.Replace(document, `{"name": "team"`, `{"name": "team", "title": "Team"`, 1))
		assert.NotSame(t, first, connected(0), "the definition has changed")
		first = connected(0)
		_, err := w.process().Test(t.Context(), ids[0])
		require.NoError(t, err)
		assert.Same(t, first, connected(0), "a status makes no new connector")
		_, err = w.process().Reconnect(t.Context(), ids[0], accounts.Request{})
		require.NoError(t, err)
		assert.NotSame(t, first, connected(0), "another process has reconnected the account")
	})
}

// testIndex tests an Index that is empty.
func testIndex(t *testing.T, index accounts.Index) {
	at := time.Date(1999, 1, 2, 3, 4, 5, 6000, time.UTC)
	put := func(a accounts.Account, want bool) {
		t.Helper()
		stored, err := index.Put(t.Context(), a)
		require.NoError(t, err)
		assert.Equal(t, want, stored)
	}
	full := accounts.Account{
		ID: "a", Owner: "ö", Definition: "acme", Revision: 2, Method: "key", Identity: "7", Label: "Ada ☃", Status: accounts.StatusFailing,
		Reason: definition.ReasonForbidden, Error: "no", Since: at, Granted: []string{"r"}, Missing: []string{"w"}, Created: at, Tested: at,
		ReauthBy: at, Due: at, Current: 3, Pending: 4, Last: 4,
	}
	_, found, err := index.Get(t.Context(), "a")
	require.NoError(t, err)
	assert.False(t, found)

	put(full, true)
	put(full, false) // there is one already
	full.Granted[0] = "changed"
	got, found, err := index.Get(t.Context(), "a")
	require.NoError(t, err)
	assert.True(t, found)
	full.Granted, full.Version = []string{"r"}, 1
	assert.Equal(t, full, got)
	put(full, true)
	put(full, false) // an old version
	full.Version = 5
	put(full, false) // a version that there never was
	put(accounts.Account{ID: "A", Version: 1}, false)

	deleted, err := index.Delete(t.Context(), "a", 1)
	require.NoError(t, err)
	assert.False(t, deleted)
	for range 2 {
		deleted, err = index.Delete(t.Context(), "a", 2)
		require.NoError(t, err)
		assert.True(t, deleted)
	}

	for i, id := range []string{"b", "B", "_", "a", "a.", "ab"} {
		put(accounts.Account{
			ID: id, Owner: fmt.Sprint(i % 2), Definition: fmt.Sprint("d", i%3), Identity: fmt.Sprint(i), Status: accounts.StatusOK,
			Created: at, Since: at, Due: at.Add(time.Duration(-i) * time.Second),
		}, true)
	}
	stats, err := index.Stats(t.Context())
	require.NoError(t, err)
	assert.Equal(t, accounts.Stats{Accounts: map[accounts.Status]int{accounts.StatusOK: 6}, Due: 6, Oldest: at.Add(-5 * time.Second)}, stats)
	ids := func(page []accounts.Account, err error) (list []string) {
		t.Helper()
		require.NoError(t, err)
		for _, a := range page {
			list = append(list, a.ID)
		}
		return list
	}
	list := func(f accounts.Filter, after string, limit int) []string {
		t.Helper()
		return ids(index.List(t.Context(), f, after, limit))
	}
	assert.Equal(t, []string{"B", "_", "a", "a.", "ab", "b"}, list(accounts.Filter{}, "", 10))
	assert.Equal(t, []string{"a", "a."}, list(accounts.Filter{}, "_", 2))
	assert.Empty(t, list(accounts.Filter{}, "b", 2))
	assert.Equal(t, []string{"_", "a.", "b"}, list(accounts.Filter{Owner: "0"}, "", 10))
	assert.Equal(t, []string{"B", "_", "a.", "ab"}, list(accounts.Filter{Definitions: []string{"d1", "d2"}}, "", 10))
	assert.Equal(t, []string{"a."}, list(accounts.Filter{Owner: "0", Definitions: []string{"d1"}, Status: accounts.StatusOK, Identity: "4"}, "", 10))
	assert.Empty(t, list(accounts.Filter{Status: accounts.StatusReauth}, "", 10))

	claim := func(limit int) []string { return ids(index.Claim(t.Context(), limit, time.Second)) }
	put(accounts.Account{ID: "never", Created: at, Since: at}, true)
	put(accounts.Account{ID: "later", Created: at, Since: at, Due: time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)}, true)
	assert.Equal(t, []string{"ab", "a."}, claim(2))
	assert.Equal(t, []string{"a", "_", "B", "b"}, claim(10))
	assert.Empty(t, claim(10))
	a, _, err := index.Get(t.Context(), "a")
	require.NoError(t, err)
	put(a, true)
	assert.Equal(t, []string{"a"}, claim(10), "Put ends a claim")
	time.Sleep(1100 * time.Millisecond)
	assert.Equal(t, []string{"ab"}, claim(1), "a claim ends by itself")
}

func TestMemory(t *testing.T) { inWorld(t, func(t *testing.T, w *world) { testIndex(t, w.index) }) }
