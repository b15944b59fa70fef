package mcp_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/internal/test/stores"
	"github.com/connectorauth/connectorauth/mcp"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// newAccount is the block of "One account" in docs/mcp.md.
func newAccount(public *http.Client, serverURL string, store connectorauth.SharedTokenStore, keys []tokenstore.Key, redirectURL string, browse func(string) error) (*mcp.Account, error) {
	finder, err := discovery.New(discovery.Config{HTTPClient: public}) // empty: public addresses only
	if err != nil {
		return nil, err
	}
	registrar, err := discovery.NewRegistrar(discovery.RegistrarConfig{
		Finder: finder, Store: store, Keys: keys,
		Request: discovery.RegistrationRequest{ClientMetadata: discovery.ClientMetadata{ClientName: "Acme Assistant"}},
	})
	if err != nil {
		return nil, err
	}
	return mcp.New(mcp.Config{
		URL: serverURL, Finder: finder, Registrar: registrar,
		OAuth2: connectorauth.OAuth2Config{Store: store, Account: "ada/orders"},
		Consent: func(ctx context.Context, a *mcp.Account) error {
			return consent.Loopback(ctx, a, consent.LoopbackOptions{RedirectURL: redirectURL, Open: browse})
		},
	})
}

// handled is the first block of "With the Go SDK": the SDK asks the account for a token.
func handled(ctx context.Context, public *http.Client, serverURL string, account *mcp.Account) (*sdk.ClientSession, error) {
	transport := &sdk.StreamableClientTransport{Endpoint: serverURL, OAuthHandler: account, HTTPClient: public}
	session, err := sdk.NewClient(&sdk.Implementation{Name: "assistant", Version: "1.0.0"}, nil).Connect(ctx, transport, nil)
	return session, err
}

// authenticated is the second block: the client has the token, after a consent.
func authenticated(ctx context.Context, public *http.Client, serverURL string, account *mcp.Account) (*sdk.ClientSession, error) {
	connector, err := account.Connector(ctx)
	if errors.Is(err, connectorauth.ErrNotConnected) {
		return nil, errors.New("connect the account first")
	}
	if err != nil {
		return nil, err
	}
	client := connectorauth.NewClient(connector, public)
	transport := &sdk.StreamableClientTransport{Endpoint: serverURL, HTTPClient: client}
	session, err := sdk.NewClient(&sdk.Implementation{Name: "assistant", Version: "1.0.0"}, nil).Connect(ctx, transport, nil)
	return session, err
}

func TestGuideOfMCP(t *testing.T) {
	p := newPlace(t)
	public := p.guarded(t, "127.0.0.1/32")
	keys := []tokenstore.Key{{ID: "k", Secret: []byte(strings.Repeat("s", 32))}}
	port, err := stores.FreePort()
	require.NoError(t, err)
	redirectURL := "http://127.0.0.1:" + port + "/callback"
	consents := 0
	browse := func(address string) error {
		consents++
		resp, err := http.Get(redirectURL + "?" + p.agree(t, address).Encode())
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	open := func() *mcp.Account {
		account, err := newAccount(public, p.url, p.store, keys, redirectURL, browse)
		require.NoError(t, err)
		return account
	}
	greet := func(session *sdk.ClientSession, err error) {
		t.Helper()
		require.NoError(t, err)
		defer session.Close()
		result, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: "greet"})
		require.NoError(t, err)
		assert.Equal(t, "hello", result.Content[0].(*sdk.TextContent).Text)
	}
	_, err = authenticated(t.Context(), public, p.url, open())
	require.EqualError(t, err, "connect the account first")
	greet(handled(t.Context(), public, p.url, open())) // asks for consent
	greet(handled(t.Context(), public, p.url, open())) // the store has the token
	greet(authenticated(t.Context(), public, p.url, open()))
	assert.Equal(t, 1, consents)
	p.RevokeAccessTokens()
	greet(handled(t.Context(), public, p.url, open())) // renewed
	p.RevokeAccessTokens()
	greet(authenticated(t.Context(), public, p.url, open()))
	assert.Equal(t, 1, consents)
	p.RevokeGrants()
	_, err = authenticated(t.Context(), public, p.url, open())
	require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
	greet(handled(t.Context(), public, p.url, open())) // asks again
	assert.Equal(t, 2, consents)
}
