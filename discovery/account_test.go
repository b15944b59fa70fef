package discovery_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/egress"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/tokenstore/storeerror"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// use makes a request with a new connector of the account.

func use(t *testing.T, p *authtest.Provider, account *discovery.Account) error {
	t.Helper()
	c, err := account.Connector(t.Context())
	if err != nil {
		return err
	}
	resp, err := connectorauth.NewClient(c, p.Client()).Get(p.BearerURL)
	if err == nil {
		resp.Body.Close()
		if resp.StatusCode != 200 {
			err = errors.New(resp.Status)
		}
	}
	return err
}

// Eight processes that all want a client at the same time have one.

// counting counts the writes to keys of registrations.

type counting struct {
	connectorauth.SharedTokenStore
	writes atomic.Int64
	broken atomic.Bool
}

func (s *counting) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	if !strings.HasPrefix(key, "connectorauth-client-") {
		return s.SharedTokenStore.CompareAndSwap(ctx, key, old, new)
	}
	if s.broken.Load() {
		return false, errors.New("the store is out of order")
	}
	swapped, err := s.SharedTokenStore.CompareAndSwap(ctx, key, old, new)
	if swapped {
		s.writes.Add(1)
	}
	return swapped, err
}

// A server forgets the client. One token request per account tells, over all processes; the

// dead client is noted once; the next Begin registers anew, and nothing else does.

func TestDeadClientIsReplacedAtTheNextConsent(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		store := &counting{SharedTokenStore: new(tokenstore.Memory)}
		var processes []*process
		for range 8 {
			processes = append(processes, newProcess(t, p, store))
		}
		for i := range 3 {
			connect(t, p, processes[i].account(t, fmt.Sprint("account-", i)))
		}
		require.Equal(t, 1, p.Stats().Registrations)
		p.ForgetClients()
		time.Sleep(2 * time.Hour)

		requests, writes := p.Stats().TokenRequests, store.writes.Load()
		var all sync.WaitGroup
		for _, s := range processes {
			for range 5 {
				all.Go(func() {
					err := use(t, p, s.account(t, "account-0"))
					assert.ErrorIs(t, err, connectorauth.ErrReauthRequired)
					assert.NotErrorIs(t, err, connectorauth.ErrNotConnected)
				})
			}
		}
		all.Wait()
		assert.Equal(t, requests+1, p.Stats().TokenRequests)
		assert.ErrorIs(t, use(t, p, processes[0].account(t, "account-1")), connectorauth.ErrReauthRequired)
		assert.Equal(t, requests+2, p.Stats().TokenRequests)
		assert.Equal(t, writes+1, store.writes.Load(), "noted once")
		assert.Equal(t, 1, p.Stats().Registrations, "no renewal registers")

		connect(t, p, processes[5].account(t, "account-0"))
		assert.Equal(t, 2, p.Stats().Registrations)
		assert.NoError(t, use(t, p, processes[7].account(t, "account-0")))
		connect(t, p, processes[6].account(t, "account-2"))
		assert.Equal(t, 2, p.Stats().Registrations, "the new client serves the others")
		assert.NoError(t, use(t, p, processes[7].account(t, "account-2")))
		assert.ErrorIs(t, use(t, p, processes[1].account(t, "account-1")), connectorauth.ErrReauthRequired)
	})
}

// Where the store fails when the server refuses the client, the next Begin knows from the

// account's record.

func TestRefusalIsKnownThoughTheStoreFailed(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		store := &counting{SharedTokenStore: new(tokenstore.Memory)}
		account := newProcess(t, p, store).account(t, "alice")
		connect(t, p, account)
		p.ForgetClients()
		time.Sleep(2 * time.Hour)
		store.broken.Store(true)
		require.ErrorIs(t, use(t, p, account), connectorauth.ErrReauthRequired)
		store.broken.Store(false)
		connect(t, p, newProcess(t, p, store).account(t, "alice"))
		assert.Equal(t, 2, p.Stats().Registrations)
	})
}

// A server that refuses the client once, by mistake, costs no other account its consent.

func TestFormerClientServesItsAccounts(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		s := newProcess(t, p, new(tokenstore.Memory))
		alice, bob := s.account(t, "alice"), s.account(t, "bob")
		connect(t, p, alice)
		connect(t, p, bob)
		time.Sleep(2 * time.Hour)
		p.Inject(p.TokenURL, 1, authtest.Answer(401, http.Header{"Content-Type": {"application/json"}}, `{"error": "invalid_client"}`))
		require.ErrorIs(t, use(t, p, alice), connectorauth.ErrReauthRequired)
		connect(t, p, alice)
		require.Equal(t, 2, p.Stats().Registrations)
		require.NoError(t, use(t, p, alice))
		require.NoError(t, use(t, p, bob))
		time.Sleep(2 * time.Hour)
		require.NoError(t, use(t, p, bob), "by the client of bob's consent")
		for range 20 {
			_, err := s.registrar.Replace(t.Context(), must(s.finder.Server(t.Context(), p.URL)), callbackURL)
			require.NoError(t, err)
		}
		assert.Equal(t, 22, p.Stats().Registrations)
		assert.ErrorIs(t, use(t, p, bob), connectorauth.ErrReauthRequired, "the memory for clients is bounded")
	})
}

