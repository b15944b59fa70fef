package pages_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSearchSortsByTitle(t *testing.T) {
	var documents []string
	for _, names := range [][2]string{{"a-post", "Fast Mail"}, {"b", "Mail One"}, {"c", "Mail Two"}, {"d", "Other"}} {
		documents = append(documents, `{"connectorauth": 1, "name": "`+names[0]+`", "title": "`+names[1]+`", "baseUrl": "https://api.example", "methods": [
			{"name": "key", "type": "ApiKey", "key": "{apiKey}", "placement": {"name": "X-Api-Key"}, "inputs": [{"name": "apiKey", "secret": true}]}]}`)
	}
	b := newAppOf(t, documents).browser("o1")
	for query, want := range map[string]string{"q=mail": "b c a-post", "q=a-post": "a-post", "limit=4": "a-post b c d", "limit=3": "a-post b c >"} {
		_, got := b.json("GET", "services?"+query, nil)
		var list []string
		for _, s := range got["services"].([]any) {
			list = append(list, s.(map[string]any)["name"].(string))
		}
		if got["more"] == true {
			list = append(list, ">")
		}
		assert.Equal(t, want, strings.Join(list, " "), query)
	}
}

// A form without a method is that of the account's method, and the form of another method has
// no value of the account.
func TestMethodOfAReconnect(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	account, err := a.registry.Connect(t.Context(), accounts.Request{
		Owner: "o1", Definition: "basic", Method: "mail", Values: values{"user": "ada@acme.example", "number": "1"},
	})
	require.NoError(t, err)
	path := "accounts/" + account.ID
	_, form := b.json("GET", path+"/form", nil)
	assert.Equal(t, "mail", form["method"])
	assert.Contains(t, text(t, form), "ada@acme.example")
	_, form = b.json("GET", path+"/form?method=password", nil)
	assert.Equal(t, "password", form["method"])
	assert.NotContains(t, text(t, form), "ada@acme.example")
	status, got := b.json("POST", path+"/reconnect", map[string]any{"values": map[string]string{"number": "2"}})
	assert.Equal(t, http.StatusOK, status, got)
	given, err := a.registry.Given(t.Context(), account.ID)
	require.NoError(t, err)
	assert.Equal(t, connectorauth.Secret("2"), given.Given()["number"])
}

// What a test finds is in the account. A test that has found nothing is an error.
func TestWhatATestFinds(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	account := b.withConsent()
	path := "accounts/" + account.ID + "/test"
	a.provider.ExpireAccessTokens()
	a.provider.Inject(a.provider.TokenURL, authtest.Always, authtest.Answer(429, http.Header{"Retry-After": {"60"}}, ""))
	status, got := b.json("POST", path, map[string]any{})
	assert.Equal(t, http.StatusServiceUnavailable, status, "the provider has put the test off: %v", got)
	assert.Equal(t, "unavailable", got["reason"])
	page := b.post("test", url.Values{"id": {account.ID}})
	assert.Equal(t, http.StatusServiceUnavailable, page.StatusCode)
	assert.Contains(t, page.body, "The service cannot be reached at the moment.")
	assert.Equal(t, account, a.one("o1"))
	assert.Empty(t, a.failed)
	a.provider.ClearFaults()

	a = newApp(t)
	b = a.browser("o1")
	account = b.withConsent()
	path = "accounts/" + account.ID + "/test"
	a.mu.Lock()
	a.user = "bob"
	a.mu.Unlock()
	status, got = b.json("POST", path, map[string]any{})
	assert.Equal(t, []any{http.StatusOK, "reauth_required"}, []any{status, got["status"]}, "another identity")
	a.provider.RevokeGrants()
	status, got = b.json("POST", path, map[string]any{})
	assert.Equal(t, []any{http.StatusOK, "reauth_required"}, []any{status, got["status"]}, "the consent has ended")

	_, created := b.json("POST", "accounts", map[string]any{"service": "acme", "method": "oauth"})
	status, got = b.json("POST", "accounts/"+created["id"].(string)+"/test", map[string]any{})
	assert.Equal(t, []any{http.StatusConflict, "connecting"}, []any{status, got["reason"]})
}

// A person who gives an account to another identity is told if an account has the identity
// already, unless the person insists.
func TestReconnectAsAnotherAccountOfTheOwner(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	first := b.withKey()
	a.mu.Lock()
	a.user = "bob"
	a.mu.Unlock()
	second := b.withKey()
	a.mu.Lock()
	a.user = "ada"
	a.mu.Unlock()
	body := map[string]any{"values": map[string]string{"apiKey": "CANARY-key"}, "otherIdentity": true}
	status, got := b.json("POST", "accounts/"+second.ID+"/reconnect", body)
	assert.Equal(t, []any{http.StatusConflict, first.ID}, []any{status, got["account"]})
	body["duplicate"] = true
	status, got = b.json("POST", "accounts/"+second.ID+"/reconnect", body)
	assert.Equal(t, []any{http.StatusOK, "ada"}, []any{status, got["identity"]})
}

