// Telemetry shows what OpenTelemetry and Prometheus see of connectors: accounts of two
// services renew their tokens, one service is down for a moment, one account owner withdraws
// the consent, and one token store is down. The program scrapes its own metrics, prints them and ends.
// Grafana imports dashboard.json.
//
//	go run ./examples/telemetry
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/otelauth"
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
	var all connected
	registry := prometheus.NewRegistry()
	reader, err := exporter.New(exporter.WithRegisterer(registry))
	if err != nil {
		return "", err
	}
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	defer func() { err = errors.Join(err, provider.Shutdown(ctx)) }()
	observer, err := otelauth.New(otelauth.Config{MeterProvider: provider, Stats: all.stats})
	if err != nil {
		return "", err
	}
	observe := connectorauth.Observers(observer.Observe, connectorauth.LogEvents(slog.New(slog.NewTextHandler(logs, nil))))

	for _, service := range []string{"acme", "globex"} {
		p := authtest.New(authtest.Config{}) // in place of a real service
		defer p.Close()
		for _, name := range []string{"alice", "bob"} {
			if err := all.connect(ctx, p, service, name, observe); err != nil {
				return "", err
			}
		}
		if service == "globex" { // a bad day
			p.Inject(p.TokenURL, 1, authtest.Answer(http.StatusServiceUnavailable, nil, ""))
			_ = all[len(all)-1].Renew(ctx) // the events tell
			p.RevokeGrants()
			_ = all[len(all)-2].Renew(ctx)
		}
	}

	unstored, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: "secret", TokenURL: "https://login.example.com/token", Grant: connectorauth.ClientCredentials{},
		Store: unplugged{}, Account: "carol at initech", Observe: observe,
	})
	if err != nil {
		return "", err
	}
	_ = unstored.Renew(ctx) // nothing is sent while the store is down

	server := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	defer server.Close()
	resp, err := server.Client().Get(server.URL)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// connected are the accounts of the program.
type connected []*connectorauth.OAuth2

// connect adds an account that has the consent of its owner, and renews the token once.
func (a *connected) connect(ctx context.Context, p *authtest.Provider, service, name string, observe func(connectorauth.Event)) error {
	c, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL,
		Grant: connectorauth.AuthorizationCode{AuthURL: p.AuthURL}, Account: name + " at " + service,
		Observe: func(e connectorauth.Event) {
			e.Service = service // a definition does so by itself
			observe(e)
		},
	})
	if err != nil {
		return err
	}
	*a = append(*a, c)
	access, refresh := p.IssueTokens("")
	if err := c.SetToken(ctx, &oauth2.Token{AccessToken: access, RefreshToken: refresh, Expiry: time.Now().Add(time.Hour)}); err != nil {
		return err
	}
	return c.Renew(ctx)
}

// unplugged is a token store that is down.
type unplugged struct{}

var errUnplugged = errors.New("the database is down")

func (unplugged) Load(context.Context, string) ([]byte, bool, error) { return nil, false, errUnplugged }
func (unplugged) Save(context.Context, string, []byte) error         { return errUnplugged }
func (unplugged) Delete(context.Context, string) error               { return errUnplugged }

// stats counts the accounts. An account is due when its token has expired. A program with an
// accounts.Registry has Registry.Stats.
func (a *connected) stats(ctx context.Context) (accounts.Stats, error) {
	stats := accounts.Stats{Accounts: map[accounts.Status]int{}}
	for _, c := range *a {
		status, err := c.Status(ctx)
		if err != nil {
			return accounts.Stats{}, err
		}
		stats.Accounts[accounts.Status(status.State)]++
		if !status.Expiry.IsZero() && time.Now().After(status.Expiry) && (stats.Oldest.IsZero() || status.Expiry.Before(stats.Oldest)) {
			stats.Oldest = status.Expiry
		}
	}
	return stats, nil
}
