package accounts_test

import (
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
