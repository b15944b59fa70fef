package mcp_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/egress"
	"github.com/connectorauth/connectorauth/internal/test/dnszone"
	"github.com/connectorauth/connectorauth/mcp"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// A place is an MCP server of the Go SDK at https://example.com and a port, whose authorization
// server is authtest under the same origin, and what the processes of a program have in common.
type place struct {
	*authtest.Provider
	site     string
	url      string
	zone     *dnszone.Zone
	resolver *net.Resolver
	trusted  *x509.CertPool
	index    *accounts.Memory
	store    *keys
}

// keys is a store that can list its keys.
type keys struct {
	tokenstore.Memory
	mu   sync.Mutex
	seen map[string]bool
}

func (k *keys) note(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen[key] = true
}

func (k *keys) Save(ctx context.Context, key string, value []byte) error {
	k.note(key)
	return k.Memory.Save(ctx, key, value)
}

func (k *keys) CompareAndSwap(ctx context.Context, key string, old, new []byte) (bool, error) {
	k.note(key)
	return k.Memory.CompareAndSwap(ctx, key, old, new)
}

// of returns the keys of an account that have a value.
func (k *keys) of(t *testing.T, id string) (list []string) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	for key := range k.seen {
		if _, found, err := k.Load(t.Context(), key); strings.Contains(key, id) {
			require.NoError(t, err)
			if found {
				list = append(list, key)
			}
		}
	}
	slices.Sort(list)
	return list
}

func newPlace(t *testing.T) *place {
	p := &place{Provider: authtest.NewProvider(t), trusted: x509.NewCertPool(), index: new(accounts.Memory), store: &keys{seen: map[string]bool{}}}
	server := sdk.NewServer(&sdk.Implementation{Name: "orders", Title: "Orders of Acme", Version: "1.0.0"}, nil)
	sdk.AddTool(server, &sdk.Tool{Name: "greet"}, func(context.Context, *sdk.CallToolRequest, struct{}) (*sdk.CallToolResult, any, error) {
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: "hello"}}}, nil, nil
	})
	const metadata = "/.well-known/oauth-protected-resource/mcp"
	mux := http.NewServeMux()
	web := httptest.NewTLSServer(mux)
	t.Cleanup(web.Close)
	_, port, err := net.SplitHostPort(web.Listener.Addr().String())
	require.NoError(t, err)
	p.site = "https://example.com:" + port
	p.url = p.site + "/mcp"
	mux.Handle("/mcp", auth.RequireBearerToken(p.verify, &auth.RequireBearerTokenOptions{ResourceMetadataURL: p.site + metadata, Scopes: []string{"read"}})(
		sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return server }, &sdk.StreamableHTTPOptions{DisableLocalhostProtection: true})))
	mux.HandleFunc(metadata, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{"resource": p.url, "authorization_servers": []string{p.site}})
	})
	authorization, err := url.Parse(p.URL)
	require.NoError(t, err)
	mux.Handle("/", &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(authorization) },
		ModifyResponse: func(resp *http.Response) error { // metadata, and where clients are managed
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				return err
			}
			body = bytes.ReplaceAll(body, []byte(p.URL), []byte(p.site))
			resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			resp.Header.Set("Content-Length", strconv.Itoa(len(body)))
			return nil
		},
	})
	p.trusted.AddCert(web.Certificate())
	p.zone, p.resolver = dnszone.Start(t)
	p.zone.Set("example.com", []string{"127.0.0.1"})
	return p
}

// verify asks the authorization server whether a token is good.
func (p *place) verify(ctx context.Context, token string, _ *http.Request) (*auth.TokenInfo, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.BearerURL, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := p.Client().Do(req)
	if err != nil {
		return nil, err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, auth.ErrInvalidToken
	}
	return &auth.TokenInfo{Scopes: []string{"read"}, Expiration: time.Now().Add(time.Hour)}, nil
}

// agree plays the owner and the browser.
func (p *place) agree(t *testing.T, authURL string) url.Values {
	t.Helper()
	callback, err := p.Authorize(strings.Replace(authURL, p.site, p.URL, 1))
	require.NoError(t, err)
	query := callback.Query()
	if query.Has("iss") {
		query.Set("iss", p.site)
	}
	return query
}

// guarded returns a client that reaches public addresses, and those of the test.
func (p *place) guarded(t *testing.T, allowed ...string) *http.Client {
	t.Helper()
	config := egress.Config{Resolver: p.resolver, TLS: &tls.Config{RootCAs: p.trusted}}
	for _, prefix := range allowed {
		config.Prefixes = append(config.Prefixes, netip.MustParsePrefix(prefix))
	}
	guard, err := egress.New(config)
	require.NoError(t, err)
	t.Cleanup(guard.CloseIdleConnections)
	return &http.Client{Transport: guard}
}

// process returns the Registry of another process, with a memory of its own. client makes all
// requests.
func (p *place) process(t *testing.T, client *http.Client) *accounts.Registry {
	t.Helper()
	sealing := []tokenstore.Key{{ID: "k", Secret: []byte(strings.Repeat("s", 32))}}
	finder, err := discovery.New(discovery.Config{HTTPClient: client})
	require.NoError(t, err)
	registrar, err := discovery.NewRegistrar(discovery.RegistrarConfig{Finder: finder, Store: p.store, Keys: sealing})
	require.NoError(t, err)
	d, err := mcp.AnyServer(mcp.KindConfig{Finder: finder, Registrar: registrar})
	require.NoError(t, err)
	set, err := definition.NewSet(d)
	require.NoError(t, err)
	r, err := accounts.New(accounts.Config{
		Definitions: func() *definition.Set { return set }, Index: p.index, Store: p.store, Keys: sealing, Shared: new(connectorauth.Shared),
		Connection: func(context.Context, accounts.Account) (definition.Connection, error) {
			return definition.Connection{HTTPClient: client}, nil
		},
	})
	require.NoError(t, err)
	return r
}

// local returns a process that reaches the servers of the test.
func (p *place) local(t *testing.T) *accounts.Registry {
	t.Helper()
	return p.process(t, p.guarded(t, "127.0.0.1/32"))
}
