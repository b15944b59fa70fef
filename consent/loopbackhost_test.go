package consent_test

import (
	"context"
	"html/template"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/require"
)

// Browsers take a name below localhost for this machine, and write an address in its
// shortest form. Nobody asks a resolver for the name.
func TestLoopbackHostsInTheWordsOfBrowsers(t *testing.T) {
	for redirectURL, browsers := range map[string]struct{ address, host string }{
		"http://app.localhost/callback":      {"127.0.0.1", "app.localhost"},
		"http://App.LOCALHOST/callback":      {"127.0.0.1", "app.localhost"},
		"http://LocalHost/callback":          {"127.0.0.1", "localhost"},
		"http://[0:0:0:0:0:0:0:1]/callback":  {"::1", "[::1]"},
		"http://[0000::0001]/callback":       {"::1", "[::1]"},
		"http://[::ffff:127.0.0.1]/callback": {"127.0.0.1", "[::ffff:7f00:1]"},
	} {
		t.Run(redirectURL, func(t *testing.T) {
			freePort(t, browsers.address)
			status, opened := make(chan int, 2), make(chan struct{})
			flow := redirects(func(redirectURL string) {
				callback, err := url.Parse(redirectURL)
				require.NoError(t, err)
				go func() {
					<-opened
					for _, host := range []string{"rebound.example", browsers.host} {
						status <- getAt(t, browsers.address, callback.Port(), host, "/callback?code=c&state=the-state")
					}
				}()
			})
			ended := make(chan error, 1)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			go func() {
				ended <- consent.Loopback(ctx, flow, consent.LoopbackOptions{RedirectURL: redirectURL, Open: func(string) error { close(opened); return nil }, Out: io.Discard})
			}()
			require.NoError(t, within(t, ended))
			require.Equal(t, http.StatusNotFound, <-status)
			require.Equal(t, http.StatusOK, <-status)
		})
	}
}

// redirects is a Flow that tells its redirect URL, and takes every callback.
type redirects func(redirectURL string)

func (f redirects) Begin(_ context.Context, redirectURL string) (string, connectorauth.Secret, error) {
	f(redirectURL)
	return "https://provider.example/authorize?state=the-state", "the pending value", nil
}

func (redirects) Finish(context.Context, connectorauth.Secret, url.Values) error { return nil }

// getAt sends a GET request for host to an address, and returns the status.
func getAt(t *testing.T, address, port, host, uri string) int {
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(address, port))
	}}
	resp, err := (&http.Client{Transport: transport}).Get("http://" + host + ":" + port + uri)
	if err != nil {
		t.Error(err)
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

// A browser that stops reading, as behind a tunnel that is cut, keeps no program
// waiting whose account is connected.
func TestLoopbackWaitsForNoReader(t *testing.T) {
	a, flow := program(t, "oauth2")
	var begun atomic.Bool // before, Loopback tries the template with each page
	open := func(authURL string) error {
		callback, err := a.provider.Authorize(authURL)
		if err != nil {
			return err
		}
		begun.Store(true)
		conn, err := net.Dial("tcp", callback.Host)
		if err != nil {
			return err
		}
		t.Cleanup(func() { conn.Close() })
		_, err = io.WriteString(conn, "GET "+callback.RequestURI()+" HTTP/1.1\r\nHost: "+callback.Host+"\r\n\r\n")
		return err
	}
	page := template.Must(template.New("page").Funcs(template.FuncMap{"large": func() string {
		if begun.Load() {
			return strings.Repeat("x", 16<<20)
		}
		return ""
	}}).Parse("{{.Script}}{{large}}"))
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		ended <- consent.Loopback(ctx, flow, consent.LoopbackOptions{Open: open, Out: io.Discard, Pages: consent.Pages{
			Template: page, Languages: map[string]consent.Messages{"en": {}}}})
	}()
	require.NoError(t, within(t, ended))
}

// A program's Open may wait until the person closes the browser.
func TestLoopbackDoesNotWaitForOpen(t *testing.T) {
	closed := make(chan struct{})
	defer close(closed)
	a, flow := program(t, "oauth2")
	browser, wait := inBrowser(t, a.provider.Authorize, nil)
	open := func(authURL string) error {
		browser(authURL)
		<-closed
		return nil
	}
	out := new(terminal)
	ended := make(chan error, 1)
	go func() {
		ended <- consent.Loopback(t.Context(), flow, consent.LoopbackOptions{Open: open, Out: out})
	}()
	require.NoError(t, within(t, ended))
	wait()
	require.Contains(t, out.String(), a.provider.AuthURL)

	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		ended <- consent.Loopback(ctx, flow, consent.LoopbackOptions{Out: out, Open: func(string) error { cancel(); <-closed; return nil }})
	}()
	require.ErrorIs(t, within(t, ended), context.Canceled)

	_, flow = program(t, "oauth2")
	ctx, cancel = context.WithCancel(t.Context())
	err := consent.Loopback(ctx, flow, consent.LoopbackOptions{Out: out, Open: func(string) error { cancel(); panic("no browser") }})
	require.ErrorIs(t, err, context.Canceled, "the person can open the address")
}
