package connectorauth_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An international host in Unicode and in the xn-- form.
const inUnicode, inASCII = "b\u00fccher.example", "xn--bcher-kva.example"

func TestInternationalHostsMayBeWrittenEitherWay(t *testing.T) {
	for _, listed := range []string{"", inUnicode, inASCII, "B\u00dcCHER.example"} {
		hosts := []string{listed}
		if listed == "" {
			hosts = nil
		}
		for _, asked := range []string{inUnicode, inASCII, "B\u00dcCHER\uff0eexample"} {
			for _, s := range subjects(tokenEndpoint(), hosts...) {
				base := &fakehttp.Base{}
				body := "application/json"
				req := must(http.NewRequest(http.MethodPost, "https://"+asked+"/x", strings.NewReader(`{}`)))
				req.Header.Set("Content-Type", body)
				before := *req.URL
				resp, err := s.connector.Wrap(base).RoundTrip(req)
				require.NoError(t, err, "%s: %q listed, %q asked", s.name, listed, asked)
				assert.Same(t, req, resp.Request)
				assert.Equal(t, before, *req.URL, "the caller's request is not changed")
				sent := base.Requests()[0]
				assert.True(t, s.carries(sent.String()), s.name)
				assert.Equal(t, inASCII, sent.URL.Host, "what was checked is what is sent")
				assert.True(t, sent.Host == "" || sent.Host == inASCII, sent.Host)
			}
		}
	}
}

// What a hook makes of the host is sent in the form that was checked, too.
func TestHookMayWriteAnInternationalHost(t *testing.T) {
	base := &fakehttp.Base{}
	c := connectorauth.WithHooks(must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, Name: "X-Key", Hosts: []string{"a.example", inASCII}})),
		connectorauth.Hooks{BeforeRequest: func(e *connectorauth.Exchange) error { e.Request.URL.Host = inUnicode; return nil }})
	status, _ := get(t, c, &http.Client{Transport: base}, "https://a.example/x")
	assert.Equal(t, 200, status)
	assert.Equal(t, inASCII, base.Requests()[0].URL.Host)
}

func TestInternationalLookAlikesAreRefused(t *testing.T) {
	for _, s := range subjects(tokenEndpoint(), inUnicode) {
		for _, asked := range []string{"b\u00fcch\u0435r.example", "bucher.example", inUnicode + ".", "xn--\u00fc.example", inUnicode + "\uff20evil.example"} {
			base := &fakehttp.Base{}
			_, err := s.connector.Wrap(base).RoundTrip(&http.Request{Method: http.MethodPut, URL: &url.URL{Scheme: "https", Host: asked}, Header: http.Header{}})
			require.ErrorIs(t, err, connectorauth.ErrHostNotAllowed, asked)
			assert.Empty(t, base.Requests())
		}
	}
}

func TestRedirectToTheOtherSpellingKeepsTheCredential(t *testing.T) {
	for _, s := range subjects(tokenEndpoint()) {
		base := &fakehttp.Base{Answer: func(req *http.Request) (*http.Response, error) {
			resp := fakehttp.Respond(http.StatusOK, "")
			if req.URL.Path == "/1" {
				resp = fakehttp.Respond(http.StatusTemporaryRedirect, "")
				resp.Header.Set("Location", "https://"+inASCII+"/2")
			}
			return resp, nil
		}}
		client := connectorauth.NewClient(s.connector, &http.Client{Transport: base})
		resp, err := client.Post("https://"+inUnicode+"/1", "application/json", strings.NewReader(`{}`))
		require.NoError(t, err, s.name)
		resp.Body.Close()
		require.Len(t, base.Requests(), 2)
		assert.True(t, s.carries(base.Requests()[1].String()), s.name)
	}
}

// The identity of an account does not depend on how the program spells the host.
func TestInternationalEndpointsOfOAuth2(t *testing.T) {
	tokens := tokenEndpoint()
	c := must(connectorauth.NewOAuth2(config2{
		ClientID: "c", ClientSecret: "s", TokenURL: "https://" + inUnicode + "/token?tenant=1", HTTPClient: &http.Client{Transport: tokens},
		Grant: connectorauth.AuthorizationCode{AuthURL: "https://B\u00dcCHER.example/auth"}, Dialect: dialect.OAuth2{RefreshURL: "https://" + inUnicode + "/refresh"},
	}))
	authURL, pending, err := c.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(authURL, "https://"+inASCII+"/auth?"), authURL)
	state := must(url.Parse(authURL)).Query().Get("state")
	require.NoError(t, c.Finish(t.Context(), pending, url.Values{"state": {state}, "code": {"c"}, "iss": {"https://" + inASCII}}))
	assert.Equal(t, "https://"+inASCII+"/token?tenant=1", tokens.Requests()[0].URL.String())
	assert.True(t, slices.Contains([]string{"", inASCII}, tokens.Requests()[0].Host))
}

