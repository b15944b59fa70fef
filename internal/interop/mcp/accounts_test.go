package mcp_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
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
	"github.com/stretchr/testify/assert"
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

// connect begins an account of an owner.
func (p *place) connect(t *testing.T, r *accounts.Registry, owner string) accounts.Account {
	t.Helper()
	a, err := r.Connect(t.Context(), accounts.Request{Owner: owner, Definition: "mcp", Values: map[string]connectorauth.Secret{"server": connectorauth.Secret(p.url)}})
	require.NoError(t, err)
	require.Equal(t, accounts.StatusConnecting, a.Status)
	return a
}

// consent leads the owner through the consent, which other processes begin and finish.
func (p *place) consent(t *testing.T, id string) error {
	t.Helper()
	flow, err := p.local(t).Flow(t.Context(), id)
	require.NoError(t, err)
	authURL, pending, err := flow.Begin(t.Context(), "http://127.0.0.1/callback/"+flow.CallbackName())
	if err != nil {
		return err
	}
	callback := p.agree(t, authURL)
	flow, err = p.local(t).Flow(t.Context(), id)
	require.NoError(t, err)
	return flow.Finish(t.Context(), pending, callback)
}

// greet calls a tool of the server with the client of an account.
func (p *place) greet(t *testing.T, r *accounts.Registry, id string) error {
	t.Helper()
	client, err := r.Client(t.Context(), id)
	if err != nil {
		return err
	}
	transport := &sdk.StreamableClientTransport{Endpoint: p.url, HTTPClient: client, DisableStandaloneSSE: true, MaxRetries: -1}
	session, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1.0.0"}, nil).Connect(t.Context(), transport, nil)
	if err != nil {
		return err
	}
	defer session.Close()
	result, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: "greet"})
	if err == nil {
		assert.Equal(t, "hello", result.Content[0].(*sdk.TextContent).Text)
	}
	return err
}

func TestAccountAtAnMCPServer(t *testing.T) {
	p := newPlace(t)
	r, other := p.local(t), p.local(t)
	a := p.connect(t, r, "ada")
	_, err := r.Client(t.Context(), a.ID)
	require.ErrorIs(t, err, accounts.ErrConnecting)
	require.NoError(t, p.consent(t, a.ID))
	a, err = r.Get(t.Context(), a.ID)
	require.NoError(t, err)
	assert.Equal(t, accounts.StatusOK, a.Status)
	assert.Equal(t, p.url, a.Identity)
	assert.Equal(t, "Orders of Acme", a.Label)
	assert.Equal(t, []string{"read"}, a.Granted)
	assert.False(t, a.Due.IsZero(), "Sweep keeps the account alive")
	for _, process := range []*accounts.Registry{r, other} {
		require.NoError(t, p.greet(t, process, a.ID))
	}
	_, err = other.Test(t.Context(), a.ID)
	require.NoError(t, err)

	// A token that the server refuses is renewed once over all processes.
	before := p.Stats().TokenRequests
	p.RevokeAccessTokens()
	for _, process := range []*accounts.Registry{r, other, p.local(t)} {
		require.NoError(t, p.greet(t, process, a.ID))
	}
	assert.Equal(t, before+1, p.Stats().TokenRequests)

	// Sweep renews an account that nobody uses.
	a, err = r.Get(t.Context(), a.ID)
	require.NoError(t, err)
	a.Due = time.Now().Add(-time.Hour)
	stored, err := p.index.Put(t.Context(), a)
	require.NoError(t, err)
	require.True(t, stored)
	swept, err := p.local(t).Sweep(t.Context(), 10)
	require.NoError(t, err)
	assert.Equal(t, accounts.Swept{Claimed: 1, Renewed: 1}, swept)
	assert.Equal(t, before+2, p.Stats().TokenRequests)

	// The owner has the account once, and another owner an account of the same client.
	again := p.connect(t, r, "ada")
	var duplicate *accounts.DuplicateError
	require.ErrorAs(t, p.consent(t, again.ID), &duplicate)
	assert.Equal(t, a.ID, duplicate.ID)
	bob := p.connect(t, r, "bob")
	require.NoError(t, p.consent(t, bob.ID))
	assert.Equal(t, 1, p.Stats().Registrations)

	// A grant that is gone needs the owner, who keeps the account.
	p.RevokeGrants()
	_, err = r.Test(t.Context(), a.ID)
	require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
	_, err = r.Reconnect(t.Context(), a.ID, accounts.Request{})
	require.NoError(t, err)
	require.NoError(t, p.consent(t, a.ID))
	require.NoError(t, p.greet(t, other, a.ID))

	// Disconnect tells the authorization server, and leaves nothing.
	assert.NotEmpty(t, p.store.of(t, a.ID))
	revoked, err := p.local(t).Disconnect(t.Context(), a.ID)
	require.NoError(t, err)
	assert.True(t, revoked)
	assert.NotEmpty(t, p.Requests(p.RevokeURL))
	for _, id := range []string{again.ID, bob.ID} {
		_, err := r.Disconnect(t.Context(), id)
		require.NoError(t, err)
	}
	for _, id := range []string{a.ID, again.ID, bob.ID} {
		assert.Empty(t, p.store.of(t, id))
	}
	assert.ErrorIs(t, p.greet(t, other, a.ID), accounts.ErrNotFound)
}

