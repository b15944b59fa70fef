package accounts_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const guideDefinition = `{
  "connectorauth": 1,
  "name": "acme",
  "baseUrl": "https://api.example.com",
  "methods": [
    {"name": "key", "type": "ApiKey", "default": true, "inputs": [{"name": "apiKey", "secret": true}],
      "key": "{apiKey}", "placement": {"name": "X-Api-Key"}},
    {"name": "oauth", "type": "OAuth2", "tokenUrl": "https://login.example.com/token", "keepAlive": "24h",
      "grant": {"authorizationCode": {"authUrl": "https://login.example.com/authorize"}}, "scopes": ["read", "write"]}
  ],
  "test": {"request": "GET /me", "id": "/user"}
}
`

// guide is the program of the guide.
type guide struct {
	registry *accounts.Registry
	log      func(accounts.Entry)
	mails    []string
}

func (g *guide) connect(ctx context.Context, set *definition.Set, index accounts.Index, store connectorauth.SharedTokenStore, secret []byte, clients map[string]definition.Client, httpClient *http.Client) error {
	audit := g.log
	registry, err := accounts.New(accounts.Config{
		Definitions: func() *definition.Set { return set },
		Index:       index,
		Store:       store,
		Keys:        []tokenstore.Key{{ID: "2026", Secret: secret}},
		Connection: func(ctx context.Context, a accounts.Account) (definition.Connection, error) {
			return definition.Connection{Client: clients[a.Definition], HTTPClient: httpClient}, nil
		},
		Audit: audit,
	})
	g.registry = registry
	return err
}

func (g *guide) form(ctx context.Context, user string, typed connectorauth.Secret) (accounts.Account, error) {
	registry := g.registry
	account, err := registry.As(user).Connect(ctx, accounts.Request{
		Owner: user, Definition: "acme", Values: map[string]connectorauth.Secret{"apiKey": typed},
	})
	var duplicate *accounts.DuplicateError
	if errors.As(err, &duplicate) {
		return registry.Get(ctx, duplicate.ID) // the owner has connected this account before
	}
	return account, err
}

func (g *guide) work(ctx context.Context, id string) (*http.Response, error) {
	registry := g.registry
	connected, err := registry.Connected(ctx, id)
	if err != nil {
		return nil, err
	}
	baseURL, err := connected.BaseURL(ctx, "") // as the definition says, for this account
	if err != nil {
		return nil, err
	}
	client, err := registry.Client(ctx, id)
	if err != nil {
		return nil, err
	}
	resp, err := client.Get(baseURL + "/orders")
	if errors.Is(err, connectorauth.ErrReauthRequired) {
		return nil, fmt.Errorf("the owner must connect account %s again: %w", id, err)
	}
	return resp, err
}

func (g *guide) handler(signedIn func(*http.Request) string, key connectorauth.Secret) (http.Handler, error) {
	registry := g.registry
	handler, err := consent.New(consent.Config{
		URL:      "https://app.example/connect",
		Keys:     []connectorauth.Secret{key},
		Callback: func(id string) string { return "acme" },
		Flow: func(r *http.Request, id string) (consent.Flow, error) {
			account, err := registry.Get(r.Context(), id)
			if err != nil || account.Owner != signedIn(r) {
				return nil, consent.ErrNotAllowed
			}
			return registry.As(account.Owner).Flow(r.Context(), id)
		},
	})
	return handler, err
}

func (g *guide) reconnect(ctx context.Context, id string) (startURL string, err error) {
	registry := g.registry
	account, err := registry.Get(ctx, id)
	if err != nil {
		return "", err
	}
	if account.Status == accounts.StatusReauthRequired || len(account.Missing) > 0 {
		if _, err := registry.Reconnect(ctx, id, accounts.Request{}); err != nil {
			return "", err
		}
		return "https://app.example/connect/start?connector=" + id, nil
	}
	return "", nil
}

func (g *guide) more(ctx context.Context, id string) error {
	registry := g.registry
	_, err := registry.Reconnect(ctx, id, accounts.Request{MoreScopes: []string{"write"}})
	return err
}

func (g *guide) disconnect(ctx context.Context, user, id string) (text string, err error) {
	registry := g.registry
	revoked, err := registry.As(user).Disconnect(ctx, id)
	if err != nil {
		return "", err // Sweep goes on with the rest
	}
	if !revoked {
		text = "The account is disconnected. Remove the key at Acme too."
	}
	return text, nil
}

func (g *guide) serve(ctx context.Context, server *http.Server) error {
	registry := g.registry
	go registry.Run(context.Background())

	<-ctx.Done() // signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	end, cancel := context.WithTimeout(context.Background(), 50*time.Second)
	defer cancel()
	return errors.Join(server.Shutdown(end), registry.Shutdown(end))
}

// sweep does all that is due.
func sweep(ctx context.Context, registry *accounts.Registry) error {
	const limit = 1000
	for {
		swept, err := registry.Sweep(ctx, limit)
		if err != nil {
			return err
		}
		slog.InfoContext(ctx, "swept", "renewed", swept.Renewed, "failed", swept.Failed, "later", swept.Later)
		if swept.Claimed < limit {
			return nil
		}
	}
}

func (g *guide) remind(ctx context.Context, mail func(owner, text string), mailed func(id string, reauthBy time.Time) bool) error {
	registry := g.registry
	const week = 7 * 24 * time.Hour
	for account, err := range registry.All(ctx, accounts.Filter{}) {
		if err != nil {
			return err
		}
		if account.ReauthWithin(week) && !mailed(account.ID, account.ReauthBy) {
			mail(account.Owner, "Connect your account "+cmp.Or(account.Label, account.Definition)+" again by "+account.ReauthBy.Format(time.DateOnly))
		}
	}
	return nil
}

