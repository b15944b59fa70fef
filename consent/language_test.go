package consent_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/require"
)

// languageOf returns what a request with this Accept-Language sees.
func (a *app) languageOf(query, accept string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", a.config.URL+query, nil)
	if accept != "" {
		r.Header.Set("Accept-Language", accept)
	}
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	return w
}

func TestPagesSpeakTheLanguageOfThePerson(t *testing.T) {
	a := newApp(t, authtest.Config{}, func(a *app) {
		a.config.Pages.Languages = map[string]consent.Messages{"en": {}, "de": {}, "fr": {}, "pt-BR": {}, "zh-Hant": {}}
	})
	for accept, want := range map[string]string{
		"":                                   "en",
		"de":                                 "de",
		"DE":                                 "de",
		"de-CH":                              "de",
		"de-Latn-CH-1901, en":                "de",
		"pt-br":                              "pt-BR",
		"pt":                                 "pt-BR",
		"pt-PT, fr":                          "pt-BR",
		"zh-Hant-TW":                         "zh-Hant",
		"zh-Hant-x-private":                  "zh-Hant",
		"en;q=0.5, de;q=0.8":                 "de",
		"en;q=0.5,de;q=0.8,fr;q=0.9":         "fr",
		"es, it;q=0.9, de;q=0.1":             "de",
		"de ; q=0.3 , fr ; q=0.4":            "fr",
		"de;Q=1.0, en;q=0.999":               "de",
		"fr, de":                             "fr",
		"de;q=0, fr;q=0.1":                   "fr",
		"de;q=0":                             "en",
		"de-AT, de;q=0, fr;q=0.5":            "de",
		"*":                                  "en",
		"*, de;q=0.5":                        "de",
		"de;q=2, fr":                         "de",
		"de;level=1, fr;q=0.1":               "en", // a malformed header says nothing
		"de_DE, fr;q=0.1":                    "de",
		"de;q=-1":                            "en",
		"de;1, fr;q=0.1":                     "en",
		"de;q=x, de-AT":                      "en",
		"<script>, ../../de":                 "en",
		",,;q=1,;":                           "en",
		"tlh, i-klingon, de":                 "de",
		strings.Repeat("es, ", 5000) + "de":  "en", // no more than a kilobyte is read
		"de," + strings.Repeat("x-y, ", 500): "de",
	} {
		w := a.languageOf("/callback/x", accept)
		require.Contains(t, w.Body.String(), `<html lang="`+want+`" dir="ltr">`, accept)
		require.Equal(t, want, w.Header().Get("Content-Language"), accept)
		require.Contains(t, w.Header().Values("Vary"), "Accept-Language")
	}
	r := httptest.NewRequest("GET", a.config.URL+"/callback/x", nil)
	r.Header["Accept-Language"] = []string{"es", "de"} // two headers are one list
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	require.Equal(t, "de", w.Header().Get("Content-Language"))
}

func TestDefaultLanguage(t *testing.T) {
	a := newApp(t, authtest.Config{})
	for _, test := range []struct {
		languages map[string]consent.Messages
		otherwise string
		want      string
	}{
		{nil, "", "en"},
		{nil, "de", "de"},
		{nil, "DE", "de"},
		{map[string]consent.Messages{"de": {}}, "", "de"},
		{map[string]consent.Messages{"it": {}, "fr": {}}, "", "fr"},
		{map[string]consent.Messages{"it": {}, "fr": {}}, "it", "it"},
	} {
		a.config.Pages = consent.Pages{Languages: test.languages, Default: test.otherwise}
		a.handler = a.newHandler()
		require.Equal(t, test.want, a.languageOf("/callback/x", "es").Header().Get("Content-Language"), "%+v", test)
	}
}

func TestLanguageOfTheStart(t *testing.T) {
	a := newApp(t, authtest.Config{})
	b := a.newBrowser()
	callback, err := a.provider.Deny(a.start(b, "connector=oauth2&language=de"))
	require.NoError(t, err)
	got := b.get(callback.String())
	require.Contains(t, got.body, "Der Zugriff wurde nicht erlaubt")
	require.Contains(t, html.UnescapeString(got.body), a.config.URL+"/start?connector=oauth2&language=de", "the next try is in German too")

	for _, language := range []string{"xx", "de_DE", "<b>", "../de", strings.Repeat("a", 5000)} { // costs the language only
		w := a.languageOf("/start?connector=nobody&language="+language, "de")
		require.Equal(t, http.StatusForbidden, w.Code)
		require.Equal(t, "de", w.Header().Get("Content-Language"))
	}
	w := a.languageOf("/start?connector=nobody&language=de-AT", "en")
	require.Equal(t, "de", w.Header().Get("Content-Language"))
}

