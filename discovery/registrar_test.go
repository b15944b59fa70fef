package discovery_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOneRegistrationForAllProcesses(t *testing.T) {
	p := authtest.NewProvider(t)
	place := t.TempDir()
	var ids sync.Map
	var all sync.WaitGroup
	for range 8 {
		s := newProcess(t, p, must(tokenstore.NewFile(filepath.Join(place, "store"))))
		server, err := s.finder.Server(t.Context(), p.URL)
		require.NoError(t, err)
		for range 10 {
			all.Go(func() {
				r, err := s.registrar.Client(t.Context(), server, callbackURL)
				if assert.NoError(t, err) {
					ids.Store(r.ClientID, true)
				}
			})
		}
	}
	all.Wait()
	assert.Equal(t, 1, p.Stats().Registrations)
	n := 0
	ids.Range(func(any, any) bool { n++; return true })
	assert.Equal(t, 1, n)

	s := newProcess(t, p, must(tokenstore.NewFile(filepath.Join(place, "store"))))
	server := must(s.finder.Server(t.Context(), p.URL))
	_, err := s.registrar.Client(t.Context(), server, callbackURL+"/other")
	require.NoError(t, err)
	assert.Equal(t, 2, p.Stats().Registrations, "another redirect URL is another client")
	other := *server
	other.Issuer = p.URL + "/other"
	_, err = s.registrar.Client(t.Context(), &other, callbackURL)
	require.NoError(t, err)
	assert.Equal(t, 3, p.Stats().Registrations, "another issuer is another client")
}

func TestServerIsAskedAboutItsClient(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		s := newProcess(t, p, new(tokenstore.Memory))
		client := func() *discovery.Registration {
			t.Helper()
			r, err := s.registrar.Client(t.Context(), must(s.finder.Server(t.Context(), p.URL)), callbackURL)
			require.NoError(t, err)
			return r
		}
		first := client()
		time.Sleep(23 * time.Hour)
		client()
		require.Len(t, p.Requests(p.RegisterURL), 1)
		time.Sleep(2 * time.Hour)
		client()
		client()
		require.Len(t, p.Requests(p.RegisterURL), 2)
		assert.Equal(t, "GET", p.Requests(p.RegisterURL)[1].Method)
		time.Sleep(25 * time.Hour)
		p.Inject(p.RegisterURL, 1, authtest.Answer(503, nil, ""))
		assert.Equal(t, first.ClientID, client().ClientID, "an outage is no word about the client")
		p.ForgetClients()
		time.Sleep(25 * time.Hour)
		assert.NotEqual(t, first.ClientID, client().ClientID)
		assert.Equal(t, 2, p.Stats().Registrations)
	})
}

func TestExpiredSecretIsReplaced(t *testing.T) {
	bubble(t, authtest.Config{SecretLifetime: 10 * time.Hour}, func(t *testing.T, p *authtest.Provider) {
		s := newProcess(t, p, new(tokenstore.Memory))
		web := func() (*discovery.Registration, error) {
			return s.registrar.Client(t.Context(), must(s.finder.Server(t.Context(), p.URL)), "https://app.example/callback")
		}
		first := must(web())
		time.Sleep(9 * time.Hour)
		assert.Equal(t, first.ClientID, must(web()).ClientID)
		time.Sleep(time.Hour - 30*time.Second)
		second := must(web())
		assert.NotEqual(t, first.ClientID, second.ClientID, "a consent takes a while")
		kept, err := s.registrar.Kept(t.Context(), p.URL, "https://app.example/callback", first.ClientID)
		require.NoError(t, err)
		assert.True(t, kept.ClientSecret == first.ClientSecret)
		present, err := s.registrar.Kept(t.Context(), p.URL, "https://app.example/callback", "")
		require.NoError(t, err)
		assert.Equal(t, second.ClientID, present.ClientID)
		unknown, err := s.registrar.Kept(t.Context(), p.URL, "https://app.example/callback", "other")
		require.NoError(t, err)
		assert.Nil(t, unknown)
	})
}

func TestRegistrationOutlivesItsCaller(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		store := &counting{SharedTokenStore: new(tokenstore.Memory)}
		s := newProcess(t, p, store)
		server := must(s.finder.Server(t.Context(), p.URL))
		p.Inject(p.RegisterURL, 1, authtest.Delay(10*time.Second))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := s.registrar.Client(ctx, server, callbackURL)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(began))
		time.Sleep(time.Minute)
		_, err = s.registrar.Client(t.Context(), server, callbackURL)
		require.NoError(t, err)
		assert.Equal(t, 1, p.Stats().Registrations)

		store.broken.Store(true)
		_, err = s.registrar.Client(t.Context(), server, callbackURL+"/other")
		assert.ErrorContains(t, err, "out of order")
	})
}

