package mcp_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/egress"
	"github.com/connectorauth/connectorauth/mcp"
)

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
		assert.Equal(t, accounts.StatusReauthRequired, a.Status)
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
