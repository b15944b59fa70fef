package mcp_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/mcp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

// refuse calls Authorize as the SDK does after a 401 of the server. authorization is the header
// of the request.
func (w *world) refuse(t *testing.T, a *mcp.Account, authorization string) error {
	t.Helper()
	req := must(http.NewRequest(http.MethodGet, w.URL+"/mcp", nil))
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	return a.Authorize(t.Context(), req, &http.Response{StatusCode: http.StatusUnauthorized, Header: http.Header{}, Body: http.NoBody})
}

// scopes returns the scopes that the next consent asks for.
func scopes(t *testing.T, a *mcp.Account) string {
	t.Helper()
	authURL, _, err := a.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	return must(url.Parse(authURL)).Query().Get("scope")
}

// A consent answers the refusal that led to it. The next consent asks the server anew.
func TestRefusalLeadsOneConsent(t *testing.T) {
	w := newWorld(t)
	config := w.config(new(tokenstore.Memory))
	config.Consent = nil
	account := must(mcp.New(config))
	w.set(func() { w.scope = "write" })
	_, err := w.call(t, account)
	require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
	w.set(func() { w.scope = "read" })
	require.Equal(t, "write", scopes(t, account))
	require.NoError(t, w.consent(t.Context(), account))
	assert.Equal(t, "write read", scopes(t, account))
}

// Scopes of one authorization server are not asked for at another.
func TestScopesStayAtTheirIssuer(t *testing.T) {
	w := newWorld(t)
	account := must(mcp.New(w.config(new(tokenstore.Memory))))
	w.set(func() { w.scope = "write" })
	require.NoError(t, w.consent(t.Context(), account))
	w.set(func() { w.scope = "read" })
	require.Equal(t, "write read", scopes(t, account))
	w.set(func() { w.issuer = w.new })
	assert.Equal(t, "read", scopes(t, account))
}

// An account whose grant is over sends requests without a token, so that the server's refusal
// leads to a consent. No renewal is tried for such a request.
func TestGrantIsOver(t *testing.T) {
	w := newWorld(t)
	config := w.config(new(tokenstore.Memory))
	config.Consent = nil
	account := must(mcp.New(config))
	require.NoError(t, w.consent(t.Context(), account))
	over := &oauth2.Token{AccessToken: "a", RefreshToken: "unknown", Expiry: time.Now().Add(-time.Minute)}
	require.NoError(t, must(account.Connector(t.Context())).SetToken(t.Context(), over))
	source, err := account.TokenSource(t.Context())
	require.NoError(t, err)
	assert.Nil(t, source)
	before := w.old.Stats().TokenRequests
	require.ErrorIs(t, w.refuse(t, account, ""), connectorauth.ErrReauthRequired)
	assert.Equal(t, before, w.old.Stats().TokenRequests)
	require.NoError(t, w.consent(t.Context(), account))
	assert.Equal(t, 200, must(w.call(t, account)))
}

// The name of a scheme has no case (RFC 9110 section 11.1). Credentials of another scheme are no
// token of the account.
func TestSchemeOfTheRefusedRequest(t *testing.T) {
	for scheme, renewals := range map[string]int{"Bearer": 1, "bearer": 1, "BEARER": 1, "Basic": 0} {
		w := newWorld(t)
		account := must(mcp.New(w.config(new(tokenstore.Memory))))
		require.NoError(t, w.consent(t.Context(), account))
		before := w.old.Stats().TokenRequests
		require.NoError(t, w.refuse(t, account, scheme+" "+sent(t, account)))
		assert.Equal(t, before+renewals, w.old.Stats().TokenRequests, scheme)
		assert.Equal(t, 1, w.consents, scheme)
	}
}

// A server that refuses the renewed token too gets no renewal after another, but a consent.
func TestRenewedTokenIsRefusedToo(t *testing.T) {
	w := newWorld(t)
	account := must(mcp.New(w.config(new(tokenstore.Memory))))
	require.NoError(t, w.consent(t.Context(), account))
	before := w.old.Stats().TokenRequests
	require.NoError(t, w.refuse(t, account, "Bearer "+sent(t, account)))
	require.Equal(t, before+1, w.old.Stats().TokenRequests)
	require.Equal(t, 1, w.consents, "a renewal comes first")
	require.NoError(t, w.refuse(t, account, "Bearer "+sent(t, account)))
	assert.Equal(t, before+2, w.old.Stats().TokenRequests, "that of the consent")
	assert.Equal(t, 2, w.consents)
}
