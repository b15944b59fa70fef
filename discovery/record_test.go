package discovery_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// opened is a store whose sealed records a test can read and change.
type opened struct {
	connectorauth.SharedTokenStore
	last string // the key that was saved last
}

func (s *opened) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	s.last = key
	return s.SharedTokenStore.CompareAndSwap(ctx, key, old, new)
}

// read returns the record under a key.
func (s *opened) read(t *testing.T, key string) []byte {
	t.Helper()
	text, ok, err := must(tokenstore.NewSealed(s.SharedTokenStore, keys...)).Load(t.Context(), key)
	require.NoError(t, err)
	require.True(t, ok)
	return text
}

// write writes the record under a key.
func (s *opened) write(t *testing.T, key string, text []byte) {
	t.Helper()
	require.NoError(t, must(tokenstore.NewSealed(s.SharedTokenStore, keys...)).Save(t.Context(), key, text))
}

// A record under the key of another issuer or redirect URL gives nobody a client.
func TestRecordIsOfOneIssuerAndRedirect(t *testing.T) {
	p := authtest.NewProvider(t)
	store := &opened{SharedTokenStore: new(tokenstore.Memory)}
	s := newProcess(t, p, store)
	server := must(s.finder.Server(t.Context(), p.URL))
	must(s.registrar.Client(t.Context(), server, callbackURL))
	own := store.read(t, store.last)
	foreign := *server
	foreign.Issuer = p.URL + "/other"
	for name, test := range map[string]struct {
		server   *discovery.Server
		redirect string
	}{
		"issuer":   {&foreign, callbackURL},
		"redirect": {server, callbackURL + "/other"},
	} {
		must(s.registrar.Client(t.Context(), test.server, test.redirect))
		store.write(t, store.last, own)
		_, err := s.registrar.Client(t.Context(), test.server, test.redirect)
		assert.ErrorContains(t, err, "no registration that this library saved", name)
		_, err = s.registrar.Kept(t.Context(), test.server.Issuer, test.redirect, "")
		assert.ErrorContains(t, err, "no registration that this library saved", name)
	}
}

// A server is asked anew where the clock was far ahead when the server was asked last.
func TestRecordOfAClockThatWasAhead(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		store := &opened{SharedTokenStore: new(tokenstore.Memory)}
		s := newProcess(t, p, store)
		server := must(s.finder.Server(t.Context(), p.URL))
		first := must(s.registrar.Client(t.Context(), server, callbackURL))
		for ahead, requests := range map[time.Duration]int{23 * time.Hour: 0, 1000 * time.Hour: 1} {
			var members map[string]any
			require.NoError(t, json.Unmarshal(store.read(t, store.last), &members))
			members["checked"] = time.Now().Add(ahead)
			store.write(t, store.last, must(json.Marshal(members)))
			before := len(p.Requests(p.RegisterURL))
			assert.Equal(t, first.ClientID, must(s.registrar.Client(t.Context(), server, callbackURL)).ClientID)
			assert.Len(t, p.Requests(p.RegisterURL), before+requests, "%v", ahead)
		}
	})
}

// A record has sixteen former registrations.
func TestRecordKeepsSixteenFormerClients(t *testing.T) {
	p := authtest.NewProvider(t)
	s := newProcess(t, p, new(tokenstore.Memory))
	server := must(s.finder.Server(t.Context(), p.URL))
	first := must(s.registrar.Client(t.Context(), server, callbackURL))
	for range 16 {
		must(s.registrar.Replace(t.Context(), server, callbackURL))
	}
	kept := must(s.registrar.Kept(t.Context(), p.URL, callbackURL, first.ClientID))
	require.NotNil(t, kept)
	assert.True(t, kept.ClientSecret == first.ClientSecret)
	must(s.registrar.Replace(t.Context(), server, callbackURL))
	assert.Nil(t, must(s.registrar.Kept(t.Context(), p.URL, callbackURL, first.ClientID)))
}

// A further member has any name, and a record with that member can be read.
func TestRecordHasFurtherMembersOfAnyName(t *testing.T) {
	p := authtest.NewProvider(t)
	store := &opened{SharedTokenStore: new(tokenstore.Memory)}
	finder, server := found(t, p)
	registrar := must(discovery.NewRegistrar(discovery.RegistrarConfig{Finder: finder, Store: store, Keys: keys, Request: discovery.RegistrationRequest{
		ClientMetadata: discovery.ClientMetadata{ClientName: "Acme", Further: map[string]any{"-": "dash", strings.Repeat("n", 300): "long"}},
	}}))
	first := must(registrar.Client(t.Context(), server, callbackURL))
	require.True(t, bytes.Contains(store.read(t, store.last), []byte(`"-":"dash"`)))
	again, err := registrar.Client(t.Context(), server, callbackURL)
	require.NoError(t, err)
	assert.Equal(t, first.ClientID, again.ClientID)
}
