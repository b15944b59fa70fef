package consent_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/internal/ports"
	"github.com/stretchr/testify/require"
)

// terminal is a writer that keeps its text. It is safe for concurrent use.
type terminal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *terminal) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *terminal) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// program returns a flow for a command-line program, and the flow's provider.
func program(t *testing.T, connector string) (*app, consent.Flow) {
	t.Helper()
	a := newApp(t, authtest.Config{})
	flow, err := a.flow(nil, connector)
	require.NoError(t, err)
	return a, flow
}

func getPage(t *testing.T, address string) (status int, body string) {
	t.Helper()
	resp, err := http.Get(address)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(text)
}

// inBrowser returns an Open function for a person who presses Allow or Deny. before,
// if not nil, is called with the callback before the browser goes there. wait
// returns the page at the end.
func inBrowser(t *testing.T, press func(string) (*url.URL, error), before func(callback *url.URL)) (open func(string) error, wait func() (status int, body string)) {
	var status int
	var body string
	done := make(chan struct{})
	open = func(authURL string) error {
		go func() {
			defer close(done)
			callback, err := press(authURL)
			if err != nil {
				t.Error(err)
				return
			}
			if before != nil {
				before(callback)
			}
			status, body = getPage(t, callback.String())
		}()
		return nil
	}
	return open, func() (int, string) { <-done; return status, body }
}

func TestLoopback(t *testing.T) {
	both(t, func(t *testing.T, connector string) {
		a, flow := program(t, connector)
		var address string
		open, wait := inBrowser(t, a.provider.Authorize, func(callback *url.URL) { address = callback.Host })
		out := new(terminal)
		require.NoError(t, consent.Loopback(t.Context(), flow, consent.LoopbackOptions{Open: open, Out: out}))
		status, body := wait()
		require.Equal(t, http.StatusOK, status)
		require.Contains(t, body, "Your account is connected")
		require.Contains(t, out.String(), a.provider.URL)
		require.Equal(t, 1, a.exchanges())

		host, _, err := net.SplitHostPort(address)
		require.NoError(t, err)
		require.True(t, net.ParseIP(host).IsLoopback())
		_, err = net.Dial("tcp", address)
		require.Error(t, err, "the port is closed")
	})
}

// Browsers leave the default port out of the Host header.
func TestLoopbackOnTheDefaultPort(t *testing.T) {
	if free, err := net.Listen("tcp", "127.0.0.1:80"); err != nil {
		t.Skipf("port 80 is not to be had: %v", err)
	} else {
		free.Close()
	}
	a, flow := program(t, "oauth2")
	open, wait := inBrowser(t, a.provider.Authorize, func(callback *url.URL) { callback.Host = "127.0.0.1" })
	err := consent.Loopback(t.Context(), flow, consent.LoopbackOptions{RedirectURL: "http://127.0.0.1:80/callback", Open: open, Out: io.Discard})
	if ports.Taken(err) {
		free, taken := net.Listen("tcp", "127.0.0.1:80")
		if taken != nil {
			t.Skipf("another program has taken port 80 meanwhile: %v", taken)
		}
		free.Close()
	}
	require.NoError(t, err)
	status, _ := wait()
	require.Equal(t, http.StatusOK, status)
}

func TestLoopbackDenied(t *testing.T) {
	both(t, func(t *testing.T, connector string) {
		a, flow := program(t, connector)
		open, wait := inBrowser(t, a.provider.Deny, nil)
		err := consent.Loopback(t.Context(), flow, consent.LoopbackOptions{Open: open, Out: io.Discard})
		var failed *consent.Error
		require.ErrorAs(t, err, &failed)
		require.Equal(t, consent.ReasonDenied, failed.Reason)
		status, body := wait()
		require.Equal(t, http.StatusForbidden, status)
		require.Contains(t, body, "Access was not allowed")
	})
}

// A browser brings one callback of this consent. If the callback is of no use, nobody
// brings another, and waiting would keep the person from trying again.
func TestLoopbackEndsWithACallbackOfNoUse(t *testing.T) {
	_, flow := program(t, "oauth2")
	useless := func(authURL string) (*url.URL, error) {
		u, err := url.Parse(authURL)
		require.NoError(t, err)
		return url.Parse(u.Query().Get("redirect_uri") + "?state=" + u.Query().Get("state"))
	}
	open, wait := inBrowser(t, useless, nil)
	err := consent.Loopback(t.Context(), flow, consent.LoopbackOptions{Open: open, Out: io.Discard})
	status, _ := wait()
	require.Equal(t, http.StatusBadRequest, status)
	failed := new(consent.Error)
	require.ErrorAs(t, err, &failed)
	require.Equal(t, consent.ReasonInvalid, failed.Reason)
}

func TestLoopbackAcceptsOnlyItsOwnCallback(t *testing.T) {
	a, flow := program(t, "oauth2")
	open, wait := inBrowser(t, a.provider.Authorize, func(callback *url.URL) {
		for _, query := range []string{"", "?error=&state=", "?state=other&code=c", "?state=" + callback.Query().Get("state") + "&state=x"} {
			status, _ := getPage(t, "http://"+callback.Host+"/callback"+query)
			if status != http.StatusBadRequest && status != http.StatusForbidden {
				t.Errorf("%q: status %d", query, status)
			}
		}
		status, _ := getPage(t, "http://"+callback.Host+"/favicon.ico")
		if status != http.StatusNotFound {
			t.Errorf("favicon: status %d", status)
		}
		for _, change := range []func(*http.Request){
			func(r *http.Request) { r.Host = "rebound.example" },
			func(r *http.Request) { r.Method = "POST" },
			func(r *http.Request) { r.Method = "HEAD" },
		} {
			r, err := http.NewRequest("GET", callback.String(), nil)
			if err != nil {
				t.Error(err)
				return
			}
			change(r)
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusMethodNotAllowed && resp.StatusCode != http.StatusUnsupportedMediaType {
				t.Errorf("%s %s: status %d", r.Method, r.Host, resp.StatusCode)
			}
		}
	})
	require.NoError(t, consent.Loopback(t.Context(), flow, consent.LoopbackOptions{Open: open, Out: io.Discard}))
	status, _ := wait()
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, 1, a.exchanges())
}

func TestLoopbackEndsWithItsContext(t *testing.T) {
	_, flow := program(t, "oauth2")
	in, _, err := os.Pipe()
	require.NoError(t, err)
	defer in.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var address string
	open := func(authURL string) error {
		u, err := url.Parse(authURL)
		if err != nil {
			return err
		}
		redirect, err := url.Parse(u.Query().Get("redirect_uri"))
		address = redirect.Host
		cancel()
		return err
	}
	err = consent.Loopback(ctx, flow, consent.LoopbackOptions{Open: open, Out: io.Discard, In: in}) // TestMain checks that no goroutine still reads In
	require.ErrorIs(t, err, context.Canceled)
	_, err = net.Dial("tcp", address)
	require.Error(t, err)
}

func TestLoopbackEndsAtADeadline(t *testing.T) {
	_, flow := program(t, "oauth2")
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	err := consent.Loopback(ctx, flow, consent.LoopbackOptions{Open: func(string) error { return nil }, Out: io.Discard})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestLoopbackWhenTheProviderIsDown(t *testing.T) {
	a, flow := program(t, "oauth1")
	a.provider.Inject(a.provider.RequestTokenURL, 1, authtest.Answer(503, nil, ""))
	err := consent.Loopback(t.Context(), flow, consent.LoopbackOptions{Out: io.Discard})
	var failed *consent.Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, consent.ReasonProvider, failed.Reason)
}
