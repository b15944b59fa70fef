package otelauth_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/connectorauth/connectorauth/otelauth"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

const (
	accountName  = "alice@tenant-4711.example"
	clientSecret = "CLIENT+/%&=~5e9d"
)

// telemetry is an Observer, and what it has told.
type telemetry struct {
	*otelauth.Observer
	reader *metric.ManualReader
	spans  *tracetest.InMemoryExporter
	tracer *trace.TracerProvider
}

func observer(t *testing.T, config otelauth.Config) telemetry {
	t.Helper()
	o := telemetry{reader: metric.NewManualReader(), spans: tracetest.NewInMemoryExporter()}
	o.tracer = trace.NewTracerProvider(trace.WithSyncer(o.spans))
	config.MeterProvider, config.TracerProvider = metric.NewMeterProvider(metric.WithReader(o.reader)), o.tracer
	var err error
	o.Observer, err = otelauth.New(config)
	require.NoError(t, err)
	return o
}

// collect returns the metrics by name, and all of them as text.
func (o telemetry) collect(t *testing.T) (map[string]metricdata.Metrics, string) {
	t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(t, o.reader.Collect(t.Context(), &all))
	found := map[string]metricdata.Metrics{}
	for _, scope := range all.ScopeMetrics {
		require.Equal(t, "github.com/connectorauth/connectorauth/otelauth", scope.Scope.Name)
		for _, m := range scope.Metrics {
			found[m.Name] = m
		}
	}
	text, err := json.Marshal(all)
	require.NoError(t, err)
	return found, string(text)
}

// renewals returns how many renewals have which attributes.
func (o telemetry) renewals(t *testing.T) map[string]uint64 {
	t.Helper()
	counts := map[string]uint64{}
	found, _ := o.collect(t)
	if histogram, ok := found["connectorauth.renewal.duration"].Data.(metricdata.Histogram[float64]); ok {
		for _, p := range histogram.DataPoints {
			counts[p.Attributes.Encoded(attribute.DefaultEncoder())] += p.Count
		}
	}
	return counts
}

// failures returns the count of connectorauth.store.failures.
func (o telemetry) failures(t *testing.T) (n int64) {
	t.Helper()
	found, _ := o.collect(t)
	if sum, ok := found["connectorauth.store.failures"].Data.(metricdata.Sum[int64]); ok {
		for _, p := range sum.DataPoints {
			n += p.Value
		}
	}
	return n
}

// connect returns a connector of the provider, observed as that of the service acme.
func connect(t *testing.T, p *authtest.Provider, o telemetry, store connectorauth.TokenStore) *connectorauth.OAuth2 {
	t.Helper()
	c, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, Grant: connectorauth.ClientCredentials{},
		Shared: new(connectorauth.Shared), Account: accountName, Store: store, HTTPClient: p.Client(),
		Observe: func(e connectorauth.Event) {
			e.Service = "acme"
			o.Observe(e)
		},
	})
	require.NoError(t, err)
	return c
}

// get makes a request to the provider's API.
func get(ctx context.Context, t *testing.T, p *authtest.Provider, c connectorauth.Connector) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.BearerURL, nil)
	require.NoError(t, err)
	resp, err := connectorauth.NewClient(c, p.Client()).Do(req)
	if err == nil {
		require.NoError(t, resp.Body.Close())
	}
}
