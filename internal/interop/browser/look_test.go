package browser

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/internal/interop/npm"
	"github.com/stretchr/testify/require"
)

// subjects are what pages are about: success, the question before a start, the code for
// another device, and every reason of a failure. Each is the connector whose consent ends so.
var subjects = []string{
	"connected", "confirm", "typing", "denied", "invalid", "unknown", "expired", "used", "mixup", "not_allowed", "refused", "provider", "store", "unrecorded", "internal",
	"provider&popup=0a", "used&popup=0a", // in a popup
}

// gallery is an application whose consents end as the name of the connector says.
type gallery struct {
	t   *testing.T
	url string // http://localhost:…/connect
	far string // a URL on another site, which links to a start
}

func newGallery(t *testing.T, service string, pages consent.Pages) *gallery {
	t.Helper()
	g := &gallery{t: t}
	mux := http.NewServeMux()
	mux.HandleFunc("/far", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "text/html") })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	g.url, g.far = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)+"/connect", server.URL+"/far"
	key := make([]byte, 32)
	rand.Read(key)
	handler, err := consent.New(consent.Config{
		URL: g.url, Keys: []connectorauth.Secret{connectorauth.Secret(key)}, Pages: pages,
		Service: func(string) string { return service },
		Flow: func(_ *http.Request, connector string) (consent.Flow, error) {
			switch connector {
			case "not_allowed":
				return nil, consent.ErrNotAllowed
			case "internal":
				return nil, errors.New("the database is down")
			case "typing":
				return typing{ending(connector)}, nil
			}
			return ending(connector), nil
		},
		Done: func(_ *http.Request, result consent.Result) error {
			if result.Connector == "unrecorded" {
				return errors.New("the database is down")
			}
			return nil
		},
	})
	require.NoError(t, err)
	mux.Handle("/connect/", handler)
	return g
}

// ending is a Flow without a provider: its consent ends at once, as its name says.
type ending string

func (ending) Begin(_ context.Context, redirectURL string) (string, connectorauth.Secret, error) {
	return redirectURL + "?code=c&state=" + rand.Text(), "pending", nil
}

func (e ending) Finish(context.Context, connectorauth.Secret, url.Values) error {
	switch e {
	case "connected", "unrecorded":
		return nil
	case "denied":
		return &connectorauth.TokenError{Code: "access_denied"}
	case "refused":
		return &connectorauth.TokenError{Code: "invalid_client", StatusCode: http.StatusUnauthorized}
	case "provider":
		return &connectorauth.TokenError{StatusCode: http.StatusServiceUnavailable}
	case "store":
		return errors.New("the database is down")
	}
	return badCallback(e)
}

// typing is a Flow whose account owner types a code, and never decides.
type typing struct{ ending }

func (typing) GrantType() string { return connectorauth.DeviceCode{}.GrantType() }

func (typing) BeginDevice(context.Context) (connectorauth.DevicePrompt, connectorauth.Secret, error) {
	return connectorauth.DevicePrompt{
		UserCode: "WDJB-MJHT", VerificationURI: "https://login.example.com/activate/on-another-device", Expires: time.Now().Add(time.Hour),
	}, "pending", nil
}

func (typing) PollDevice(context.Context, connectorauth.Secret) (connectorauth.DevicePoll, error) {
	return connectorauth.DevicePoll{Pending: "pending", Wait: time.Hour}, nil
}

type badCallback string

func (badCallback) Error() string         { return "bad callback" }
func (e badCallback) BadCallback() string { return string(e) }

// show leads a tab to the page about a subject.
func (g *gallery) show(tab context.Context, subject string) {
	g.t.Helper()
	page := g.url + "/start?connector=" + subject
	switch subject {
	case "confirm":
		do(g.t, tab, chromedp.Navigate(g.far), script(`location.assign("`+page+`")`), chromedp.WaitVisible("#continue"))
		return
	case "unknown":
		page = g.url + "/callback/name?state=x"
	}
	do(g.t, tab, chromedp.Navigate(page))
}

// prefer makes a tab prefer a language and a colour scheme.
func prefer(t *testing.T, tab context.Context, language, scheme string) {
	t.Helper()
	agent := get(t, tab, chromedp.Evaluate[string](`navigator.userAgent`))
	_, err := chromedp.Call(tab, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: language})
	require.NoError(t, err)
	_, err = chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	})
	require.NoError(t, err)
}

// loadAxe returns the source of axe-core, which finds faults of accessibility.
var loadAxe = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "axe")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, os.DirFS("testdata")); err != nil {
		return "", err
	}
	if err := npm.Install(dir); err != nil {
		return "", err
	}
	source, err := os.ReadFile(filepath.Join(dir, "node_modules", "axe-core", "axe.min.js"))
	return string(source), err
})

// axe returns the source of axe-core, or skips the test.
func axe(t *testing.T) string {
	t.Helper()
	source, err := loadAxe()
	if err != nil && os.Getenv("CONNECTORAUTH_TEST_REQUIRE") != "1" {
		t.Skipf("no axe-core: %v", err)
	}
	require.NoError(t, err)
	return source
}
