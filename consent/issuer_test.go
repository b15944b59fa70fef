package consent_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/require"
)

// issuerCase sends a callback to the handler after change has changed the query,
// which has the parameter iss. configured is the Issuer of the connector;
// "provider" means the right issuer.
func issuerCase(t *testing.T, configured string, change func(q url.Values)) (a *app, got response) {
	t.Helper()
	a = newApp(t, authtest.Config{SendIssuer: true}, func(a *app) {
		if configured == "provider" {
			configured = a.provider.URL
		}
		a.grant.Issuer = configured
	})
	b := a.newBrowser()
	return a, b.get(with(a.allow(b, "connector=oauth2"), change))
}

func TestIssuerIsComparedByteForByte(t *testing.T) {
	a, got := issuerCase(t, "provider", func(url.Values) {})
	require.Equal(t, http.StatusOK, got.StatusCode)
	for name, change := range map[string]func(string) string{
		"slash":  func(s string) string { return s + "/" },
		"case":   strings.ToUpper,
		"port":   func(s string) string { return s[:strings.LastIndex(s, ":")] },
		"%2F":    func(s string) string { return strings.ReplaceAll(s, "/", "%2F") },
		"other":  func(string) string { return "https://evil.example" },
		"prefix": func(s string) string { return s[:len(s)-1] },
	} {
		t.Run(name, func(t *testing.T) {
			a, got = issuerCase(t, "provider", func(q url.Values) { q.Set("iss", change(q.Get("iss"))) })
			require.Equal(t, http.StatusBadRequest, got.StatusCode)
			a.requireFailed(consent.ReasonMixUp)
			require.Zero(t, a.exchanges())
		})
	}
}

func TestMissingIssuerIsRefusedIfConfigured(t *testing.T) {
	for name, change := range map[string]func(url.Values){
		"missing":  func(q url.Values) { q.Del("iss") },
		"empty":    func(q url.Values) { q.Set("iss", "") },
		"repeated": func(q url.Values) { q.Add("iss", q.Get("iss")) },
	} {
		t.Run(name, func(t *testing.T) {
			a, got := issuerCase(t, "provider", change)
			require.Equal(t, http.StatusBadRequest, got.StatusCode)
			a.requireFailed(consent.ReasonInvalid)
			require.Zero(t, a.exchanges())
		})
	}
}

func TestForeignIssuerIsRefusedThoughNoneIsConfigured(t *testing.T) {
	a, got := issuerCase(t, "", func(q url.Values) { q.Set("iss", "https://honest.example") })
	require.Equal(t, http.StatusBadRequest, got.StatusCode)
	a.requireFailed(consent.ReasonMixUp)
	require.NotContains(t, got.body, "honest.example")
	require.Zero(t, a.exchanges())
	_, got = issuerCase(t, "", func(url.Values) {})
	require.Equal(t, http.StatusOK, got.StatusCode, "the provider names itself by the origin of its URLs")
}

func TestIssuerOfAnErrorIsChecked(t *testing.T) {
	a, _ := issuerCase(t, "provider", func(q url.Values) {
		q.Del("code")
		q.Set("error", "access_denied")
		q.Set("iss", "https://evil.example")
	})
	a.requireFailed(consent.ReasonMixUp)
}
