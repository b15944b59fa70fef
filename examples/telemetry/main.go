// Telemetry shows what OpenTelemetry and Prometheus see of connectors: accounts of two
// services renew their tokens, one service is down for a moment, one account owner withdraws
// the consent, and one token store is down. The program scrapes its own metrics, prints them and ends.
// Grafana imports dashboard.json.
//
//	go run ./examples/telemetry
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/otelauth"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"golang.org/x/oauth2"
)

func main() {
	text, err := run(context.Background(), os.Stderr)
	if err != nil {
		log.Fatal(err)
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "connectorauth_") && !strings.Contains(line, "_bucket{") {
			fmt.Print(line)
		}
	}
}

// run lets accounts live for a while, and returns the metrics as Prometheus scrapes them.
func run(ctx context.Context, logs io.Writer) (scraped string, err error) {
	metrics := prometheus.NewRegistry()
	reader, err := exporter.New(exporter.WithRegisterer(metrics))
	if err != nil {
		return "", err
	}
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	defer func() { err = errors.Join(err, provider.Shutdown(ctx)) }()
	var registry *accounts.Registry
	observer, err := otelauth.New(otelauth.Config{
		MeterProvider: provider,
		Stats:         func(ctx context.Context) (accounts.Stats, error) { return registry.Stats(ctx) },
	})
	if err != nil {
		return "", err
	}
	log := connectorauth.LogEvents(slog.New(slog.NewTextHandler(logs, nil)))
	observe := func(e connectorauth.Event) {
		observer.Observe(e)
		log(e)
	}

	acme, globex := authtest.New(authtest.Config{}), authtest.New(authtest.Config{}) // in place of real services
	defer acme.Close()
	defer globex.Close()
	services := map[string]*authtest.Provider{"acme": acme, "globex": globex}
	if registry, err = newRegistry(services, observe); err != nil {
		return "", err
	}
	for service, p := range services {
		for _, name := range []string{"alice", "bob"} {
			if err := connect(ctx, registry, p, service, name); err != nil {
				return "", err
			}
		}
	}
	globex.Inject(globex.TokenURL, 1, authtest.Answer(http.StatusServiceUnavailable, nil, "")) // a bad day
	_ = renew(ctx, registry, "bob-globex")                                                     // the events tell
	globex.RevokeGrants()
	_ = renew(ctx, registry, "alice-globex")

	unstored, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: "secret", TokenURL: "https://login.example.com/token", Grant: connectorauth.ClientCredentials{},
		Store: unplugged{}, Account: "carol at initech", Observe: observe,
	})
	if err != nil {
		return "", err
	}
	_ = unstored.Renew(ctx) // nothing is sent while the store is down

	if err := registry.Shutdown(ctx); err != nil { // the index knows the statuses
		return "", err
	}
	server := httptest.NewServer(promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	defer server.Close()
	resp, err := server.Client().Get(server.URL)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// newRegistry returns a Registry of accounts of the services.
func newRegistry(services map[string]*authtest.Provider, observe func(connectorauth.Event)) (*accounts.Registry, error) {
	var list []*definition.Definition
	for name, p := range services {
		d, err := definition.Parse(name+".json", []byte(fmt.Sprintf(`{
			"connectorauth": 1, "name": %q, "baseUrl": %q,
			"methods": [{"name": "oauth", "type": "OAuth2", "tokenUrl": %q, "grant": {"authorizationCode": {"authUrl": %q}}, "keepAlive": "24h"}]
		}`, name, p.BearerURL, p.TokenURL, p.AuthURL)), definition.Options{})
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	set, err := definition.NewSet(list...)
	if err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	rand.Read(key) // never fails
	return accounts.New(accounts.Config{
		Definitions: func() *definition.Set { return set },
		Index:       new(accounts.Memory),
		Store:       new(tokenstore.Memory),
		Keys:        []tokenstore.Key{{ID: "1", Secret: key}},
		Shared:      new(connectorauth.Shared),
		Observe:     observe,
		Connection: func(_ context.Context, a accounts.Account) (definition.Connection, error) {
			p := services[a.Definition]
			return definition.Connection{Client: definition.Client{ID: p.ClientID, Secret: connectorauth.Secret(p.ClientSecret)}}, nil
		},
	})
}

// connect adds an account that has the consent of its owner, and renews the token once.
func connect(ctx context.Context, registry *accounts.Registry, p *authtest.Provider, service, name string) error {
	access, refresh := p.IssueTokens("")
	row := accounts.Row{
		Request: accounts.Request{ID: name + "-" + service, Owner: name, Definition: service},
		Token:   &oauth2.Token{AccessToken: access, RefreshToken: refresh, Expiry: time.Now().Add(time.Hour)},
	}
	for account, err := range registry.Import(ctx, slices.Values([]accounts.Row{row})) {
		if err != nil {
			return err
		}
		if err := renew(ctx, registry, account.ID); err != nil {
			return err
		}
	}
	return nil
}

// renew renews the token of an account now.
func renew(ctx context.Context, registry *accounts.Registry, id string) error {
	connected, err := registry.Connected(ctx, id)
	if err != nil {
		return err
	}
	return connected.Credential().(*connectorauth.OAuth2).Renew(ctx)
}

// unplugged is a token store that is down.
type unplugged struct{}

var errUnplugged = errors.New("the database is down")

func (unplugged) Load(context.Context, string) ([]byte, bool, error) { return nil, false, errUnplugged }
func (unplugged) Save(context.Context, string, []byte) error         { return errUnplugged }
func (unplugged) Delete(context.Context, string) error               { return errUnplugged }
