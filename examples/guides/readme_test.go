package guides

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/accounts/pages"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// use is the second block of "Use". The first block is in the module catalog.
func use() error {
	connector, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID:     "client",
		ClientSecret: connectorauth.Secret(os.Getenv("CLIENT_SECRET")),
		TokenURL:     "https://provider.example/oauth2/token",
		Grant:        connectorauth.ClientCredentials{},
		Hosts:        []string{"api.provider.example"},
	})
	if err != nil {
		return err // names the field and the fix
	}
	client := connectorauth.NewClient(connector, http.DefaultClient)
	resp, err := client.Get("https://api.provider.example/v1/orders")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

func TestUse(t *testing.T) {
	p := authtest.NewProvider(t)
	internet(t, map[string]string{"provider.example/oauth2/token": p.TokenURL, "api.provider.example/v1/orders": p.BearerURL})

	require.ErrorContains(t, use(), "ClientSecret", "the error names the field")
	t.Setenv("CLIENT_SECRET", p.ClientSecret)
	require.NoError(t, use())
	assert.Equal(t, 1, p.Stats().TokenRequests)
}

// page is the block of "Accounts": what a page of the program shows.
func page(ctx context.Context, connector *connectorauth.OAuth2, showConnectButton func() error, show func(error) error) error {
	status, err := connector.Status(ctx) // reads the Store and renews nothing; err: the Store could not be read
	if err != nil {
		return err
	}
	switch status.State {
	case connectorauth.StateNotConnected, connectorauth.StateReauthRequired:
		return showConnectButton()
	case connectorauth.StateFailing:
		return show(status.LastError) // nobody has to act
	}
	return nil
}

func TestAccounts(t *testing.T) {
	p := authtest.NewProvider(t)
	connector := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, RevokeURL: p.RevokeURL,
		Grant: connectorauth.AuthorizationCode{AuthURL: p.AuthURL}, Shared: new(connectorauth.Shared),
	}))
	shown := func() (text string) {
		require.NoError(t, page(t.Context(), connector,
			func() error { text = "Connect"; return nil },
			func(err error) error { text = err.Error(); return nil }))
		return text
	}
	assert.Equal(t, "Connect", shown())
	access, refresh := p.IssueTokens("")
	require.NoError(t, connector.SetToken(t.Context(), &oauth2.Token{AccessToken: access, RefreshToken: refresh, Expiry: time.Now().Add(time.Hour)}))
	assert.Empty(t, shown())

	p.Inject(p.TokenURL, 1, authtest.Answer(http.StatusServiceUnavailable, nil, ""))
	require.Error(t, connector.Renew(t.Context()))
	assert.Contains(t, shown(), "503")
	require.NoError(t, connector.Renew(t.Context()))
	assert.Empty(t, shown())

	p.RevokeGrants()
	require.ErrorIs(t, connector.Renew(t.Context()), connectorauth.ErrReauthRequired)
	assert.Equal(t, "Connect", shown())
	require.NoError(t, connector.Revoke(t.Context()))
	require.NoError(t, connector.Forget(t.Context()))
	assert.Equal(t, "Connect", shown())
}

// many is the block of "Many accounts".
func many(ctx context.Context, folder *definition.Folder, index accounts.Index, store connectorauth.SharedTokenStore,
	storeKeys []tokenstore.Key, cookieKeys []connectorauth.Secret, signedIn func(*http.Request) (string, error), key connectorauth.Secret) (http.Handler, *http.Client, error) {
	registry, err := accounts.New(accounts.Config{Definitions: folder.Set, Index: index, Store: store, Keys: storeKeys})
	if err != nil {
		return nil, nil, err
	}
	handler, err := pages.New(pages.Config{URL: "https://app.example/accounts", Keys: cookieKeys, Registry: registry, Owner: signedIn})
	if err != nil {
		return nil, nil, err
	}
	account, err := registry.Connect(ctx, accounts.Request{Owner: "ada", Definition: "acme", Values: map[string]connectorauth.Secret{"apiKey": key}})
	if err != nil {
		return nil, nil, err
	}
	go registry.Run(ctx)                            // keeps alive what nobody uses, in any number of processes
	client, err := registry.Client(ctx, account.ID) // authenticated with the account
	return handler, client, err
}

