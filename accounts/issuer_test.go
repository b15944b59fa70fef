package accounts_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// byIssuer is a definition that names an issuer, whose account owners type a code.
const byIssuer = `{"connectorauth": 1, "name": "acme", "baseUrl": "BEARERURL",
	"methods": [{"name": "oauth", "type": "OAuth2", "grant": {"deviceCode": {}}, "issuer": "ISSUER"}],
	"test": {"request": "GET /me", "id": "/user"}}`

// typed leads an account owner through a consent on another device.
func (w *world) typed(r *accounts.Registry, id string) error {
	w.Helper()
	flow, err := r.Flow(w.Context(), id)
	require.NoError(w, err)
	var _ consent.PollFlow = flow
	require.Equal(w, "urn:ietf:params:oauth:grant-type:device_code", flow.GrantType())
	prompt, pending, err := flow.BeginDevice(w.Context())
	require.NoError(w, err)
	time.Sleep(5 * time.Second)
	poll, err := flow.PollDevice(w.Context(), pending)
	require.NoError(w, err)
	require.False(w, poll.Done)
	a, err := r.Get(w.Context(), id)
	require.NoError(w, err)
	require.NotZero(w, a.Pending, "the account owner has not decided")
	require.NoError(w, w.p.AuthorizeDevice(prompt.UserCode))
	time.Sleep(poll.Wait)
	poll, err = flow.PollDevice(w.Context(), poll.Pending)
	require.Equal(w, err == nil, poll.Done)
	return err
}

// An account that is known by its issuer is connected on another device, and lives on without
// a further look at the metadata. A Reconnect looks again.
func TestAccountOnAnotherDeviceByItsIssuer(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.define(byIssuer)
		finder, err := discovery.New(discovery.Config{HTTPClient: w.p.Client()})
		require.NoError(t, err)
		q := accounts.Request{Owner: "o1", Definition: "acme"}
		_, err = w.process().Connect(t.Context(), q)
		require.ErrorContains(t, err, "there is no Finder")
		w.config.Finder = finder
		w.p.Inject(w.p.MetadataURL, 1, authtest.Answer(http.StatusServiceUnavailable, nil, ""))
		w.p.Inject(w.p.OpenIDMetadataURL, 1, authtest.Answer(http.StatusServiceUnavailable, nil, ""))
		_, err = w.process().Connect(t.Context(), q)
		var failed *discovery.Error
		require.ErrorAs(t, err, &failed)
		require.True(t, failed.Temporary())

		r := w.process()
		a, err := r.Connect(t.Context(), q)
		require.NoError(t, err)
		require.Equal(t, accounts.StatusConnecting, a.Status)
		require.NoError(t, w.typed(r, a.ID))
		looks := len(w.p.Requests(w.p.MetadataURL))
		other := w.process()
		assert.Equal(t, 200, w.status(other, a.ID))
		time.Sleep(30 * time.Hour)
		assert.Equal(t, 200, w.status(other, a.ID))
		a, err = other.Get(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, accounts.StatusOK, a.Status)
		assert.Equal(t, "ada", a.Identity)
		assert.Len(t, w.p.Requests(w.p.MetadataURL), looks)

		_, err = other.Reconnect(t.Context(), a.ID, accounts.Request{})
		require.NoError(t, err)
		assert.Len(t, w.p.Requests(w.p.MetadataURL), looks+1, "a new consent looks again")
		w.user = "eve"
		require.ErrorIs(t, w.typed(other, a.ID), accounts.ErrOtherIdentity)
		assert.Equal(t, 200, w.status(other, a.ID), "the account goes on as before")
	})
}

// A program whose account owner waits before the program needs no polls of its own.
func TestFinishDeviceWaitsForTheDecision(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.define(byIssuer)
		var err error
		w.config.Finder, err = discovery.New(discovery.Config{HTTPClient: w.p.Client()})
		require.NoError(t, err)
		r := w.process()
		a, err := r.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme"})
		require.NoError(t, err)
		flow, err := r.Flow(t.Context(), a.ID)
		require.NoError(t, err)
		prompt, pending, err := flow.BeginDevice(t.Context())
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		require.ErrorIs(t, flow.FinishDevice(ctx, pending), context.DeadlineExceeded)
		polls := len(w.p.Requests(w.p.TokenURL))
		assert.InDelta(t, 6, polls, 1) // one in five seconds
		done := make(chan error)
		go func() { done <- flow.FinishDevice(t.Context(), pending) }()
		time.Sleep(12 * time.Second)
		require.NoError(t, w.p.AuthorizeDevice(prompt.UserCode))
		require.NoError(t, <-done)
		a, err = r.Get(t.Context(), a.ID)
		require.NoError(t, err)
		assert.Equal(t, accounts.StatusOK, a.Status)
		require.ErrorContains(t, flow.FinishDevice(t.Context(), "{}"), "pending is not a value")
	})
}

// The response of the poll that has decided may be lost: the next look of the page says once more
// that the account is connected. No other code brings a token into an account in use.
func TestLostResponseOfTheDecidingPoll(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.define(byIssuer)
		var err error
		w.config.Finder, err = discovery.New(discovery.Config{HTTPClient: w.p.Client()})
		require.NoError(t, err)
		r := w.process()
		a, err := r.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme"})
		require.NoError(t, err)
		flow, err := r.Flow(t.Context(), a.ID)
		require.NoError(t, err)
		prompt, pending, err := flow.BeginDevice(t.Context())
		require.NoError(t, err)
		second, unused, err := flow.BeginDevice(t.Context())
		require.NoError(t, err)
		require.NoError(t, w.p.AuthorizeDevice(prompt.UserCode))
		require.NoError(t, w.p.AuthorizeDevice(second.UserCode))
		time.Sleep(5 * time.Second)
		poll, err := flow.PollDevice(t.Context(), pending)
		require.NoError(t, err)
		require.True(t, poll.Done)
		sent := len(w.p.Requests(w.p.TokenURL))

		flow, err = w.process().Flow(t.Context(), a.ID)
		require.NoError(t, err)
		poll, err = flow.PollDevice(t.Context(), pending)
		require.NoError(t, err)
		assert.True(t, poll.Done)
		poll, err = flow.PollDevice(t.Context(), unused)
		require.ErrorIs(t, err, accounts.ErrNoConsent)
		assert.False(t, poll.Done)
		_, err = flow.PollDevice(t.Context(), "{}")
		require.Error(t, err)
		_, _, err = flow.BeginDevice(t.Context())
		require.ErrorIs(t, err, accounts.ErrNoConsent)
		_, _, err = flow.Begin(t.Context(), "https://app.example/callback")
		require.ErrorIs(t, err, accounts.ErrNoConsent)
		require.ErrorIs(t, flow.Finish(t.Context(), pending, nil), accounts.ErrNoConsent)
		assert.Len(t, w.p.Requests(w.p.TokenURL), sent)
		assert.Equal(t, 200, w.status(r, a.ID))
	})
}
