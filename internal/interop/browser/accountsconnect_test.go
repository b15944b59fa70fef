package browser

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/require"
)

// reads waits until the page, which is loaded, has a text for people.
func reads(t *testing.T, tab context.Context, text string) {
	t.Helper()
	quoted, err := json.Marshal(text)
	require.NoError(t, err)
	until(t, tab, `document.readyState === "complete" && document.body.innerText.includes(`+string(quoted)+`)`)
}

// until waits until a condition of JavaScript holds, over all pages that come and go.
func until(t *testing.T, tab context.Context, condition string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		holds, err := chromedp.Run(tab, chromedp.Evaluate[bool](condition))
		if err == nil && holds {
			return
		}
		if time.Now().After(end) || tab.Err() != nil {
			text, _ := chromedp.Run(tab, chromedp.Evaluate[string](`location.pathname + "\n" + document.body.innerText`))
			require.FailNow(t, "still not so: "+condition, "%s", text)
		}
	}
}

// value returns what is in a field of the form.
func value(t *testing.T, tab context.Context, name string) string {
	t.Helper()
	return get(t, tab, chromedp.Evaluate[string](`document.getElementById("field-`+name+`").value`))
}

// A person finds a service, mistakes the key, and is told what to do.
func TestAccountsConnectWithAKey(t *testing.T) {
	d := newDesk(t, nil)
	tab := d.person("o1")
	d.open(tab, "")
	reads(t, tab, "No account is connected yet.")
	do(t, tab, chromedp.Click(css("#connect")), chromedp.WaitVisible(css("#q")))
	do(t, tab, chromedp.SendKeys(css("#q"), "nowhere\r"))
	reads(t, tab, "No service is called “nowhere”.")
	do(t, tab, chromedp.Clear(css("#q")), chromedp.SendKeys(css("#q"), "crm\r"))
	until(t, tab, `document.querySelectorAll("#services li").length === 1`)
	do(t, tab, chromedp.Click(css("#services a")), chromedp.WaitVisible(css("#form")))

	do(t, tab, chromedp.SendKeys(css("#field-team"), "sales"), chromedp.SendKeys(css("#field-apiKey"), "CANARY-wrong"), chromedp.Click(css("#submit")))
	reads(t, tab, "The service does not accept what you have entered. Check the values, and try again.")
	require.Equal(t, "errors", get(t, tab, chromedp.Evaluate[string](`document.activeElement.id`)))
	require.Equal(t, "sales", value(t, tab, "team"))
	require.Empty(t, value(t, tab, "apiKey"))
	require.NotContains(t, get(t, tab, chromedp.Evaluate[string](`document.documentElement.outerHTML`)), "CANARY")
	require.Empty(t, d.all("o1"))

	do(t, tab, chromedp.SendKeys(css("#field-apiKey"), "CANARY-key"), chromedp.Click(css("#submit")))
	reads(t, tab, "Connected as ada@example.com.")
	require.NotContains(t, get(t, tab, chromedp.Evaluate[string](`document.documentElement.outerHTML`)), "CANARY")
	require.Equal(t, accounts.StatusOK, d.one("o1").Status)
	do(t, tab, chromedp.Click(css(".foot a")), chromedp.WaitVisible(css("#accounts")))
	reads(t, tab, "ada@example.com")
}

func TestAccountsConnectWithAPassword(t *testing.T) {
	d := newDesk(t, nil)
	tab := d.person("o1")
	d.open(tab, "connect?service=ledger")
	do(t, tab, chromedp.SetValue(css("#field-region"), "us"), chromedp.SendKeys(css("#field-user"), "ada@example.com"), chromedp.SendKeys(css("#field-password"), "no"), chromedp.Click(css("#submit")))
	reads(t, tab, "The service does not accept what you have entered.")
	require.Equal(t, []string{"us", "ada@example.com", ""}, []string{value(t, tab, "region"), value(t, tab, "user"), value(t, tab, "password")})
	do(t, tab, chromedp.SendKeys(css("#field-password"), "CANARY-password"), chromedp.Click(css("#submit")))
	reads(t, tab, "Connected as ada@example.com.")
}

