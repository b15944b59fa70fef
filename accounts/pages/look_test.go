package pages_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/accounts/pages"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPagesSpeakTheLanguageOfThePerson(t *testing.T) {
	a := newApp(t, func(a *app) {
		a.config.Pages = consent.Pages{Name: "Contoso", Languages: map[string]consent.Messages{"en": {}, "de": {}, "fr": {}, "ar": {}}}
		a.config.Messages = map[string]pages.Messages{"fr": {"accounts": "Comptes", "back": "Retour[ à {name}]"}, "de": {"accounts": "Zugänge"}}
	})
	b := a.browser("o1")
	for accept, want := range map[string]string{"fr-CA": "Comptes", "de-AT": "Zugänge", "ja": "Accounts", "ar": "Accounts"} {
		r := b.get("", "Accept-Language", accept)
		assert.Contains(t, r.body, "<h1>"+want+"</h1>", accept)
		assert.Contains(t, r.Header.Values("Vary"), "Accept-Language")
	}
	assert.Contains(t, b.get("", "Accept-Language", "ar").body, `<html lang="ar" dir="rtl">`)
	assert.Contains(t, b.get("?language=de").body, "Zugänge", "the program knows better")
	assert.Contains(t, b.get("connect?return_to=/&language=fr").body, "Retour à Contoso")
	status, failed := b.json("GET", "accounts/nobody?language=de", nil)
	assert.Equal(t, http.StatusNotFound, status)
	assert.Equal(t, "Es gibt kein solches Konto. Vielleicht ist es schon getrennt.", failed["message"])
}

// Browsers run no script but the handler's, load nothing, show no page in a frame, and send
// forms to the handler alone.
func TestHeadersOfPages(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	account := b.withKey()
	for _, path := range []string{"", "connect", "connect?service=acme", "account?id=" + account.ID, "reconnect?id=" + account.ID, "disconnect?id=" + account.ID, "account?id=none"} {
		r := b.get(path)
		nonce := regexp.MustCompile(`script-src 'nonce-([A-Z0-9]+)'`).FindStringSubmatch(r.Header.Get("Content-Security-Policy"))
		require.NotNil(t, nonce, path)
		assert.Equal(t, "default-src 'none'; img-src data:; style-src 'nonce-"+nonce[1]+"'; script-src 'nonce-"+nonce[1]+
			"'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'", r.Header.Get("Content-Security-Policy"))
		assert.Equal(t, "no-store", r.Header.Get("Cache-Control"))
		assert.Equal(t, "same-origin", r.Header.Get("Referrer-Policy"))
		for _, tag := range regexp.MustCompile(`<(script|style)[^>]*>`).FindAllString(r.body, -1) {
			assert.Contains(t, tag, ` nonce="`+nonce[1]+`"`)
		}
		assert.NotRegexp(t, ` (style|on\w+)="`, r.body)
		assert.NotContains(t, r.body, "ZgotmplZ", "html/template has refused a value")
	}
	r := b.get("api/accounts")
	assert.Equal(t, "same-origin", r.Header.Get("Cross-Origin-Resource-Policy"))
	assert.Equal(t, "nosniff", r.Header.Get("X-Content-Type-Options"))
	assert.Equal(t, "no-store", r.Header.Get("Cache-Control"))
}

// Nothing of a secret comes back, on any page and in any response.
func TestNoSecretComesBack(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	account := b.withKey()
	secrets := []string{"CANARY-key", "CANARY-wrong", "CANARY-other"}
	forms := map[string]string{
		"POST /connect":   "service=acme&v.apiKey=CANARY-wrong&v.team=NO",
		"POST /reconnect": "id=" + account.ID + "&v.apiKey=CANARY-other",
	}
	for _, pattern := range pages.Patterns() {
		if strings.HasPrefix(pattern, "DELETE") || pattern == "POST /disconnect" {
			continue
		}
		r := b.send(pattern, account.ID)
		assert.Empty(t, canary.Found(r.body+fmt.Sprint(r.Header), secrets...), pattern)
		if text := forms[pattern]; text != "" {
			r := b.do("POST", b.url+strings.TrimPrefix(pattern, "POST "), form, text)
			assert.Equal(t, http.StatusUnprocessableEntity, r.StatusCode, r.body)
			assert.Empty(t, canary.Found(r.body+fmt.Sprint(r.Header), secrets...), pattern)
		}
	}
	for _, body := range []string{`{"service": "acme", "values": {"apiKey": "CANARY-wrong"}}`, `{"service": "acme", "values": "CANARY-wrong"}`, `{"service": "acme", "values": {"x": "CANARY-wrong"}}`} {
		r := b.do("POST", b.url+"/api/accounts", "application/json", body)
		assert.Empty(t, canary.Found(r.body, secrets...), body)
	}
	assert.Empty(t, a.failed)
}

func TestMistakesOfTheConfig(t *testing.T) {
	_, err := pages.New(pages.Config{})
	assert.ErrorContains(t, err, "pages: New: Config.Registry: must not be nil\nConfig.Owner: must not be nil\nConfig.URL: ")
	assert.ErrorContains(t, err, "Config.Keys: is empty")
	config := newApp(t).config
	for want, change := range map[string]func(*pages.Config){
		"Config.URL: the path must have letters": func(c *pages.Config) { c.URL = "https://app.example/{id}" },
		"must not end in \"callback\"":           func(c *pages.Config) { c.URL = "https://app.example/callback" },
		`Config.Messages: "fr": is none of`:      func(c *pages.Config) { c.Messages = map[string]pages.Messages{"fr": {}} },
		`"acounts": is the word of no text`:      func(c *pages.Config) { c.Messages = map[string]pages.Messages{"en": {"acounts": "x"}} },
		`the placeholder "nmae" is unknown`:      func(c *pages.Config) { c.Messages = map[string]pages.Messages{"en": {"back": "Back to {nmae}"}} },
		"Config.Pages: Accent":                   func(c *pages.Config) { c.Pages.Accent = "red" },
		"Config.Origin: ":                        func(c *pages.Config) { c.Origin = "app.example" },
	} {
		c := config
		change(&c)
		_, err := pages.New(c)
		assert.ErrorContains(t, err, want)
	}
	h, err := pages.New(config)
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		assert.NotContains(t, fmt.Sprintf(verb, h), "kkkk")
	}
}

// A program that has registered a callback URL of another name keeps the name.
func TestCallbackOfADefinition(t *testing.T) {
	a := newApp(t, func(a *app) { a.config.Callback = func(definition string) string { return definition + ".v1" } })
	account, err := a.registry.Connect(t.Context(), accounts.Request{Owner: "o1", Definition: "acme", Method: "oauth"})
	require.NoError(t, err)
	r := a.browser("o1").get("start?connector=" + account.ID)
	require.Equal(t, http.StatusSeeOther, r.StatusCode)
	assert.Contains(t, r.Header.Get("Location"), "%2Fcallback%2Facme.v1&")
}
