package otelauth

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
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
	// Stats counts accounts, such as the Stats of an accounts.Registry. Each collection of
	// metrics calls Stats once, possibly from several goroutines; a query that takes long
	// should be remembered for a while. Empty means that connectorauth.accounts and
	// connectorauth.sweep.lag are not reported.
	Stats func(context.Context) (accounts.Stats, error)
}

// An Observer turns events into metrics and spans. An Observer is safe for concurrent use, and
// lives as long as the program: a program makes one.
type Observer struct {
	tracer           trace.Tracer
	duration         metric.Float64Histogram
	failures         metric.Int64Counter
	services, causes bounded
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
	var errs [3]error
	o.duration, errs[0] = meter.Float64Histogram("connectorauth.renewal.duration", metric.WithUnit("s"),
		metric.WithDescription("Time from the beginning of a renewal to its token, or to its failure."),
		metric.WithExplicitBucketBoundaries(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 600))
	o.failures, errs[1] = meter.Int64Counter("connectorauth.store.failures", metric.WithUnit("{failure}"),
		metric.WithDescription("Failures of the token store, so that nothing was sent or saved."))
	if config.Stats != nil {
		errs[2] = o.gauge(meter, config.Stats)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("otelauth: %w", err)
	}
	return o, nil
}

// outcomes are the kinds of events that end a renewal.
var outcomes = map[connectorauth.EventKind]string{
	connectorauth.EventRenewed: "renewed", connectorauth.EventAdopted: "adopted",
	connectorauth.EventRenewFailed: "failed", connectorauth.EventReauthRequired: "reauth_required",
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

// gauge reports what stats counts.
func (o *Observer) gauge(meter metric.Meter, stats func(context.Context) (accounts.Stats, error)) error {
	count, err := meter.Int64ObservableGauge("connectorauth.accounts", metric.WithUnit("{account}"),
		metric.WithDescription("Accounts by status."))
	if err != nil {
		return err
	}
	lag, err := meter.Float64ObservableGauge("connectorauth.sweep.lag", metric.WithUnit("s"),
		metric.WithDescription("How long the oldest overdue account has been due."))
	if err != nil {
		return err
	}
	_, err = meter.RegisterCallback(func(ctx context.Context, to metric.Observer) error {
		now, err := stats(ctx)
		if err != nil {
			return err
		}
		for _, status := range statuses { // a status that no account has any more falls to 0
			to.ObserveInt64(count, int64(now.Accounts[status]), metric.WithAttributes(attribute.String("status", string(status))))
		}
		late := 0.0
		if !now.Oldest.IsZero() {
			late = max(0, time.Since(now.Oldest).Seconds())
		}
		to.ObserveFloat64(lag, late)
		return nil
	}, count, lag)
	return err
}

// statuses are the statuses of accounts.
var statuses = []accounts.Status{accounts.StatusConnecting, accounts.StatusOK, accounts.StatusFailing, accounts.StatusReauthRequired, accounts.StatusDisconnected}

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
