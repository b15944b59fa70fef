package consent_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/internal/test/stores"
	"github.com/stretchr/testify/require"
)

// freePort returns a port that is free on 127.0.0.1 and on a loopback address, and that no
// connection and no other test gets meanwhile.
func freePort(t *testing.T, address string) string {
	t.Helper()
	probe, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Skipf("the machine has no %s: %v", address, err)
	}
	probe.Close()
	for range 100 {
		port, err := stores.FreePort()
		require.NoError(t, err)
		if probe, err := net.Listen("tcp", net.JoinHostPort(address, port)); err == nil {
			probe.Close()
			return port
		}
	}
	require.Fail(t, "no port is free at both addresses", address)
	return ""
}

func TestLoopbackRedirectURL(t *testing.T) {
	port := freePort(t, "127.0.0.1")
	for redirectURL, want := range map[string]string{ // a pattern: what the provider gets
		"":                           `http://127\.0\.0\.1:[1-9][0-9]+/callback`,
		"http://127.0.0.1":           `http://127\.0\.0\.1:[1-9][0-9]+`,
		"http://127.0.0.1:0/a/b?c=d": `http://127\.0\.0\.1:[1-9][0-9]+/a/b\?c=d`,
		"http://127.0.0.1/a%20b":     `http://127\.0\.0\.1:[1-9][0-9]+/a%20b`,
		"http://[::1]/callback":      `http://\[::1\]:[1-9][0-9]+/callback`,
		"http://localhost/callback":  `http://localhost:[1-9][0-9]+/callback`,
		"http://127.0.0.1:" + port + "/oauth2/callback": `http://127\.0\.0\.1:` + port + `/oauth2/callback`,
		"http://localhost:" + port:                      `http://localhost:` + port,
	} {
		t.Run(redirectURL, func(t *testing.T) {
			if strings.Contains(redirectURL, "::1") {
				freePort(t, "::1")
			}
			both(t, func(t *testing.T, connector string) {
				a, flow := program(t, connector)
				open, wait := inBrowser(t, a.provider.Authorize, nil)
				require.NoError(t, consent.Loopback(t.Context(), flow, consent.LoopbackOptions{RedirectURL: redirectURL, Open: open, Out: io.Discard}))
				status, _ := wait()
				require.Equal(t, http.StatusOK, status)
				if connector == "oauth2" {
					form, err := url.ParseQuery(string(a.provider.Requests(a.provider.TokenURL)[0].Body))
					require.NoError(t, err)
					require.Regexp(t, "^"+want+"$", form.Get("redirect_uri"))
				}
			})
		})
	}
}

// A browser may take localhost for either address. Both are the program's.
func TestLoopbackOnLocalhostHasBothAddresses(t *testing.T) {
	for _, address := range []string{"127.0.0.1", "::1"} {
		freePort(t, address)
		a, flow := program(t, "oauth2")
		var dialer net.Dialer
		transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
			_, port, _ := net.SplitHostPort(to)
			return dialer.DialContext(ctx, network, net.JoinHostPort(address, port))
		}}
		status := make(chan int, 2)
		open := func(authURL string) error {
			callback, err := a.provider.Authorize(authURL)
			if err != nil {
				return err
			}
			byAddress := *callback
			byAddress.Host = net.JoinHostPort(address, callback.Port()) // whatever is at the address: the Host header must be localhost's
			go func() {
				for _, u := range []string{byAddress.String(), callback.String()} {
					resp, err := (&http.Client{Transport: transport}).Get(u)
					if err != nil {
						t.Error(err)
						return
					}
					resp.Body.Close()
					status <- resp.StatusCode
				}
			}()
			return nil
		}
		require.NoError(t, consent.Loopback(t.Context(), flow, consent.LoopbackOptions{RedirectURL: "http://localhost/callback", Open: open, Out: io.Discard}))
		require.Equal(t, http.StatusNotFound, <-status)
		require.Equal(t, http.StatusOK, <-status)
	}
}

