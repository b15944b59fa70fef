package consent_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/require"
)

var testKey = connectorauth.Secret(bytes.Repeat([]byte{7}, 32))

// app is a web application with a consent handler, and a provider. The application
// connects accounts of the provider.
type app struct {
	t        *testing.T
	provider *authtest.Provider
	server   *httptest.Server
	config   consent.Config
	handler  http.Handler // tests can replace the handler

	grant  connectorauth.AuthorizationCode // grant of the connector "oauth2"
	store  connectorauth.TokenStore        // token store of both connectors
	shared *connectorauth.Shared           // what the connectors of one process have in common
	client *http.Client                    // makes the connectors' token requests; nil means the provider's client

	mu      sync.Mutex
	results []consent.Result
	doneErr error // of Done
}

// newApp starts an application, on https if the provider is on https. The Flow of
// the application knows the connectors "oauth2" and "oauth1". Flow makes a new
// connector for each call.
func newApp(t *testing.T, provider authtest.Config, change ...func(*app)) *app {
	t.Helper()
	a := &app{t: t, provider: authtest.New(provider)}
	t.Cleanup(a.provider.Close)
	a.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }))
	scheme := "http"
	if provider.TLS {
		scheme = "https"
		a.server.StartTLS()
	} else {
		a.server.Start()
	}
	t.Cleanup(a.server.Close)
	a.grant.AuthURL = a.provider.AuthURL
	a.config = consent.Config{
		URL:  scheme + "://" + a.server.Listener.Addr().String() + "/connect",
		Keys: []connectorauth.Secret{testKey},
		Flow: a.flow,
		Done: func(_ *http.Request, result consent.Result) error {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.results = append(a.results, result)
			return a.doneErr
		},
	}
	for _, f := range change {
		f(a)
	}
	a.handler = a.newHandler()
	return a
}

func (a *app) newHandler() *consent.Handler {
	a.t.Helper()
	h, err := consent.New(a.config)
	require.NoError(a.t, err)
	return h
}

func (a *app) flow(_ *http.Request, connector string) (consent.Flow, error) {
	p := a.provider
	client := a.client
	if client == nil {
		client = p.Client()
	}
	switch connector {
	case "oauth2":
		return connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL,
			Grant: a.grant, HTTPClient: client, Store: a.store, Account: "alice/oauth2", Shared: a.shared,
		})
	case "oauth1":
		return connectorauth.NewOAuth1(connectorauth.OAuth1Config{
			ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), HTTPClient: client,
			RequestTokenURL: p.RequestTokenURL, AuthorizeURL: p.AuthorizeURL, AccessTokenURL: p.AccessTokenURL,
			Store: a.store, Account: "alice/oauth1", Shared: a.shared,
		})
	}
	return nil, consent.ErrNotAllowed
}

// exchanges is the number of token requests that the provider has received.
func (a *app) exchanges() int {
	return len(a.provider.Requests(a.provider.TokenURL)) + len(a.provider.Requests(a.provider.AccessTokenURL))
}

// last is the result of the last call to Done.
func (a *app) last() consent.Result {
	a.mu.Lock()
	defer a.mu.Unlock()
	require.NotEmpty(a.t, a.results)
	return a.results[len(a.results)-1]
}

// requireFailed checks that the last consent failed for this reason.
func (a *app) requireFailed(reason consent.Reason) {
	a.t.Helper()
	var failed *consent.Error
	require.ErrorAs(a.t, a.last().Err, &failed)
	require.Equal(a.t, reason, failed.Reason, "%v", failed)
}

// browser is a person's browser, with cookies. Redirects are not followed: a test
// makes each request itself.
type browser struct {
	*http.Client
	t *testing.T
}

func (a *app) newBrowser() *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(a.t, err)
	client := a.server.Client()
	return &browser{&http.Client{
		Transport: client.Transport, Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, a.t}
}

// response is a response with its whole body.
type response struct {
	*http.Response
	body string
}

func (b *browser) get(address string) response {
	b.t.Helper()
	resp, err := b.Get(address)
	require.NoError(b.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	return response{resp, string(body)}
}

// start starts a consent and returns the authorization URL.
func (a *app) start(b *browser, query string) (authURL string) {
	a.t.Helper()
	got := b.get(a.config.URL + "/start?" + query)
	require.Equal(a.t, http.StatusSeeOther, got.StatusCode, got.body)
	return got.Header.Get("Location")
}

// allow starts a consent, presses Allow and returns the URL of the callback.
func (a *app) allow(b *browser, query string) *url.URL {
	a.t.Helper()
	callback, err := a.provider.Authorize(a.start(b, query))
	require.NoError(a.t, err)
	return callback
}

// with returns the URL of the callback with a changed query.
func with(callback *url.URL, change func(url.Values)) string {
	u, query := *callback, callback.Query()
	change(query)
	u.RawQuery = query.Encode()
	return u.String()
}

// both runs a test with the OAuth2 connector and with the OAuth1 connector.
func both(t *testing.T, test func(t *testing.T, connector string)) {
	for _, connector := range []string{"oauth2", "oauth1"} {
		t.Run(connector, func(t *testing.T) { test(t, connector) })
	}
}

// within returns the next error of ended, which must not take long.
func within(t *testing.T, ended <-chan error) error {
	t.Helper()
	select {
	case err := <-ended:
		return err
	case <-time.After(time.Minute):
		require.FailNow(t, "the consent does not end")
		return nil
	}
}
