package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/internal/test/dbserver"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

var postgres = dbserver.NewPostgres("")

func TestMain(m *testing.M) {
	child.Main(child.Jobs{"work": work})
	leaktest.Main(m)
}

// A place is what a worker process needs to know.
type place struct{ Database, Definitions string }

func (p place) config() config {
	return config{p.Database, p.Definitions, []byte(strings.Repeat("k", 32)), time.Second, 20}
}

// work is the program, in a process of its own.
func work(argument string) error {
	var p place
	if err := json.Unmarshal([]byte(argument), &p); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return run(ctx, p.config())
}

const document = `{"connectorauth": 1, "name": "acme", "baseUrl": "%s",
	"inputs": [{"name": "clientId"}, {"name": "clientSecret", "secret": true}],
	"methods": [{"name": "oauth", "type": "OAuth2", "tokenUrl": "%s", "keepAlive": "24h", "clientId": "{clientId}", "clientSecret": "{clientSecret}",
		"grant": {"authorizationCode": {"authUrl": "%s"}}}]}`

func TestEachDueAccountIsRenewedOnceByThreeWorkers(t *testing.T) {
	const count = 300
	defer postgres.Stop()
	p := authtest.NewProvider(t)
	p.Inject(p.TokenURL, authtest.Always, authtest.Delay(100*time.Millisecond))
	here := place{postgres.DSN(t), t.TempDir()}
	require.NoError(t, os.WriteFile(filepath.Join(here.Definitions, "acme.json"), fmt.Appendf(nil, document, p.BearerURL, p.TokenURL, p.AuthURL), 0o600))
	require.NoError(t, migrate(t.Context(), here.Database))
	db, err := sql.Open("pgx", here.Database)
	require.NoError(t, err)
	defer db.Close()
	registry, err := open(t.Context(), db, here.config())
	require.NoError(t, err)

	for i, err := range registry.Import(t.Context(), func(yield func(accounts.Row) bool) {
		for i := range count {
			access, refresh := p.IssueTokens("")
			if !yield(accounts.Row{
				Request: accounts.Request{ID: fmt.Sprintf("account-%03d", i), Owner: "ada", Definition: "acme", Values: map[string]connectorauth.Secret{
					"clientId": connectorauth.Secret(p.ClientID), "clientSecret": connectorauth.Secret(p.ClientSecret),
				}},
				Token: &oauth2.Token{AccessToken: access, RefreshToken: refresh, Expiry: time.Now().Add(time.Hour)},
			}) {
				return
			}
		}
	}) {
		require.NoError(t, err, i)
	}
	var workers []*child.Process
	argument, err := json.Marshal(here)
	require.NoError(t, err)
	for range 3 {
		workers = append(workers, child.Start(t, "work", string(argument)))
	}
	for _, w := range workers {
		require.Equal(t, "started", w.Line(t))
	}
	_, err = db.Exec("UPDATE connectorauth_accounts SET due = 1") // long ago
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		stats, err := registry.Stats(t.Context())
		return err == nil && stats.Due == 0
	}, 5*time.Minute, 100*time.Millisecond)
	for _, w := range workers {
		require.NoError(t, w.Signal(syscall.SIGTERM))
	}
	for _, w := range workers {
		assert.NoError(t, w.Wait())
	}

	assert.Equal(t, map[string]int{"refresh_token": count}, p.Stats().Issued)
	assert.Equal(t, []int{count, 0}, []int{p.Stats().TokenRequests, p.Stats().ReuseDetected})
	stats, err := registry.Stats(t.Context())
	require.NoError(t, err)
	assert.Equal(t, map[accounts.Status]int{accounts.StatusOK: count}, stats.Accounts)
	var busy int
	require.NoError(t, db.QueryRow("SELECT COUNT(DISTINCT attempted_by[1]) FROM river_job WHERE kind = 'accounts_batch' AND state = 'completed'").Scan(&busy))
	assert.Equal(t, 3, busy, "each worker had batches")
}
