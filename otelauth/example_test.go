package otelauth_test

import (
	"context"
	"fmt"
	"log"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/otelauth"
)

// One Observer for all connectors of a program. Most programs leave Config empty: the
// providers are then those of package otel.
func ExampleNew() {
	p := authtest.New(authtest.Config{})
	defer p.Close()
	ctx := context.Background()
	reader := metric.NewManualReader() // or an exporter, such as that of OTLP
	observer, err := otelauth.New(otelauth.Config{MeterProvider: metric.NewMeterProvider(metric.WithReader(reader))})
	if err != nil {
		log.Fatal(err)
	}
	connector, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL,
		Grant:   connectorauth.ClientCredentials{},
		Observe: observer.Observe,
	})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := connector.Token(ctx); err != nil {
		log.Fatal(err)
	}

	var collected metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &collected); err != nil {
		log.Fatal(err)
	}
	renewals := collected.ScopeMetrics[0].Metrics[0]
	point := renewals.Data.(metricdata.Histogram[float64]).DataPoints[0]
	outcome, _ := point.Attributes.Value("outcome")
	fmt.Println(renewals.Name, point.Count, outcome.AsString())
	// Output: connectorauth.renewal.duration 1 renewed
}
