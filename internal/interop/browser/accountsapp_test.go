package browser

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/accounts/pages"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// services are definitions, in which NAMEs stand for URLs of the authtest.Provider.
var services = []string{
	`{"connectorauth": 1, "name": "atlas", "title": "Atlas CRM",
	"links": [{"title": "Where do I find my API key?", "url": "https://atlas.example/help"}],
	"inputs": [{"name": "team", "title": "Team", "optional": true, "pattern": "[a-z-]+", "example": "sales", "help": "As in the address of your team."}],
	"methods": [
		{"name": "key", "title": "API key", "default": true, "type": "ApiKey", "baseUrl": "KEYURL", "key": "{apiKey}", "placement": {"name": "X-Api-Key"},
			"inputs": [{"name": "apiKey", "title": "API key", "help": "In Atlas, under Settings, Developers.", "secret": true}]},
		{"name": "oauth", "title": "Sign in at Atlas", "type": "OAuth2", "baseUrl": "BEARERURL", "tokenUrl": "TOKENURL", "revokeUrl": "REVOKEURL",
			"scopes": [{"name": "contacts.read", "title": "Read your contacts", "help": "To show them beside your mails.", "default": true},
				{"name": "contacts.write", "title": "Change your contacts", "default": true}, {"name": "admin", "title": "Manage your team"}],
			"grant": {"authorizationCode": {"authUrl": "AUTHURL"}}}
	],
	"test": {"request": "GET /me", "id": "/user", "label": "{/user}"}}`,
	`{"connectorauth": 1, "name": "ledger", "title": "Ledger Billing", "baseUrl": "BASICURL",
	"inputs": [{"name": "region", "title": "Region", "enum": [{"value": "eu", "title": "Europe"}, {"value": "us", "title": "United States"}]}],
	"methods": [{"name": "password", "title": "Password", "type": "Basic", "username": "{user}", "password": "{password}",
		"inputs": [{"name": "user", "title": "Email address", "format": "email"}, {"name": "password", "title": "Password", "secret": true}]}],
	"test": {"request": "GET /me", "id": "/user", "label": "{/user}"}}`,
	`{"connectorauth": 1, "name": "signet", "title": "Signet Archive", "baseUrl": "KEYURL",
	"inputs": [{"name": "host", "title": "Host", "format": "label"}, {"name": "tenant", "title": "Tenant", "format": "uuid"},
		{"name": "size", "title": "Size", "format": "integer", "optional": true, "default": "5"}, {"name": "key", "title": "Private key", "format": "key", "secret": true}],
	"methods": [{"name": "key", "type": "ApiKey", "key": "{apiKey}", "placement": {"name": "X-Api-Key"}, "inputs": [{"name": "apiKey", "title": "API key", "secret": true}]}]}`,
}

// more are the titles of further services.
var more = []string{"Beacon Mail", "Cobalt Chat", "Drift Calendar", "Elm Forms", "Fjord Files", "Grove Tasks", "Heron Support", "Indigo Ads", "Juniper Shop"}

// A desk is a program with account pages, and the provider of its services.
type desk struct {
	t        *testing.T
	provider *authtest.Provider
	registry *accounts.Registry
	url      string // http://localhost:…/my/accounts

	mu   sync.Mutex
	user string // whose account each credential of the provider opens
}

// newDesk starts a program. Its users are signed in by a cookie with their name. change may
// change the pages, whose URL is known; nil changes nothing.
func newDesk(t *testing.T, change func(*pages.Config)) *desk {
	t.Helper()
	d := &desk{t: t, user: "ada@example.com"}
	d.provider = authtest.New(authtest.Config{APIKey: "CANARY-key", Username: "ada@example.com", Password: "CANARY-password"})
	t.Cleanup(d.provider.Close)
	p := d.provider
	for _, api := range []string{p.KeyHeaderURL, p.BearerURL, p.BasicURL} {
		p.Inject(api, authtest.Always, authtest.EditAnswer(func(response map[string]any) {
			d.mu.Lock()
			defer d.mu.Unlock()
			response["user"] = d.user
		}))
	}
	documents := services
	for _, title := range more {
		name, _, _ := strings.Cut(strings.ToLower(title), " ")
		documents = append(documents, fmt.Sprintf(`{"connectorauth": 1, "name": %q, "title": %q, "baseUrl": "KEYURL",
			"methods": [{"name": "key", "type": "ApiKey", "key": "{apiKey}", "inputs": [{"name": "apiKey", "secret": true}]}]}`, name, title))
	}
	var list []*definition.Definition
	for _, document := range documents {
		parsed, err := definition.Parse("service.json", []byte(strings.NewReplacer(
			"KEYURL", p.KeyHeaderURL, "BEARERURL", p.BearerURL, "TOKENURL", p.TokenURL, "REVOKEURL", p.RevokeURL, "AUTHURL", p.AuthURL, "BASICURL", p.BasicURL,
		).Replace(document)), definition.Options{})
		require.NoError(t, err)
		list = append(list, parsed)
	}
	set, err := definition.NewSet(list...)
	require.NoError(t, err)
	d.registry, err = accounts.New(accounts.Config{
		Definitions: func() *definition.Set { return set }, Index: new(accounts.Memory), Store: new(tokenstore.Memory),
		Keys: []tokenstore.Key{{ID: "k", Secret: []byte(strings.Repeat("s", 32))}}, Shared: new(connectorauth.Shared),
		Connection: func(context.Context, accounts.Account) (definition.Connection, error) {
			return definition.Connection{Client: definition.Client{ID: p.ClientID, Secret: connectorauth.Secret(p.ClientSecret)}, HTTPClient: p.Client()}, nil
		},
	})
	require.NoError(t, err)
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	d.url = strings.Replace(server.URL, "127.0.0.1", "localhost", 1) + "/my/accounts"
	mux.HandleFunc("/home", d.home)
	config := pages.Config{
		URL: d.url, Keys: []connectorauth.Secret{connectorauth.Secret(strings.Repeat("k", 32))}, Registry: d.registry, Pages: consent.Pages{Name: "Wren"},
		Owner: func(r *http.Request) (string, error) {
			cookie, err := r.Cookie("user")
			if err != nil {
				return "", consent.ErrNotAllowed
			}
			return cookie.Value, nil
		},
		Failed: func(r *http.Request, err error) { assert.NoError(t, err, r.URL.Path) },
	}
	if change != nil {
		change(&config)
	}
	handler, err := pages.New(config)
	require.NoError(t, err)
	mux.Handle("/my/accounts/", handler)
	return d
}