// Other refusals say nothing about the client.

func TestOnlyInvalidClientIsAWordAboutTheClient(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		s := newProcess(t, p, new(tokenstore.Memory))
		account := s.account(t, "alice")
		connect(t, p, account)
		for _, fault := range []authtest.Fault{
			authtest.Answer(503, http.Header{"Content-Type": {"application/json"}}, `{"error": "invalid_client"}`),
			authtest.Answer(401, http.Header{"Content-Type": {"text/html"}}, `<p>invalid_client</p>`),
			authtest.Answer(400, http.Header{"Content-Type": {"application/json"}}, `{"error": "invalid_grant"}`),
		} {
			time.Sleep(2 * time.Hour)
			p.Inject(p.TokenURL, 1, fault)
			require.Error(t, use(t, p, account))
		}
		connect(t, p, account)
		assert.Equal(t, 1, p.Stats().Registrations)
	})
}

// Once a day, a server that allows it is asked whether the client is known: some servers

// show an error page to the person, and nothing comes back.

// An expired secret is replaced at the next consent.

// A registration outlives the caller who began it, and a store that fails is an error.

// What a store sees has no secret, and a value of another key opens nothing.

// An account that was connected at one issuer is not that of another.

func TestAccountOfAnotherIssuer(t *testing.T) {
	p, q := authtest.NewProvider(t), authtest.NewProvider(t)
	store := new(tokenstore.Memory)
	connect(t, p, newProcess(t, p, store).account(t, "alice"))
	other := newProcess(t, q, store).account(t, "alice")
	_, err := other.Connector(t.Context())
	assert.ErrorContains(t, err, "another issuer")
	_, _, err = other.Begin(t.Context(), callbackURL)
	assert.ErrorContains(t, err, "another issuer")
	require.NoError(t, other.Forget(t.Context()))
	connect(t, q, other)
	assert.NoError(t, use(t, q, other))
}

// A server that wants pushed authorization requests of all clients gets no others (RFC 9126
// section 5).
func TestAccountPushesWhereTheServerRequiresThat(t *testing.T) {
	p := authtest.New(authtest.Config{RequirePushed: true})
	t.Cleanup(p.Close)
	account := newProcess(t, p, new(tokenstore.Memory)).account(t, "alice")
	connect(t, p, account)
	require.NoError(t, use(t, p, account))
	assert.Len(t, p.Requests(p.PushedAuthorizationRequestURL), 1)
}

// The steps of an account that go wrong.

func TestAccountsOutOfOrder(t *testing.T) {
	p := authtest.NewProvider(t)
	store := new(tokenstore.Memory)
	s := newProcess(t, p, store)
	account := s.account(t, "alice")
	assert.ErrorIs(t, use(t, p, account), connectorauth.ErrNotConnected)
	assert.ErrorIs(t, account.Finish(t.Context(), "{}", nil), connectorauth.ErrNotConnected)
	_, _, err := account.Begin(t.Context(), "http://app.example/callback")
	assert.ErrorContains(t, err, "plain http")

	authURL, pending, err := account.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	assert.ErrorIs(t, use(t, p, account), connectorauth.ErrNotConnected, "the consent is under way")
	denied, err := p.Deny(authURL)
	require.NoError(t, err)
	var refused *connectorauth.TokenError
	require.ErrorAs(t, account.Finish(t.Context(), pending, denied.Query()), &refused)
	assert.ErrorIs(t, use(t, p, account), connectorauth.ErrNotConnected)
	connect(t, p, account)
	assert.NoError(t, use(t, p, account))
	_, _, err = account.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	assert.NoError(t, use(t, p, account), "the token of before serves until the consent is finished")

	p.Inject(p.MetadataURL, 1, authtest.Answer(503, nil, ""))
	p.Inject(p.OpenIDMetadataURL, 1, authtest.Answer(503, nil, ""))
	_, _, err = newProcess(t, p, store).account(t, "alice").Begin(t.Context(), callbackURL)
	var failed *discovery.Error
	require.ErrorAs(t, err, &failed)
	assert.True(t, failed.Temporary())

	fixed := must(discovery.NewAccount(discovery.AccountConfig{
		Finder: s.finder, Issuer: p.URL, OAuth2: connectorauth.OAuth2Config{ClientID: "id", Store: store, Account: "alice"},
	}))
	_, err = fixed.Connector(t.Context())
	assert.ErrorContains(t, err, "the config has none")
	require.NoError(t, store.Save(t.Context(), "alice#found", []byte(`{"v": 2}`)))
	_, err = account.Connector(t.Context())
	assert.ErrorAs(t, err, new(*storeerror.Newer))
	for _, text := range []string{`torn`, `{}`, `{"v": -1}`, `null`} {
		require.NoError(t, store.Save(t.Context(), "alice#found", []byte(text)))
		_, err = account.Connector(t.Context())
		assert.ErrorContains(t, err, "nothing that this library saved", text)
	}
}

