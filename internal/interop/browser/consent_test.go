package browser

import (
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/require"
)

func TestPopup(t *testing.T) {
	tab := launch(t)
	for _, connector := range []string{"oauth2", "oauth1"} {
		t.Run(connector, func(t *testing.T) {
			a := newApp(t)
			a.home(tab)
			press(t, a.popup(tab, connector), "#allow")
			says(t, tab, connector+" connected;")
			require.True(t, a.connected(connector))
			require.Eventually(t, func() bool { return windows(t, tab) == 1 }, time.Minute, 50*time.Millisecond, "the popup closes itself")
		})
		t.Run(connector+" denied", func(t *testing.T) {
			a := newApp(t)
			a.home(tab)
			press(t, a.popup(tab, connector), "#deny")
			says(t, tab, connector+" denied;")
			a.requireReasons(consent.ReasonDenied)
			require.Zero(t, a.exchanges())
			require.Eventually(t, func() bool { return windows(t, tab) == 1 }, time.Minute, 50*time.Millisecond)
		})
	}
}

func TestPopupClosedByThePerson(t *testing.T) {
	tab := launch(t)
	a := newApp(t)
	a.home(tab)
	popup := a.popup(tab, "oauth2")
	_, err := chromedp.Call(popup, page.Close, cdp.Empty{})
	require.NoError(t, err)
	says(t, tab, "oauth2 closed;")
	require.Zero(t, a.exchanges())

	press(t, a.popup(tab, "oauth2"), "#allow") // and opens it again
	says(t, tab, "oauth2 closed;oauth2 connected;")
}

// The message of the Error is for the person, in the language of the pages.
func TestPopupSpeaksTheLanguageOfThePerson(t *testing.T) {
	tab := launch(t)
	for _, test := range []struct{ browser, option, closed, denied string }{
		{"en", "", "The window was closed before an account was connected.", "Access was not allowed. No account was connected. You can try again at any time."},
		{"de-AT,de", "", "Das Fenster wurde geschlossen, bevor ein Konto verbunden war.", "Der Zugriff wurde nicht erlaubt. Es wurde kein Konto verbunden. Sie können es jederzeit noch einmal versuchen."},
		{"en", "de-CH", "Das Fenster wurde geschlossen, bevor ein Konto verbunden war.", "Der Zugriff wurde nicht erlaubt. Es wurde kein Konto verbunden. Sie können es jederzeit noch einmal versuchen."},
		{"de", "toString", "Das Fenster wurde geschlossen, bevor ein Konto verbunden war.", "Der Zugriff wurde nicht erlaubt. Es wurde kein Konto verbunden. Sie können es jederzeit noch einmal versuchen."},
	} {
		a := newApp(t)
		prefer(t, tab, test.browser, "light")
		a.home(tab)
		do(t, tab, script(`language = "`+test.option+`"`))
		popup := a.popup(tab, "oauth2")
		_, err := chromedp.Call(popup, page.Close, cdp.Empty{})
		require.NoError(t, err)
		says(t, tab, "oauth2 closed;")
		require.Equal(t, test.closed, get(t, tab, chromedp.Evaluate[string](`message`)))
		popup = a.popup(tab, "oauth2")
		prefer(t, popup, test.browser, "light") // a popup has headers of its own
		press(t, popup, "#deny")
		says(t, tab, "oauth2 closed;oauth2 denied;")
		require.Equal(t, test.denied, get(t, tab, chromedp.Evaluate[string](`message`)))
	}
}

func TestPopupBlocked(t *testing.T) {
	tab := launch(t)
	a := newApp(t)
	a.home(tab)
	// A click by a script is not the person's: the browser blocks the popup.
	do(t, tab, script(`document.getElementById("oauth2").click()`), chromedp.WaitVisible("#allow"))
	require.Equal(t, 1, windows(t, tab))
	do(t, tab, chromedp.Click("#allow"), chromedp.WaitVisible("#oauth2"))
	require.Equal(t, a.url+"/home?back", get(t, tab, chromedp.Location()))
	require.True(t, a.connected("oauth2"))
}

func TestTwoPopupsAtOnce(t *testing.T) {
	tab := launch(t)
	a := newApp(t)
	a.home(tab)
	first, second := a.popup(tab, "oauth2"), a.popup(tab, "oauth1")
	press(t, second, "#allow")
	says(t, tab, "oauth1 connected;")
	press(t, first, "#allow")
	says(t, tab, "oauth1 connected;oauth2 connected;")
	require.True(t, a.connected("oauth1") && a.connected("oauth2"))
}

func TestBackButton(t *testing.T) {
	tab := launch(t)
	a := newApp(t)
	a.home(tab)
	do(t, tab, chromedp.Click("#link"), chromedp.WaitVisible("#allow"), chromedp.Click("#allow"), chromedp.WaitVisible("#oauth2"))
	require.True(t, a.connected("oauth2"))
	require.Equal(t, 1, a.exchanges())

	// The page comes from the back-forward cache, where chromedp's queries do not
	// find their way.
	do(t, tab, script(`history.back()`))
	require.Eventually(t, func() bool {
		there, err := chromedp.Run(tab, chromedp.Evaluate[bool](`location.pathname === "/oauth2/authorize"`))
		return err == nil && there
	}, time.Minute, 50*time.Millisecond)
	press(t, tab, "#allow")
	require.Eventually(t, func() bool {
		title, err := chromedp.Run(tab, chromedp.Title())
		return err == nil && title == "There is no connection to complete"
	}, time.Minute, 50*time.Millisecond)
	require.Equal(t, 1, a.exchanges())
	a.requireReasons(consent.ReasonUnknown)
}