// home is a page of a program that opens the dialog. It keeps what other windows tell it.
func (d *desk) home(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	io.WriteString(w, `<!DOCTYPE html><html lang="en"><title>Wren</title><button id="connect">Connect</button><p id="outcome"></p>
<script src="`+d.url+`/connect.js"></script>
<script>
var messages = [];
addEventListener("message", (event) => messages.push(event.origin + " " + JSON.stringify(event.data)));
document.getElementById("connect").onclick = () => connectorauth.connect("atlas").then(
	(account) => { window.account = account; document.getElementById("outcome").append("connected;"); },
	(error) => document.getElementById("outcome").append(error.reason + ";"));
</script>`)
}

// person returns a tab of somebody who is signed in. Empty means that nobody is. No page in
// the tab may break its policy or throw an exception.
func (d *desk) person(user string) context.Context {
	d.t.Helper()
	tab := launch(d.t)
	require.NoError(d.t, chromedp.Listen(tab, d.watch))
	d.settle(tab)
	if user != "" {
		_, err := chromedp.Call(tab, network.SetCookie, network.SetCookieParams{Name: "user", Value: user, URL: d.url})
		require.NoError(d.t, err)
	}
	return tab
}

// second returns another tab of the same person.
func (d *desk) second(tab context.Context) context.Context {
	d.t.Helper()
	other, cancel := chromedp.NewContext(tab, chromedp.WithListener(d.watch))
	d.t.Cleanup(cancel)
	do(d.t, other)
	d.settle(other)
	return other
}

// settle makes a tab speak English, and so large that nothing scrolls under a click.
func (d *desk) settle(tab context.Context) {
	prefer(d.t, tab, "en", "light")
	do(d.t, tab, chromedp.EmulateViewport(1280, 1000))
}

// popup returns the popup that an action in a tab opens.
func (d *desk) popup(tab context.Context, action chromedp.Action[chromedp.Void]) context.Context {
	d.t.Helper()
	return opened(d.t, tab, action, chromedp.WithListener(d.watch))
}

// watch makes the test fail if a page breaks its policy or throws an exception.
func (d *desk) watch(event any) {
	for _, fault := range faults(event) {
		d.t.Error(fault)
	}
}

// faults are what an event of a tab tells of broken policies and of exceptions.
func faults(event any) []string {
	switch event := event.(type) {
	case *log.EventEntryAdded:
		if event.Entry.Source == log.EntrySourceSecurity {
			return []string{event.Entry.Text}
		}
	case *runtime.EventExceptionThrown:
		return []string{event.ExceptionDetails.Text}
	}
	return nil
}

// css is a selector. A plain text would be searched in the texts of the page too.
type css = chromedp.CSS

// open shows a page of the handler.
func (d *desk) open(tab context.Context, path string) {
	d.t.Helper()
	do(d.t, tab, chromedp.Navigate(d.url+"/"+path))
}

// be makes the provider's credentials those of somebody.
func (d *desk) be(user string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.user = user
}

// all returns the accounts of an owner.
func (d *desk) all(owner string) []accounts.Account {
	d.t.Helper()
	list, err := d.registry.List(d.t.Context(), accounts.Filter{Owner: owner}, "", 100)
	require.NoError(d.t, err)
	return list
}

// one returns the only account of an owner.
func (d *desk) one(owner string) accounts.Account {
	d.t.Helper()
	list := d.all(owner)
	require.Len(d.t, list, 1)
	return list[0]
}

// connect connects an account of an owner without a browser.
func (d *desk) connect(owner, user, service, method string) accounts.Account {
	d.t.Helper()
	d.be(user)
	values := map[string]connectorauth.Secret{"apiKey": "CANARY-key"}
	switch {
	case service == "ledger":
		values = map[string]connectorauth.Secret{"region": "eu", "user": "ada@example.com", "password": "CANARY-password"}
	case method == "oauth":
		values = nil
	}
	a, err := d.registry.Connect(d.t.Context(), accounts.Request{Owner: owner, Definition: service, Method: method, Values: values})
	require.NoError(d.t, err)
	return a
}

// allow gives the consent for which an account waits.
func (d *desk) allow(a accounts.Account) accounts.Account {
	d.t.Helper()
	flow, err := d.registry.Flow(d.t.Context(), a.ID)
	require.NoError(d.t, err)
	authURL, pending, err := flow.Begin(d.t.Context(), d.url+"/callback/atlas")
	require.NoError(d.t, err)
	callback, err := d.provider.Authorize(authURL)
	require.NoError(d.t, err)
	require.NoError(d.t, flow.Finish(d.t.Context(), pending, callback.Query()))
	a, err = d.registry.Get(d.t.Context(), a.ID)
	require.NoError(d.t, err)
	return a
}