// The browser stops what its checks find, and the server what they do not.
func TestAccountsChecksOnBothSides(t *testing.T) {
	d := newDesk(t, nil)
	tab := d.person("o1")
	d.open(tab, "connect?service=atlas")
	do(t, tab, script(`sent = 0; document.addEventListener("submit", () => sent++)`))
	do(t, tab, chromedp.SendKeys(css("#field-team"), "No!"), chromedp.Focus(css("#field-apiKey")), chromedp.Click(css("#submit")))
	focused(t, tab, "field-team")
	require.Contains(t, get(t, tab, chromedp.Evaluate[string](`document.activeElement.title`)), "It looks like sales.")
	do(t, tab, script(`document.getElementById("field-team").value = ""`), chromedp.Click(css("#submit")))
	focused(t, tab, "field-apiKey") // which is required
	require.Zero(t, get(t, tab, chromedp.Evaluate[int](`sent`)))

	do(t, tab, script(`document.getElementById("form").noValidate = true`), chromedp.SendKeys(css("#field-team"), "No!"), chromedp.Click(css("#submit")))
	reads(t, tab, "Please check what you have entered.")
	reads(t, tab, "Team: The value does not look as the service writes it. It looks like sales.")
	reads(t, tab, "API key: Please fill in this field.")
	require.Equal(t, "No!", value(t, tab, "team"))
	require.True(t, get(t, tab, chromedp.Evaluate[bool](`document.getElementById("field-team").matches("[aria-invalid=true]")`)))
	require.Empty(t, d.all("o1"))
	require.Empty(t, d.provider.Requests(d.provider.KeyHeaderURL))
}

func TestAccountsConsentInTheSameWindow(t *testing.T) {
	d := newDesk(t, nil)
	tab := d.person("o1")
	d.open(tab, "connect?service=atlas")
	do(t, tab, chromedp.Click(css(`.methods a[href*="method=oauth"]`)), chromedp.WaitVisible(css("#scope-0")))
	do(t, tab, chromedp.Click(css("#scope-1")), chromedp.Click(css("#submit")), chromedp.WaitVisible(css("#allow")))
	require.Equal(t, "contacts.read", get(t, tab, chromedp.Evaluate[string](`new URL(location).searchParams.get("scope")`)))
	press(t, tab, "#allow")
	reads(t, tab, "Connected as ada@example.com.")
	require.Equal(t, []string{"contacts.read"}, d.one("o1").Granted)

	// Who goes back finds the account as it is, and is not led to the service again.
	entries := get(t, tab, chromedp.NavigationEntries())
	back := -1
	for i, entry := range entries.Entries {
		if i < int(entries.CurrentIndex) && entry.Title == "Atlas CRM – Wren" {
			back = i
		}
	}
	require.GreaterOrEqual(t, back, 0)
	_ = get(t, tab, chromedp.Evaluate[bool](`history.go(`+jsonOf(t, back-int(entries.CurrentIndex))+`), true`))
	until(t, tab, `document.readyState === "complete" && location.pathname.endsWith("/account") && !location.search.includes("did=")`)
	reads(t, tab, "Works")
	time.Sleep(300 * time.Millisecond)
	reads(t, tab, "Works")
	require.Len(t, d.provider.Requests(d.provider.AuthURL), 2, "the page, and the decision")
}

// jsonOf returns v as JavaScript.
func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

// On a slow network people click again. The service is asked once, and there is one account.
func TestAccountsDoubleClickOnASlowNetwork(t *testing.T) {
	d := newDesk(t, nil)
	tab := d.person("o1")
	d.open(tab, "connect?service=atlas")
	_, err := chromedp.Call(tab, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{{Latency: 400, DownloadThroughput: 50_000, UploadThroughput: 50_000}},
	})
	require.NoError(t, err)
	d.provider.Inject(d.provider.KeyHeaderURL, 1, authtest.Delay(time.Second))
	do(t, tab, script(`document.addEventListener("submit", (event) => {
		sessionStorage.clicks = (sessionStorage.clicks ?? "") + (event.defaultPrevented ? "kept;" : "sent;");
		setTimeout(() => {
			const button = document.getElementById("submit");
			sessionStorage.opacity = getComputedStyle(button).opacity;
			if (sessionStorage.clicks.length < 15) button.click();
		}, 100);
	})`))
	do(t, tab, chromedp.SendKeys(css("#field-apiKey"), "CANARY-key"), chromedp.DoubleClick(css("#submit")))
	until(t, tab, `location.pathname.endsWith("/account")`)
	require.Equal(t, "sent;kept;kept;", get(t, tab, chromedp.Evaluate[string](`sessionStorage.clicks`)))
	require.Equal(t, "0.6", get(t, tab, chromedp.Evaluate[string](`sessionStorage.opacity`)), "the person sees that something happens")
	reads(t, tab, "Connected as ada@example.com.")
	d.one("o1")
	require.Len(t, d.provider.Requests(d.provider.KeyHeaderURL), 1)
}

