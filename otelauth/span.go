package otelauth

import (
	"net"
	"strconv"
	"time"

	"github.com/connectorauth/connectorauth"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// trace makes the spans of a renewal that has just ended.
func (o *Observer) trace(e connectorauth.Event, about []attribute.KeyValue) {
	ended := time.Now()
	asked := ended.Add(-e.Duration)
	about = append(about, server(e.Endpoint)...)
	options := []trace.SpanStartOption{trace.WithTimestamp(asked.Add(-e.Waited)), trace.WithAttributes(about...)}
	if e.Background {
		options = append(options, trace.WithNewRoot())
		if began := trace.SpanContextFromContext(e.Context()); began.IsValid() {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: began}))
		}
	}
	ctx, renewal := o.tracer.Start(e.Context(), "connectorauth.renewal", options...)
	spans := []trace.Span{renewal}
	if e.Duration > 0 {
		_, request := o.tracer.Start(ctx, "connectorauth.token_request", trace.WithTimestamp(asked), trace.WithAttributes(about...))
		spans = append(spans, request)
	}
	for _, span := range spans {
		if e.Kind == connectorauth.EventRenewFailed || e.Kind == connectorauth.EventReauthRequired {
			span.SetStatus(codes.Error, o.causes.value(e.Cause)) // the text of the error names the account
		}
		span.End(trace.WithTimestamp(ended))
	}
}

// server returns the attributes of the host of token requests.
func server(endpoint string) []attribute.KeyValue {
	if endpoint == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(endpoint)
	if err != nil {
		return []attribute.KeyValue{attribute.String("server.address", endpoint)}
	}
	about := []attribute.KeyValue{attribute.String("server.address", host)}
	if number, err := strconv.Atoi(port); err == nil {
		about = append(about, attribute.Int("server.port", number))
	}
	return about
}