func (g *guide) audit(mail func(owner, text string), save func(accounts.Entry)) {
	audit := func(e accounts.Entry) {
		save(e)
		if e.Action == accounts.ActionReauthRequired {
			mail(e.Owner, "Your account at "+e.Definition+" does not work any more. Connect it again.")
		}
	}
	g.log = audit
}

type row struct {
	ID                     int
	Owner, Access, Refresh string
	Expiry                 time.Time
}

func (g *guide) move(ctx context.Context, table []row) (moved int, problems []error) {
	registry := g.registry
	rows := func(yield func(accounts.Row) bool) {
		for _, old := range table { // or rows.Next() of a query
			if !yield(accounts.Row{
				Request: accounts.Request{ID: fmt.Sprint("old-", old.ID), Owner: old.Owner, Definition: "acme", Method: "oauth"},
				Token:   &oauth2.Token{AccessToken: old.Access, RefreshToken: old.Refresh, Expiry: old.Expiry},
			}) {
				return
			}
		}
	}
	for account, err := range registry.As("move-2026").Import(ctx, rows) {
		switch {
		case errors.Is(err, accounts.ErrExists): // moved before
		case err != nil:
			problems = append(problems, fmt.Errorf("row %s: %w", account.ID, err))
		default:
			moved++
		}
	}
	return moved, problems
}

func TestGuideOfAccounts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		_, err := definition.Parse("acme.json", []byte(guideDefinition), definition.Options{})
		require.NoError(t, err)
		w.define(strings.NewReplacer(
			"https://api.example.com", "KEYURL", `"tokenUrl": "https://login.example.com/token"`, `"baseUrl": "BEARERURL", "tokenUrl": "TOKENURL", "revokeUrl": "REVOKEURL"`,
			"https://login.example.com/authorize", "AUTHURL",
		).Replace(guideDefinition))

		var g guide
		var mu sync.Mutex
		var entries []accounts.Entry
		mail := func(owner, text string) {
			mu.Lock()
			defer mu.Unlock()
			g.mails = append(g.mails, owner+": "+text)
		}
		g.audit(mail, func(e accounts.Entry) {
			mu.Lock()
			defer mu.Unlock()
			entries = append(entries, e)
		})
		clients := map[string]definition.Client{"acme": {ID: w.p.ClientID, Secret: connectorauth.Secret(w.p.ClientSecret)}}
		require.NoError(t, g.connect(t.Context(), w.set, w.index, w.store, bytes.Repeat([]byte{7}, 32), clients, w.p.Client()))

		a, err := g.form(t.Context(), "ada", "CANARY-key")
		require.NoError(t, err)
		again, err := g.form(t.Context(), "ada", "CANARY-key")
		require.NoError(t, err)
		assert.Equal(t, a.ID, again.ID)
		resp, err := g.work(t.Context(), a.ID)
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, 200, resp.StatusCode)
		text, err := g.disconnect(t.Context(), "ada", a.ID)
		require.NoError(t, err)
		assert.Contains(t, text, "Remove the key")
		_, err = g.handler(func(*http.Request) string { return "ada" }, connectorauth.Secret(strings.Repeat("k", 32)))
		require.NoError(t, err)

		table := []row{{ID: 1, Owner: "ada"}, {ID: 2, Owner: "eve"}, {ID: 3, Owner: ""}}
		for i := range table {
			table[i].Access, table[i].Refresh = w.p.IssueTokens("read write")
			table[i].Expiry = time.Now().Add(time.Hour)
		}
		for _, want := range []int{2, 0} {
			moved, problems := g.move(t.Context(), table)
			assert.Equal(t, want, moved)
			require.Len(t, problems, 1)
			assert.ErrorContains(t, problems[0], "row old-3: accounts: Import: Owner: is missing")
		}
		url, err := g.reconnect(t.Context(), "old-1")
		require.NoError(t, err)
		assert.Empty(t, url)

		end := time.Now().Add(12 * 24 * time.Hour)
		w.p.Inject(w.p.TokenURL, authtest.Always, authtest.EditAnswer(func(response map[string]any) { response["refresh_token_expires_in"] = int(time.Until(end).Seconds()) }))
		seen := map[string]bool{}
		mailed := func(id string, by time.Time) bool {
			before := seen[id]
			seen[id] = true
			return before
		}
		for range 8 {
			time.Sleep(24 * time.Hour)
			require.NoError(t, sweep(t.Context(), g.registry))
			require.NoError(t, g.remind(t.Context(), mail, mailed))
		}
		slices.Sort(g.mails)
		assert.Equal(t, []string{"ada: Connect your account acme again by 2000-01-13", "eve: Connect your account acme again by 2000-01-13"}, g.mails)

		g.mails = nil
		w.p.RevokeGrants()
		time.Sleep(24 * time.Hour)
		require.NoError(t, sweep(t.Context(), g.registry))
		assert.Len(t, g.mails, 2)
		_, err = g.work(t.Context(), "old-1")
		assert.ErrorContains(t, err, "must connect account old-1 again")
		url, err = g.reconnect(t.Context(), "old-1")
		require.NoError(t, err)
		assert.Equal(t, "https://app.example/connect/start?connector=old-1", url)
		require.NoError(t, w.consent(g.registry, "old-1"))
		require.NoError(t, g.more(t.Context(), "old-1"))
		_, err = g.disconnect(t.Context(), "eve", "old-2")
		require.NoError(t, err)

		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { assert.NoError(t, g.serve(ctx, new(http.Server))) })
		time.Sleep(time.Minute)
		cancel()
		wg.Wait()
		assert.NotEmpty(t, entries)
	})
}
