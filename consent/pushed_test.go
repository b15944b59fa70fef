package consent_test

import (
	"net/http"
	"testing"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/require"
)

// The browser does not carry the state of a pushed authorization request (RFC 9126).
func pushes(a *app) { a.grant.PushedAuthorizationRequestURL = a.provider.PushedAuthorizationRequestURL }

func TestHandlerWithAPushedRequest(t *testing.T) {
	a := newApp(t, authtest.Config{RequirePushed: true}, pushes)
	b := a.newBrowser()
	callback := a.allow(b, "connector=oauth2")
	require.Equal(t, http.StatusOK, b.get(callback.String()).StatusCode)
	require.Equal(t, consent.Result{Connector: "oauth2"}, a.last())
}

func TestLoopbackWithAPushedRequest(t *testing.T) {
	a := newApp(t, authtest.Config{RequirePushed: true}, pushes)
	flow, err := a.flow(nil, "oauth2")
	require.NoError(t, err)
	open, wait := inBrowser(t, a.provider.Authorize, nil)
	require.NoError(t, consent.Loopback(t.Context(), flow, consent.LoopbackOptions{Open: open, Out: new(terminal)}))
	status, _ := wait()
	require.Equal(t, http.StatusOK, status)
}
