package browser

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/require"
)

// The popup shows a code. The person decides in another window, and the popup notices.
func TestDeviceInAPopup(t *testing.T) {
	tab := launch(t)
	for button, want := range map[string]string{"#allow": "device connected;", "#deny": "device denied;"} {
		a := newApp(t)
		a.home(tab)
		popup := opened(t, tab, chromedp.Click("#device"))
		do(t, popup, chromedp.WaitVisible("#open"))
		require.Regexp(t, `^Your code is [A-Z2-7]{4}-[A-Z2-7]{4}$`, get(t, popup, chromedp.TextContent("#title")))
		do(t, popup, chromedp.Click("#open"))
		provider := a.unopened(popup)
		do(t, provider, chromedp.WaitVisible(button))
		require.Equal(t, "true", get(t, provider, chromedp.Evaluate[string](`String(window.opener === null)`)), "the provider's page reaches no other window")
		press(t, provider, button)
		require.Eventually(t, func() bool {
			a.mu.Lock()
			defer a.mu.Unlock()
			return a.connected("device") || len(a.reasons) > 0
		}, time.Minute, 100*time.Millisecond, "the popup looks again in the background")
		_, err := chromedp.Call(provider, page.Close, cdp.Empty{})
		require.NoError(t, err)
		says(t, tab, want)
		require.Equal(t, button == "#allow", a.connected("device"))
		if button == "#deny" {
			a.requireReasons(consent.ReasonDenied)
		}
	}
}

// unopened returns the window of the provider, which knows no window that has opened it.
func (a *app) unopened(tab context.Context) context.Context {
	a.t.Helper()
	var found *target.Info
	require.Eventually(a.t, func() bool {
		infos, err := chromedp.Targets(tab)
		require.NoError(a.t, err)
		for _, info := range infos {
			if inProfile(tab, info) && strings.HasPrefix(info.URL, a.provider.URL+"/device?") {
				found = info
			}
		}
		return found != nil
	}, time.Minute, 50*time.Millisecond, "no window of the provider opened")
	window, cancel := chromedp.NewContext(tab, chromedp.WithTargetID(found.TargetID))
	a.t.Cleanup(cancel)
	do(a.t, window)
	return window
}

// Without scripts, the page looks again all the same, and leads back.
func TestDeviceWithoutScripts(t *testing.T) {
	tab := launch(t)
	a := newApp(t)
	_, err := chromedp.Call(tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	require.NoError(t, err)
	do(t, tab, chromedp.Navigate(a.url+"/connect/start?connector=device&return_to=/home%3Fback"), chromedp.WaitVisible("#open"))
	title := get(t, tab, chromedp.TextContent("#title"))
	require.NoError(t, a.provider.AuthorizeDevice(title[len(title)-9:]))
	require.Eventually(t, func() bool {
		return get(t, tab, chromedp.Location()) == a.url+"/home?back"
	}, time.Minute, 200*time.Millisecond)
	require.True(t, a.connected("device"))
}