// Browsers keep pages as they were, but what was secret in the form is gone.
func TestAccountsBackAfterConnecting(t *testing.T) {
	d := newDesk(t, nil)
	tab := d.person("o1")
	d.open(tab, "connect?service=atlas")
	do(t, tab, chromedp.SendKeys(css("#field-apiKey"), "CANARY-key"), chromedp.Click(css("#submit")))
	reads(t, tab, "Connected as ada@example.com.")
	do(t, tab, script(`history.back()`))
	until(t, tab, `document.readyState === "complete" && !!document.getElementById("form")`)
	require.Empty(t, value(t, tab, "apiKey"))
	require.Empty(t, get(t, tab, chromedp.Evaluate[string](`document.getElementById("form").getAttribute("aria-busy") ?? ""`)), "the button works again")
	do(t, tab, script(`history.forward()`))
	reads(t, tab, "Connected as ada@example.com.")
	d.one("o1")
	require.Len(t, d.provider.Requests(d.provider.KeyHeaderURL), 1)
}

// Two tabs lead to the consent of one account. The first connects it; the second is told so.
func TestAccountsTwoTabsWithOneConsent(t *testing.T) {
	d := newDesk(t, nil)
	a := d.connect("o1", "ada@example.com", "atlas", "oauth")
	first := d.person("o1")
	second := d.second(first)
	for _, tab := range []context.Context{first, second} {
		d.open(tab, "account?id="+a.ID)
		do(t, tab, chromedp.Click(css("#continue")), chromedp.WaitVisible(css("#allow")))
	}
	press(t, first, "#allow")
	reads(t, first, "Connected as ada@example.com.")
	press(t, second, "#allow")
	until(t, second, `document.readyState === "complete" && location.href.startsWith("`+d.url+`")`)
	require.Equal(t, accounts.StatusOK, d.one("o1").Status)
	d.open(second, "account?id="+a.ID)
	reads(t, second, "The account works.")
	require.Empty(t, get(t, second, chromedp.Evaluate[[]string](`[...document.querySelectorAll("#continue")].map((e) => e.id)`)))
}

// Two tabs show one form, as a browser that duplicates a tab or keeps a page does.
func TestAccountsTwoTabsWithOneForm(t *testing.T) {
	d := newDesk(t, nil)
	first := d.person("o1")
	second := d.second(first)
	for _, tab := range []context.Context{first, second} {
		d.open(tab, "connect?service=atlas")
		do(t, tab, chromedp.SendKeys(css("#field-apiKey"), "CANARY-key"))
	}
	key := get(t, first, chromedp.Evaluate[string](`document.querySelector("[name=key]").value`))
	do(t, second, script(`document.querySelector("[name=key]").value = "`+key+`"`))
	do(t, first, chromedp.Click(css("#submit")))
	reads(t, first, "Connected as ada@example.com.")
	do(t, second, chromedp.Click(css("#submit")))
	reads(t, second, "This form was sent before. The account is connected already.")
	d.one("o1")
}

func TestAccountsWithoutJavaScript(t *testing.T) {
	d := newDesk(t, nil)
	tab := d.person("o1")
	_, err := chromedp.Call(tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	require.NoError(t, err)
	d.open(tab, "connect?service=atlas")
	do(t, tab, chromedp.SendKeys(css("#field-apiKey"), "CANARY-key"), chromedp.Click(css("#submit")))
	reads(t, tab, "Connected as ada@example.com.")
	d.be("bob@example.com")
	d.open(tab, "connect?service=atlas&method=oauth")
	do(t, tab, chromedp.Click(css("#submit")), chromedp.WaitVisible(css("#continue")), chromedp.Click(css("#continue")), chromedp.WaitVisible(css("#allow")))
	do(t, tab, chromedp.Click(css("#allow")))
	reads(t, tab, "Connected as bob@example.com.")
	require.Len(t, d.all("o1"), 2)
}