// The scopes of a reconnect are those that the person has chosen.
func TestScopesOfAReconnect(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	account := b.withConsent()
	_, got := b.json("POST", "accounts/"+account.ID+"/reconnect", map[string]any{"scopes": []string{"write"}})
	u, err := url.Parse(b.get(got["consent"].(string)).Header.Get("Location"))
	require.NoError(t, err)
	assert.Equal(t, "write", u.Query().Get("scope"))
	assert.Len(t, a.done, 1, "the second consent has not ended")
}

// Browsers send line breaks of a key as two characters.
func TestKeyOfSeveralLines(t *testing.T) {
	a := newAppOf(t, []string{`{"connectorauth": 1, "name": "signed", "baseUrl": "https://api.example", "methods": [{"name": "a", "type": "OAuth1",
		"inputs": [{"name": "key", "secret": true, "format": "key"}], "signatureMethod": "RSA-SHA256", "private": "{key}"}]}`})
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	text := strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	b := a.browser("o1")
	assert.NotContains(t, b.get("connect?service=signed").body, "asks you for your consent")
	r := b.post("connect", url.Values{"service": {"signed"}, "v.key": {strings.ReplaceAll(text, "\n", "\r\n")}})
	require.Equal(t, http.StatusSeeOther, r.StatusCode, "%v", a.failed)
	given, err := a.registry.Given(t.Context(), a.one("o1").ID)
	require.NoError(t, err)
	assert.True(t, given.Given()["key"] == connectorauth.Secret(text))
}

// The start of a consent is refused where there is none, and the program is told who consents.
func TestStartOfAConsentThatIsOver(t *testing.T) {
	a := newApp(t, func(a *app) {
		a.config.Actor = func(r *http.Request) string { return r.Header.Get("X-Member") }
	})
	b := a.browser("o1")
	account := b.withConsent()
	assert.Equal(t, http.StatusForbidden, b.get("start?connector="+account.ID).StatusCode, "no consent is open")
	_, got := b.json("POST", "accounts/"+account.ID+"/reconnect", map[string]any{})
	callback, err := a.provider.Authorize(b.get(got["consent"].(string)).Header.Get("Location"))
	require.NoError(t, err)
	require.Equal(t, http.StatusSeeOther, b.get(callback.String(), "X-Member", "ada").StatusCode)
	a.mu.Lock()
	last := a.audit[len(a.audit)-1]
	a.mu.Unlock()
	assert.Equal(t, []any{accounts.ActionReconnect, "ada"}, []any{last.Action, last.Actor})

	_, got = b.json("POST", "accounts/"+account.ID+"/reconnect", map[string]any{})
	a.provider.Inject(a.provider.RevokeURL, authtest.Always, authtest.Answer(503, nil, ""))
	status, _ := b.json("DELETE", "accounts/"+account.ID, nil)
	require.Equal(t, http.StatusAccepted, status)
	assert.Equal(t, http.StatusForbidden, b.get(got["consent"].(string)).StatusCode, "the account is being disconnected")
}

// The program is told of each account that the API connects, and the response says its language.
func TestAPITellsTheProgram(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	_, created := b.json("POST", "accounts", map[string]any{"service": "acme", "values": map[string]string{"apiKey": "CANARY-key"}})
	assert.Len(t, a.done, 1)
	path := "accounts/" + created["id"].(string) + "/reconnect"
	status, _ := b.json("POST", path, map[string]any{})
	assert.Equal(t, http.StatusOK, status)
	assert.Len(t, a.done, 2)
	assert.Equal(t, "de", b.get("api/accounts?language=de").Header.Get("Content-Language"))
}

// A popup tells the origin of the program's pages, and leads back there.
func TestPopupOfAnotherOrigin(t *testing.T) {
	a := newApp(t, func(a *app) { a.config.Origin, a.config.URL = "https://product.example", a.url+"/" })
	b := a.browser("o1")
	assert.Contains(t, b.get("connect?return_to=/settings").body, `<a id="back" href="https://product.example/settings">`)
	form := fields(t, b.get("connect?service=acme&popup=0a1b").body)
	done := b.follow(b.post("connect", with(form, "v.apiKey", "CANARY-key")))
	assert.Contains(t, done.body, `data-origin="https://product.example" data-popup="0a1b" data-outcome="connected"`)
}