func TestInternationalEndpointsOfOAuth1(t *testing.T) {
	base := &fakehttp.Base{Answer: func(*http.Request) (*http.Response, error) {
		return fakehttp.Respond(http.StatusOK, "oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed=true"), nil
	}}
	c := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
		ClientID: "c", ClientSecret: "s", RequestTokenURL: "https://" + inUnicode + "/request", AuthorizeURL: "https://" + inUnicode + "/auth",
		AccessTokenURL: "https://" + inUnicode + "/access", HTTPClient: &http.Client{Transport: base},
	}))
	authURL, _, err := c.Begin(t.Context(), callbackURL)
	require.NoError(t, err)
	assert.Equal(t, "https://"+inASCII+"/auth?oauth_token=t", authURL)
	assert.Equal(t, inASCII, base.Requests()[0].URL.Host)
}

// machine is this machine, beside a resolver and a proxy that lie.
type machine struct {
	mu     sync.Mutex
	dialed []string
	server *httptest.Server
	seen   []*http.Request
	port   string
}

func newMachine(t *testing.T) (*machine, *http.Transport) {
	m := new(machine)
	m.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.seen = append(m.seen, r)
		if r.URL.Path == "/token" {
			fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, accessToken)
		}
	}))
	t.Cleanup(m.server.Close)
	_, m.port, _ = net.SplitHostPort(m.server.Listener.Addr().String())
	transport := &http.Transport{
		// http.ProxyFromEnvironment makes the same exception for localhost alone.
		Proxy: func(req *http.Request) (*url.URL, error) {
			if req.URL.Hostname() == "localhost" {
				return nil, nil
			}
			return url.Parse("http://proxy.evil.example:3128")
		},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			m.mu.Lock()
			m.dialed = append(m.dialed, address)
			m.mu.Unlock()
			if host, _, _ := net.SplitHostPort(address); host != "localhost" {
				return nil, fmt.Errorf("%s is somewhere else", address)
			}
			return new(net.Dialer).DialContext(ctx, network, m.server.Listener.Addr().String())
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return m, transport
}

// RFC 6761 section 6.3: names below localhost are this machine. Neither a resolver
// nor a proxy is asked.
func TestNamesBelowLocalhostReachThisMachine(t *testing.T) {
	m, transport := newMachine(t)
	for _, hosts := range [][]string{nil, {"http://app.localhost:" + m.port}} {
		for _, s := range subjects(tokenEndpoint(), hosts...) {
			req := must(http.NewRequest(http.MethodPost, "http://app.localhost:"+m.port+"/x", strings.NewReader(`{}`)))
			req.Header.Set("Content-Type", "application/json")
			resp, err := s.connector.Wrap(transport).RoundTrip(req)
			require.NoError(t, err, s.name)
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			assert.Same(t, req, resp.Request)
			assert.Equal(t, "app.localhost:"+m.port, req.URL.Host)
			m.mu.Lock()
			assert.Equal(t, "app.localhost:"+m.port, m.seen[len(m.seen)-1].Host, "the server sees the name")
			m.mu.Unlock()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	assert.Len(t, m.seen, 2*len(subjects(tokenEndpoint())))
	assert.Equal(t, []string{"localhost:" + m.port}, slices.Compact(m.dialed))
}

func TestEndpointsBelowLocalhostAreOnThisMachine(t *testing.T) {
	m, transport := newMachine(t)
	c := must(connectorauth.NewOAuth2(config2{
		ClientID: "c", ClientSecret: "s", TokenURL: "http://login.localhost:" + m.port + "/token", Grant: connectorauth.ClientCredentials{},
		HTTPClient: &http.Client{Transport: transport},
	}))
	token, err := c.Token(t.Context())
	require.NoError(t, err)
	assert.Equal(t, accessToken, token.AccessToken)
	m.mu.Lock()
	defer m.mu.Unlock()
	assert.Equal(t, "login.localhost:"+m.port, m.seen[0].Host)
	assert.Equal(t, []string{"localhost:" + m.port}, m.dialed)
	for _, elsewhere := range []string{"http://localhost.evil.example/token", "http://login.localhost./token", "http://loginlocalhost/token"} {
		_, err := connectorauth.NewOAuth2(config2{ClientID: "c", TokenURL: elsewhere, Grant: connectorauth.AuthorizationCode{AuthURL: "https://p.example/"}})
		assert.ErrorContains(t, err, "TokenURL: plain http is for loopback only")
	}
}

// A redirect hop that carries no credential goes where the resolver says.
func TestHopWithoutCredentialsIsNotResolvedHere(t *testing.T) {
	base := &fakehttp.Base{Answer: func(req *http.Request) (*http.Response, error) {
		resp := fakehttp.Respond(http.StatusOK, "")
		if req.URL.Path == "/1" {
			resp = fakehttp.Respond(http.StatusFound, "")
			resp.Header.Set("Location", "http://app.localhost/2")
		}
		return resp, nil
	}}
	client := connectorauth.NewClient(queryKey(), &http.Client{Transport: base})
	resp, err := client.Get(home + "/1")
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, "http://app.localhost/2", base.Requests()[1].URL.String())
}
