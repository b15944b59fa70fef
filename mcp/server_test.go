package mcp_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/connectorauth/connectorauth/mcp"
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

const callbackURL = "http://127.0.0.1:9/callback"

// A world is an MCP server, and the authorization servers that the MCP server may name. The
// tokens are judged by the API of the authorization server.
type world struct {
	*httptest.Server
	old, new *authtest.Provider

	mu        sync.Mutex
	issuer    *authtest.Provider // whom the server names, and whose tokens the server takes
	scope     string             // which a request needs
	bare      bool               // the challenge says nothing of metadata and scope
	resource  string             // in the metadata; empty: the URL
	supported []string           // the scopes in the metadata
	consents  int
}

func newWorld(t *testing.T) *world {
	w := &world{old: authtest.NewProvider(t), new: authtest.NewProvider(t), scope: "read", supported: []string{"read", "write"}}
	w.issuer = w.old
	w.Server = httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(w.Close)
	return w
}

// set changes the server.
func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	issuer, scope, bare, resource, supported := w.issuer, w.scope, w.bare, w.resource, w.supported
	w.mu.Unlock()
	if resource == "" {
		resource = w.URL + "/mcp"
	}
	metadata := "/.well-known/oauth-protected-resource/mcp"
	switch {
	case r.URL.Path == metadata:
		rw.Header().Set("Content-Type", "application/json")
		json.NewEncoder(rw).Encode(map[string]any{
			"resource": resource, "authorization_servers": []string{issuer.URL}, "scopes_supported": supported,
		})
		return
	case r.URL.Path != "/mcp":
		http.NotFound(rw, r)
		return
	}
	req := must(http.NewRequestWithContext(r.Context(), http.MethodGet, issuer.ScopeURL(http.StatusForbidden, scope), nil))
	req.Header["Authorization"] = r.Header["Authorization"]
	resp := must(issuer.Client().Do(req))
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK && !bare {
		challenge := `Bearer resource_metadata="` + w.URL + metadata + `", scope="` + scope + `"`
		if resp.StatusCode == http.StatusForbidden {
			challenge += `, error="insufficient_scope"`
		}
		rw.Header().Set("WWW-Authenticate", challenge)
	}
	rw.WriteHeader(resp.StatusCode)
	io.Copy(rw, resp.Body)
}

// config returns the config of a program whose client registers itself.
func (w *world) config(store connectorauth.SharedTokenStore) mcp.Config {
	finder := must(discovery.New(discovery.Config{HTTPClient: w.Client()}))
	return mcp.Config{
		URL: w.URL + "/mcp", Finder: finder, Consent: w.consent,
		Registrar: must(discovery.NewRegistrar(discovery.RegistrarConfig{
			Finder: finder, Store: store, Keys: []tokenstore.Key{{ID: "1", Secret: []byte("0123456789abcdef0123456789abcdef")}},
		})),
		OAuth2: connectorauth.OAuth2Config{Store: store, Account: "alice", Shared: new(connectorauth.Shared)},
	}
}

// consent plays the person.
func (w *world) consent(ctx context.Context, a *mcp.Account) error {
	w.set(func() { w.consents++ })
	authURL, pending, err := a.Begin(ctx, callbackURL)
	if err != nil {
		return err
	}
	callback, err := w.provider(authURL).Authorize(authURL)
	if err != nil {
		return err
	}
	return a.Finish(ctx, pending, callback.Query())
}

// provider returns whose page a URL is.
func (w *world) provider(authURL string) *authtest.Provider {
	if strings.HasPrefix(authURL, w.new.URL+"/") {
		return w.new
	}
	return w.old
}

// call makes a request as the SDK does: see StreamableClientTransport of the Go SDK.
func (w *world) call(t *testing.T, a *mcp.Account) (status int, err error) {
	t.Helper()
	for range 2 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL+"/mcp", nil)
		require.NoError(t, err)
		source, err := a.TokenSource(t.Context())
		if err != nil {
			return 0, err
		}
		if source != nil {
			token, err := source.Token()
			require.NoError(t, err)
			req.Header.Set("Authorization", "Bearer "+token.AccessToken)
		}
		resp, err := w.Client().Do(req)
		require.NoError(t, err)
		if status = resp.StatusCode; status != http.StatusUnauthorized && status != http.StatusForbidden {
			resp.Body.Close()
			return status, nil
		}
		if err := a.Authorize(t.Context(), req, resp); err != nil {
			return status, err
		}
	}
	return status, nil
}

// newConfig returns the config of an account that asks nobody.
func newConfig(serverURL string) mcp.Config {
	return mcp.Config{
		URL: serverURL, Finder: must(discovery.New(discovery.Config{})), Issuer: "https://login.example.com",
		OAuth2: connectorauth.OAuth2Config{ClientID: "client", Store: new(tokenstore.Memory), Account: "alice"},
	}
}
