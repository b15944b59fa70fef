package guides

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/dghubble/oauth1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/migrate"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// fromOAuth2 is the block of "From golang.org/x/oauth2".
func fromOAuth2(ctx context.Context, config *oauth2.Config, token *oauth2.Token, store connectorauth.TokenStore) (*http.Client, error) {
	// before: client := config.Client(ctx, token)
	connector, err := migrate.OAuth2(ctx, config, token, connectorauth.OAuth2Config{
		Store: store, Account: "alice/acme", Hosts: []string{"api.acme.example"},
	})
	if err != nil {
		return nil, err
	}
	client := connectorauth.NewClient(connector, nil)
	return client, nil
}

// A gothUser has the fields of goth.User that count here.
type gothUser struct {
	UserID, AccessToken, RefreshToken string
	ExpiresAt                         time.Time
}

// fromGoth is the block of "From goth".
func fromGoth(ctx context.Context, config *oauth2.Config, user gothUser, store connectorauth.TokenStore) (*connectorauth.OAuth2, error) {
	token := &oauth2.Token{AccessToken: user.AccessToken, RefreshToken: user.RefreshToken, Expiry: user.ExpiresAt}
	return migrate.OAuth2(ctx, config, token, connectorauth.OAuth2Config{Store: store, Account: "acme/" + user.UserID})
}

// fromDghubble is the block of "From github.com/dghubble/oauth1".
func fromDghubble(ctx context.Context, config *oauth1.Config, token *oauth1.Token, store connectorauth.TokenStore) (*http.Client, error) {
	// before: client := config.Client(ctx, token)
	connector, err := migrate.OAuth1(ctx, config, token, connectorauth.OAuth1Config{Store: store, Account: "alice/acme"})
	if err != nil {
		return nil, err
	}
	client := connectorauth.NewClient(connector, nil)
	return client, nil
}

// oldConfig is the config of a program with x/oauth2.
func oldConfig(p *authtest.Provider) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.ClientSecret, Scopes: []string{"read"},
		Endpoint: oauth2.Endpoint{AuthURL: p.AuthURL, TokenURL: p.TokenURL, AuthStyle: oauth2.AuthStyleInHeader},
	}
}

// fetch returns the status of a request to the API.
func fetch(client *http.Client, url string) (int, error) {
	resp, err := client.Get(url)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

func TestMovingFromOtherLibraries(t *testing.T) {
	p := authtest.NewProvider(t)
	internet(t, map[string]string{"api.acme.example/orders": p.BearerURL})
	access, refresh := p.IssueTokens("read")
	token := &oauth2.Token{AccessToken: access, RefreshToken: refresh}
	client, err := fromOAuth2(t.Context(), oldConfig(p), token, new(tokenstore.Memory))
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, must(fetch(client, "https://api.acme.example/orders")))
	_, err = fetch(client, p.OpenURL)
	require.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)

	access, refresh = p.IssueTokens("read")
	connector, err := fromGoth(t.Context(), oldConfig(p), gothUser{UserID: "7", AccessToken: access, RefreshToken: refresh, ExpiresAt: time.Now().Add(-time.Minute)}, new(tokenstore.Memory))
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, must(fetch(connectorauth.NewClient(connector, nil), p.BearerURL)))

	config := oauth1.NewConfig(p.ClientID, p.ClientSecret)
	config.Endpoint = oauth1.Endpoint{RequestTokenURL: p.RequestTokenURL, AuthorizeURL: p.AuthorizeURL, AccessTokenURL: p.AccessTokenURL}
	client, err = fromDghubble(t.Context(), config, oauth1.NewToken(p.IssueOAuth1Token()), new(tokenstore.Memory))
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, must(fetch(client, p.OAuth1URL)))
}

// A program is an instance of the release that knows both ways. Program has the blocks of "Old and
// new code at once" and "The way back".
type program struct {
	db     *sql.DB
	config *oauth2.Config
	store  connectorauth.TokenStore
	shared *connectorauth.Shared // of this instance
}

// with is what the old config does not say of the account.
func (p *program) with(id string) connectorauth.OAuth2Config {
	return connectorauth.OAuth2Config{Store: p.store, Account: id, Shared: p.shared}
}

// client returns a client for an account, by the way that the row of the account says.
func (p *program) client(ctx context.Context, id string) (*http.Client, error) {
	tx, err := p.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	token, moved := new(oauth2.Token), false
	err = tx.QueryRowContext(ctx, selectRow, id).Scan(&token.AccessToken, &token.RefreshToken, &token.Expiry, &moved)
	if err != nil {
		return nil, err
	}
	if moved { // the new way; a second call finds the token in the Store
		connector, err := migrate.OAuth2(ctx, p.config, token, p.with(id))
		if err != nil {
			return nil, err
		}
		return connectorauth.NewClient(connector, nil), nil
	}
	if token, err = p.config.TokenSource(ctx, token).Token(); err != nil { // the old way renews here, and nowhere else
		return nil, err
	}
	_, err = tx.ExecContext(ctx, "UPDATE tokens SET access = $1, refresh = $2, expiry = $3 WHERE id = $4", token.AccessToken, token.RefreshToken, token.Expiry, id)
	if err != nil {
		return nil, err
	}
	return oauth2.NewClient(ctx, oauth2.StaticTokenSource(token)), tx.Commit()
}

