package clients_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
)

// newProxy returns a reverse proxy to target that authenticates with c, and the
// errors that it met.
func newProxy(t *testing.T, c connectorauth.Connector, target string) (proxyURL string, failures <-chan error) {
	t.Helper()
	to := must(url.Parse(target))
	met := make(chan error, 10)
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.SetXForwarded()
		},
		Transport: c.Wrap(nil),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			met <- err
			w.WriteHeader(http.StatusBadGateway)
		},
	})
	t.Cleanup(proxy.Close)
	return proxy.URL, met
}

func TestReverseProxyAuthenticatesForItsUsers(t *testing.T) {
	p := authtest.NewProvider(t)
	proxy, _ := newProxy(t, forClient(p), p.BearerURL)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, proxy+"/orders", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer of-the-user")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, "OAuth2", identity(t, resp.Body).AuthType)
	requests := p.Requests(p.BearerURL)
	require.Len(t, requests, 1)
	assert.Len(t, requests[0].Header.Values("Authorization"), 1, "in place of the user's own")
}

func TestReverseProxyMendsExpiredTokens(t *testing.T) {
	p := authtest.NewProvider(t)
	proxy, _ := newProxy(t, forClient(p), p.BearerURL)
	for range 3 {
		resp, err := http.Get(proxy + "/orders")
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, http.StatusOK, resp.StatusCode)
		p.RevokeAccessTokens()
	}
}

// A proxy streams the bodies of its users, so it cannot send one twice: the
// user gets the 401, and the next request another token.
func TestReverseProxyRenewsAfterABodyThatItCannotReplay(t *testing.T) {
	p := authtest.NewProvider(t)
	proxy, _ := newProxy(t, forClient(p), p.BearerURL)
	post := func() int {
		resp, err := http.Post(proxy+"/orders", "text/plain", strings.NewReader("body"))
		require.NoError(t, err)
		defer resp.Body.Close()
		return resp.StatusCode
	}
	require.Equal(t, http.StatusOK, post())
	p.RevokeAccessTokens()
	require.Equal(t, http.StatusUnauthorized, post())
	require.Eventually(t, func() bool { return post() == http.StatusOK }, time.Minute, 20*time.Millisecond)
	assert.Equal(t, 2, p.Stats().TokenRequests)
}

func TestReverseProxyPutsFieldsIntoStreamedBodies(t *testing.T) {
	p := authtest.NewProvider(t)
	c := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: connectorauth.Secret(p.APIKey), In: dialect.InBody, Name: "api_key"}))
	proxy, failures := newProxy(t, c, p.KeyBodyURL)
	for name, body := range map[string]io.Reader{"length known": strings.NewReader(`{"order": 1}`), "chunked": readerOnly(`{"order": 1}`)} {
		t.Run(name, func(t *testing.T) {
			resp, err := http.Post(proxy, "application/json", body)
			require.NoError(t, err)
			defer resp.Body.Close()
			assert.Equal(t, "ApiKey", identity(t, resp.Body).AuthType)
		})
	}
	resp, err := http.Post(proxy, "application/json", strings.NewReader(`[1]`))
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusBadGateway, resp.StatusCode)
	assert.ErrorIs(t, <-failures, connectorauth.ErrBodyNotInjectable)
}

func TestReverseProxyRefusesATargetThatIsNotAmongHosts(t *testing.T) {
	server := newAPI(t, func(http.ResponseWriter, *http.Request) {})
	proxy, failures := newProxy(t, headerKey("api.example.com"), server.URL)
	resp, err := http.Get(proxy)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusBadGateway, resp.StatusCode)
	assert.ErrorIs(t, <-failures, connectorauth.ErrHostNotAllowed)
	assert.Empty(t, server.arrived())
}

func TestReverseProxyUpgradesConnections(t *testing.T) {
	echo := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+secret || r.Header.Get("Upgrade") != "echo" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		rw.Flush()
		line, _ := rw.ReadString('\n')
		fmt.Fprint(rw, "echo "+line)
		rw.Flush()
	})
	proxy, failures := newProxy(t, headerKey(), echo.URL)
	conn, err := net.Dial("tcp", strings.TrimPrefix(proxy, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: proxy\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	answers := bufio.NewReader(conn)
	resp, err := http.ReadResponse(answers, nil)
	require.NoError(t, err)
	if resp.StatusCode != http.StatusSwitchingProtocols {
		select {
		case err = <-failures:
		default:
			err = errors.New("no error")
		}
		require.Fail(t, "no upgrade", "%s: %v", resp.Status, err)
	}
	fmt.Fprint(conn, "hello\n")
	line, err := answers.ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "echo hello\n", line)
}
