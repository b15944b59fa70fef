// Platform is the whole of a platform for connections: two users sign in, connect accounts of
// five services on pages, use, list and disconnect them; a worker keeps idle accounts alive,
// Prometheus scrapes the metrics, and SIGTERM ends the program without losing a token. A test
// provider stands in for the services: see demo.go.
//
//	go run ./examples/platform                                    # on SQLite
//	go run ./examples/platform -database postgres://localhost/app # on PostgreSQL
//
// With -check, the program does the users' steps without a browser, and ends.
package main

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"flag"
	"html/template"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/accounts/pages"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/otelauth"
	"github.com/connectorauth/connectorauth/tokenstore"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	_ "modernc.org/sqlite"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "loopback address to listen on")
	database := flag.String("database", "", "a postgres:// URL; empty means a new file of SQLite")
	check := flag.Bool("check", false, "do the users' steps, and end")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	d := newDemo()
	defer d.Close()
	listener := must(net.Listen("tcp", *listen))
	checked := d.begin("http://"+listener.Addr().String(), *check, stop)
	if err := errors.Join(run(ctx, listener, *database, d), <-checked); err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, listener net.Listener, database string, d *demo) error {
	driver, engine := "pgx", tokenstore.PostgreSQL
	if database == "" {
		driver, engine, database = "sqlite", tokenstore.SQLite, d.sqlite()
	}
	db := must(sql.Open(driver, database))
	defer db.Close()
	index := must(accounts.NewSQL(ctx, accounts.SQLConfig{DB: db, Engine: engine}))
	store := must(tokenstore.NewSQL(ctx, tokenstore.SQLConfig{DB: db, Engine: engine}))
	folder := must(definition.NewFolder(definition.FolderConfig{Files: d.services, Patterns: []string{"*.json"}}))

	scraped := prometheus.NewRegistry()
	meters := metric.NewMeterProvider(metric.WithReader(must(exporter.New(exporter.WithRegisterer(scraped)))))
	observer := must(otelauth.New(otelauth.Config{MeterProvider: meters, Stats: index.Stats}))
	logged := connectorauth.LogEvents(nil)
	registry := must(accounts.New(accounts.Config{
		Definitions: folder.Set, Index: index, Store: store, Keys: []tokenstore.Key{{ID: "1", Secret: d.key}},
		Shared:  new(connectorauth.Shared),
		Observe: func(e connectorauth.Event) { observer.Observe(e); logged(e) },
		Connection: func(_ context.Context, a accounts.Account) (definition.Connection, error) {
			return definition.Connection{Client: d.clients[a.Definition]}, nil
		},
	}))
	p := &platform{registry, d.passwords}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.home)
	mux.HandleFunc("GET /use", p.use)
	mux.Handle("GET /metrics", promhttp.HandlerFor(scraped, promhttp.HandlerOpts{}))
	mux.Handle("/accounts/", must(pages.New(pages.Config{
		URL: "http://" + listener.Addr().String() + "/accounts", Keys: []connectorauth.Secret{connectorauth.Secret(d.key)}, Registry: registry,
		Owner: func(r *http.Request) (string, error) { return user(r), nil },
	})))
	server := &http.Server{Handler: p.signIn(mux), ReadHeaderTimeout: 10 * time.Second}

	var work sync.WaitGroup
	work.Go(func() { server.Serve(listener) })
	work.Go(func() { registry.Run(ctx) })
	<-ctx.Done()
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 40*time.Second) // a token request takes 30 seconds at most
	defer cancel()
	defer work.Wait()
	return errors.Join(server.Shutdown(ending), registry.Shutdown(ending), meters.Shutdown(ending))
}

// A platform is what the program does with the accounts of its users.
type platform struct {
	registry  *accounts.Registry
	passwords map[string]string // by user name
}

// signIn lets users in, who sign in in the window of the browser (RFC 7617).
func (p *platform) signIn(next http.Handler) http.Handler {
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, password, _ := r.BasicAuth()
		if want, known := p.passwords[name]; !known || subtle.ConstantTimeCompare([]byte(password), []byte(want)) == 0 {
			w.Header().Set("WWW-Authenticate", `Basic realm="Platform", charset="UTF-8"`)
			http.Error(w, "Sign in.", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	}))
}

// user returns who is signed in.
func user(r *http.Request) string {
	name, _, _ := r.BasicAuth()
	return name
}

var home = template.Must(template.New("home").Parse(`<!DOCTYPE html><title>Platform</title><h1>Platform</h1>
<p><a href="/accounts/">Connect accounts</a></p>
<ul>{{range .}}<li><a href="/use?id={{.ID}}">{{.Definition}}: {{.Label}}</a>, {{.Status}}</li>{{end}}</ul>`))

// home lists the accounts of the user.
func (p *platform) home(w http.ResponseWriter, r *http.Request) {
	list, err := p.registry.List(r.Context(), accounts.Filter{Owner: user(r)}, "", 100)
	if err != nil {
		http.Error(w, "The accounts cannot be listed now.", http.StatusInternalServerError)
		return
	}
	home.Execute(w, list)
}

// use shows what the API of a service says to an account of the user.
func (p *platform) use(w http.ResponseWriter, r *http.Request) {
	a, err := p.registry.Get(r.Context(), r.FormValue("id"))
	if err != nil || a.Owner != user(r) {
		http.NotFound(w, r)
		return
	}
	resp, err := p.get(r.Context(), a.ID, "/items")
	if err != nil {
		http.Error(w, "The service cannot be reached with this account.", http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8") // no service writes pages of this site
	w.Header().Set("X-Content-Type-Options", "nosniff")
	io.Copy(w, resp.Body)
}

// get makes a request to the API of an account.
func (p *platform) get(ctx context.Context, id, path string) (*http.Response, error) {
	connected, err := p.registry.Connected(ctx, id)
	if err != nil {
		return nil, err
	}
	base, err := connected.BaseURL(ctx, "")
	if err != nil {
		return nil, err
	}
	return connectorauth.NewClient(connected.Connector(), nil).Get(base + path)
}
