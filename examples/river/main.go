// River keeps accounts alive by the jobs of River, a queue on PostgreSQL, for a program that
// has outgrown Registry.Run. Each minute one of the processes counts the accounts that are
// due, and adds a job for each batch. Any process takes a job, and claims a batch of accounts.
//
// The module has a workspace of its own, so the folder matters:
//
//	cd examples/river
//	go run . -database postgres://localhost/app -migrate # once
//	go run . -database postgres://localhost/app -definitions ../platform/services
//
// The environment has what all processes of the program share: CONNECTORAUTH_KEY, which is made
// once by "openssl rand -hex 32", and ACME_CLIENT_ID and ACME_CLIENT_SECRET, the registration at
// a service whose definition is called acme. "go test ." shows three workers at work.
package main

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
)

func main() {
	var c config
	flag.StringVar(&c.database, "database", "", "the PostgreSQL database")
	flag.StringVar(&c.definitions, "definitions", "services", "the folder of the definitions")
	flag.DurationVar(&c.every, "every", time.Minute, "how often to look for accounts that are due")
	flag.IntVar(&c.batch, "batch", 100, "the accounts of one job, at most 1,000")
	only := flag.Bool("migrate", false, "make the tables of River, and end")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *only {
		if err := migrate(ctx, c.database); err != nil {
			log.Fatal(err)
		}
		return
	}
	var err error
	if c.key, err = hex.DecodeString(os.Getenv("CONNECTORAUTH_KEY")); err != nil || len(c.key) != 32 {
		log.Fatal("CONNECTORAUTH_KEY: want 64 hexadecimal digits, the same as of all processes")
	}
	if err := run(ctx, c); err != nil {
		log.Fatal(err)
	}
}

// config is what the command line says.
type config struct {
	database, definitions string
	key                   []byte // seals what account owners have given
	every                 time.Duration
	batch                 int
}

// run works on jobs until ctx ends, and then lets what has begun come to its end.
func run(ctx context.Context, c config) error {
	pool, err := pgxpool.New(ctx, c.database)
	if err != nil {
		return err
	}
	defer pool.Close()
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	registry, err := open(ctx, db, c)
	if err != nil {
		return err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &dueWorker{registry: registry, batch: c.batch})
	river.AddWorker(workers, &batchWorker{registry: registry})
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Workers: workers,
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 1}}, // a Sweep renews 16 accounts at a time
		Logger:  slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		PeriodicJobs: []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(c.every), func() (river.JobArgs, *river.InsertOpts) {
			return due{}, nil
		}, &river.PeriodicJobOpts{RunOnStart: true})},
		SoftStopTimeout: 10 * time.Second,
	})
	if err != nil {
		return err
	}
	if err := client.Start(ctx); err != nil {
		return err
	}
	fmt.Println("started")
	<-client.Stopped()
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return registry.Shutdown(ending)
}

// migrate makes the tables of River. Two processes must not do so at the same time.
func migrate(ctx context.Context, database string) error {
	pool, err := pgxpool.New(ctx, database)
	if err != nil {
		return err
	}
	defer pool.Close()
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		return err
	}
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// open returns the registry of the program.
func open(ctx context.Context, db *sql.DB, c config) (*accounts.Registry, error) {
	folder, err := definition.NewFolder(definition.FolderConfig{Files: os.DirFS(c.definitions), Patterns: []string{"*.json"}})
	if err != nil {
		return nil, fmt.Errorf("-definitions %s: %w", c.definitions, err)
	}
	index, err := accounts.NewSQL(ctx, accounts.SQLConfig{DB: db, Engine: tokenstore.PostgreSQL})
	if err != nil {
		return nil, err
	}
	store, err := tokenstore.NewSQL(ctx, tokenstore.SQLConfig{DB: db, Engine: tokenstore.PostgreSQL})
	if err != nil {
		return nil, err
	}
	return accounts.New(accounts.Config{
		Definitions: folder.Set, Index: index, Store: store, Keys: []tokenstore.Key{{ID: "1", Secret: c.key}},
		Connection: func(_ context.Context, a accounts.Account) (definition.Connection, error) {
			name := strings.ToUpper(strings.ReplaceAll(a.Definition, "-", "_"))
			return definition.Connection{Client: definition.Client{
				ID: os.Getenv(name + "_CLIENT_ID"), Secret: connectorauth.Secret(os.Getenv(name + "_CLIENT_SECRET")),
			}}, nil
		},
		Shared:  new(connectorauth.Shared),
		Observe: connectorauth.LogEvents(slog.New(slog.NewTextHandler(os.Stderr, nil))),
	})
}

// due is the periodic job. The job adds a job for each batch of accounts that are due.
type due struct{}

func (due) Kind() string { return "accounts_due" }

type dueWorker struct {
	river.WorkerDefaults[due]
	registry *accounts.Registry
	batch    int
}

func (w *dueWorker) Work(ctx context.Context, _ *river.Job[due]) error {
	stats, err := w.registry.Stats(ctx)
	if err != nil {
		return err
	}
	var jobs []river.InsertManyParams
	for number := 0; number*w.batch < stats.Due; number++ {
		jobs = append(jobs, river.InsertManyParams{Args: batch{Number: number, Limit: w.batch}})
	}
	if len(jobs) == 0 {
		return nil
	}
	_, err = river.ClientFromContext[pgx.Tx](ctx).InsertMany(ctx, jobs)
	return err
}

// batch is the job of a Sweep. A number that waits or works is not added again, so a
// queue that is behind does not grow.
type batch struct {
	Number int `json:"number" river:"unique"`
	Limit  int `json:"limit"`
}

func (batch) Kind() string { return "accounts_batch" }

func (batch) InsertOpts() river.InsertOpts {
	unfinished := []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}
	return river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: unfinished}}
}

type batchWorker struct {
	river.WorkerDefaults[batch]
	registry *accounts.Registry
}

// Work sweeps once, which takes 45 seconds at most. River calls Work again after an error,
// which is one of the database. What has failed with an account is in the account.
func (w *batchWorker) Work(ctx context.Context, job *river.Job[batch]) error {
	_, err := w.registry.Sweep(ctx, job.Args.Limit)
	if errors.Is(err, context.Canceled) { // the process ends, and others go on
		return river.JobCancel(err)
	}
	return err
}
