package accounts_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/records"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a dead process has left of an account is sealed again too: the generation is in no use, but the end
// of the account tells the provider.
func TestResealOfWhatADeadProcessHasLeft(t *testing.T) {
	withStore(t, new(tokenstore.Memory), func(t *testing.T, w *world, store *watched) {
		id := w.withLogin(w.program(oldKey)).ID
		a, found, err := w.index.Get(t.Context(), id)
		require.NoError(t, err)
		require.True(t, found)
		a.Current, a.Pending, a.Last = 0, 2, 2 // no generation in use is the first one
		stored, err := w.index.Put(t.Context(), a)
		require.NoError(t, err)
		require.True(t, stored)
		require.Contains(t, store.by(t)["old"], id+"/1")
		_, err = w.program(newKey, oldKey).Reseal(t.Context())
		require.NoError(t, err)
		assert.Empty(t, store.by(t)["old"])
		ended := len(w.p.Requests(w.p.LogoutURL))
		_, err = w.program(newKey).Disconnect(t.Context(), id)
		require.NoError(t, err)
		assert.Len(t, w.p.Requests(w.p.LogoutURL), ended+1)
	})
}

// A later revision of a definition has more credentials than the values of an account say, and a
// definition may have many.
func TestResealOfManyCredentials(t *testing.T) {
	begin, login, _ := strings.Cut(strings.TrimSuffix(twoCredentials, "]}]}"), `"and": [`)
	of := func(logins int) string {
		var all []string
		for n := range logins {
			all = append(all, strings.Replace(login, "X-Session", "X-Session-"+strconv.Itoa(n), 1))
		}
		return begin + `"and": [` + strings.Join(all, ",") + "]}]}"
	}
	for name, test := range map[string]struct {
		before, revised string
		last            string // the key of the last record, after that of the first
	}{
		"revised": {of(0), of(1), "#2"}, "many": {of(11), of(11), "#12"},
	} {
		t.Run(name, func(t *testing.T) {
			withStore(t, new(tokenstore.Memory), func(t *testing.T, w *world, store *watched) {
				w.config.Keys = []tokenstore.Key{oldKey}
				w.define(test.before)
				a, err := w.process().Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Values: w.given("key", "login")})
				require.NoError(t, err)
				w.define(test.revised)
				sealed, err := tokenstore.NewSealed(store, oldKey)
				require.NoError(t, err)
				require.NoError(t, sealed.Save(t.Context(), a.ID+"/1"+test.last, []byte("{}"))) // as after a login
				w.config.Keys = []tokenstore.Key{newKey, oldKey}
				w.set, err = definition.NewSet() // Reseal needs none
				require.NoError(t, err)
				_, err = w.process().Reseal(t.Context())
				require.NoError(t, err)
				assert.Empty(t, store.by(t)["old"])
			})
		})
	}
}

// Records of a key that is lost, and lists that are damaged, are named, and the others are sealed again.
func TestResealNamesEachLostRecord(t *testing.T) {
	withStore(t, new(tokenstore.Memory), func(t *testing.T, w *world, store *watched) {
		ids := w.all(w.program(oldKey))
		lost, err := tokenstore.NewSealed(store, tokenstore.Key{ID: "lost", Secret: []byte(strings.Repeat("l", 32))})
		require.NoError(t, err)
		names := []string{ids["key"] + "/1/values", ids["login"] + "/1", ids["two"] + "/1/values"}
		for _, key := range names {
			require.NoError(t, lost.Save(t.Context(), key, []byte("x")))
		}
		list := ids["mcp"] + "/1#records"
		require.NoError(t, store.Save(t.Context(), list, []byte("torn")))
		r := w.program(newKey, oldKey)
		done, err := r.Reseal(t.Context())
		assert.NotZero(t, done.Sealed)
		require.ErrorAs(t, err, new(*storeerror.Sealed))
		for _, name := range append(names, list) {
			assert.ErrorContains(t, err, `"`+name+`"`)
		}
		assert.NotContains(t, err.Error(), ids["oauth"])
		sealed := store.by(t)
		for _, key := range []string{ids["oauth"] + "/1", ids["two"] + "/1#2", ids["login"] + "/1/values", ids["mcp"] + "/1/values"} {
			assert.Contains(t, sealed["new"], key)
		}
		for _, key := range sealed["old"] {
			assert.True(t, strings.HasPrefix(key, ids["mcp"]+"/1#"), "behind the damaged list alone: %s", key)
		}

		// The owners connect the accounts again, and the step succeeds.
		for kind, form := range map[string]values{"key": w.given("key"), "login": w.given("login"), "two": w.given("key", "login"), "mcp": nil} {
			a, err := r.Reconnect(t.Context(), ids[kind], accounts.Request{Values: form, Duplicate: true})
			require.NoError(t, err, kind)
			if a.Pending != 0 {
				require.NoError(t, w.consent(r, ids[kind]))
			}
		}
		_, err = r.Reseal(t.Context())
		require.NoError(t, err)
		w.work(w.program(newKey), ids)
	})
}