func TestRegistrationsAreSealed(t *testing.T) {
	p := authtest.NewProvider(t)
	store := new(tokenstore.Memory)
	s := newProcess(t, p, store)
	server := must(s.finder.Server(t.Context(), p.URL))
	r, err := s.registrar.Client(t.Context(), server, "https://app.example/callback")
	require.NoError(t, err)
	require.NotEmpty(t, r.ClientSecret)
	connect(t, p, s.account(t, "alice"))
	shown := canary.Reached(store)
	require.Contains(t, shown, "connectorauth-client-")
	assert.Empty(t, canary.Found(shown, string(r.ClientSecret), string(r.AccessToken)))

	again, err := newProcess(t, p, store).registrar.Client(t.Context(), server, "https://app.example/callback")
	require.NoError(t, err)
	assert.True(t, again.ClientSecret == r.ClientSecret && again.AccessToken == r.AccessToken && again.URL == r.URL)
	assert.Equal(t, r.ClientMetadata, again.ClientMetadata)
	other := must(discovery.NewRegistrar(discovery.RegistrarConfig{Finder: s.finder, Store: store, Keys: []tokenstore.Key{{ID: "2", Secret: make([]byte, 32)}}}))
	_, err = other.Client(t.Context(), server, "https://app.example/callback")
	assert.ErrorContains(t, err, "load")
}

func TestInitialAccessTokenGoesToItsIssuer(t *testing.T) {
	p := authtest.New(authtest.Config{RegistrationToken: "initial-token"})
	t.Cleanup(p.Close)
	other := authtest.NewProvider(t)
	finder := finderOf(t, p)
	registrar, err := discovery.NewRegistrar(discovery.RegistrarConfig{
		Finder: finder, Store: new(tokenstore.Memory), Keys: keys,
		InitialAccessTokens: map[string]connectorauth.Secret{p.URL + "/": "initial-token"},
	})
	require.NoError(t, err)
	for _, provider := range []*authtest.Provider{p, other} {
		_, err := registrar.Client(t.Context(), must(finder.Server(t.Context(), provider.URL)), callbackURL)
		require.NoError(t, err)
	}
	assert.Equal(t, "Bearer initial-token", p.Requests(p.RegisterURL)[0].Header.Get("Authorization"))
	assert.Empty(t, other.Requests(other.RegisterURL)[0].Header.Get("Authorization"))
	_, err = discovery.NewRegistrar(discovery.RegistrarConfig{
		Finder: finder, Store: new(tokenstore.Memory), Keys: keys, Request: discovery.RegistrationRequest{InitialAccessToken: "a"},
		InitialAccessTokens: map[string]connectorauth.Secret{"a.example": "b", "https://a.example": "c\n"},
	})
	assert.ErrorContains(t, err, "each for one issuer")
	assert.ErrorContains(t, err, "InitialAccessTokens[\"a.example\"]: want an absolute URL")
	assert.ErrorContains(t, err, "line break")
}

func TestRegistrationIsUpdated(t *testing.T) {
	p := authtest.NewProvider(t)
	store := new(tokenstore.Memory)
	s := newProcess(t, p, store)
	server := must(s.finder.Server(t.Context(), p.URL))
	_, err := s.registrar.Update(t.Context(), server, callbackURL)
	require.ErrorContains(t, err, "no registration")
	first := must(s.registrar.Client(t.Context(), server, callbackURL))
	registrar := must(discovery.NewRegistrar(discovery.RegistrarConfig{
		Finder: s.finder, Store: store, Keys: keys,
		Request: discovery.RegistrationRequest{ClientMetadata: discovery.ClientMetadata{ClientName: "Acme Ltd"}},
	}))
	for range 2 { // the second time with the access token of the first
		next, err := registrar.Update(t.Context(), server, callbackURL)
		require.NoError(t, err)
		assert.Equal(t, first.ClientID, next.ClientID)
		assert.Equal(t, "Acme Ltd", next.ClientName)
	}
	assert.Equal(t, 1, p.Stats().Registrations)
	kept := must(s.registrar.Kept(t.Context(), p.URL, callbackURL, ""))
	assert.Equal(t, "Acme Ltd", kept.ClientName)
	_, err = s.finder.Read(t.Context(), kept)
	assert.NoError(t, err)
	p.Inject(p.RegisterURL, 1, authtest.Answer(503, nil, ""))
	_, err = registrar.Update(t.Context(), server, callbackURL)
	assert.ErrorContains(t, err, "status 503")
}

func TestClientIsRefusedWhileAnotherIsMade(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		s := newProcess(t, p, new(tokenstore.Memory))
		server := must(s.finder.Server(t.Context(), p.URL))
		first := must(s.registrar.Client(t.Context(), server, callbackURL))
		p.Inject(p.RegisterURL, 1, authtest.Delay(10*time.Second))
		var replaced *discovery.Registration
		var all sync.WaitGroup
		all.Go(func() { replaced = must(s.registrar.Replace(t.Context(), server, callbackURL)) })
		time.Sleep(time.Second)
		require.NoError(t, s.registrar.Refused(t.Context(), p.URL, callbackURL, first.ClientID))
		all.Wait()
		assert.NotEqual(t, first.ClientID, replaced.ClientID)
		assert.Equal(t, replaced.ClientID, must(s.registrar.Client(t.Context(), server, callbackURL)).ClientID)
		assert.Equal(t, 2, p.Stats().Registrations)
	})
}
