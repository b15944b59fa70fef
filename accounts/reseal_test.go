package accounts_test

import (
	"context"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/mcp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	oldKey = tokenstore.Key{ID: "old", Secret: []byte(strings.Repeat("o", 32))}
	newKey = tokenstore.Key{ID: "new", Secret: []byte(strings.Repeat("n", 32))}
)

// A watched store knows its keys, tells of each swap of a value, and may die.
type watched struct {
	connectorauth.SharedTokenStore
	mu    sync.Mutex
	keys  map[string]bool
	swaps func(key string) error // nil lets all pass
}

func (s *watched) Save(ctx context.Context, key string, value []byte) error {
	s.mu.Lock()
	s.keys[key] = true
	s.mu.Unlock()
	return s.SharedTokenStore.Save(ctx, key, value)
}

func (s *watched) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	s.mu.Lock()
	s.keys[key] = true
	swaps := s.swaps
	s.mu.Unlock()
	if swaps != nil {
		if err := swaps(key); err != nil {
			return false, err
		}
	}
	return s.SharedTokenStore.CompareAndSwap(ctx, key, old, new)
}

// by returns the keys of the values by the key that has sealed them: "old", "new" or "" for none.
func (s *watched) by(t *testing.T) map[string][]string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	by := map[string][]string{}
	for _, key := range slices.Sorted(maps.Keys(s.keys)) {
		if _, found, err := s.SharedTokenStore.Load(t.Context(), key); err == nil && !found {
			continue
		}
		id := ""
		for _, k := range []tokenstore.Key{oldKey, newKey} {
			sealed, err := tokenstore.NewSealed(s.SharedTokenStore, k)
			require.NoError(t, err)
			if _, _, err := sealed.Load(t.Context(), key); err == nil {
				id = k.ID
			}
		}
		by[id] = append(by[id], key)
	}
	return by
}

// program returns a process with keys, whose definitions have a method of each kind. The registrar has the
// store and the keys of the accounts.
func (w *world) program(keys ...tokenstore.Key) *accounts.Registry {
	w.Helper()
	finder, err := discovery.New(discovery.Config{HTTPClient: w.p.Client()})
	require.NoError(w, err)
	registrar, err := discovery.NewRegistrar(discovery.RegistrarConfig{Finder: finder, Store: w.config.Store, Keys: keys})
	require.NoError(w, err)
	options := definition.Options{Kinds: []definition.Kind{mcp.Kind(mcp.KindConfig{Finder: finder, Registrar: registrar})}}
	var all []*definition.Definition
	for name, text := range map[string]string{"acme": document, "two": twoCredentials, "mcp": mcpDocument} {
		w.define(document)
		text = strings.NewReplacer(`"name": "acme"`, `"name": "`+name+`"`, "KEYURL", w.p.KeyHeaderURL, "BEARERURL", w.p.BearerURL,
			"TOKENURL", w.p.TokenURL, "REVOKEURL", w.p.RevokeURL, "AUTHURL", w.p.AuthURL, "SESSIONURL", w.p.SessionURL,
			"LOGINURL", w.p.LoginJSONURL, "LOGOUTURL", w.p.LogoutURL).Replace(text)
		d, err := definition.Parse(name+".json", []byte(text), options)
		require.NoError(w, err)
		all = append(all, d)
	}
	set, err := definition.NewSet(all...)
	require.NoError(w, err)
	config := w.config
	config.Keys, config.Shared = keys, new(connectorauth.Shared)
	config.Definitions = func() *definition.Set { return set }
	config.Connection = func(_ context.Context, a accounts.Account) (definition.Connection, error) {
		c := definition.Connection{HTTPClient: w.p.Client()}
		if a.Definition == "acme" {
			c.Client = definition.Client{ID: w.p.ClientID, Secret: connectorauth.Secret(w.p.ClientSecret)}
		}
		return c, nil
	}
	r, err := accounts.New(config)
	require.NoError(w, err)
	return r
}

// withStore runs a test in a bubble, with a store around inner.
func withStore(t *testing.T, inner connectorauth.SharedTokenStore, test func(t *testing.T, w *world, store *watched)) {
	t.Helper()
	inWorld(t, func(t *testing.T, w *world) {
		store := &watched{SharedTokenStore: inner, keys: map[string]bool{}}
		w.config.Store = store
		test(t, w, store)
	})
}

// all connects an account by each kind of method, uses each of them, and returns the IDs by kind.
func (w *world) all(r *accounts.Registry) map[string]string {
	w.Helper()
	ids := map[string]string{}
	for kind, q := range map[string]accounts.Request{
		"key":   {Definition: "acme", Values: w.given("key")},
		"oauth": {Definition: "acme", Method: "oauth"},
		"app":   {Definition: "acme", Method: "app"},
		"login": {Definition: "acme", Method: "login", Values: w.given("login")},
		"two":   {Definition: "two", Values: w.given("key", "login")},
		"mcp":   {Definition: "mcp"},
	} {
		q.Owner, q.Duplicate = "o1", true
		a, err := r.Connect(w.Context(), q)
		require.NoError(w, err, kind)
		if a.Status == accounts.StatusConnecting {
			require.NoError(w, w.consent(r, a.ID))
		}
		ids[kind] = a.ID
	}
	w.work(r, ids)
	return ids
}

