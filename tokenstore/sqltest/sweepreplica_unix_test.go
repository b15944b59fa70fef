//go:build unix

package sqltest

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/tokenstore"
)

const sweepJob = "sweep"

// A sweeping is the argument of a replica, which sweeps until SIGTERM comes.
type sweeping struct {
	Place     place
	Provider  string // the URL
	Replica   int
	KeepAlive time.Duration
	Lease     time.Duration // of claims, at most; 0: as the registry wants
}

// sweepLimit is how many accounts a replica claims at one time.
const sweepLimit = 48

// sweepJobs are the jobs of a provider and of replicas that sweep.
var sweepJobs = child.Jobs{providerJob: provide, sweepJob: sweep}

// A sweptReport is what a replica reports at its end.
type sweptReport struct {
	accounts.Swept
	CPU time.Duration
}

// registry returns the registry of a process.
func (s sweeping) registry(ctx context.Context) (*accounts.Registry, *accounts.SQL, *sql.DB, error) {
	store, db, err := s.Place.connect(ctx, 0)
	if err != nil {
		return nil, nil, nil, err
	}
	db.SetMaxOpenConns(32)
	db.SetMaxIdleConns(32)
	index, err := accounts.NewSQL(ctx, accounts.SQLConfig{DB: db, Engine: s.Place.Engine, Table: s.Place.accounts()})
	if err != nil {
		return nil, nil, nil, err
	}
	d, err := definition.Parse("acme.json", fmt.Appendf(nil, `{"connectorauth": 1, "name": "acme", "baseUrl": "%s", "methods": [{"name": "oauth", "type": "OAuth2",
		"tokenUrl": "%s/token", "keepAlive": "%s", "grant": {"authorizationCode": {"authUrl": "%s/authorize"}}}]}`, s.Provider, s.Provider, s.KeepAlive, s.Provider), definition.Options{})
	if err != nil {
		return nil, nil, nil, err
	}
	set, err := definition.NewSet(d)
	if err != nil {
		return nil, nil, nil, err
	}
	client := &http.Client{Transport: named{&http.Transport{MaxIdleConnsPerHost: 64}, s.Replica}}
	r, err := accounts.New(accounts.Config{
		Definitions: func() *definition.Set { return set },
		Index:       leased{index, s.Lease}, Store: store,
		Keys: []tokenstore.Key{{ID: "k", Secret: []byte(strings.Repeat("k", 32))}},
		Connection: func(context.Context, accounts.Account) (definition.Connection, error) {
			return definition.Connection{Client: definition.Client{ID: "client", Secret: "secret"}, HTTPClient: client}, nil
		},
		Shared: new(connectorauth.Shared),
	})
	return r, index, db, err
}

// sweep is the job of a replica.
func sweep(argument string) error {
	var s sweeping
	if err := json.Unmarshal([]byte(argument), &s); err != nil {
		return err
	}
	r, _, db, err := s.registry(context.Background())
	if err != nil {
		return err
	}
	defer db.Close()
	fmt.Println("ready")
	child.Pause()
	ended, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	shutdown := make(chan error, 1)
	context.AfterFunc(ended, func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		shutdown <- r.Shutdown(ctx)
	})
	var report sweptReport
	for ended.Err() == nil {
		swept, err := r.Sweep(context.Background(), sweepLimit)
		if err != nil && ended.Err() == nil {
			fmt.Fprintln(os.Stderr, "sweep:", err)
		}
		report.Claimed, report.Renewed, report.Failed = report.Claimed+swept.Claimed, report.Renewed+swept.Renewed, report.Failed+swept.Failed
		if swept.Claimed < sweepLimit {
			select {
			case <-ended.Done():
			case <-time.After(500 * time.Millisecond):
			}
		}
	}
	if err := <-shutdown; err != nil {
		return err
	}
	report.CPU = cpu(syscall.RUSAGE_SELF)
	return json.NewEncoder(os.Stdout).Encode(report)
}

// named tells the provider which replica makes a request.
type named struct {
	base    http.RoundTripper
	replica int
}

func (n named) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Replica", fmt.Sprint(n.replica))
	return n.base.RoundTrip(r)
}

// leased is an index whose claims last a shorter time.
type leased struct {
	accounts.Index
	most time.Duration // 0: no limit
}

func (l leased) Claim(ctx context.Context, limit int, lease time.Duration) ([]accounts.Account, error) {
	if l.most > 0 {
		lease = min(lease, l.most)
	}
	return l.Index.Claim(ctx, limit, lease)
}
