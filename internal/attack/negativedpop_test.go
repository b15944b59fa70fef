package attack_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/connectorauth/connectorauth/authtest"
)

// negativeDPoP is negativeCode with proofs of possession. The provider wants nonces.
func negativeDPoP(t *testing.T, config authtest.Config) (*authtest.Provider, *connectorauth.OAuth2) {
	t.Helper()
	config.RequireDPoP = true
	p, c := negativeCode(t, config)
	c.Proof = must(assertion.NewDPoP(assertion.DPoPConfig{}))
	return p, must(connectorauth.NewOAuth2(c))
}

// edited changes the header fields of a response.
func edited(name string, edit func(value string) []string) authtest.Fault {
	return authtest.EditHeader(func(_ int, h http.Header) {
		if value := h.Get(name); value != "" {
			h[http.CanonicalHeaderKey(name)] = edit(value)
		}
	})
}

func TestNegativeProofs(t *testing.T) {
	gone := func(string) []string { return nil }
	for _, test := range []struct {
		name    string
		noNonce bool // the provider wants none
		push    authtest.Fault
		token   authtest.Fault
		api     authtest.Fault
		want    string // part of the error; empty: the account is connected
		status  int    // of the API
		sent    [3]int // requests to push, token and API
	}{
		{name: "happy-path-no-dpop-nonce", noNonce: true, status: 200, sent: [3]int{1, 1, 1}},
		{name: "token-type-case-insensitivity", token: with("token_type", "dpOP"), status: 200, sent: [3]int{2, 2, 1}},
		{name: "rs-dpop-auth-scheme-case-insensitivity", api: edited("WWW-Authenticate", func(v string) []string { return []string{strings.Replace(v, "DPoP ", "dPOP ", 1)} }), status: 200, sent: [3]int{2, 1, 2}},
		{name: "dpop: token_type Bearer", token: with("token_type", "Bearer"), want: `"Bearer", not DPoP`, sent: [3]int{2, 2, 0}},
		{name: "dpop: no token_type", token: without("token_type"), want: "not DPoP", sent: [3]int{2, 2, 0}},
		{name: "dpop: use_dpop_nonce without a nonce, pushed", push: edited("DPoP-Nonce", gone), want: "use_dpop_nonce", sent: [3]int{1, 0, 0}},
		{name: "dpop: use_dpop_nonce without a nonce, token", token: edited("DPoP-Nonce", gone), want: "use_dpop_nonce", sent: [3]int{2, 1, 0}},
		{name: "dpop: use_dpop_nonce without a nonce, API", api: edited("DPoP-Nonce", gone), status: 401, sent: [3]int{2, 1, 1}},
		{name: "dpop: two nonces", token: edited("DPoP-Nonce", func(v string) []string { return []string{v, "another"} }), want: "use_dpop_nonce", sent: [3]int{2, 1, 0}},
		{name: "dpop: a nonce with a quote", token: edited("DPoP-Nonce", func(string) []string { return []string{`a"b`} }), want: "use_dpop_nonce", sent: [3]int{2, 1, 0}},
		{name: "dpop: another nonce for ever", token: edited("DPoP-Nonce", func(string) []string { return []string{"fresh"} }), want: "use_dpop_nonce", sent: [3]int{2, 2, 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, c := negativeDPoP(t, authtest.Config{DPoPNonce: !test.noNonce})
			inject := func(endpoint string, fault authtest.Fault) {
				if fault != nil {
					p.RotateNonces()
					p.Inject(endpoint, authtest.Always, fault)
				}
			}
			sent := func() [3]int {
				return [3]int{len(p.Requests(p.PushedAuthorizationRequestURL)), len(p.Requests(p.TokenURL)), len(p.Requests(p.BearerURL))}
			}
			inject(p.PushedAuthorizationRequestURL, test.push)
			authURL, pending, err := c.Begin(t.Context(), negativeRedirect)
			if err == nil {
				callback, failed := p.Authorize(authURL)
				require.NoError(t, failed)
				inject(p.TokenURL, test.token)
				err = c.Finish(t.Context(), pending, callback.Query())
			}
			if test.want != "" {
				require.ErrorContains(t, err, test.want)
				requireHarmless(t, err)
				assert.Equal(t, test.sent, sent())
				return
			}
			require.NoError(t, err)
			inject(p.BearerURL, test.api)
			resp, err := connectorauth.NewClient(c, p.Client()).Get(p.BearerURL)
			require.NoError(t, err)
			resp.Body.Close()
			assert.Equal(t, test.status, resp.StatusCode)
			assert.Equal(t, test.sent, sent())
		})
	}
}