// Another program must not have one of the two addresses of localhost.
func TestLoopbackNeedsItsWholePort(t *testing.T) {
	for taken, redirectURLs := range map[string][]string{
		"127.0.0.1": {"http://127.0.0.1:%s/callback", "http://localhost:%s/callback"},
		"::1":       {"http://[::1]:%s/callback", "http://localhost:%s/callback"},
	} {
		port := freePort(t, taken)
		foreign, err := net.Listen("tcp", net.JoinHostPort(taken, port))
		require.NoError(t, err)
		defer foreign.Close()
		for _, redirectURL := range redirectURLs {
			a, flow := program(t, "oauth1")
			err := consent.Loopback(t.Context(), flow, consent.LoopbackOptions{RedirectURL: fmt.Sprintf(redirectURL, port), Out: io.Discard})
			require.ErrorContains(t, err, "consent: cannot listen on a loopback port", redirectURL)
			require.ErrorContains(t, err, "wait until that consent ends, or use a redirect URL with another port", redirectURL)
			require.Empty(t, a.provider.Requests(""), "nothing was begun")
		}
	}
}

func TestLoopbackOptionsAreChecked(t *testing.T) {
	a, flow := program(t, "oauth1")
	for _, redirectURL := range []string{"http://app.example/callback", "http://10.0.0.1:80/", "http://localhost.evil.example/", "http://127.0.0.1/#x",
		"http://user@127.0.0.1/", "ftp://127.0.0.1/", "javascript:alert(1)", "data:,x", "myapp:/callback", "/callback", "http://127.0.0.1:99999999/\x00"} {
		err := consent.Loopback(t.Context(), flow, consent.LoopbackOptions{RedirectURL: redirectURL, Out: io.Discard, In: strings.NewReader("")})
		require.ErrorContains(t, err, "consent: LoopbackOptions.RedirectURL: ", redirectURL)
	}
	for _, redirectURL := range []string{"oob", "urn:ietf:wg:oauth:2.0:oob", "com.example.app:/callback", "https://provider.example/code"} {
		err := consent.Loopback(t.Context(), flow, consent.LoopbackOptions{RedirectURL: redirectURL, Out: io.Discard})
		require.ErrorContains(t, err, "consent: LoopbackOptions.In: ", redirectURL)
	}
	err := consent.Loopback(t.Context(), flow, consent.LoopbackOptions{RedirectURL: "http://app.example/callback", Pages: consent.Pages{Accent: "no colour"}})
	require.ErrorContains(t, err, "LoopbackOptions.RedirectURL: ")
	require.ErrorContains(t, err, "LoopbackOptions.Pages: ")
	require.Empty(t, a.provider.Requests(""), "nothing was begun")
}

// Evil sends the person on to honest, with the redirect URL of evil's consent. If each
// provider has a path of its own, honest knows no such redirect URL, and evil's consent
// takes no callback of honest's.
func TestLoopbackMixUp(t *testing.T) {
	honest := authtest.New(authtest.Config{})
	defer honest.Close()
	a, flow := program(t, "oauth2") // the provider is evil
	open, wait := inBrowser(t, a.provider.Authorize, func(callback *url.URL) {
		query := callback.Query()
		stolen, err := honest.Authorize(honest.AuthURL + "?" + url.Values{"client_id": {honest.ClientID}, "response_type": {"code"},
			"redirect_uri": {"http://" + callback.Host + "/callback/honest"}, "state": query["state"]}.Encode())
		if err != nil || stolen.Query().Get("code") == "" {
			t.Error(stolen, err)
			return
		}
		if status, _ := getPage(t, stolen.String()); status != http.StatusNotFound {
			t.Errorf("status %d", status)
		}
	})
	require.NoError(t, consent.Loopback(t.Context(), flow, consent.LoopbackOptions{RedirectURL: "http://127.0.0.1/callback/evil", Open: open, Out: io.Discard}))
	status, _ := wait()
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, 1, a.exchanges(), "honest's code did not reach evil")
}

// A program may take forms as well: response_mode=form_post.
func TestLoopbackTakesAForm(t *testing.T) {
	both(t, func(t *testing.T, connector string) {
		a, flow := program(t, connector)
		sent := make(chan int, 1)
		open := func(authURL string) error {
			go func() {
				callback, err := a.provider.Authorize(authURL)
				if err != nil {
					t.Error(err)
				}
				form := *callback
				form.RawQuery = ""
				sent <- a.post(form.String(), formType, callback.RawQuery).StatusCode
			}()
			return nil
		}
		require.NoError(t, consent.Loopback(t.Context(), flow, consent.LoopbackOptions{Open: open, Out: io.Discard}))
		require.Equal(t, http.StatusOK, <-sent)
		require.Equal(t, 1, a.exchanges())
	})
}