// A process dies after the token is saved and before the account's link is: the account

// works all the same.

func TestProcessDiesAfterTheToken(t *testing.T) {
	bubble(t, authtest.Config{}, func(t *testing.T, p *authtest.Provider) {
		store := new(tokenstore.Memory)
		s := newProcess(t, p, store)
		account := s.account(t, "alice")
		connect(t, p, account)
		require.NoError(t, s.registrar.Refused(t.Context(), p.URL, callbackURL, must(s.registrar.Kept(t.Context(), p.URL, callbackURL, "")).ClientID))
		authURL, pending, err := account.Begin(t.Context(), callbackURL)
		require.NoError(t, err)
		callback, err := p.Authorize(authURL)
		require.NoError(t, err)
		before, _, err := store.Load(t.Context(), "alice#found")
		require.NoError(t, err)
		require.NoError(t, account.Finish(t.Context(), pending, callback.Query()))
		require.Equal(t, 2, p.Stats().Registrations)
		require.NoError(t, store.Save(t.Context(), "alice#found", before)) // as if Finish had died
		assert.NoError(t, use(t, p, newProcess(t, p, store).account(t, "alice")))
		time.Sleep(2 * time.Hour)
		assert.NoError(t, use(t, p, newProcess(t, p, store).account(t, "alice")), "renewed by the right client")
		time.Sleep(72 * time.Hour)
		assert.NoError(t, use(t, p, newProcess(t, p, store).account(t, "alice")), "however late")
	})
}

func TestConfigsAreChecked(t *testing.T) {
	_, err := discovery.NewAccount(discovery.AccountConfig{Issuer: "http://a.example", OAuth2: connectorauth.OAuth2Config{Grant: connectorauth.ClientCredentials{}}})
	for _, want := range []string{"Finder: is nil", "issuer: plain http", "Store and Account", "Registrar: is nil", "not AuthorizationCode"} {
		assert.ErrorContains(t, err, want)
	}
	_, err = discovery.NewRegistrar(discovery.RegistrarConfig{Request: registering("https://a.example/")})
	for _, want := range []string{"Finder: is nil", "Store: is nil", "RedirectURIs must be empty"} {
		assert.ErrorContains(t, err, want)
	}
	_, err = discovery.NewRegistrar(discovery.RegistrarConfig{Store: new(tokenstore.Memory)})
	assert.ErrorContains(t, err, "Keys")
}

// Endpoints are words of a stranger: the token requests go where the Finder may go, also in
// a process that has not read the metadata.
func TestTokenRequestsAreGuarded(t *testing.T) {
	p := authtest.NewProvider(t)
	store := new(tokenstore.Memory)
	connect(t, p, newProcess(t, p, store).account(t, "alice"))
	guarded := must(discovery.New(discovery.Config{}))
	s := newProcess(t, p, store)
	s.finder = guarded
	c, err := s.account(t, "alice").Connector(t.Context())
	require.NoError(t, err)
	before := p.Stats().TokenRequests
	err = c.Renew(t.Context())
	var refused *egress.Error
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, before, p.Stats().TokenRequests)
}

// An initial access token is for one issuer.

// The registration follows the program's metadata, and the store keeps the new access token.

// While a process replaces the client, another notes that the client is dead.

// An Account is what package consent wants, with a callback URL of its own.

func TestAccountIsAFlow(t *testing.T) {
	var flow consent.Flow = must(discovery.NewAccount(discovery.AccountConfig{
		Finder: must(discovery.New(discovery.Config{})), Issuer: "https://a.example",
		OAuth2: connectorauth.OAuth2Config{
			ClientID: "id", Store: new(tokenstore.Memory), Account: "alice", Grant: connectorauth.AuthorizationCode{ConsentLifetime: time.Hour},
		},
	}))
	account := flow.(*discovery.Account)
	assert.Empty(t, account.Issuer())
	assert.Equal(t, time.Hour, account.ConsentLifetime())
}