// The index or the store is down: Reseal ends, and says so.
func TestResealEndsWithAnOutage(t *testing.T) {
	for name, spoil := range map[string]func(w *world, store *watched){
		"index": func(w *world, _ *watched) { w.config.Index = downIndex{w.index} },
		"swap": func(_ *world, store *watched) {
			store.swaps = func(string) error { return errBroken }
		},
		"list of records": func(w *world, store *watched) { w.config.Store = downList{store} },
	} {
		t.Run(name, func(t *testing.T) {
			withStore(t, new(tokenstore.Memory), func(t *testing.T, w *world, store *watched) {
				before := w.program(oldKey)
				for _, method := range []string{"app", "oauth"} {
					_, err := before.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Method: method})
					require.NoError(t, err)
				}
				spoil(w, store)
				done, err := w.program(newKey, oldKey).Reseal(t.Context())
				require.ErrorIs(t, err, errBroken)
				assert.Zero(t, done)
				assert.NotEmpty(t, store.by(t)["old"])
			})
		})
	}
}

// A list of a newer program says nothing about the other accounts.
func TestResealGoesOnAfterANewerList(t *testing.T) {
	withStore(t, new(tokenstore.Memory), func(t *testing.T, w *world, store *watched) {
		before := w.program(oldKey)
		for _, method := range []string{"app", "oauth"} {
			_, err := before.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Method: method})
			require.NoError(t, err)
		}
		w.config.Store = newerList{store}
		done, err := w.program(newKey, oldKey).Reseal(t.Context())
		require.ErrorAs(t, err, new(*storeerror.Newer))
		assert.NotZero(t, done.Sealed)
		assert.Empty(t, store.by(t)["old"])
	})
}

// newerList is a store whose lists of records are those of a newer program.
type newerList struct{ *watched }

func (s newerList) Load(ctx context.Context, key string) ([]byte, bool, error) {
	if strings.HasSuffix(key, "#records") {
		return nil, false, &storeerror.Newer{Version: 9, Known: 1}
	}
	return s.watched.Load(ctx, key)
}

// downIndex is an index that cannot list.
type downIndex struct{ accounts.Index }

func (downIndex) List(context.Context, accounts.Filter, string, int) ([]accounts.Account, error) {
	return nil, errBroken
}

// downList is a store that cannot load lists of records.
type downList struct{ *watched }

func (s downList) Load(ctx context.Context, key string) ([]byte, bool, error) {
	if strings.HasSuffix(key, "#records") {
		return nil, false, errBroken
	}
	return s.watched.Load(ctx, key)
}

// The keys of a program that has a registrar with another store: each Reseal does its own.
func TestResealLeavesOtherStoresAlone(t *testing.T) {
	withKind(t, func(t *testing.T, w *world, _, clients *listing) {
		w.withConsent(w.process())
		other := w.config.Keys[0]
		w.config.Keys = []tokenstore.Key{newKey, other}
		done, err := w.process().Reseal(t.Context())
		require.NoError(t, err)
		assert.NotZero(t, done.Sealed)
		sealed, err := tokenstore.NewSealed(&clients.Memory, newKey)
		require.NoError(t, err)
		for key := range clients.keys {
			if strings.HasPrefix(key, records.Client("")) {
				_, _, err := sealed.Load(t.Context(), key)
				assert.Error(t, err, key)
				assert.True(t, errors.As(err, new(*storeerror.Sealed)))
			}
		}
	})
}
