// Package browser tests the consent handler, the account pages and connect.js in a
// real Chromium: Debian's, driven by chromedp. The application is at localhost and
// the provider at 127.0.0.1, so that they are different sites to the browser.
//
// axe-core, which npm installs, looks for faults of accessibility on the pages.
//
// Without Chromium the tests are skipped, and without npm the tests of the pages.
// If CONNECTORAUTH_TEST_REQUIRE is 1, the tests fail instead.
// CONNECTORAUTH_TEST_SCREENSHOTS names a directory for pictures of the pages;
// CONNECTORAUTH_TEST_CHROMIUM the browser, if it is not in the PATH. The pictures in
// docs/images are made anew, in internal/interop, by
//
//	CONNECTORAUTH_TEST_IMAGES=1 go test -run TestAccountsImages ./browser
package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/stretchr/testify/require"
)

// chromium is the path of the browser, or empty.
var chromium = findChromium()

func findChromium() string {
	for _, name := range []string{os.Getenv("CONNECTORAUTH_TEST_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	return ""
}

func TestMain(m *testing.M) {
	if chromium == "" && os.Getenv("CONNECTORAUTH_TEST_REQUIRE") == "1" {
		fmt.Fprintln(os.Stderr, "browser: CONNECTORAUTH_TEST_REQUIRE is 1 and there is no chromium; apt-get install chromium")
		os.Exit(1)
	}
	leaktest.Main(m, func() {
		for _, end := range shared.ends {
			end()
		}
	})
}

// shared is the browser that tests have in common, once a test has started it.
var shared struct {
	sync.Once
	ctx  context.Context
	err  error
	ends []func()
}

// start starts the browser. chromedp's default flags switch the popup blocker off; these
// do not.
func start(profile string, flags ...chromedp.ExecAllocatorOption) (ctx context.Context, ends []func(), err error) {
	options := append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(chromium), chromedp.UserDataDir(profile),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("password-store", "basic"),
	}, flags...)
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancelBrowser := chromedp.NewContext(allocator)
	close := func() { chromedp.Cancel(ctx) } // closes the browser and waits
	return ctx, []func(){close, cancelBrowser, cancel}, chromedp.Do(ctx)
}

// launch returns a tab of the shared browser in a profile of its own, or skips the test.
// With flags, the tab is that of another browser.
func launch(t *testing.T, flags ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	if chromium == "" {
		t.Skip("there is no chromium: apt-get install chromium")
	}
	if len(flags) > 0 {
		tab, ends, err := start(t.TempDir(), flags...)
		for _, end := range slices.Backward(ends) {
			t.Cleanup(end)
		}
		require.NoError(t, err)
		return patient(t, tab)
	}
	shared.Do(func() {
		profile, err := os.MkdirTemp("", "chromium")
		if err != nil {
			shared.err = err
			return
		}
		shared.ctx, shared.ends, shared.err = start(profile)
		shared.ends = append(shared.ends, func() { os.RemoveAll(profile) })
	})
	require.NoError(t, shared.err)
	tab, cancel := chromedp.NewContext(shared.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	do(t, tab)
	return patient(t, tab)
}

// patient returns a tab that gives up after three minutes.
func patient(t *testing.T, tab context.Context) context.Context {
	tab, cancel := context.WithTimeout(tab, 3*time.Minute)
	t.Cleanup(cancel)
	return tab
}
