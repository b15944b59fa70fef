package look

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

// On every accent that is taken, and on every accent that is made for dark pages, the
// text has the contrast of WCAG AA; and the card has the colour that was reckoned with.
func TestAccentsKeepTheirContrast(t *testing.T) {
	require.Contains(t, partsHTML, "--card: "+lightCard+";")
	require.Contains(t, partsHTML, "--card: "+darkCard+";")
	require.InDelta(t, 21, contrast("#000000", "#ffffff"), 1e-9)
	require.InDelta(t, 4.54, contrast("#767676", "#ffffff"), 0.01) // the lightest grey of WCAG's tools
	require.InDelta(t, 10.37, contrast("#404040", "#ffffff"), 0.01)
	require.InDelta(t, 1.0607, contrast("#0a0a0a", "#000000"), 0.0001) // linear, as colours up to #0a0a0a are
	for _, colour := range []string{"#abcd", "#abcdef01", "abcdef1", "#xyzxyz", "#"} {
		_, err := accentOn(lightCard, colour, "")
		require.ErrorContains(t, err, "is not a colour", colour)
	}
	for _, colour := range []string{"#000033", "#000000", defaultAccent} {
		made, err := accentOn(darkCard, "", colour)
		require.NoError(t, err)
		require.GreaterOrEqual(t, contrast(made.background, darkCard), float64(minShape), colour)
		require.GreaterOrEqual(t, contrast(made.background, made.text), minText, colour)
	}
	random, taken := rand.New(rand.NewPCG(1, 2)), 0
	for range 20_000 {
		const hex = "0123456789abcdef"
		colour := "#"
		for range 6 {
			colour += string(hex[random.IntN(16)])
		}
		for _, card := range []string{lightCard, darkCard} {
			if a, err := accentOn(card, colour, ""); err == nil {
				taken++
				require.Equal(t, colour, a.background)
				require.GreaterOrEqual(t, contrast(a.background, a.text), minText, colour)
			}
		}
		a := newAccent(colour).on(darkCard)
		require.GreaterOrEqual(t, contrast(a.background, a.text), minText, colour)
		require.GreaterOrEqual(t, contrast(a.background, darkCard), float64(minShape), colour)
	}
	require.Greater(t, taken, 10_000)
}

func FuzzMessages(f *testing.F) {
	f.Add("Your[ {service}] account is connected", "Google", "")
	f.Add("[{service}|The service] of {name}", "{name}", "[|]")
	f.Add("a]b[c{d}e|f", "", "")
	f.Add("[{service}|the {n}]", "Google", "")
	f.Fuzz(func(t *testing.T, text, service, name string) {
		_, wrong := Fill(text, map[string]string{"service": "", "name": ""})
		filled, err := Fill(text, map[string]string{"service": service, "name": name})
		if (err == nil) != (wrong == nil) {
			t.Fatalf("%q is checked as %v, and filled with %v", text, wrong, err)
		}
		if err == nil && service == "" && name == "" && len(filled) > len(text) {
			t.Fatalf("%q became %q", text, filled)
		}
	})
}

func requestIn(language string) *http.Request {
	return &http.Request{Header: http.Header{"Accept-Language": {language}}}
}

// Whatever a browser sends, there is a language, and the default without a good reason.
func FuzzAcceptLanguage(f *testing.F) {
	f.Add("de-CH, fr;q=0.8, *;q=0.1")
	f.Add("de;q=0, en;q=0.001,,;q")
	f.Add("zh-Hant-x-a")
	f.Add("rm") // whose readers read German too
	f.Add("*;q=0.5, 1, -")
	look, err := New(Config{Languages: []string{"en", "de", "zh-Hant"}})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, header string) {
		in := look.Choose("", requestIn(header))
		if in != 0 && !strings.ContainsFunc(header, unicode.IsLetter) { // a header that names no language
			t.Fatalf("%q gives %s", header, look.Languages[in].Tag)
		}
	})
}
