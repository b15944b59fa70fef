package consent_test

import (
	"encoding/base64"
	"html"
	"html/template"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/require"
)

func TestPagesNameTheService(t *testing.T) {
	a := newApp(t, authtest.Config{}, func(a *app) {
		a.config.Pages.Name = "Acme & Söhne"
		a.config.Service = func(connector string) string {
			return map[string]string{"oauth2": "Google \u202e<Calendar>\r\n"}[connector]
		}
	})
	for language, want := range map[string]struct{ success, denied, confirm, back string }{
		"en": {"Your Google <Calendar> account is connected", "Access to Google <Calendar> was not allowed", "Do you want to connect your Google <Calendar> account?", "Back to Acme & Söhne"},
		"de": {"Ihr Konto bei Google <Calendar> ist verbunden", "Der Zugriff auf Google <Calendar> wurde nicht erlaubt", "Möchten Sie Ihr Konto bei Google <Calendar> verbinden?", "Zurück zu Acme & Söhne"},
	} {
		b := a.newBrowser()
		got := b.get(a.allow(b, "connector=oauth2&language="+language).String())
		require.Contains(t, got.body, "<title>"+template.HTMLEscapeString(want.success)+"</title>")
		require.Contains(t, got.body, template.HTMLEscapeString(want.back))

		callback, err := a.provider.Deny(a.start(b, "connector=oauth2&language="+language))
		require.NoError(t, err)
		require.Contains(t, b.get(callback.String()).body, template.HTMLEscapeString(want.denied))

		r := httptest.NewRequest("GET", a.config.URL+"/start?connector=oauth2&language="+language, nil)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		w := httptest.NewRecorder()
		a.handler.ServeHTTP(w, r)
		require.Contains(t, w.Body.String(), template.HTMLEscapeString(want.confirm))
	}
	w := a.languageOf("/start?connector=nobody", "")
	require.Contains(t, w.Body.String(), "<title>You cannot connect this account</title>")
}

func TestLoopbackPageIsTheProgramsOwn(t *testing.T) {
	a, flow := program(t, "oauth2")
	var address string
	open := func(authURL string) error {
		callback, err := a.provider.Authorize(authURL)
		if err != nil {
			return err
		}
		address = callback.String()
		return nil
	}
	pages := make(chan *http.Response, 1)
	err := consent.Loopback(t.Context(), flow, consent.LoopbackOptions{
		Service: "Google Kalender", Pages: consent.Pages{Name: "Acme", Logo: []byte("\x89PNG\r\n\x1a\n")}, Out: io.Discard,
		Open: func(authURL string) error {
			if err := open(authURL); err != nil {
				return err
			}
			r, err := http.NewRequest("GET", address, nil)
			if err != nil {
				return err
			}
			r.Header.Set("Accept-Language", "de-AT,de;q=0.9,en;q=0.5")
			go func() {
				resp, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Error(err)
				}
				pages <- resp
			}()
			return nil
		},
	})
	require.NoError(t, err)
	resp := <-pages
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "de", resp.Header.Get("Content-Language"))
	require.Contains(t, string(body), "Ihr Konto bei Google Kalender ist verbunden")
	require.Contains(t, string(body), "Sie können dieses Fenster jetzt schließen und zu Acme zurückkehren.")
	require.Contains(t, string(body), `src="data:image/png;base64,`)
	require.NotContains(t, string(body), `id="back"`)
}

