package otelauth_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/otelauth"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

func TestRenewalsAreCountedByServiceOutcomeAndCause(t *testing.T) {
	p := authtest.New(authtest.Config{ClientSecret: clientSecret})
	defer p.Close()
	o := observer(t, otelauth.Config{})
	store := new(tokenstore.Memory)
	c := connect(t, p, o, store)
	get(t.Context(), t, p, c)
	get(t.Context(), t, p, c)
	other := connect(t, p, o, store)
	require.NoError(t, other.Renew(t.Context()))
	p.RevokeAccessTokens()
	get(t.Context(), t, p, other)
	get(t.Context(), t, p, c) // finds the token of the other
	p.Inject(p.TokenURL, 1, authtest.Answer(503, nil, clientSecret))
	require.Error(t, c.Renew(t.Context()))
	counts := o.renewals(t)
	assert.Equal(t, uint64(3), counts["outcome=renewed,service=acme"])
	assert.Equal(t, uint64(1), counts["error.type=503,outcome=failed,service=acme"])
	assert.NotZero(t, counts["outcome=adopted,service=acme"])
	assert.Len(t, counts, 3)
	assert.Zero(t, o.failures(t))

	found, _ := o.collect(t)
	assert.Equal(t, "s", found["connectorauth.renewal.duration"].Unit)
}

// downStore is a store without a connection.
type downStore struct{}

var errDown = errors.New("the store is down")

func (downStore) Load(context.Context, string) ([]byte, bool, error) { return nil, false, errDown }
func (downStore) Save(context.Context, string, []byte) error         { return errDown }
func (downStore) Delete(context.Context, string) error               { return errDown }

func TestFailuresOfTheStoreAreCounted(t *testing.T) {
	p := authtest.New(authtest.Config{})
	defer p.Close()
	o := observer(t, otelauth.Config{})
	get(t.Context(), t, p, connect(t, p, o, downStore{}))
	assert.Equal(t, map[string]uint64{"error.type=store,outcome=failed,service=acme": 1}, o.renewals(t))
	assert.Equal(t, int64(1), o.failures(t))
	o.Observe(connectorauth.Event{Kind: connectorauth.EventSaveFailed, Cause: "store"})
	assert.Equal(t, int64(2), o.failures(t))
	assert.Len(t, o.renewals(t), 1, "no renewal has ended")
}

func TestMetricsNameNoAccountAndNoSecret(t *testing.T) {
	p := authtest.New(authtest.Config{ClientSecret: clientSecret})
	defer p.Close()
	o := observer(t, otelauth.Config{})
	c := connect(t, p, o, nil)
	get(t.Context(), t, p, c)
	for _, fault := range []authtest.Fault{authtest.Answer(400, nil, `{"error":"`+accountName+`"}`), authtest.Answer(500, nil, clientSecret)} {
		p.Inject(p.TokenURL, 1, fault)
		require.Error(t, c.Renew(t.Context()))
	}
	counts := o.renewals(t)
	assert.Equal(t, uint64(1), counts["error.type=400,outcome=failed,service=acme"], counts)
	_, text := o.collect(t)
	spans := fmt.Sprintf("%+v", o.spans.GetSpans())
	for _, secret := range []string{accountName, "alice", "tenant-4711", clientSecret, "127.0.0.1"} {
		assert.NotContains(t, text, secret)
	}
	for _, secret := range []string{accountName, "alice", "tenant-4711", clientSecret} {
		assert.NotContains(t, spans, secret)
	}
	assert.Contains(t, text, "acme")
}

func TestAttributesHaveFewValues(t *testing.T) {
	o := observer(t, otelauth.Config{})
	for i := range 5000 {
		o.Observe(connectorauth.Event{
			Kind: connectorauth.EventRenewFailed, Service: fmt.Sprint("service", i%1000), Cause: "timeout", Account: fmt.Sprint(i), Endpoint: fmt.Sprint(i, ".example"),
		})
	}
	counts := o.renewals(t)
	assert.Len(t, counts, 201)
	assert.Equal(t, uint64(5), counts["error.type=timeout,outcome=failed,service=service0"])
	assert.Equal(t, uint64(4000), counts["error.type=timeout,outcome=failed,service=_OTHER"])

	o = observer(t, otelauth.Config{})
	for i := range 1000 {
		o.Observe(connectorauth.Event{Kind: connectorauth.EventRenewFailed, Cause: fmt.Sprint(i)})
	}
	assert.Len(t, o.renewals(t), 201)
}

func TestAccountsAndTheLagOfTheSweepAreGauges(t *testing.T) {
	var failure error
	calls, stats := 0, accounts.Stats{Accounts: map[accounts.Status]int{accounts.StatusOK: 7, accounts.StatusReauthRequired: 2}}
	o := observer(t, otelauth.Config{
		Stats: func(context.Context) (accounts.Stats, error) { calls++; return stats, failure },
	})
	gauges := func() (counts map[string]int64, lag float64) {
		t.Helper()
		found, _ := o.collect(t)
		counts = map[string]int64{}
		for _, p := range found["connectorauth.accounts"].Data.(metricdata.Gauge[int64]).DataPoints {
			status, _ := p.Attributes.Value("status")
			counts[status.AsString()] = p.Value
		}
		assert.Equal(t, "{account}", found["connectorauth.accounts"].Unit)
		assert.Equal(t, "s", found["connectorauth.sweep.lag"].Unit)
		points := found["connectorauth.sweep.lag"].Data.(metricdata.Gauge[float64]).DataPoints
		require.Len(t, points, 1)
		return counts, points[0].Value
	}
	counts, lag := gauges()
	assert.Equal(t, map[string]int64{"connecting": 0, "ok": 7, "failing": 0, "reauth_required": 2, "disconnected": 0}, counts)
	assert.Zero(t, lag)
	assert.Equal(t, 1, calls, "one query for both gauges")
	stats = accounts.Stats{Accounts: map[accounts.Status]int{accounts.StatusOK: 9}, Due: 3, Oldest: time.Now().Add(-90 * time.Second)}
	counts, lag = gauges()
	assert.Equal(t, map[string]int64{"connecting": 0, "ok": 9, "failing": 0, "reauth_required": 0, "disconnected": 0}, counts)
	assert.InDelta(t, 90, lag, 5)

	failure = errDown
	var all metricdata.ResourceMetrics
	require.ErrorIs(t, o.reader.Collect(t.Context(), &all), errDown)
}

// The gauges of a Registry: the method fits the field.
func TestStatsOfARegistry(t *testing.T) {
	set, err := definition.NewSet()
	require.NoError(t, err)
	index := new(accounts.Memory)
	registry, err := accounts.New(accounts.Config{
		Definitions: func() *definition.Set { return set }, Index: index, Store: new(tokenstore.Memory),
		Keys: []tokenstore.Key{{ID: "k", Secret: []byte(strings.Repeat("s", 32))}},
	})
	require.NoError(t, err)
	_, err = index.Put(t.Context(), accounts.Account{ID: "alice", Owner: "alice", Status: accounts.StatusReauthRequired, Due: time.Now().Add(-time.Hour)})
	require.NoError(t, err)
	found, text := observer(t, otelauth.Config{Stats: registry.Stats}).collect(t)
	assert.InDelta(t, 3600, found["connectorauth.sweep.lag"].Data.(metricdata.Gauge[float64]).DataPoints[0].Value, 60)
	assert.NotContains(t, text, "alice")
}