// selectRow reads a row that nobody else changes until the transaction ends. PostgreSQL and MySQL
// need FOR UPDATE at the end, and SQLite _txlock=immediate in the name of the database.
const selectRow = "SELECT access, refresh, expiry, moved FROM tokens WHERE id = $1"

// back gives the account back to the old code. Whatever ends a call, the next call completes it.
func (p *program) back(ctx context.Context, id string) error {
	token, moved := new(oauth2.Token), false
	err := p.db.QueryRowContext(ctx, "SELECT access, refresh, expiry, moved FROM tokens WHERE id = $1", id).
		Scan(&token.AccessToken, &token.RefreshToken, &token.Expiry, &moved)
	if err != nil {
		return err
	}
	if !moved { // a call of before was cut off, and the Store may have a copy
		token = nil
	}
	connector, err := migrate.OAuth2(ctx, p.config, token, p.with(id))
	if err != nil {
		return err
	}
	err = connector.HandOver(ctx, func(ctx context.Context, token *oauth2.Token) error {
		_, err := p.db.ExecContext(ctx, "UPDATE tokens SET access = $1, refresh = $2, expiry = $3, moved = FALSE WHERE id = $4 AND (moved OR expiry < $3)",
			token.AccessToken, token.RefreshToken, token.Expiry, id)
		return err
	})
	if errors.Is(err, connectorauth.ErrNotConnected) {
		return nil // another call has completed it
	}
	return err
}

// move is the statement of "Old and new code at once".
func (p *program) move(ctx context.Context, id string) error {
	_, err := p.db.ExecContext(ctx, "UPDATE tokens SET moved = TRUE WHERE id = $1", id)
	return err
}

// Four instances use an account all the time, while the account moves, and moves back, and moves
// again. Each token is used for one renewal, or the provider would end the grant.
func TestOldAndNewCodeAtOnce(t *testing.T) {
	provider := authtest.NewProvider(t)
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(filepath.Join(t.TempDir(), "old.db"))+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)&_txlock=immediate")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err = db.Exec("CREATE TABLE tokens (id TEXT PRIMARY KEY, access TEXT, refresh TEXT, expiry TIMESTAMP, moved BOOLEAN DEFAULT FALSE)")
	require.NoError(t, err)
	access, refresh := provider.IssueTokens("read")
	_, err = db.Exec("INSERT INTO tokens (id, access, refresh, expiry) VALUES ('ada', $1, $2, $3)", access, refresh, time.Now().Add(-time.Hour))
	require.NoError(t, err)

	store, err := tokenstore.NewFile(filepath.Join(t.TempDir(), "store"))
	require.NoError(t, err)
	instance := func() *program { return &program{db, oldConfig(provider), store, new(connectorauth.Shared)} }
	together := func() {
		var instances sync.WaitGroup
		for range 4 {
			instances.Go(func() {
				client, err := instance().client(context.Background(), "ada")
				if !assert.NoError(t, err) {
					return
				}
				status, err := fetch(client, provider.BearerURL)
				assert.NoError(t, err)
				assert.Equal(t, http.StatusOK, status)
			})
		}
		instances.Wait()
	}
	requests := func() int { return provider.Stats().TokenRequests }

	together() // the old way renews once
	require.Equal(t, 1, requests())
	require.NoError(t, instance().move(t.Context(), "ada"))
	together() // the new way has the token of the row
	require.Equal(t, 1, requests())
	provider.ExpireAccessTokens()
	together() // and renews once
	require.Equal(t, 2, requests())
	together() // a restart, with the row of before
	require.Equal(t, 2, requests())
	require.NoError(t, instance().back(t.Context(), "ada"))
	together()
	_, err = db.Exec("UPDATE tokens SET expiry = $1", time.Now().Add(-time.Hour))
	require.NoError(t, err)
	together() // the old way has the refresh token of the new way
	require.Equal(t, 3, requests())
	require.NoError(t, instance().move(t.Context(), "ada"))
	require.NoError(t, instance().back(t.Context(), "ada"), "nobody has used the account meanwhile")
	require.NoError(t, instance().move(t.Context(), "ada"))
	provider.ExpireAccessTokens()
	together()
	require.Equal(t, 4, requests())
}

// An account of a registry goes back, too, and leaves nothing in the store.
func TestHandOverOfARegistry(t *testing.T) {
	bubble(t, func(t *testing.T, p *authtest.Provider) {
		config := place(p, acme(p, ""))
		registry := process(config)
		imported(t, registry, p, "ada")
		connected, err := registry.Connected(t.Context(), "ada")
		require.NoError(t, err)
		var back *oauth2.Token
		require.NoError(t, connected.Credential().(*connectorauth.OAuth2).HandOver(t.Context(), func(_ context.Context, token *oauth2.Token) error {
			back = token
			return nil
		}))
		_, err = process(config).Disconnect(t.Context(), "ada")
		require.NoError(t, err)
		ctx := context.WithValue(t.Context(), oauth2.HTTPClient, p.Client())
		back.Expiry = time.Now().Add(-time.Minute)
		_, err = oldConfig(p).TokenSource(ctx, back).Token()
		require.NoError(t, err, "Disconnect has not revoked what was handed over")
	})
}
