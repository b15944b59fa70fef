package otelauth

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/connectorauth/connectorauth"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// scope is the instrumentation scope of all metrics and spans.
const scope = "github.com/connectorauth/connectorauth/otelauth"

// A Config says where metrics and spans go. The zero value is ready to use.
type Config struct {
	// MeterProvider takes the metrics. Empty means otel.GetMeterProvider().
	MeterProvider metric.MeterProvider
	// TracerProvider takes the spans. Empty means otel.GetTracerProvider().
	TracerProvider trace.TracerProvider
	// Accounts returns how many accounts have each status, by the name of the status. Each
	// collection of metrics calls Accounts, possibly from several goroutines; a query that
	// takes long should be remembered for a while. Empty means that connectorauth.accounts is
	// not reported.
	Accounts func(context.Context) (map[string]int64, error)
	// SweepLag returns how long the oldest overdue account has been due; 0 if none is overdue.
	// SweepLag is called as Accounts is. Empty means that connectorauth.sweep.lag is not
	// reported.
	SweepLag func(context.Context) (time.Duration, error)
}

// An Observer turns events into metrics and spans. An Observer is safe for concurrent use, and
// lives as long as the program: a program makes one.
type Observer struct {
	tracer                   trace.Tracer
	duration                 metric.Float64Histogram
	failures                 metric.Int64Counter
	services, causes, status bounded
}

// New returns an Observer. An error is that of the MeterProvider.
func New(config Config) (*Observer, error) {
	if config.MeterProvider == nil {
		config.MeterProvider = otel.GetMeterProvider()
	}
	if config.TracerProvider == nil {
		config.TracerProvider = otel.GetTracerProvider()
	}
	meter := config.MeterProvider.Meter(scope, metric.WithInstrumentationVersion(version()))
	o := &Observer{tracer: config.TracerProvider.Tracer(scope, trace.WithInstrumentationVersion(version()))}
	var errs [4]error
	o.duration, errs[0] = meter.Float64Histogram("connectorauth.renewal.duration", metric.WithUnit("s"),
		metric.WithDescription("Time from the beginning of a renewal to its token, or to its failure."),
		metric.WithExplicitBucketBoundaries(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 600))
	o.failures, errs[1] = meter.Int64Counter("connectorauth.store.failures", metric.WithUnit("{failure}"),
		metric.WithDescription("Failures of the token store, so that nothing was sent or saved."))
	if config.Accounts != nil {
		_, errs[2] = meter.Int64ObservableGauge("connectorauth.accounts", metric.WithUnit("{account}"),
			metric.WithDescription("Accounts by status."),
			metric.WithInt64Callback(func(ctx context.Context, to metric.Int64Observer) error {
				counts, err := config.Accounts(ctx)
				o.count(counts, to)
				return err
			}))
	}
	if config.SweepLag != nil {
		_, errs[3] = meter.Float64ObservableGauge("connectorauth.sweep.lag", metric.WithUnit("s"),
			metric.WithDescription("How long the oldest overdue account has been due."),
			metric.WithFloat64Callback(func(ctx context.Context, to metric.Float64Observer) error {
				lag, err := config.SweepLag(ctx)
				if err == nil {
					to.Observe(lag.Seconds())
				}
				return err
			}))
	}
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("otelauth: %w", err)
	}
	return o, nil
}

// outcomes are the kinds of events that end a renewal.
var outcomes = map[connectorauth.EventKind]string{
	connectorauth.EventRenewed: "renewed", connectorauth.EventAdopted: "adopted",
	connectorauth.EventRenewFailed: "failed", connectorauth.EventReauthRequired: "reauth",
}

// Observe takes an event: Observe is for the Observe field of configs.
func (o *Observer) Observe(e connectorauth.Event) {
	var about []attribute.KeyValue
	if e.Service != "" {
		about = append(about, attribute.String("service", o.services.value(e.Service)))
	}
	if e.Kind == connectorauth.EventSaveFailed || e.Kind == connectorauth.EventRenewFailed && e.Cause == "store" {
		o.failures.Add(e.Context(), 1, metric.WithAttributes(about...))
	}
	outcome, ended := outcomes[e.Kind]
	if !ended {
		return
	}
	about = append(about, attribute.String("outcome", outcome))
	if e.Cause != "" {
		about = append(about, attribute.String("error.type", o.causes.value(e.Cause)))
	}
	o.duration.Record(e.Context(), (e.Waited + e.Duration).Seconds(), metric.WithAttributes(about...))
	o.trace(e, about)
}

// count reports how many accounts have each status.
func (o *Observer) count(counts map[string]int64, to metric.Int64Observer) {
	sums := make(map[string]int64, len(counts)) // of the statuses that become one
	for status, n := range counts {
		sums[o.status.value(status)] += n
	}
	for status, n := range sums {
		to.Observe(n, metric.WithAttributes(attribute.String("status", status)))
	}
}

// version returns the version of this module in the program, or "" if unknown.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, module := range info.Deps {
		if module.Path == scope {
			return module.Version
		}
	}
	return ""
}
