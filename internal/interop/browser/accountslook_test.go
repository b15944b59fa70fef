package browser

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A scene is a page in one of its states.
type scene struct {
	name, path string
	act        func(tab context.Context) // on the page; may be nil
	then       string                    // CSS of what is there afterwards
}

// scenes prepares accounts in every status, and returns all pages and states.
func (d *desk) scenes() []scene {
	d.t.Helper()
	p, ctx := d.provider, d.t.Context()
	works := d.connect("full", "ada@example.com", "ledger", "")
	poor := d.scoped("full", "grace@example.com")
	dead := d.connect("full", "sales@example.com", "atlas", "key")
	p.Inject(p.KeyHeaderURL, 1, authtest.Answer(401, nil, ""))
	_, err := d.registry.Test(ctx, dead.ID)
	require.Error(d.t, err)
	failing := d.connect("full", "support@example.com", "atlas", "key")
	p.Inject(p.KeyHeaderURL, 1, authtest.Answer(403, nil, ""))
	_, err = d.registry.Test(ctx, failing.ID)
	require.Error(d.t, err)
	waits := d.connect("full", "", "atlas", "oauth")
	ending := d.allow(d.connect("full", "old@example.com", "atlas", "oauth"))
	p.Inject(p.RevokeURL, 4, authtest.Answer(503, nil, ""))
	_, err = d.registry.Disconnect(ctx, ending.ID)
	require.Error(d.t, err)
	send := func(tab context.Context) { do(d.t, tab, chromedp.Click(css("#submit"))) }
	return []scene{
		{"empty", "?status=disconnected&service=ledger", nil, "p.quiet"},
		{"accounts", "", nil, "#accounts"},
		{"next", "?limit=2&did=kept", nil, "#next"},
		{"search", "connect", nil, "#services"},
		{"search-none", "connect?q=nowhere", nil, "[role=status]"},
		{"key", "connect?service=atlas", nil, "#form"},
		{"mistakes", "connect?service=signet", func(tab context.Context) {
			do(d.t, tab, script(`document.getElementById("form").noValidate = true`), chromedp.SendKeys(css("#field-tenant"), "x"), chromedp.Click(css("#submit")))
		}, "#errors li"},
		{"refused", "connect?service=atlas", func(tab context.Context) {
			do(d.t, tab, chromedp.SendKeys(css("#field-apiKey"), "CANARY-wrong"))
			send(tab)
		}, "#errors"},
		{"password", "connect?service=ledger", nil, "#form"},
		{"scopes", "connect?service=atlas&method=oauth", nil, "#scope-0"},
		{"account", "account?did=connected&id=" + works.ID, nil, "#done"},
		{"missing", "account?id=" + poor.ID, nil, "#missing"},
		{"dead", "account?did=tested&id=" + dead.ID, nil, "#errors"},
		{"failing", "account?id=" + failing.ID, nil, "#message"},
		{"waits", "account?id=" + waits.ID, nil, "#continue"},
		{"ending", "account?id=" + ending.ID, nil, "#message"},
		{"reconnect", "reconnect?id=" + failing.ID, nil, "#form"},
		{"other", "reconnect?id=" + works.ID, func(tab context.Context) {
			d.be("bob@example.com")
			send(tab)
		}, "#other"},
		{"twice", "connect?service=ledger", func(tab context.Context) {
			d.be("ada@example.com")
			do(d.t, tab, chromedp.SetValue(css("#field-region"), "eu"), chromedp.SendKeys(css("#field-user"), "ada@example.com"))
			do(d.t, tab, chromedp.SendKeys(css("#field-password"), "CANARY-password"))
			send(tab)
		}, "#errors a"},
		{"disconnect", "disconnect?id=" + works.ID, nil, "#submit"},
		{"remove", "disconnect?id=" + waits.ID, nil, "#submit"},
		{"lost", "account?id=lost", nil, "#errors"},
	}
}

// scoped connects an account to whose scopes the owner did not consent completely.
func (d *desk) scoped(owner, user string) accounts.Account {
	d.t.Helper()
	d.provider.Inject(d.provider.TokenURL, 1, authtest.EditAnswer(func(response map[string]any) { response["scope"] = "contacts.read" }))
	return d.allow(d.connect(owner, user, "atlas", "oauth"))
}

// show leads a tab to a scene.
func (d *desk) show(tab context.Context, s scene) {
	d.t.Helper()
	d.open(tab, s.path)
	if s.act != nil {
		s.act(tab)
	}
	until(d.t, tab, `document.readyState === "complete" && !!document.querySelector(`+jsonOf(d.t, s.then)+`)`)
}

// scheme makes a tab prefer a colour scheme.
func scheme(t *testing.T, tab context.Context, name string) {
	t.Helper()
	_, err := chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	})
	require.NoError(t, err)
}

// Every page is checked in every state, both languages, colour schemes and sizes of window:
// axe-core finds no fault, nothing is wider than the window or cut off, and fingers find
// every button.
func TestAccountsAreWellMade(t *testing.T) {
	source := axe(t)
	for _, language := range []string{"en", "de"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, nil)
			scenes := d.scenes()
			tab := d.person("full")
			for _, s := range scenes {
				prefer(t, tab, language, "light")
				do(t, tab, chromedp.EmulateViewport(1280, 800))
				d.show(tab, s)
				name := s.name + "-" + language
				do(t, tab, script(source))
				require.Equal(t, language, get(t, tab, chromedp.Evaluate[string](`document.documentElement.lang`)))
				requireFits(t, tab, name)
				requireAccessible(t, tab, name)
				picture(t, tab, name+"-light-1280")
				do(t, tab, chromedp.EmulateViewport(360, 740))
				requireFits(t, tab, name)
				requireTouchable(t, tab, name)
				scheme(t, tab, "dark")
				requireAccessible(t, tab, name+"-dark")
				picture(t, tab, name+"-dark-360")
			}
		})
	}
}