func TestManyAccounts(t *testing.T) {
	p, db := authtest.NewProvider(t), sqlite(t)
	index := must(accounts.NewSQL(t.Context(), accounts.SQLConfig{DB: db, Engine: tokenstore.SQLite}))
	store := must(tokenstore.NewSQL(t.Context(), tokenstore.SQLConfig{DB: db, Engine: tokenstore.SQLite}))
	folder := must(definition.NewFolder(definition.FolderConfig{Patterns: []string{"*.json"}, Files: fstest.MapFS{"acme.json": {Data: []byte(`{
		"connectorauth": 1, "name": "acme", "baseUrl": "` + p.KeyHeaderURL + `",
		"methods": [{"name": "key", "type": "ApiKey", "inputs": [{"name": "apiKey", "secret": true}], "key": "{apiKey}", "placement": {"name": "X-Api-Key"}}],
		"test": {"request": "GET /me", "id": "/user"}
	}`)}}}))
	handler, client, err := many(t.Context(), folder, index, store, []tokenstore.Key{{ID: "2026", Secret: bytes.Repeat([]byte{7}, 32)}},
		[]connectorauth.Secret{connectorauth.Secret(strings.Repeat("k", 32))}, func(*http.Request) (string, error) { return "ada", nil }, connectorauth.Secret(p.APIKey))
	require.NoError(t, err)
	resp, err := client.Get(p.KeyHeaderURL)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	app := httptest.NewServer(handler)
	defer app.Close()
	resp, err = app.Client().Get(app.URL + "/accounts/")
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Contains(t, string(text), "acme")
}

// stopping is the block of "Stopping".
func stopping(server *http.Server, shared *connectorauth.Shared) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go server.ListenAndServe() // examples/connect handles the error
	<-ctx.Done()
	end, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	err := errors.Join(
		server.Shutdown(end), // first: waits for requests and consents under way
		shared.Shutdown(end), // waits until tokens are saved; the error names the accounts whose tokens were not saved
	)
	return err
}

// SIGTERM comes in the middle of a renewal.
func TestStopping(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process of Windows cannot send itself SIGTERM")
	}
	p, store, shared := authtest.NewProvider(t), new(tokenstore.Memory), new(connectorauth.Shared)
	connector := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL,
		Grant: connectorauth.AuthorizationCode{AuthURL: p.AuthURL}, Store: store, Account: "ada", Shared: shared,
	}))
	access, refresh := p.IssueTokens("")
	require.NoError(t, connector.SetToken(t.Context(), &oauth2.Token{AccessToken: access, RefreshToken: refresh, Expiry: time.Now().Add(time.Hour)}))

	serving, stopped := make(chan bool), make(chan error)
	server := &http.Server{Addr: "127.0.0.1:0", BaseContext: func(net.Listener) context.Context { close(serving); return context.Background() }}
	go func() { stopped <- stopping(server, shared) }()
	<-serving
	p.Inject(p.TokenURL, 1, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			assert.NoError(t, must(os.FindProcess(os.Getpid())).Signal(syscall.SIGTERM))
			next.ServeHTTP(w, r)
		})
	})
	var renewal sync.WaitGroup
	renewal.Go(func() { assert.NoError(t, connector.Renew(t.Context())) })
	require.NoError(t, <-stopped)
	renewal.Wait()

	again := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{ // as after the next start
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL,
		Grant: connectorauth.AuthorizationCode{AuthURL: p.AuthURL}, Store: store, Account: "ada", Shared: new(connectorauth.Shared),
	}))
	token, err := again.Token(t.Context())
	require.NoError(t, err)
	assert.NotEqual(t, access, token.AccessToken)
	assert.NotEqual(t, refresh, token.RefreshToken)
}
