package browser

import (
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/accounts/pages"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/require"
)

// An account stops working, is connected again, and is disconnected.
func TestAccountsLookAfterAnAccount(t *testing.T) {
	d := newDesk(t, nil)
	a := d.connect("o1", "ada@example.com", "atlas", "key")
	tab := d.person("o1")
	d.open(tab, "")
	do(t, tab, chromedp.Click(css(".card form button")))
	reads(t, tab, "The account was tested, and works.")

	d.provider.Inject(d.provider.KeyHeaderURL, 1, authtest.Answer(401, nil, ""))
	do(t, tab, chromedp.Click(css("#test")))
	reads(t, tab, "The account was tested, and does not work.")
	reads(t, tab, "The service no longer accepts the connection. Reconnect the account.")
	do(t, tab, chromedp.Click(css("#reconnect")), chromedp.WaitVisible(css("#form")))
	reads(t, tab, "A value is saved. Leave the field empty to keep the value.")
	require.Empty(t, value(t, tab, "apiKey"))

	d.be("bob@example.com")
	do(t, tab, chromedp.SendKeys(css("#field-apiKey"), "CANARY-key"), chromedp.Click(css("#submit")))
	reads(t, tab, "This is another account of the service than before.")
	do(t, tab, chromedp.WaitVisible(css("#other")))
	d.be("ada@example.com")
	do(t, tab, chromedp.SendKeys(css("#field-apiKey"), "CANARY-key"), chromedp.Click(css("#submit")))
	reads(t, tab, "Connected as ada@example.com.")
	require.Equal(t, a.ID, d.one("o1").ID)

	do(t, tab, chromedp.Click(css("#disconnect")), chromedp.WaitVisible(css("#submit")))
	reads(t, tab, "ada@example.com (Atlas CRM) will no longer be used.")
	do(t, tab, chromedp.Click(css(".actions a.button")), chromedp.WaitVisible(css("#disconnect")))
	d.one("o1") // the person has changed her mind
	do(t, tab, chromedp.Click(css("#disconnect")), chromedp.WaitVisible(css("#submit")), chromedp.Click(css("#submit")))
	reads(t, tab, "The service was not told: you may want to delete the key or the access in the service.")
	require.Empty(t, d.all("o1"))
}

// What the person did not allow is shown, and a new consent brings it.
func TestAccountsMissingScopes(t *testing.T) {
	d := newDesk(t, nil)
	d.provider.Inject(d.provider.TokenURL, 1, authtest.EditAnswer(func(response map[string]any) { response["scope"] = "contacts.read" }))
	a := d.allow(d.connect("o1", "ada@example.com", "atlas", "oauth"))
	require.Equal(t, []string{"contacts.write"}, a.Missing)
	tab := d.person("o1")
	d.open(tab, "")
	reads(t, tab, "Change your contacts")
	d.open(tab, "account?id="+a.ID)
	require.Equal(t, "Change your contacts", get(t, tab, chromedp.TextContent(css("#missing"))))
	do(t, tab, chromedp.Click(css("#reconnect")), chromedp.WaitVisible(css("#scope-0")), chromedp.Click(css("#submit")), chromedp.WaitVisible(css("#allow")))
	press(t, tab, "#allow")
	reads(t, tab, "Connected as ada@example.com.")
	require.Empty(t, get(t, tab, chromedp.Evaluate[[]string](`[...document.querySelectorAll("#missing")].map((e) => e.innerText)`)))
	require.Empty(t, d.one("o1").Missing)
}

// An account that nobody has consented to can be continued or removed.
func TestAccountsThatWaitCanBeRemoved(t *testing.T) {
	d := newDesk(t, nil)
	d.connect("o1", "ada@example.com", "atlas", "oauth")
	tab := d.person("o1")
	d.open(tab, "")
	reads(t, tab, "The account waits for your consent.")
	do(t, tab, chromedp.Click(css(`.card a[href*="/disconnect"]`)), chromedp.WaitVisible(css("#submit")))
	reads(t, tab, "Remove this account?")
	do(t, tab, chromedp.Click(css("#submit")))
	reads(t, tab, "The account is disconnected.")
	require.Empty(t, d.all("o1"))
}

