package browser

import (
	"context"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// stop is an element that has the focus.
type stop struct {
	Name  string  // its ID, or its text
	Ring  string  // what shows the focus
	Place float64 // in the order of the page
	Seen  bool    // not hidden: WCAG 2.2 section 2.4.11
}

// walk presses the Tab key until an element has the focus, and returns the names of all
// stops. Each stop is behind the one before, is in the window, and has a ring.
func walk(t *testing.T, tab context.Context, selector string) (names []string) {
	t.Helper()
	place := -1.0
	for range 30 {
		do(t, tab, chromedp.KeyEvent(kb.Tab))
		at := get(t, tab, chromedp.Evaluate[stop](`(() => {
			const e = document.activeElement, box = e.getBoundingClientRect();
			return { Name: e.id || e.textContent, Ring: getComputedStyle(e).outline, Place: [...document.querySelectorAll("*")].indexOf(e),
				Seen: box.width > 0 && box.bottom > 0 && box.top < innerHeight };
		})()`))
		require.Contains(t, at.Ring, "solid 3px", at.Name)
		require.True(t, at.Seen, at.Name)
		require.Greater(t, at.Place, place, at.Name)
		place = at.Place
		names = append(names, at.Name)
		if get(t, tab, chromedp.Evaluate[bool](`document.activeElement.matches(`+jsonOf(t, selector)+`)`)) {
			return names
		}
	}
	require.FailNow(t, "the Tab key does not lead to "+selector, "%q", names)
	return nil
}

// focused waits until an element has the focus.
func focused(t *testing.T, tab context.Context, id string) {
	t.Helper()
	until(t, tab, `document.readyState === "complete" && document.activeElement.id === `+jsonOf(t, id))
}

// The keyboard alone is enough for the whole of it, and the focus is always to be seen.
func TestAccountsByKeyboard(t *testing.T) {
	d := newDesk(t, nil)
	tab := d.person("o1")
	d.open(tab, "")
	press := func(keys string) { do(t, tab, chromedp.KeyEvent(keys)) }
	require.Equal(t, []string{"connect"}, walk(t, tab, "#connect"))
	press(kb.Enter)
	reads(t, tab, "Search for a service")
	walk(t, tab, "#q")
	press("crm" + kb.Enter)
	until(t, tab, `document.readyState === "complete" && document.querySelectorAll("#services li").length === 1`)
	require.Equal(t, []string{"q", "Search", "Atlas CRM"}, walk(t, tab, "#services a"))
	press(kb.Enter)
	reads(t, tab, "Connect Atlas CRM")
	require.Equal(t, []string{"API key", "Sign in at Atlas", "field-team", "field-apiKey"}, walk(t, tab, "#field-apiKey"))
	press("CANARY-wrong" + kb.Enter)
	reads(t, tab, "The service does not accept what you have entered.")
	focused(t, tab, "errors")
	require.Equal(t, []string{"API key: Please check this value."}, walk(t, tab, "#errors a"))
	press(kb.Enter)
	focused(t, tab, "field-apiKey")
	press("CANARY-key" + kb.Enter)
	reads(t, tab, "Connected as ada@example.com.")
	focused(t, tab, "done")
	require.Equal(t, []string{"test", "reconnect", "disconnect"}, walk(t, tab, "#disconnect"))
	press(kb.Enter)
	reads(t, tab, "Disconnect this account?")
	require.Equal(t, []string{"submit"}, walk(t, tab, "#submit"))
	press(kb.Enter)
	reads(t, tab, "The account is disconnected.")
	focused(t, tab, "done")
	require.Empty(t, d.all("o1"))
}

// The choice of scopes and the consent are reached by the keyboard too.
func TestAccountsScopesByKeyboard(t *testing.T) {
	d := newDesk(t, nil)
	tab := d.person("o1")
	d.open(tab, "connect?service=atlas&method=oauth")
	names := walk(t, tab, "#scope-1")
	require.Equal(t, []string{"field-team", "scope-0", "scope-1"}, names[slices.Index(names, "field-team"):])
	do(t, tab, chromedp.KeyEvent(" "))
	require.Equal(t, []string{"scope-2", "submit"}, walk(t, tab, "#submit"))
	do(t, tab, chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(css("#allow")))
	require.Equal(t, "contacts.read", get(t, tab, chromedp.Evaluate[string](`new URL(location).searchParams.get("scope")`)))
}
