package connectorauth_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A provider's URLs, as its documentation has them.
type urls struct{ auth, token string }

var (
	google    = urls{"https://accounts.google.com/o/oauth2/v2/auth", "https://oauth2.googleapis.com/token"}
	github    = urls{"https://github.com/login/oauth/authorize", "https://github.com/login/oauth/access_token"}
	microsoft = urls{"https://login.microsoftonline.com/common/oauth2/v2.0/authorize", "https://login.microsoftonline.com/common/oauth2/v2.0/token"}
	okta      = urls{"https://dev-1.okta.com/oauth2/default/v1/authorize", "https://dev-1.okta.com/oauth2/default/v1/token"}
	auth0     = urls{"https://acme.eu.auth0.com/authorize", "https://acme.eu.auth0.com/oauth/token"}
	keycloak  = urls{"https://sso.example/realms/a/protocol/openid-connect/auth", "https://sso.example/realms/a/protocol/openid-connect/token"}
	xero      = urls{"https://login.xero.com/identity/connect/authorize", "https://identity.xero.com/connect/token"}
	intuit    = urls{"https://appcenter.intuit.com/connect/oauth2", "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer"}
	local     = urls{"http://127.0.0.1:8080/auth", "http://127.0.0.1:8080/token"}
)

// finishWith finishes a consent at a provider with a callback that edit has
// changed, and reports how many token requests were made.
func finishWith(t *testing.T, at urls, issuer string, edit func(url.Values)) (sent int, err error) {
	t.Helper()
	c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", TokenURL: at.token, Grant: connectorauth.AuthorizationCode{AuthURL: at.auth, Issuer: issuer},
		HTTPClient: &http.Client{Transport: fakehttp.RoundTripper(func(*http.Request) (*http.Response, error) {
			sent++
			return fakehttp.Respond(200, `{"access_token":"a","refresh_token":"r"}`), nil
		})},
	}))
	assert.Equal(t, issuer, c.Issuer())
	authURL, pending, err := c.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	callback := url.Values{"state": must(url.Parse(authURL)).Query()["state"], "code": {"c"}}
	edit(callback)
	return sent, c.Finish(t.Context(), pending, callback)
}

// RFC 9207 section 2.4 leaves an iss that was not announced to local policy: its
// origin must be that of the provider's URLs.
func TestIssuerThatIsNotConfigured(t *testing.T) {
	for _, test := range []struct {
		at   urls
		iss  string
		fine bool
	}{
		{google, "https://accounts.google.com", true},
		{google, "https://oauth2.googleapis.com", true},
		{google, "https://ACCOUNTS.google.com:443/", true},
		{github, "https://github.com/login/oauth", true},
		{microsoft, "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0", true},
		{okta, "https://dev-1.okta.com/oauth2/default", true},
		{auth0, "https://acme.eu.auth0.com/", true},
		{keycloak, "https://sso.example/realms/a", true},
		{xero, "https://identity.xero.com", true},
		{intuit, "https://oauth.platform.intuit.com/op/v1", true},
		{local, "http://127.0.0.1:8080", true},
		{google, "", true},

		{google, "https://honest.example", false},
		{google, "https://google.com", false},
		{google, "https://accounts.google.com.evil.example", false},
		{google, "https://accounts.google.com:8443", false},
		{google, "https://accounts.google.com@evil.example", false},
		{google, "https://user@accounts.google.com", false},
		{google, "https://accounts.google.com#evil", false},
		{google, "http://accounts.google.com", false},
		{google, "accounts.google.com", false},
		{google, "//accounts.google.com", false},
		{google, "https%3A%2F%2Faccounts.google.com", false},
		{google, " https://accounts.google.com", false},
		{okta, "https://dev-2.okta.com/oauth2/default", false},
		{microsoft, "https://login.microsoftonline.us/common/v2.0", false},
		{local, "http://127.0.0.1:8081", false},
		{local, "https://127.0.0.1:8080", false},
	} {
		sent, err := finishWith(t, test.at, "", func(v url.Values) { v.Set("iss", test.iss) })
		if test.fine {
			assert.NoError(t, err, test.iss)
			continue
		}
		assert.ErrorContains(t, err, "issuer", test.iss)
		assert.Zero(t, sent, test.iss)
	}
	for name, edit := range map[string]func(url.Values){
		"twice":     func(v url.Values) { v["iss"] = []string{"https://accounts.google.com", "https://accounts.google.com"} },
		"and empty": func(v url.Values) { v["iss"] = []string{"", "https://honest.example"} },
		"on a refusal": func(v url.Values) {
			v.Del("code")
			v.Set("error", "access_denied")
			v.Set("iss", "https://honest.example")
		},
	} {
		sent, err := finishWith(t, google, "", edit)
		assert.ErrorContains(t, err, "connectorauth: the callback", name)
		assert.False(t, errors.As(err, new(*connectorauth.TokenError)), "a mix-up is not the provider's refusal")
		assert.Zero(t, sent)
	}
}

func TestErrorOfAForeignIssuerSaysWhatToDo(t *testing.T) {
	_, err := finishWith(t, google, "", func(v url.Values) { v.Set("iss", "https://honest.example/\r\nX: 1\x1b"+strings.Repeat("a", 1000)) })
	require.ErrorContains(t, err, `"https://honest.example/  X: 1 aaa`)
	assert.ErrorContains(t, err, "https://accounts.google.com or https://oauth2.googleapis.com")
	assert.ErrorContains(t, err, "set Issuer")
	assert.Less(t, len(err.Error()), 500)

	_, err = finishWith(t, github, "", func(v url.Values) { v.Set("iss", "https://honest.example") })
	assert.ErrorContains(t, err, "not at https://github.com (RFC 9207)")
	_, err = finishWith(t, github, "https://github.com/login/oauth", func(v url.Values) { v.Set("iss", "https://github.com") })
	assert.ErrorContains(t, err, `"https://github.com", not from "https://github.com/login/oauth"`)
}

func TestOnlyTheCodeGrantHasAnIssuer(t *testing.T) {
	c := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: "secret", TokenURL: google.token, Grant: connectorauth.ClientCredentials{},
	}))
	assert.Empty(t, c.Issuer())
}