// given are the values of a form.
func (w *world) given(parts ...string) values {
	form := values{}
	for _, part := range parts {
		if part == "key" {
			form["apiKey"] = "CANARY-key"
		} else {
			form["username"], form["password"] = connectorauth.Secret(w.p.Username), connectorauth.Secret(w.p.Password)
		}
	}
	return form
}

// work uses each account.
func (w *world) work(r *accounts.Registry, ids map[string]string) {
	w.Helper()
	for kind, id := range ids {
		assert.Equal(w, 200, w.status(r, id), kind)
	}
}

// endTokens lets each account renew its token at the next request.
func (w *world) endTokens() {
	w.p.RevokeAccessTokens()
	w.p.EndSessions()
}

// The whole of it: accounts of each kind, consents under way, renewals all the time, a process that dies in
// the middle, and then the old key is gone.
func TestResealReplacesTheKey(t *testing.T) {
	file, err := tokenstore.NewFile(filepath.Join(t.TempDir(), "tokens"))
	require.NoError(t, err)
	for name, inner := range map[string]connectorauth.SharedTokenStore{"memory": new(tokenstore.Memory), "file": file} {
		t.Run(name, func(t *testing.T) { withStore(t, inner, replaceTheKey) })
	}
}

func replaceTheKey(t *testing.T, w *world, store *watched) {
	before := w.program(oldKey)
	ids := w.all(before)
	begun, err := before.Connect(t.Context(), accounts.Request{Owner: "o2", Definition: "mcp"})
	require.NoError(t, err)
	first, err := w.consented(before, begun.ID)
	require.NoError(t, err)
	_, err = before.Reconnect(t.Context(), ids["oauth"], accounts.Request{})
	require.NoError(t, err)
	second, err := w.consented(before, ids["oauth"])
	require.NoError(t, err)
	sealed := store.by(t)
	assert.Empty(t, sealed["new"])
	for _, pattern := range []string{ // so the test cannot lose what it is about
		ids["key"] + "/1/values", ids["oauth"] + "/1", ids["oauth"] + "/2/values", ids["app"] + "/1", ids["login"] + "/1", ids["two"] + "/1#2",
		ids["mcp"] + "/1#mcp", ids["mcp"] + "/1#.{20}", ids["mcp"] + "/1#.{20}#found", begun.ID + "/1#.{20}#found",
		"connectorauth-consents-..", "connectorauth-client-.{20}",
	} {
		assert.True(t, slices.ContainsFunc(sealed["old"], regexp.MustCompile("^"+pattern+"$").MatchString), pattern)
	}

	// One process renews all tokens between a load and its swap, another one dies right then, and a third one
	// does the rest beside renewals.
	busy, dying, third := w.program(newKey, oldKey), w.program(newKey, oldKey), w.program(newKey, oldKey)
	ctx, die := context.WithCancel(t.Context())
	swaps := 0
	store.swaps = func(string) error {
		if swaps++; swaps == 6 {
			store.swaps = nil
			w.endTokens()
			w.work(busy, ids)
			die()
		}
		return nil
	}
	some, err := dying.Reseal(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.NotZero(t, some.Sealed)
	require.NotEmpty(t, store.by(t)["old"], "the process has died too late")
	var renewals sync.WaitGroup
	renewals.Go(func() {
		for range 2 {
			w.endTokens()
			w.work(busy, ids)
		}
	})
	rest, err := third.Reseal(t.Context())
	require.NoError(t, err)
	assert.NotZero(t, rest.Sealed)
	renewals.Wait()

	sealed = store.by(t)
	assert.Empty(t, sealed["old"])
	for _, key := range sealed[""] {
		assert.True(t, strings.HasSuffix(key, "#records") || strings.HasPrefix(key, "connectorauth-clients-"), key)
	}
	again, err := third.Reseal(t.Context())
	require.NoError(t, err)
	assert.Equal(t, tokenstore.Resealed{Before: len(sealed["new"])}, again)

	// The old key is gone.
	after := w.program(newKey)
	w.work(after, ids)
	w.endTokens()
	w.work(after, ids)
	require.NoError(t, first(after), "a consent that began before")
	require.NoError(t, second(after))
	ids["begun"] = begun.ID
	w.work(after, ids)
	assert.Equal(t, 1, w.p.Stats().Registrations)
	for _, id := range ids {
		_, err := after.Disconnect(t.Context(), id)
		require.NoError(t, err)
	}
	time.Sleep(time.Minute)
	for _, key := range store.by(t)["new"] {
		assert.NotContains(t, key, "/")
	}
}