func TestPagesAreChecked(t *testing.T) {
	pages := consent.Pages{
		Logo: []byte("GIF"), LogoDark: make([]byte, 65<<10), Accent: "#ffff00", AccentDark: "red", Default: "fr",
		Languages: map[string]consent.Messages{
			"es": {Connected: consent.Text{Title: "{servce} is connected"}, Back: "[Back", Close: "Close[ this]", Closed: "[{name}|{nme}]"},
			"en": {}, "EN": {}, "de_DE": {},
			"it": {Failed: map[consent.Reason]consent.Text{"unheard": {Title: "?"}, consent.ReasonDenied: {Message: "} [{name"}}},
		},
	}
	want := []string{
		"Logo: is not an SVG, PNG, JPEG, GIF or WebP image",
		"LogoDark: is larger than 64 KiB",
		"Accent: #ffff00 cannot be seen on the page, which is #ffffff: the contrast is 1.07:1, and must be 3:1",
		`AccentDark: "red" is not a colour such as #0a66c2`,
		`Default: "fr" is not among Languages`,
		`Languages: "en" is there twice`,
		`Languages: "de_DE" is not a language tag such as de or pt-BR`,
		`Connected: the placeholder "servce" is unknown; there are {name} and {service}`,
		`Back: "[Back" has a [ without a ]`,
		`Close: "Close[ this]" has no placeholder between [ and ]`,
		`Closed: the placeholder "nme" is unknown`,
		`Failed["unheard"]: is not a Reason`,
		`Failed["denied"]: "} " has a bracket without its other half`,
	}
	_, err := consent.New(consent.Config{URL: "https://app.example/connect", Keys: []connectorauth.Secret{testKey}, Pages: pages,
		Flow: func(*http.Request, string) (consent.Flow, error) { return nil, nil }})
	for _, problem := range want {
		require.ErrorContains(t, err, problem)
	}
	require.ErrorContains(t, err, "consent: Config.Pages: Logo: ")
	_, flow := program(t, "oauth2")
	err = consent.Loopback(t.Context(), flow, consent.LoopbackOptions{Pages: pages, Open: func(string) error {
		t.Error("the browser opened")
		return nil
	}})
	for _, problem := range want {
		require.ErrorContains(t, err, problem)
	}
	require.ErrorContains(t, err, "consent: LoopbackOptions.Pages: Logo: ")

	for _, pages := range []consent.Pages{
		{Languages: map[string]consent.Messages{}}, {LogoDark: []byte("\x89PNG\r\n\x1a\n")}, {AccentDark: "#000000"},
		{Accent: "#12345"}, {Accent: "#1234567"}, {Accent: "123456"}, {Accent: "#12345g"}, {Logo: []byte("<svg/>")}, {Logo: []byte("<html/>")},
	} {
		require.Error(t, consent.Loopback(t.Context(), flow, consent.LoopbackOptions{Pages: pages, Open: func(string) error { t.Error("opened"); return nil }}), "%+v", pages)
	}
}

func TestLogoIsInThePage(t *testing.T) {
	svg := []byte("<?xml version=\"1.0\"?>\n<!-- Acme -->\n<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1\"/>")
	for kind, logo := range map[string][]byte{
		"image/svg+xml": svg, "image/png": []byte("\x89PNG\r\n\x1a\n"), "image/jpeg": []byte("\xff\xd8\xff"), "image/gif": []byte("GIF89a"),
		"image/webp": []byte("RIFF\x00\x00\x00\x00WEBPVP8 "),
	} {
		a := newApp(t, authtest.Config{}, func(a *app) {
			a.config.Pages = consent.Pages{Name: `"Acme"`, Logo: logo}
		})
		page := a.languageOf("/callback/x", "").Body.String()
		require.Contains(t, html.UnescapeString(page), `<img src="data:`+kind+`;base64,`+base64.StdEncoding.EncodeToString(logo)+`" alt=""Acme"">`)
		require.NotContains(t, page, "<source")
		a.config.Pages.LogoDark = svg
		a.handler = a.newHandler()
		require.Contains(t, html.UnescapeString(a.languageOf("/callback/x", "").Body.String()), `<source srcset="data:image/svg+xml;base64,`+base64.StdEncoding.EncodeToString(svg)+`" media="(prefers-color-scheme: dark)">`)
	}
}

func TestAccentIsOnThePage(t *testing.T) {
	accents := regexp.MustCompile(`--act: (\S+); --on-act: (\S+);`)
	for _, test := range []struct{ light, dark, want string }{
		{"#c2410c", "", "#c2410c #ffffff #c2410c #ffffff"},
		{"#000000", "", "#000000 #ffffff #727272 #ffffff"}, // black, lighter on dark pages
		{"#E8890C", "", ""}, // 2.6:1 on white
		{"#0a66c2", "#ffcc00", "#0a66c2 #ffffff #ffcc00 #000000"},
	} {
		a := newApp(t, authtest.Config{})
		a.config.Pages = consent.Pages{Accent: test.light, AccentDark: test.dark}
		h, err := consent.New(a.config)
		if test.want == "" {
			require.ErrorContains(t, err, "cannot be seen")
			continue
		}
		require.NoError(t, err)
		a.handler = h
		var got []string
		for _, found := range accents.FindAllStringSubmatch(a.languageOf("/callback/x", "").Body.String(), -1) {
			got = append(got, found[1:]...)
		}
		require.Equal(t, test.want, strings.Join(got, " "))
	}
}
