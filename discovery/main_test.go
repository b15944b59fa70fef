package discovery_test

import (
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// web is an internet with one document at one place, and 404 elsewhere.
type web struct {
	*fakehttp.Internet
	finder *discovery.Finder
	mu     sync.Mutex
	asked  []string
}

// newWeb returns a web that serves respond at a place, by origin and path.
func newWeb(t *testing.T, place string, respond http.HandlerFunc) *web {
	w := &web{Internet: fakehttp.NewInternet(t)}
	base := fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		w.mu.Lock()
		w.asked = append(w.asked, req.URL.String())
		w.mu.Unlock()
		if req.URL.String() != place {
			return fakehttp.Respond(http.StatusNotFound, ""), nil
		}
		return w.Transport.RoundTrip(req)
	})
	w.finder = must(discovery.New(discovery.Config{HTTPClient: &http.Client{Transport: base}}))
	for _, origin := range []string{fakehttp.Home, fakehttp.Foreign} {
		for _, path := range []string{
			"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/.well-known/oauth-protected-resource",
		} {
			for _, tail := range []string{"", "/tenant", "/a/b%20c", "/a/b c"} {
				w.Routes[origin+path+tail], w.Routes[origin+tail+path] = respond, respond
			}
		}
	}
	return w
}

// serve responds with members as JSON.
func serve(members map[string]any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(members)
	}
}

// text responds with a body.
func text(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{contentType}
		w.WriteHeader(status)
		w.Write([]byte(body))
	}
}

// bubble runs test in a bubble with a provider.
func bubble(t *testing.T, config authtest.Config, test func(t *testing.T, p *authtest.Provider)) {
	t.Helper()
	config.InMemory = true
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(config)
		defer p.Close()
		test(t, p)
		time.Sleep(15 * time.Minute) // whatever saves in the background comes to its end
	})
}

// finderOf returns a Finder that reaches p.
func finderOf(t *testing.T, p *authtest.Provider) *discovery.Finder {
	t.Helper()
	f, err := discovery.New(discovery.Config{HTTPClient: p.Client()})
	require.NoError(t, err)
	return f
}

var keys = []tokenstore.Key{{ID: "1", Secret: []byte("0123456789abcdef0123456789abcdef")}}

// process is what one process of a program has.

type process struct {
	finder    *discovery.Finder
	registrar *discovery.Registrar
	store     connectorauth.SharedTokenStore
	shared    *connectorauth.Shared
	p         *authtest.Provider
}

func newProcess(t *testing.T, p *authtest.Provider, store connectorauth.SharedTokenStore) *process {
	t.Helper()
	finder := finderOf(t, p)
	registrar, err := discovery.NewRegistrar(discovery.RegistrarConfig{
		Finder: finder, Store: store, Keys: keys,
		Request: discovery.RegistrationRequest{ClientMetadata: discovery.ClientMetadata{ClientName: "Acme"}},
	})
	require.NoError(t, err)
	return &process{finder, registrar, store, new(connectorauth.Shared), p}
}

// account returns an account whose client registers itself.

func (s *process) account(t *testing.T, name string) *discovery.Account {
	t.Helper()
	account, err := discovery.NewAccount(discovery.AccountConfig{
		Finder: s.finder, Issuer: s.p.URL, Registrar: s.registrar,
		OAuth2: connectorauth.OAuth2Config{Store: s.store, Account: name, Shared: s.shared, Hosts: []string{s.p.URL}},
	})
	require.NoError(t, err)
	return account
}
