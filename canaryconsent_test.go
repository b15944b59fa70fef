package connectorauth_test

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// beginWatched begins a consent at a connector that has one, and returns the callback that
// would end it well.
func beginWatched(c *canary.Canary, connector connectorauth.Connector) (flow consentFlow, pending connectorauth.Secret, callback url.Values) {
	c.T.Helper()
	flow = connector.(consentFlow)
	authURL, pending, err := flow.Begin(c.T.Context(), redirectURL)
	require.NoError(c.T, err)
	c.Value("pending", pending)
	var parts struct{ State, Verifier string }
	require.NoError(c.T, json.Unmarshal([]byte(pending), &parts))
	c.Secrets = append(c.Secrets, parts.Verifier)
	c.Text("authURL", authURL)
	if connector.AuthType() == connectorauth.AuthTypeOAuth1 {
		return flow, pending, url.Values{"oauth_token": {parts.State}, "oauth_verifier": {oauth1Verifier}}
	}
	return flow, pending, url.Values{"state": {parts.State}, "code": {authCode}}
}

// hasConsent tells the birds that can begin a consent.
func hasConsent(b bird) bool {
	return b.name == "OAuth1 with consent" || strings.Contains(b.name, "code")
}

func TestCanaryConsentsThatFail(t *testing.T) {
	faults := providerFaults()
	faults["none"] = goodProvider
	for fault, answer := range faults {
		for _, b := range birds() {
			if !hasConsent(b) {
				continue
			}
			inBubble(t, fault+"/"+b.name, func(t *testing.T, c *canary.Canary) {
				base := &fakehttp.Base{Answer: goodProvider} // until Begin has succeeded
				connector, _ := b.build(c, base, new(tokenstore.Memory))
				flow, pending, callback := beginWatched(c, connector)
				base.Answer = answer

				err := flow.Finish(t.Context(), pending, callback)
				assert.Equal(t, fault == "none", err == nil, "%v", err)
				c.Error("Finish", err)
				err = flow.Finish(t.Context(), pending, callback)
				require.Error(t, err, "a consent is finished once")
				c.Error("Finish again", err)
				c.Value("connector", connector)
				if fault != "panic" { // which is the caller's, on the caller's goroutine
					_, _, err = flow.Begin(t.Context(), redirectURL) // OAuth1 makes a request
					c.Error("Begin", err)
				}
			})
		}
	}
}

func TestCanaryCallbacksThatFail(t *testing.T) {
	callbacks := map[string]func(callback url.Values){
		"nothing":     func(q url.Values) { clear(q) },
		"wrong state": func(q url.Values) { q["state"], q["oauth_token"] = []string{authCode}, []string{authCode} },
		"no code":     func(q url.Values) { delete(q, "code"); delete(q, "oauth_verifier") },
		"two codes": func(q url.Values) {
			q["code"], q["oauth_verifier"] = []string{authCode, authCode}, []string{oauth1Verifier, ""}
		},
		"refusal": func(q url.Values) {
			q.Set("error", "access_denied\r\n<script>")
			q.Set("oauth_problem", "user_refused")
		},
		"refusal as X has": func(q url.Values) { q.Set("denied", q.Get("oauth_token")); delete(q, "state") },
	}
	pendings := map[string]func(pending connectorauth.Secret) connectorauth.Secret{
		"no pending":              func(connectorauth.Secret) connectorauth.Secret { return "" },
		"pending cut short":       func(p connectorauth.Secret) connectorauth.Secret { return p[:len(p)-3] },
		"pending of another flow": func(connectorauth.Secret) connectorauth.Secret { return `{"for":"x","state":"` + authCode + `"}` },
		"pending that is none":    func(connectorauth.Secret) connectorauth.Secret { return clientSecret },
	}
	for _, b := range birds() {
		if !hasConsent(b) {
			continue
		}
		inBubble(t, b.name, func(t *testing.T, c *canary.Canary) {
			base := &fakehttp.Base{Answer: goodProvider}
			connector, _ := b.build(c, base, new(tokenstore.Memory))
			for what, change := range callbacks {
				flow, pending, callback := beginWatched(c, connector)
				change(callback)
				err := flow.Finish(t.Context(), pending, callback)
				require.Error(t, err, what)
				c.Error(what, err)
			}
			for what, change := range pendings {
				flow, pending, callback := beginWatched(c, connector)
				err := flow.Finish(t.Context(), change(pending), callback)
				require.Error(t, err, what)
				c.Error(what, err)
			}
			flow, pending, callback := beginWatched(c, connector)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			err := flow.Finish(ctx, pending, callback)
			require.ErrorIs(t, err, context.Canceled)
			c.Error("cancelled", err)
			_, _, err = flow.Begin(t.Context(), "http://example.com/"+url.PathEscape(authCode))
			require.Error(t, err)
			c.Error("Begin", err)
		})
	}
}