// The authorization server forgets the client of all accounts. Each account says that its
// owner must come, and the first of the owners brings a new client for all.
func TestForgottenClientIsReplacedOnce(t *testing.T) {
	p := newPlace(t)
	r := p.local(t)
	var ids []string
	for i := range 4 {
		a := p.connect(t, r, fmt.Sprint("owner-", i))
		require.NoError(t, p.consent(t, a.ID))
		ids = append(ids, a.ID)
	}
	require.Equal(t, 1, p.Stats().Registrations)
	p.RevokeAccessTokens()
	p.Inject(p.TokenURL, len(ids), authtest.Answer(401, nil, `{"error": "invalid_client"}`))
	for _, id := range ids {
		_, err := p.local(t).Test(t.Context(), id)
		require.Error(t, err)
		a, err := r.Get(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, accounts.StatusReauth, a.Status)
	}
	p.ClearFaults()
	for _, id := range ids {
		_, err := p.local(t).Reconnect(t.Context(), id, accounts.Request{})
		require.NoError(t, err)
	}
	var all sync.WaitGroup
	for _, id := range ids {
		all.Go(func() { assert.NoError(t, p.consent(t, id)) })
	}
	all.Wait()
	assert.Equal(t, 2, p.Stats().Registrations)
	for _, id := range ids {
		assert.NoError(t, p.greet(t, p.local(t), id))
	}
}

// The URL of an owner reaches no private address: neither for metadata nor for tokens, for the
// test or for requests.
func TestAccountReachesNoPrivateAddress(t *testing.T) {
	p := newPlace(t)
	r := p.process(t, p.guarded(t))
	a := p.connect(t, r, "ada")
	flow, err := r.Flow(t.Context(), a.ID)
	require.NoError(t, err)
	_, _, err = flow.Begin(t.Context(), "https://app.example/callback")
	var refused *egress.Error
	require.ErrorAs(t, err, &refused)
	assert.NotContains(t, err.Error(), "127.0.0.1")
	require.NoError(t, p.consent(t, a.ID))
	assert.ErrorAs(t, p.greet(t, r, a.ID), &refused)
	_, err = r.Test(t.Context(), a.ID)
	assert.ErrorAs(t, err, &refused)
	for _, typed := range []string{"http://example.com/mcp", "https://127.0.0.1/mcp", "https://[::1]/mcp", "https://localhost/mcp", "https://u:p@example.com/mcp", "https://example.com/mcp?a=b", "https://example.com/../mcp", "https://example.com/{server}"} {
		var input *definition.InputError
		_, err := r.Connect(t.Context(), accounts.Request{Owner: "ada", Definition: "mcp", Values: map[string]connectorauth.Secret{"server": connectorauth.Secret(typed)}})
		assert.ErrorAs(t, err, &input, typed)
	}
	unguarded, err := discovery.New(discovery.Config{HTTPClient: p.Client()})
	require.NoError(t, err)
	_, err = mcp.AnyServer(mcp.KindConfig{Finder: unguarded})
	assert.ErrorContains(t, err, "egress")
}