// Nobody who is not signed in sees anything, and the page says what to do.
func TestAccountsOfNobody(t *testing.T) {
	source := axe(t)
	d := newDesk(t, nil)
	tab := d.person("")
	d.open(tab, "")
	reads(t, tab, "Sign in first, then try again.")
	do(t, tab, script(source))
	requireAccessible(t, tab, "nobody")
}

// requireTouchable checks that buttons and fields are large enough for a finger, and other
// links large enough for WCAG 2.2 section 2.5.8. No word of a button is broken.
func requireTouchable(t *testing.T, tab context.Context, name string) {
	t.Helper()
	small := get(t, tab, chromedp.Evaluate[[]string](`[...document.querySelectorAll("a, button, input, select, textarea")].filter((e) => {
		const box = (e.type === "checkbox" ? e.closest(".check") : e).getBoundingClientRect();
		const least = e.matches("main a:not(.button), [type=checkbox]") ? 24 : 44;
		const broken = e.matches(".button, button") && !e.textContent.trim().includes(" ") && box.height > 56;
		return box.width > 0 && (box.height < least || box.width < least || broken);
	}).map((e) => e.tagName + " " + (e.id || e.textContent))`))
	require.Empty(t, small, name)
}

// A page that breaks its policy is noticed.
func TestAccountsPolicyIsWatched(t *testing.T) {
	d := newDesk(t, nil)
	tab := launch(t)
	var mu sync.Mutex
	var seen []string
	require.NoError(t, chromedp.Listen(tab, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, faults(event)...)
	}))
	d.open(tab, "")
	mu.Lock()
	require.Empty(t, seen)
	mu.Unlock()
	violated := get(t, tab, chromedp.Evaluate[string](`new Promise((fulfil) => {
		document.addEventListener("securitypolicyviolation", (event) => fulfil(event.violatedDirective));
		document.body.insertAdjacentHTML("beforeend", "<p style='color: red'>");
	})`, chromedp.EvalAwaitPromise))
	require.Equal(t, "style-src-attr", violated)
	mu.Lock()
	defer mu.Unlock()
	require.NotEmpty(t, seen)
}

// The pictures of the documentation are small. CONNECTORAUTH_TEST_IMAGES=1 makes them anew.
func TestAccountsImages(t *testing.T) {
	const folder = "../../../docs/images"
	anew := os.Getenv("CONNECTORAUTH_TEST_IMAGES") == "1"
	var d *desk
	var tab context.Context
	if anew {
		d = newDesk(t, nil)
		d.connect("ada", "ada@example.com", "ledger", "")
		d.scoped("ada", "grace@example.com")
		dead := d.connect("ada", "sales@example.com", "atlas", "key")
		d.provider.Inject(d.provider.KeyHeaderURL, 1, authtest.Answer(401, nil, ""))
		_, err := d.registry.Test(t.Context(), dead.ID)
		require.Error(t, err)
		tab = d.person("ada")
	}
	for _, wanted := range []struct {
		name, path, scheme string
		width              int64
	}{
		{"accounts-connect.png", "connect?service=atlas", "light", 640},
		{"accounts-list.png", "", "light", 640},
		{"accounts-list-dark.png", "", "dark", 640},
		{"accounts-phone.png", "connect?service=atlas&method=oauth", "light", 360},
	} {
		path := filepath.Join(folder, wanted.name)
		if anew {
			prefer(t, tab, "en", wanted.scheme)
			do(t, tab, chromedp.EmulateViewport(wanted.width, 100))
			d.open(tab, wanted.path)
			height := get(t, tab, chromedp.Evaluate[int64](`document.documentElement.scrollHeight`))
			do(t, tab, chromedp.EmulateViewport(wanted.width, height, chromedp.EmulateScale(1.5)))
			require.NoError(t, os.MkdirAll(folder, 0o755))
			shot, err := png.Decode(bytes.NewReader(get(t, tab, chromedp.CaptureScreenshot())))
			require.NoError(t, err)
			var small bytes.Buffer
			require.NoError(t, (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, paletted(shot)))
			require.NoError(t, os.WriteFile(path, small.Bytes(), 0o644))
		}
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Less(t, len(data), 100_000, path)
		decoded, err := png.DecodeConfig(bytes.NewReader(data))
		require.NoError(t, err)
		require.EqualValues(t, wanted.width*3/2, decoded.Width, path)
	}
}

// paletted returns an image in its 256 most frequent colours, which are enough for a page.
func paletted(full image.Image) *image.Paletted {
	box, count := full.Bounds(), map[color.Color]int{}
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			count[full.At(x, y)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(count), func(a, b color.Color) int { return count[b] - count[a] })
	small := image.NewPaletted(box, color.Palette(colours[:min(256, len(colours))]))
	draw.Draw(small, box, full, box.Min, draw.Src)
	return small
}
