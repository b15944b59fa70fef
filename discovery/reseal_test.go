package discovery_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// newKey comes in the place of keys.
var newKey = tokenstore.Key{ID: "2", Secret: []byte("fedcba9876543210fedcba9876543210")}

// registrarOf returns the registrar of a process with other keys.
func registrarOf(t *testing.T, s *process, keys ...tokenstore.Key) *discovery.Registrar {
	t.Helper()
	return must(discovery.NewRegistrar(discovery.RegistrarConfig{Finder: s.finder, Store: s.store, Keys: keys}))
}

// Once the registrations are sealed again, a process without the old key has each of them, the former
// ones included.
func TestResealOfRegistrations(t *testing.T) {
	p := authtest.NewProvider(t)
	s := newProcess(t, p, new(tokenstore.Memory))
	server := must(s.finder.Server(t.Context(), p.URL))
	clients := map[string]string{} // the callback URL by the client ID
	for n := range 20 {
		url := fmt.Sprintf("https://app.example/callback/%d", n)
		clients[must(s.registrar.Client(t.Context(), server, url)).ClientID] = url
	}
	first := must(s.registrar.Client(t.Context(), server, callbackURL))
	clients[first.ClientID] = callbackURL
	clients[must(s.registrar.Replace(t.Context(), server, callbackURL)).ClientID] = callbackURL
	require.Len(t, clients, 22)

	_, err := registrarOf(t, s, newKey).Kept(t.Context(), p.URL, callbackURL, first.ClientID)
	require.Error(t, err)
	done, err := registrarOf(t, s, newKey, keys[0]).Reseal(t.Context())
	require.NoError(t, err)
	assert.Equal(t, tokenstore.Resealed{Sealed: 21}, done)
	after := registrarOf(t, s, newKey)
	for id, url := range clients {
		kept, err := after.Kept(t.Context(), p.URL, url, id)
		require.NoError(t, err)
		assert.Equal(t, id, kept.ClientID)
	}
	done, err = after.Reseal(t.Context())
	require.NoError(t, err)
	assert.Equal(t, tokenstore.Resealed{Before: 21}, done)
	assert.Equal(t, 22, p.Stats().Registrations)
}

// A program of an earlier version has kept no list. A client is in the list after its next use, also if
// the store refuses the list at first.
func TestResealOfRegistrationsOfAnEarlierVersion(t *testing.T) {
	p := authtest.NewProvider(t)
	store := &unlisted{SharedTokenStore: new(tokenstore.Memory)}
	s := newProcess(t, p, store)
	server := must(s.finder.Server(t.Context(), p.URL))
	client := must(s.registrar.Client(t.Context(), server, callbackURL))
	require.NotEmpty(t, store.list)
	require.NoError(t, store.Delete(t.Context(), store.list))

	now := registrarOf(t, s, keys...)
	store.refuses = true
	kept, err := now.Kept(t.Context(), p.URL, callbackURL, client.ClientID)
	require.NoError(t, err, "an account does not wait for the list")
	require.NotNil(t, kept)
	store.refuses = false
	done, err := now.Reseal(t.Context())
	require.NoError(t, err)
	assert.Zero(t, done)
	_, err = now.Kept(t.Context(), p.URL, callbackURL, client.ClientID)
	require.NoError(t, err)
	done, err = now.Reseal(t.Context())
	require.NoError(t, err)
	assert.Equal(t, tokenstore.Resealed{Before: 1}, done)
}

// A client that could not be listed is not registered: nobody would seal the registration again.
func TestClientIsListedBeforeTheRegistration(t *testing.T) {
	p := authtest.NewProvider(t)
	store := &unlisted{SharedTokenStore: new(tokenstore.Memory), refuses: true}
	s := newProcess(t, p, store)
	server := must(s.finder.Server(t.Context(), p.URL))
	_, err := s.registrar.Client(t.Context(), server, callbackURL)
	require.ErrorIs(t, err, errUnlisted)
	assert.ErrorContains(t, err, `list "connectorauth-client-`)
	assert.Zero(t, p.Stats().Registrations)
	store.refuses, store.unreadable = false, true
	_, err = s.registrar.Client(t.Context(), server, callbackURL)
	require.ErrorIs(t, err, errUnlisted)
	assert.Zero(t, p.Stats().Registrations)
}

// Processes that register clients at one time lose none of each other's entries.
func TestClientsAreListedTogether(t *testing.T) {
	p := authtest.NewProvider(t)
	store := &unlisted{SharedTokenStore: new(tokenstore.Memory)}
	s := newProcess(t, p, store)
	server := must(s.finder.Server(t.Context(), p.URL))
	store.meanwhile = func(list string) { // another process lists a client between the load and the swap
		require.NoError(t, store.SharedTokenStore.Save(t.Context(), list, []byte(`["connectorauth-client-other"]`)))
	}
	must(s.registrar.Client(t.Context(), server, callbackURL))
	text, _, err := store.Load(t.Context(), store.list)
	require.NoError(t, err)
	assert.Regexp(t, `^\["connectorauth-client-other","connectorauth-client-.{20}"\]$`, string(text))
}

var errUnlisted = errors.New("no list")

// unlisted is a store with a fate for lists of registrations.
type unlisted struct {
	connectorauth.SharedTokenStore
	refuses, unreadable bool
	meanwhile           func(list string)

	mu   sync.Mutex
	list string // which was written last
}

func isList(key string) bool { return strings.HasPrefix(key, "connectorauth-clients-") }

func (s *unlisted) Load(ctx context.Context, key string) ([]byte, bool, error) {
	if isList(key) && s.unreadable {
		return nil, false, errUnlisted
	}
	return s.SharedTokenStore.Load(ctx, key)
}

func (s *unlisted) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	if !isList(key) {
		return s.SharedTokenStore.CompareAndSwap(ctx, key, old, new)
	}
	if s.refuses {
		return false, errUnlisted
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = key
	if meanwhile := s.meanwhile; meanwhile != nil {
		s.meanwhile = nil
		meanwhile(key)
	}
	return s.SharedTokenStore.CompareAndSwap(ctx, key, old, new)
}
