// Package browser tests the consent handler, its pages and connect.js in a real
// Chromium: Debian's, driven by chromedp. The application is at localhost and
// the provider at 127.0.0.1, so that they are different sites to the browser.
//
// axe-core, which npm installs, looks for faults of accessibility on the pages.
//
// Without Chromium the tests are skipped, and without npm the tests of the pages.
// If CONNECTORAUTH_TEST_REQUIRE is 1, the tests fail instead.
// CONNECTORAUTH_TEST_SCREENSHOTS names a directory for pictures of the pages;
// CONNECTORAUTH_TEST_CHROMIUM the browser, if it is not in the PATH.
package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
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
	leaktest.Main(m)
}

// launch starts a browser with a profile of its own, or skips the test.
// chromedp's default flags switch the popup blocker off; these do not.
func launch(t *testing.T, flags ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	if chromium == "" {
		t.Skip("there is no chromium: apt-get install chromium")
	}
	options := append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(chromium), chromedp.UserDataDir(t.TempDir()),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("password-store", "basic"),
	}, flags...)
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Do(ctx))
	t.Cleanup(func() { chromedp.Cancel(ctx) }) // closes the browser and waits
	ctx, cancel = context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}
