package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/require"
)

// Every page is checked in both languages, colour schemes and sizes of window: nothing
// is wider than the window or cut off, and axe-core finds no fault, such as a contrast
// below WCAG AA or a button without a name. Pictures are left for people to look at.
func TestPagesAreWellMade(t *testing.T) {
	source := axe(t)
	for _, language := range []string{"en", "de"} {
		for _, scheme := range []string{"light", "dark"} {
			t.Run(language+" "+scheme, func(t *testing.T) {
				t.Parallel()
				tab := launch(t)
				g := newGallery(t, "Google Kalender", consent.Pages{Name: "Acme"})
				prefer(t, tab, language, scheme)
				for _, subject := range subjects {
					g.show(tab, subject)
					do(t, tab, script(source))
					require.Equal(t, language, get(t, tab, chromedp.Evaluate[string](`document.documentElement.lang`)))
					for _, width := range []int64{320, 1280} {
						name := fmt.Sprintf("%s-%s-%s-%d", subject, language, scheme, width)
						do(t, tab, chromedp.EmulateViewport(width, 640))
						requireFits(t, tab, name)
						requireAccessible(t, tab, name)
						picture(t, tab, name)
					}
					requireFocusOrder(t, tab, subject)
				}
			})
		}
	}
}

// Nothing breaks with long words, large text or another direction.
func TestPagesBearEveryName(t *testing.T) {
	source := axe(t)
	tab := launch(t)
	long := "Donaudampfschifffahrtsgesellschaftskapitänsmützenverwaltung"
	logo := []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 40" width="600" height="40"><rect width="600" height="40" rx="8" fill="#a0f"/></svg>`)
	arabic := consent.Messages{
		Connected: consent.Text{Title: "تم ربط حسابك[ في {service}]", Message: "يمكنك إغلاق هذه النافذة[ والعودة إلى {name}]."},
		Back:      "العودة[ إلى {name}]", Close: "إغلاق النافذة", Retry: "إعادة المحاولة", Continue: "متابعة",
		Confirm: consent.Text{Title: "هل تريد ربط حسابك[ في {service}]؟", Message: "رابط في موقع آخر أوصلك إلى هنا."},
	}
	g := newGallery(t, long+" & "+long+" GmbH", consent.Pages{
		Name: "Acme " + long, Logo: logo, Accent: "#c2410c", Languages: map[string]consent.Messages{"de": {}, "ar": arabic},
	})
	for _, language := range []string{"de", "ar"} {
		for _, scheme := range []string{"light", "dark"} {
			prefer(t, tab, language, scheme)
			for _, subject := range []string{"connected", "confirm", "refused"} {
				g.show(tab, subject)
				do(t, tab, script(source))
				shown := get(t, tab, chromedp.Evaluate[bool](`document.querySelector("img").naturalWidth > 0`))
				require.True(t, shown, "the policy blocks the logo")
				want := map[string]string{"de": "ltr", "ar": "rtl"}[language]
				require.Equal(t, want, get(t, tab, chromedp.Evaluate[string](`getComputedStyle(document.body).direction`)))
				for _, text := range []string{"100%", "200%"} {
					do(t, tab, script(`document.documentElement.style.fontSize = "`+text+`"`))
					for _, width := range []int64{320, 640, 1280} { // 640 is 1280 at a zoom of 200 %
						name := fmt.Sprintf("long-%s-%s-%s-%s-%d", subject, language, scheme, text, width)
						do(t, tab, chromedp.EmulateViewport(width, 640))
						requireFits(t, tab, name)
						picture(t, tab, name)
					}
				}
				requireAccessible(t, tab, subject)
			}
		}
	}
}

// requireFits checks that nothing is outside the window or cut off.
func requireFits(t *testing.T, tab context.Context, name string) {
	t.Helper()
	outside := get(t, tab, chromedp.Evaluate[[]string](`[...document.querySelectorAll("html, body, body *:not(script)")].filter((e) => {
		const box = e.getBoundingClientRect();
		return box.left < 0 || box.right > innerWidth + 0.5 || box.top + scrollY < 0 || (e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0);
	}).map((e) => e.tagName + "#" + e.id)`))
	require.Empty(t, outside, name)
	styled := get(t, tab, chromedp.Evaluate[bool](`getComputedStyle(document.querySelector("main")).borderRadius !== "0px"`))
	require.True(t, styled, "the policy blocks the style")
}

// requireAccessible checks that axe-core finds no fault, and is sure of every
// contrast.
func requireAccessible(t *testing.T, tab context.Context, name string) {
	t.Helper()
	faults := get(t, tab, chromedp.Evaluate[[]string](`axe.run().then((found) => [...found.violations, ...found.incomplete].map(
		(fault) => fault.id + ": " + fault.help + ": " + fault.nodes.map((node) => node.html + " " + node.any.map((c) => c.message)).join(" ")))`,
		chromedp.EvalAwaitPromise))
	require.Empty(t, faults, name)
}

// requireFocusOrder checks that the Tab key leads through the links of the page from
// top to bottom, the main link first, and that each has a ring when it has the focus.
func requireFocusOrder(t *testing.T, tab context.Context, subject string) {
	t.Helper()
	want := []string{"back"}
	switch subject {
	case "confirm":
		want = []string{"continue", "back"}
	case "typing":
		want = []string{"open", "back"}
	case "denied", "invalid", "expired", "mixup", "not_allowed", "refused", "provider", "store", "internal":
		want = []string{"retry", "back"}
	case "provider&popup=0a":
		want = []string{"retry", "close"}
	case "used&popup=0a":
		want = []string{"close"}
	}
	top := 0.0
	for _, id := range want {
		do(t, tab, chromedp.KeyEvent(kb.Tab))
		require.Equal(t, id, get(t, tab, chromedp.Evaluate[string](`document.activeElement.id`)), subject)
		ring := get(t, tab, chromedp.Evaluate[string](`getComputedStyle(document.activeElement).outline`))
		require.Contains(t, ring, "solid 3px", subject)
		next := get(t, tab, chromedp.Evaluate[float64](`document.activeElement.getBoundingClientRect().top`))
		require.Greater(t, next, top)
		top = next
	}
	do(t, tab, script(`document.activeElement.blur()`))
}

// picture leaves a picture of the page if somebody wants it.
func picture(t *testing.T, tab context.Context, name string) {
	t.Helper()
	folder := os.Getenv("CONNECTORAUTH_TEST_SCREENSHOTS")
	if folder == "" {
		return
	}
	require.NoError(t, os.MkdirAll(folder, 0o755))
	image := get(t, tab, chromedp.CaptureScreenshot())
	require.NoError(t, os.WriteFile(filepath.Join(folder, name+".png"), image, 0o644))
}
