package accounts_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/mcp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mcpDocument is the definition of a service whose authorization server is found by metadata.
const mcpDocument = `{"connectorauth": 1, "name": "acme", "baseUrl": "BEARERURL",
	"methods": [{"name": "oauth", "type": "MCP", "url": "BEARERURL", "keepAlive": "24h"}],
	"headers": {"X-Program": "test"},
	"test": {"request": "GET /me", "id": "/user"}}`

// A listing is a store that knows its keys, and may fail.
type listing struct {
	tokenstore.Memory
	mu   sync.Mutex
	keys map[string]bool
	down bool
}

func (s *listing) note(key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return errors.New("the store is down")
	}
	s.keys[key] = true
	return nil
}

func (s *listing) fail(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func (s *listing) Load(ctx context.Context, key string) ([]byte, bool, error) {
	if err := s.note(key); err != nil {
		return nil, false, err
	}
	return s.Memory.Load(ctx, key)
}

// of returns the keys of an account that have a value.
func (s *listing) of(t *testing.T, id string) (list []string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.keys {
		if _, found, _ := s.Memory.Load(t.Context(), key); found && strings.HasPrefix(key, id+"/") {
			list = append(list, key)
		}
	}
	return list
}

// withKind runs a test in a bubble, with accounts whose connectors a consent finds.
func withKind(t *testing.T, test func(t *testing.T, w *world, store, clients *listing)) {
	t.Helper()
	inWorld(t, func(t *testing.T, w *world) {
		store, clients := &listing{keys: map[string]bool{}}, &listing{keys: map[string]bool{}}
		finder, err := discovery.New(discovery.Config{HTTPClient: w.p.Client()})
		require.NoError(t, err)
		registrar, err := discovery.NewRegistrar(discovery.RegistrarConfig{Finder: finder, Store: clients, Keys: w.config.Keys})
		require.NoError(t, err)
		kinds := definition.Options{Kinds: []definition.Kind{mcp.Kind(mcp.KindConfig{Finder: finder, Registrar: registrar})}}
		acme, err := definition.Parse("acme.json", []byte(strings.ReplaceAll(mcpDocument, "BEARERURL", w.p.BearerURL)), kinds)
		require.NoError(t, err)
		elsewhere := strings.NewReplacer(`"acme"`, `"other"`, "BEARERURL", w.p.BearerURL+"/other").Replace(mcpDocument)
		other, err := definition.Parse("other.json", []byte(elsewhere), kinds)
		require.NoError(t, err)
		w.set, err = definition.NewSet(acme, other)
		require.NoError(t, err)
		w.config.Store = store
		w.config.Connection = func(context.Context, accounts.Account) (definition.Connection, error) {
			return definition.Connection{HTTPClient: w.p.Client()}, nil
		}
		test(t, w, store, clients)
	})
}

func TestAccountWhoseConsentFindsTheConnector(t *testing.T) {
	withKind(t, func(t *testing.T, w *world, store, clients *listing) {
		r, other := w.process(), w.process()
		a := w.withConsent(r)
		assert.Equal(t, accounts.StatusOK, a.Status)
		assert.Equal(t, "ada", a.Identity)
		for _, process := range []*accounts.Registry{r, other} {
			assert.Equal(t, 200, w.status(process, a.ID))
		}
		sent := w.p.Requests(w.p.BearerURL)
		assert.Equal(t, "test", sent[len(sent)-1].Header.Get("X-Program"), "the headers of the definition go along")

		time.Sleep(25 * time.Hour)
		swept, err := other.Sweep(t.Context(), 10)
		require.NoError(t, err)
		assert.Equal(t, accounts.Swept{Claimed: 1, Renewed: 1}, swept)

		_, err = r.Reconnect(t.Context(), a.ID, accounts.Request{})
		require.NoError(t, err)
		assert.Equal(t, 200, w.status(other, a.ID), "as before until the consent")
		require.NoError(t, w.consent(other, a.ID))
		assert.Equal(t, 200, w.status(r, a.ID))
		for _, key := range store.of(t, a.ID) {
			assert.True(t, strings.HasPrefix(key, a.ID+"/2"), key)
		}

		// Another account of the service is refused, and leaves no token.
		_, err = r.Reconnect(t.Context(), a.ID, accounts.Request{})
		require.NoError(t, err)
		w.user = "eve"
		require.ErrorIs(t, w.consent(r, a.ID), accounts.ErrOtherIdentity)
		for _, key := range store.of(t, a.ID) {
			assert.False(t, strings.HasPrefix(key, a.ID+"/3#") && !strings.HasSuffix(key, "#records"), key)
		}
		w.user = "ada"
		require.NoError(t, w.consent(r, a.ID), "the same consent, by the right person")

		revoked, err := other.Disconnect(t.Context(), a.ID)
		require.NoError(t, err)
		assert.True(t, revoked)
		assert.Empty(t, store.of(t, a.ID))
		w.empty()
	})
}

// A process dies between the token and the Index. Test goes on.
func TestConsentThatFindsTheConnectorIsResumed(t *testing.T) {
	withKind(t, func(t *testing.T, w *world, store, clients *listing) {
		r := w.process()
		a, err := r.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme"})
		require.NoError(t, err)
		w.fail(w.p.BearerURL, 401) // the challenge, without which the well-known place serves
		finish, err := w.consented(r, a.ID)
		require.NoError(t, err)
		w.fail(w.p.BearerURL, 503)
		require.Error(t, finish(r))
		_, err = r.Client(t.Context(), a.ID)
		require.ErrorIs(t, err, accounts.ErrConnecting)
		a, err = w.process().Test(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, accounts.StatusOK, a.Status)
		assert.Equal(t, 200, w.status(r, a.ID))
	})
}

// Once Disconnect has returned nil, nothing is in the Store, even if the definition is gone, or a
// client that is left goes on.
func TestDisconnectOfAKindLeavesNothing(t *testing.T) {
	withKind(t, func(t *testing.T, w *world, store, clients *listing) {
		r, other := w.process(), w.process()
		a := w.withConsent(r)
		there := w.request(other, a.ID, w.p.BearerURL)
		there()
		w.p.RevokeAccessTokens()
		w.p.Inject(w.p.TokenURL, 1, authtest.Delay(5*time.Second))
		done := make(chan struct{})
		go func() { defer close(done); there() }()
		synctest.Wait()
		set := w.set
		w.set = new(definition.Set)
		revoked, err := r.Disconnect(t.Context(), a.ID)
		require.NoError(t, err)
		assert.False(t, revoked, "nobody knows how")
		<-done
		there()
		assert.Empty(t, store.of(t, a.ID))

		w.set = set // an account that nobody consents to
		_, err = r.Connect(t.Context(), accounts.Request{ID: "x", Owner: "o1", Definition: "acme"})
		require.NoError(t, err)
		flow, err := r.Flow(t.Context(), "x")
		require.NoError(t, err)
		_, _, err = flow.Begin(t.Context(), "http://127.0.0.1/callback")
		require.NoError(t, err)
		assert.Len(t, store.of(t, "x"), 4)
		time.Sleep(25 * time.Hour)
		swept, err := other.Sweep(t.Context(), 10)
		require.NoError(t, err)
		assert.Equal(t, accounts.Swept{Claimed: 1, Removed: 1}, swept)
		assert.Empty(t, store.of(t, "x"))
		require.NoError(t, other.Shutdown(t.Context()))
	})
}

// An outage of the Store is no fault of the account, and what the Store has lost is.
func TestStoreOfAKind(t *testing.T) {
	withKind(t, func(t *testing.T, w *world, store, clients *listing) {
		a := w.withConsent(w.process())
		time.Sleep(25 * time.Hour)
		for _, failing := range []*listing{store, clients} {
			failing.fail(true)
			_, err := w.process().Client(t.Context(), a.ID)
			require.ErrorContains(t, err, "the store is down")
			swept, err := w.process().Sweep(t.Context(), 10)
			require.NoError(t, err)
			assert.Equal(t, accounts.Swept{Claimed: 1, Later: 1}, swept)
			failing.fail(false)
			now, err := w.process().Get(t.Context(), a.ID)
			require.NoError(t, err)
			assert.Equal(t, accounts.StatusOK, now.Status)
			time.Sleep(5 * time.Minute)
		}
		for _, key := range store.of(t, a.ID) {
			if strings.Contains(key, "#") {
				require.NoError(t, store.Delete(t.Context(), key))
			}
		}
		swept, err := w.process().Sweep(t.Context(), 10)
		require.NoError(t, err)
		assert.Equal(t, accounts.Swept{Claimed: 1, Failed: 1}, swept)
		now, err := w.process().Get(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, accounts.StatusReauthRequired, now.Status)
		client, err := w.process().Client(t.Context(), a.ID)
		require.NoError(t, err)
		_, err = client.Get(w.p.BearerURL)
		assert.ErrorIs(t, err, connectorauth.ErrNotConnected)
		_, err = w.process().Test(t.Context(), a.ID)
		assert.ErrorIs(t, err, connectorauth.ErrReauthRequired)
	})
}

// A client whose registration the program has lost cannot revoke, and ends no Disconnect.
func TestLostRegistrationOfAKind(t *testing.T) {
	withKind(t, func(t *testing.T, w *world, store, clients *listing) {
		r := w.process()
		a := w.withConsent(r)
		for key := range clients.keys {
			require.NoError(t, clients.Delete(t.Context(), key))
		}
		client, err := w.process().Client(t.Context(), a.ID)
		require.NoError(t, err)
		_, err = client.Get(w.p.BearerURL)
		assert.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		now, err := w.process().Test(t.Context(), a.ID)
		assert.ErrorIs(t, err, connectorauth.ErrReauthRequired)
		assert.Equal(t, accounts.StatusReauthRequired, now.Status)
		revoked, err := w.process().Disconnect(t.Context(), a.ID)
		require.NoError(t, err)
		assert.False(t, revoked)
		assert.Empty(t, store.of(t, a.ID))
	})
}

// Accounts at one MCP server have a callback URL in common, and those at another one another.
func TestCallbackOfAKind(t *testing.T) {
	withKind(t, func(t *testing.T, w *world, store, clients *listing) {
		r := w.process()
		names := map[string]int{}
		for _, request := range []accounts.Request{{Owner: "o1", Definition: "acme"}, {Owner: "o2", Definition: "acme"}, {Owner: "o1", Definition: "other"}} {
			a, err := r.Connect(t.Context(), request)
			require.NoError(t, err)
			flow, err := r.Flow(t.Context(), a.ID)
			require.NoError(t, err)
			names[flow.CallbackName()]++
			assert.Empty(t, flow.Issuer())
			assert.Zero(t, flow.ConsentLifetime())
		}
		assert.ElementsMatch(t, []int{2, 1}, slices.Collect(maps.Values(names)), "%v", names)
		assert.Zero(t, names["acme"]+names["other"])
		assert.Zero(t, w.p.Stats().Registrations)
	})
}