func TestDoubleClick(t *testing.T) {
	tab := launch(t)
	a := newApp(t)
	a.home(tab)
	popup := a.popup(tab, "oauth2")
	do(t, tab, chromedp.Click("#oauth2"), chromedp.Click("#oauth2")) // while it is open
	require.Equal(t, 2, windows(t, tab))
	press(t, popup, "#allow")
	says(t, tab, "oauth2 connected;oauth2 connected;oauth2 connected;") // three clicks, one consent
	require.Equal(t, 1, a.exchanges())
}

func TestDoubleClickAtTheProvider(t *testing.T) {
	tab := launch(t)
	a := newApp(t)
	a.home(tab)
	popup := a.popup(tab, "oauth2")
	do(t, popup, script(`setTimeout(() => { const b = document.querySelector("#allow"); b.click(); b.click() }, 50)`))
	require.Eventually(t, func() bool { return a.connected("oauth2") }, time.Minute, 50*time.Millisecond)
	require.Equal(t, 1, a.exchanges())
}

func TestCallbackInAnotherProfileIsRefused(t *testing.T) {
	tab := launch(t)
	for _, connector := range []string{"oauth2", "oauth1"} {
		a := newApp(t)
		do(t, tab, chromedp.Navigate(a.url+"/connect/start?connector="+connector), chromedp.WaitVisible("#allow"))
		callback, err := a.provider.Authorize(get(t, tab, chromedp.Location()))
		require.NoError(t, err)
		other, cancel := chromedp.NewContext(tab, chromedp.WithNewBrowserContext())
		do(t, other, chromedp.Navigate(callback.String()))
		require.Equal(t, "There is no connection to complete", get(t, other, chromedp.Title()))
		require.Zero(t, a.exchanges())
		cancel()

		do(t, tab, chromedp.Navigate(callback.String()))
		require.Equal(t, "Your account is connected", get(t, tab, chromedp.Title()))
		require.Equal(t, a.url+"/connect/callback/"+connector, get(t, tab, chromedp.Location()), "the code is taken out of the address")
	}
}

func TestThirdPartyCookiesBlocked(t *testing.T) {
	tab := launch(t, chromedp.Flag("test-third-party-cookie-phaseout", true))
	a := newApp(t)
	do(t, tab, chromedp.Navigate(a.url+"/embedding"))
	cookie := get(t, tab, chromedp.Poll[string](`document.getElementById("cookie")?.textContent`, chromedp.WithPollingTimeout(time.Minute)))
	require.Equal(t, "cookie: ", cookie, "the browser does not block them")
	for _, connector := range []string{"oauth2", "oauth1"} {
		a.home(tab)
		press(t, a.popup(tab, connector), "#allow")
		says(t, tab, connector+" connected;")
	}
}

// Some providers cut the tie between a popup and its opener.
func TestProviderWithAnOpenerPolicy(t *testing.T) {
	tab := launch(t)
	a := newApp(t)
	a.provider.Inject(a.provider.AuthURL, authtest.Always, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
			next.ServeHTTP(w, r)
		})
	})
	a.home(tab)
	// In a headless browser every page has the focus; here the popup has it.
	do(t, tab, script(`document.hasFocus = () => false`))
	press(t, a.popup(tab, "oauth2"), "#allow")
	says(t, tab, "oauth2 connected;")
}

func TestFailureInThePopupCanBeTriedAgain(t *testing.T) {
	tab := launch(t)
	a := newApp(t)
	a.home(tab)
	a.provider.Inject(a.provider.TokenURL, 1, authtest.Answer(503, nil, ""))
	popup := a.popup(tab, "oauth2")
	press(t, popup, "#allow")
	do(t, popup, chromedp.WaitVisible("#close"), chromedp.WaitNotVisible("#back"))
	a.requireReasons(consent.ReasonProvider)
	do(t, popup, chromedp.Click("#retry"), chromedp.WaitVisible("#allow"))
	press(t, popup, "#allow")
	says(t, tab, "oauth2 connected;")

	a.provider.Inject(a.provider.TokenURL, 1, authtest.Answer(503, nil, ""))
	popup = a.popup(tab, "oauth2")
	press(t, popup, "#allow")
	do(t, popup, chromedp.WaitVisible("#close"))
	press(t, popup, "#close")
	says(t, tab, "oauth2 connected;oauth2 provider;")
	require.Equal(t, "The service is not available. The service may be busy or down. No account was connected. Try again in a few minutes.", get(t, tab, chromedp.Evaluate[string](`message`)))
}

func TestStartFromAnotherSiteIsConfirmed(t *testing.T) {
	tab := launch(t)
	a := newApp(t)
	elsewhere := a.provider.URL + "/" // 127.0.0.1, another site than localhost
	do(t, tab, chromedp.Navigate(elsewhere),
		script(`location.assign("`+a.url+`/connect/start?connector=oauth2&return_to=/home")`),
		chromedp.WaitVisible("#continue"))
	require.Empty(t, a.provider.Requests(a.provider.AuthURL))
	do(t, tab, chromedp.Click("#continue"), chromedp.WaitVisible("#allow"))
}

func TestFramesAreRefused(t *testing.T) {
	tab := launch(t)
	a := newApp(t)
	a.home(tab)
	framed := get(t, tab, chromedp.Evaluate[bool](`new Promise((done) => {
		const frame = document.createElement("iframe");
		frame.src = "/connect/callback/oauth2";
		frame.onload = () => done(!!(frame.contentDocument && frame.contentDocument.getElementById("title")));
		document.body.append(frame);
	})`, chromedp.EvalAwaitPromise))
	require.False(t, framed)
}
