package consent_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/require"
)

// Nothing was sent, so the person can go back and bring the same callback again.
func TestPersonCanTryTheSameCallbackAgain(t *testing.T) {
	both(t, func(t *testing.T, connector string) {
		store := &brokenStore{claims: true}
		cut := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("no route to the provider")
		}}}
		signedIn := false
		a := newApp(t, authtest.Config{}, func(a *app) {
			a.store = store
			flow := a.config.Flow
			a.config.Flow = func(r *http.Request, connector string) (consent.Flow, error) {
				if !signedIn {
					return nil, consent.ErrNotAllowed
				}
				return flow(r, connector)
			}
		})
		b := a.newBrowser()
		signedIn = true
		callback := a.allow(b, "connector="+connector).String()
		require.Empty(t, b.get(callback).Cookies(), "the cookie stays")
		a.requireFailed(consent.ReasonStore)

		a.store, signedIn = new(tokenstore.Memory), false
		require.Empty(t, b.get(callback).Cookies())
		a.requireFailed(consent.ReasonNotAllowed)

		signedIn, a.client = true, cut
		require.Empty(t, b.get(callback).Cookies())
		a.requireFailed(consent.ReasonProvider)
		require.Zero(t, a.exchanges())

		a.client = nil
		got := b.get(callback)
		require.Equal(t, http.StatusOK, got.StatusCode)
		require.Len(t, got.Cookies(), 1)
		require.Negative(t, got.Cookies()[0].MaxAge)
		require.Equal(t, 1, a.exchanges())
	})
}

// What was sent, or refused, is over.
func TestEndOfTheConsentDeletesTheCookie(t *testing.T) {
	both(t, func(t *testing.T, connector string) {
		a := newApp(t, authtest.Config{})
		b := a.newBrowser()
		a.provider.Inject(a.provider.TokenURL, 1, authtest.DropAfter())
		a.provider.Inject(a.provider.AccessTokenURL, 1, authtest.DropAfter())
		require.Len(t, b.get(a.allow(b, "connector="+connector).String()).Cookies(), 1)
		a.requireFailed(consent.ReasonProvider)
		denied, err := a.provider.Deny(a.start(b, "connector="+connector))
		require.NoError(t, err)
		require.Len(t, b.get(denied.String()).Cookies(), 1)
		a.requireFailed(consent.ReasonDenied)
	})
}