// elsewhere makes the pages those of a program at http://app.localhost.
func elsewhere(config *pages.Config) {
	config.Origin = "http://app." + config.URL[len("http://"):len(config.URL)-len("/my/accounts")]
}

// The program's page, at another origin than the account pages, opens the dialog in a popup
// and learns of the account.
func TestAccountsPopupFromAnotherOrigin(t *testing.T) {
	var origin string
	d := newDesk(t, func(config *pages.Config) {
		elsewhere(config)
		origin = config.Origin
	})
	tab := d.person("o1")
	do(t, tab, chromedp.Navigate(origin+"/home"), chromedp.WaitVisible(css("#connect")))
	popup := d.popup(tab, chromedp.Click(css("#connect")))
	do(t, popup, chromedp.WaitVisible(css("#form")), chromedp.SendKeys(css("#field-apiKey"), "CANARY-wrong"), chromedp.Click(css("#submit")))
	reads(t, popup, "The service does not accept what you have entered.")
	require.Empty(t, get(t, tab, chromedp.TextContent(css("#outcome"))))
	do(t, popup, chromedp.SendKeys(css("#field-apiKey"), "CANARY-key"), chromedp.Click(css("#submit")))
	says(t, tab, "connected;")
	require.Equal(t, d.one("o1").ID, get(t, tab, chromedp.Evaluate[string](`account`)))
	reads(t, popup, "Connected as ada@example.com.")
	reads(t, popup, "Close this window")
	require.NotContains(t, get(t, popup, chromedp.Evaluate[string](`document.body.innerText`)), "All accounts")
	press(t, popup, "#close")
	require.Eventually(t, func() bool { return windows(t, tab) == 1 }, time.Minute, 50*time.Millisecond)

	// The consent too is in the popup, which then closes itself.
	d.be("bob@example.com")
	popup = d.popup(tab, chromedp.Click(css("#connect")))
	do(t, popup, chromedp.WaitVisible(css("#form")), chromedp.Click(css(`.methods a[href*="method=oauth"]`)), chromedp.WaitVisible(css("#scope-0")))
	do(t, popup, chromedp.Click(css("#submit")), chromedp.WaitVisible(css("#allow")))
	press(t, popup, "#allow")
	says(t, tab, "connected;connected;")
	require.Eventually(t, func() bool { return windows(t, tab) == 1 }, time.Minute, 50*time.Millisecond)
	require.Len(t, d.all("o1"), 2)
	messages := get(t, tab, chromedp.Evaluate[[]string](`messages`))
	require.Len(t, messages, 2)
	for _, message := range messages {
		require.Regexp(t, `^http://localhost:[0-9]+ \{"connectorauth":"connected","popup":"[0-9a-f]{32}","text":"[^"]*","account":"[^"]*"\}$`, message)
	}
}

// A page of any other origin can open the dialog, but nobody tells that page anything.
func TestAccountsForeignOpenerLearnsNothing(t *testing.T) {
	d := newDesk(t, elsewhere)
	tab := d.person("o1")
	own := d.url[:len(d.url)-len("/my/accounts")] // has the page, but is not Config.Origin
	do(t, tab, chromedp.Navigate("http://evil."+own[len("http://"):]+"/home"), chromedp.WaitVisible(css("#connect")))
	popup := d.popup(tab, chromedp.Click(css("#connect")))
	do(t, popup, chromedp.WaitVisible(css("#form")), chromedp.SendKeys(css("#field-apiKey"), "CANARY-key"), chromedp.Click(css("#submit")))
	reads(t, popup, "Connected as ada@example.com.")
	require.Equal(t, accounts.StatusOK, d.one("o1").Status)
	_, err := chromedp.Call(popup, page.Close, cdp.Empty{})
	require.NoError(t, err)
	says(t, tab, "closed;") // all that a page knows of a window that it has opened
	require.Empty(t, get(t, tab, chromedp.Evaluate[[]string](`messages`)))
}