func TestTextsThatAreMissingAreThoseOfTheNearestLanguage(t *testing.T) {
	a := newApp(t, authtest.Config{}, func(a *app) {
		a.config.Pages.Languages = map[string]consent.Messages{
			"de":    {Retry: "Nochmals versuchen"},
			"de-CH": {Continue: "Weiter"},
			"fr":    {Failed: map[consent.Reason]consent.Text{consent.ReasonUnknown: {Title: "Aucune connexion en cours"}}},
		}
	})
	confirmation := func(language string) string {
		r := httptest.NewRequest("GET", a.config.URL+"/start?connector=oauth2&language="+language, nil)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		w := httptest.NewRecorder()
		a.handler.ServeHTTP(w, r)
		return w.Body.String()
	}
	swiss := confirmation("de-CH")
	require.Contains(t, swiss, ">Weiter</a>")
	require.Contains(t, swiss, "Möchten Sie ein Konto verbinden?")
	require.Contains(t, a.languageOf("/start?connector=nobody", "de-CH").Body.String(), ">Nochmals versuchen</a>")
	require.Contains(t, confirmation("de"), ">Fortfahren</a>")

	french := a.languageOf("/callback/x?state=s", "fr").Body.String()
	require.Contains(t, french, `<html lang="fr"`)
	require.Contains(t, french, "Aucune connexion en cours")
	require.Contains(t, french, "No account was connected just now.")
}

func TestRightToLeftPages(t *testing.T) {
	a := newApp(t, authtest.Config{}, func(a *app) {
		a.config.Service = func(string) string { return "Google Calendar" }
		a.config.Pages.Languages = map[string]consent.Messages{"en": {}, "ar": {Failed: map[consent.Reason]consent.Text{
			consent.ReasonNotAllowed: {Title: "لا يمكنك ربط هذا الحساب[ في {service}]"},
		}}, "az-Arab": {}, "az": {}, "ug-Latn": {}, "he-IL": {}}
	})
	w := a.languageOf("/start?connector=nobody", "ar-EG")
	require.Contains(t, w.Body.String(), `<html lang="ar" dir="rtl">`)
	require.Contains(t, w.Body.String(), "في \u2068Google Calendar\u2069<", "the name keeps its own direction")
	for tag, want := range map[string]string{"az-Arab": "rtl", "az": "ltr", "ug-Latn": "ltr", "he-IL": "rtl", "en": "ltr"} {
		require.Contains(t, a.languageOf("/callback/x", tag).Body.String(), `<html lang="`+tag+`" dir="`+want+`">`)
	}
}

func TestScriptSpeaksTheLanguageOfThePerson(t *testing.T) {
	a := newApp(t, authtest.Config{}, func(a *app) {
		a.config.Pages.Languages = map[string]consent.Messages{"en": {}, "pt-BR": {Closed: "</script>\u2028fechada"}}
	})
	const english = "The window was closed before an account was connected."
	for accept, want := range map[string]string{
		"":      `{"":"` + english + `","en":"` + english + `","pt-br":"\u003c/script\u003e\u2028fechada"}`,
		"pt-BR": `{"":"\u003c/script\u003e\u2028fechada","en":"` + english + `","pt-br":"\u003c/script\u003e\u2028fechada"}`,
	} {
		w := a.languageOf("/connect.js", accept)
		require.Contains(t, w.Body.String(), "var closed = "+want+";")
		require.Contains(t, w.Header().Values("Vary"), "Accept-Language")
		again := httptest.NewRequest("GET", a.config.URL+"/connect.js", nil)
		again.Header.Set("If-None-Match", w.Header().Get("ETag"))
		second := httptest.NewRecorder()
		a.handler.ServeHTTP(second, again)
		require.Equal(t, accept == "", second.Code == http.StatusNotModified, "the ETag is that of one language")
	}
}
