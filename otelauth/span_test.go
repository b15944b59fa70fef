package otelauth_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/otelauth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// named returns the span with a name; there is one.
func named(t *testing.T, spans tracetest.SpanStubs, name string) tracetest.SpanStub {
	t.Helper()
	var found tracetest.SpanStubs
	for _, s := range spans {
		if s.Name == name {
			found = append(found, s)
		}
	}
	require.Len(t, found, 1, name)
	return found[0]
}

func TestSpansOfARenewalAreChildrenOfTheRequestThatWaits(t *testing.T) {
	p := authtest.New(authtest.Config{})
	defer p.Close()
	o := observer(t, otelauth.Config{})
	ctx, request := o.tracer.Tracer("the program").Start(t.Context(), "request")
	began := time.Now()
	get(ctx, t, p, connect(t, p, o, nil))
	ended := time.Now()
	request.End()

	spans := o.spans.GetSpans()
	renewal, token := named(t, spans, "connectorauth.renewal"), named(t, spans, "connectorauth.token_request")
	assert.Len(t, spans, 3)
	assert.Equal(t, request.SpanContext().SpanID(), renewal.Parent.SpanID())
	assert.Equal(t, request.SpanContext().TraceID(), renewal.SpanContext.TraceID())
	assert.Equal(t, renewal.SpanContext.SpanID(), token.Parent.SpanID())
	assert.Empty(t, renewal.Links)
	assert.False(t, renewal.StartTime.Before(began.Round(0)), "%v %v", renewal.StartTime, began)
	assert.False(t, token.StartTime.Before(renewal.StartTime))
	assert.True(t, token.EndTime.After(token.StartTime))
	assert.False(t, ended.Before(token.EndTime))
	assert.Subset(t, token.Attributes, []attribute.KeyValue{
		attribute.String("service", "acme"), attribute.String("outcome", "renewed"), attribute.String("server.address", "127.0.0.1"),
	})
	assert.Equal(t, codes.Unset, token.Status.Code)
}

func TestSpansOfAFailureSayTheCause(t *testing.T) {
	p := authtest.New(authtest.Config{})
	defer p.Close()
	o := observer(t, otelauth.Config{})
	p.Inject(p.TokenURL, 1, authtest.Answer(400, nil, `{"error":"invalid_client","error_description":"secret"}`))
	get(t.Context(), t, p, connect(t, p, o, nil))
	for _, span := range o.spans.GetSpans() {
		assert.Equal(t, codes.Error, span.Status.Code)
		assert.Equal(t, "invalid_client", span.Status.Description)
		assert.Contains(t, span.Attributes, attribute.String("error.type", "invalid_client"))
	}
	assert.Len(t, o.spans.GetSpans(), 2)
}

func TestSpanWithoutATokenRequestStandsAlone(t *testing.T) {
	p := authtest.New(authtest.Config{})
	defer p.Close()
	o := observer(t, otelauth.Config{})
	get(t.Context(), t, p, connect(t, p, o, downStore{}))
	require.Len(t, o.spans.GetSpans(), 1)
	assert.Contains(t, named(t, o.spans.GetSpans(), "connectorauth.renewal").Attributes, attribute.String("error.type", "store"))
}

func TestRenewalForWhichNobodyWaitsIsATraceOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := authtest.New(authtest.Config{InMemory: true, TokenLifetime: time.Hour})
		defer p.Close()
		p.Inject(p.TokenURL, authtest.Always, authtest.Delay(time.Second))
		o := observer(t, otelauth.Config{})
		c := connect(t, p, o, nil)
		get(t.Context(), t, p, c)
		o.spans.Reset()
		time.Sleep(59 * time.Minute) // the renewal begins before the expiry
		ctx, request := o.tracer.Tracer("the program").Start(t.Context(), "request")
		get(ctx, t, p, c)
		request.End()
		time.Sleep(time.Minute)
		require.Len(t, o.spans.GetSpans(), 3)

		renewal := named(t, o.spans.GetSpans(), "connectorauth.renewal")
		assert.False(t, renewal.Parent.IsValid())
		assert.NotEqual(t, request.SpanContext().TraceID(), renewal.SpanContext.TraceID())
		require.Len(t, renewal.Links, 1)
		assert.Equal(t, request.SpanContext().SpanID(), renewal.Links[0].SpanContext.SpanID())
	})
}

func TestServerIsHostAndPort(t *testing.T) {
	for endpoint, want := range map[string][]attribute.KeyValue{
		"":                 nil,
		"a.example":        {attribute.String("server.address", "a.example")},
		"a.example:8443":   {attribute.String("server.address", "a.example"), attribute.Int("server.port", 8443)},
		"[2001:db8::1]:44": {attribute.String("server.address", "2001:db8::1"), attribute.Int("server.port", 44)},
	} {
		o := observer(t, otelauth.Config{})
		o.Observe(connectorauth.Event{Kind: connectorauth.EventRenewed, Endpoint: endpoint})
		got := named(t, o.spans.GetSpans(), "connectorauth.renewal").Attributes
		assert.ElementsMatch(t, append(want, attribute.String("outcome", "renewed")), got)
	}
}
