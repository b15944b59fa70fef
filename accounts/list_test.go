package accounts_test

import (
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
