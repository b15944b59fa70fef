package pages_test

import (
	"html"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// In a popup, the page of success tells the window that has opened the popup, and no other
// origin.
func TestPopupTellsItsOpener(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	form := fields(t, b.get("connect?service=acme&popup=0a1b&language=de").body)
	assert.Equal(t, "0a1b", form.Get("popup"))
	wrong := b.post("connect", with(form, "v.apiKey", "CANARY-wrong"))
	assert.NotContains(t, wrong.body, "data-outcome", "nothing has ended yet")
	done := b.follow(b.post("connect", with(fields(t, wrong.body), "v.apiKey", "CANARY-key")))
	account := a.one("o1")
	assert.Contains(t, done.body, `data-origin="`+a.server.URL+`" data-popup="0a1b" data-outcome="connected" data-text="" data-account="`+account.ID+`" data-stay>`)
	assert.Contains(t, done.body, "Verbunden als ada by ApiKey.")
	assert.NotContains(t, done.body, "Alle Konten", "the program is in the other window")
	assert.NotContains(t, b.get("account?did=connected&id="+account.ID).body, "data-outcome", "no popup")
}

// A consent goes on in the popup of the form.
func TestConsentInThePopup(t *testing.T) {
	a := newApp(t, func(a *app) { a.config.Origin = "https://product.example" })
	b := a.browser("o1")
	waiting := b.follow(b.post("connect", fields(t, b.get("connect?service=acme&method=oauth&popup=0a1b").body)))
	callback, err := a.provider.Authorize(b.get(html.UnescapeString(attribute(waiting.body, "data-go"))).Header.Get("Location"))
	require.NoError(t, err)
	done := b.get(callback.String())
	assert.Equal(t, http.StatusOK, done.StatusCode)
	assert.Contains(t, done.body, `data-origin="https://product.example" data-popup="0a1b" data-outcome="connected"`)
	assert.Contains(t, done.body, `data-account="`+a.one("o1").ID+`"`)
	assert.Contains(t, done.body, "Your Acme &lt;Tools&gt; account is connected")
}

// The way back is a path of the program's origin, whatever a link says.
func TestWayBack(t *testing.T) {
	a := newApp(t)
	b := a.browser("o1")
	for to, want := range map[string]string{
		"/settings?tab=2": a.server.URL + "/settings?tab=2", "https://evil.example": "", "//evil.example": "", `/\evil.example`: "", "javascript:alert(1)": "",
	} {
		page := b.get("connect?return_to=" + url.QueryEscape(to)).body
		if want == "" {
			assert.NotContains(t, page, `id="back"`, to)
			assert.NotContains(t, page, "evil")
			continue
		}
		assert.Contains(t, page, `<a id="back" href="`+want+`">Back to the application</a>`)
		assert.Contains(t, page, `href="/my/accounts/connect?return_to=%2Fsettings%3Ftab%3D2&amp;service=acme"`)
	}
	for _, query := range []string{"popup=xyz", "language=%3Cscript%3E", "popup=%22%3E"} {
		r := b.get("connect?" + query)
		assert.Equal(t, http.StatusOK, r.StatusCode)
		assert.NotContains(t, r.body, "xyz")
	}
	// After a consent, too, even if the way back leaves no room in the cookie.
	long := "/" + string(make([]byte, 0)) + url.PathEscape(string(make([]byte, 330)))
	waiting := b.follow(b.post("connect", fields(t, b.get("connect?service=acme&method=oauth&return_to="+url.QueryEscape(long)).body)))
	callback, err := a.provider.Authorize(b.get(html.UnescapeString(attribute(waiting.body, "data-go"))).Header.Get("Location"))
	require.NoError(t, err)
	assert.Equal(t, a.server.URL+long, b.get(callback.String()).Header.Get("Location"))
}

// connect.js opens the form, the form of an account, and a consent.
func TestScriptOpensThePages(t *testing.T) {
	a := newApp(t)
	r := a.browser("").get("connect.js", "Accept-Language", "de")
	assert.Equal(t, http.StatusOK, r.StatusCode)
	assert.Equal(t, "text/javascript; charset=utf-8", r.Header.Get("Content-Type"))
	assert.Contains(t, r.body, `{"connect":["connect","service"],"consent":["",""],"reconnect":["reconnect","id"]}`)
	assert.Contains(t, r.body, `"":"Das Fenster wurde geschlossen, bevor ein Konto verbunden war."`)
}
