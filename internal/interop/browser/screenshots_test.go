package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/require"
)

// TestPagesFitTheirWindow opens every kind of page in each size and colour
// scheme: nothing may be wider than the window or break the pages' own policy.
// It leaves pictures for people to look at.
func TestPagesFitTheirWindow(t *testing.T) {
	tab := launch(t)
	a := newApp(t)
	pictures := os.Getenv("CONNECTORAUTH_TEST_SCREENSHOTS")
	if pictures != "" {
		require.NoError(t, os.MkdirAll(pictures, 0o755))
	}
	for _, name := range []string{"connected", "denied", "unknown", "not_allowed", "provider", "confirm"} {
		for _, width := range []int64{360, 1000} {
			for _, scheme := range []string{"light", "dark"} {
				_, err := chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
					Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
				})
				require.NoError(t, err)
				do(t, tab, chromedp.EmulateViewport(width, 640))
				a.show(tab, name)
				fits := get(t, tab, chromedp.Evaluate[bool](`document.documentElement.scrollWidth <= innerWidth && document.documentElement.scrollHeight <= innerHeight`))
				require.True(t, fits, "%s at %d", name, width)
				styled := get(t, tab, chromedp.Evaluate[bool](`getComputedStyle(document.querySelector("main")).maxWidth !== "none"`))
				require.True(t, styled, "the policy blocks the style")
				if pictures != "" {
					picture := get(t, tab, chromedp.CaptureScreenshot())
					file := filepath.Join(pictures, fmt.Sprintf("%s-%s-%d.png", name, scheme, width))
					require.NoError(t, os.WriteFile(file, picture, 0o644))
				}
			}
		}
	}
}

// show leads the tab to a page of the handler.
func (a *app) show(tab context.Context, name string) {
	a.t.Helper()
	start := a.url + "/connect/start?connector=oauth2"
	consent := func(button string) {
		do(a.t, tab, chromedp.Navigate(start), chromedp.WaitVisible("#allow"), chromedp.Click(button), chromedp.WaitVisible("#message"))
	}
	switch name {
	case "connected":
		consent("#allow")
	case "denied":
		consent("#deny")
	case "provider":
		a.provider.Inject(a.provider.TokenURL, 1, authtest.Answer(503, nil, ""))
		consent("#allow")
	case "unknown":
		do(a.t, tab, chromedp.Navigate(a.url+"/connect/callback/oauth2?state=x"))
	case "not_allowed":
		do(a.t, tab, chromedp.Navigate(a.url+"/connect/start?connector=other"))
	case "confirm":
		do(a.t, tab, chromedp.Navigate(a.provider.URL), script(`location.assign("`+start+`")`), chromedp.WaitVisible("#continue"))
	}
}
