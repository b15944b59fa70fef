package browser

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/require"
)

const homePage = `<!DOCTYPE html><html lang="en"><title>app</title>
<button id="oauth2">Connect</button> <button id="oauth1">Connect</button> <button id="device">Connect</button>
<a id="link" href="/connect/start?connector=oauth2&return_to=/home%3Fback">Connect in this window</a>
<p id="outcome"></p>
<script src="/connect/connect.js"></script>
<script>
function say(text) { document.getElementById("outcome").append(text + ";"); }
for (const button of document.querySelectorAll("button")) {
  button.onclick = () => connectorauth.connect(button.id, { returnTo: "/home?back", language: window.language }).then(
    () => say(button.id + " connected"), (error) => { window.message = error.message; say(button.id + " " + error.reason); });
}
</script>`

// app is an application with a page, and the provider it connects accounts of.
type app struct {
	t        *testing.T
	provider *authtest.Provider
	url      string // http://localhost:…
	store    tokenstore.Memory

	mu      sync.Mutex
	reasons []consent.Reason // of the consents that failed
	doneErr error            // of Config.Done
	cookies []int            // how many cookies each form of the provider brought
}

func newApp(t *testing.T) *app {
	t.Helper()
	a := &app{t: t, provider: authtest.NewProvider(t)}
	mux := http.NewServeMux()
	mux.HandleFunc("/home", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, homePage)
	})
	mux.HandleFunc("/embedding", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, `<iframe src="http://127.0.0.1:`+r.Host[strings.LastIndex(r.Host, ":")+1:]+`/embedded"></iframe>
			<p id="cookie"></p><script>onmessage = (e) => { document.getElementById("cookie").textContent = e.data }</script>`)
	})
	mux.HandleFunc("/embedded", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Set-Cookie", "third=party; SameSite=None; Secure; Path=/")
		io.WriteString(w, `<script>parent.postMessage("cookie: " + document.cookie, "*")</script>`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	a.url = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	key := make([]byte, 32)
	rand.Read(key)
	handler, err := consent.New(consent.Config{
		URL: a.url + "/connect", Keys: []connectorauth.Secret{connectorauth.Secret(key)}, Flow: a.flow, Pages: consent.Pages{Name: "Example"},
		Done: func(_ *http.Request, result consent.Result) error {
			if failed, ok := result.Err.(*consent.Error); ok {
				a.mu.Lock()
				defer a.mu.Unlock()
				a.reasons = append(a.reasons, failed.Reason)
			}
			return a.doneErr
		},
	})
	require.NoError(t, err)
	mux.HandleFunc("/connect/", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			a.mu.Lock()
			a.cookies = append(a.cookies, len(r.Cookies()))
			a.mu.Unlock()
		}
		handler.ServeHTTP(w, r)
	})
	return a
}

func (a *app) flow(_ *http.Request, connector string) (consent.Flow, error) {
	p := a.provider
	switch connector {
	case "oauth2":
		return connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL,
			Grant: connectorauth.AuthorizationCode{AuthURL: p.AuthURL}, Store: &a.store, Account: "oauth2",
		})
	case "device":
		return connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL,
			Grant: connectorauth.DeviceCode{DeviceURL: p.DeviceURL}, Store: &a.store, Account: "device",
		})
	case "oauth1":
		return connectorauth.NewOAuth1(connectorauth.OAuth1Config{
			ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), Store: &a.store, Account: "oauth1",
			RequestTokenURL: p.RequestTokenURL, AuthorizeURL: p.AuthorizeURL, AccessTokenURL: p.AccessTokenURL,
		})
	}
	return nil, consent.ErrNotAllowed
}

// exchanges is how many requests for a token the provider has seen.
func (a *app) exchanges() int {
	return len(a.provider.Requests(a.provider.TokenURL)) + len(a.provider.Requests(a.provider.AccessTokenURL))
}

// connected reports whether the account's token is in the store.
func (a *app) connected(name string) bool {
	_, ok, err := a.store.Load(a.t.Context(), name)
	require.NoError(a.t, err)
	return ok
}

func (a *app) requireReasons(want ...consent.Reason) {
	a.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	require.Equal(a.t, want, a.reasons)
}

// do runs the actions in a tab.
func do(t *testing.T, tab context.Context, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	require.NoError(t, chromedp.Do(tab, actions...))
}

// get runs an action that returns a value.
func get[T any](t *testing.T, tab context.Context, action chromedp.Action[T]) T {
	t.Helper()
	value, err := chromedp.Run(tab, action)
	require.NoError(t, err)
	return value
}

// script runs JavaScript in a tab, without the person having done anything.
func script(code string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](code)
}

// home opens the application's page.
func (a *app) home(tab context.Context) {
	a.t.Helper()
	do(a.t, tab, chromedp.Navigate(a.url+"/home"), chromedp.WaitVisible("#oauth2"))
}

// popup clicks the button of a connector and returns the popup, which shows the
// provider's page.
func (a *app) popup(tab context.Context, connector string) context.Context {
	a.t.Helper()
	popup := opened(a.t, tab, chromedp.Click("#"+connector))
	do(a.t, popup, chromedp.WaitVisible("#allow"))
	return popup
}

// opened returns the popup that an action in a tab opens.
func opened(t *testing.T, tab context.Context, action chromedp.Action[chromedp.Void], options ...chromedp.ContextOption) context.Context {
	t.Helper()
	// A popup that is closing tells of itself too.
	before, err := chromedp.Targets(tab)
	require.NoError(t, err)
	found := chromedp.WaitNewTarget(tab, func(info *target.Info) bool {
		return info.OpenerID != "" && inProfile(tab, info) && !slices.ContainsFunc(before, func(b *target.Info) bool { return b.TargetID == info.TargetID })
	})
	do(t, tab, action)
	select {
	case id := <-found:
		popup, cancel := chromedp.NewContext(tab, append(options, chromedp.WithTargetID(id))...)
		t.Cleanup(cancel)
		do(t, popup)
		return popup
	case <-tab.Done():
		require.FailNow(t, "no popup opened")
		return nil
	}
}

// inProfile reports whether a window is in the profile of a tab.
func inProfile(tab context.Context, info *target.Info) bool {
	own := chromedp.FromContext(tab).BrowserContextID
	return own == "" || info.BrowserContextID == own
}

// press clicks a button whose page may close its window at once.
func press(t *testing.T, tab context.Context, button string) {
	t.Helper()
	do(t, tab, script(`setTimeout(() => document.querySelector("`+button+`").click(), 300)`))
}

// says waits for the application's page to say what became of its promises.
func says(t *testing.T, tab context.Context, want string) {
	t.Helper()
	condition := `document.getElementById("outcome").textContent === ` + strconv.Quote(want)
	if _, err := chromedp.Run(tab, chromedp.Poll[chromedp.Void](condition, chromedp.WithPollingTimeout(10*time.Second))); err != nil {
		require.Equal(t, want, get(t, tab, chromedp.TextContent("#outcome")), "%v", err)
	}
}

// windows counts the open tabs and popups.
func windows(t *testing.T, tab context.Context) (n int) {
	t.Helper()
	infos, err := chromedp.Targets(tab)
	require.NoError(t, err)
	for _, info := range infos {
		if info.Type == "page" && inProfile(tab, info) && strings.HasPrefix(info.URL, "http") {
			n++
		}
	}
	return n
}
