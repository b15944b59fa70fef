package connectorauth_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// visit posts a JSON body with c to a URL and follows its redirects.
func visit(t *testing.T, n *fakehttp.Internet, c connectorauth.Connector, url string) *http.Response {
	t.Helper()
	client := connectorauth.NewClient(c, &http.Client{Transport: n.Transport})
	resp, err := client.Post(url, "application/json", strings.NewReader(`{"a":1}`))
	status, body := read(t, resp, err)
	require.Equal(t, 200, status)
	require.Equal(t, "end", body)
	return resp
}

var redirectStatuses = []int{301, 302, 303, 307, 308}

// keepsBody reports whether a redirect repeats a POST with its body.
func keepsBody(status int) bool { return status == 307 || status == 308 }

func TestRedirectToForeignOriginIsSentWithoutCredentials(t *testing.T) {
	n := fakehttp.NewInternet(t)
	chains := []struct {
		name  string
		chain []string
	}{
		{"other host", []string{home + "/start", foreign + "/there", foreign + "/end"}},
		{"other port", []string{home + "/start", otherPort + "/there", otherPort + "/end"}},
		{"https to http", []string{home + "/start", plainHTTP + "/there", plainHTTP + "/end"}},
		{"subdomain", []string{home + "/start", subdomain + "/there", subdomain + "/end"}},
		{"look-alike host", []string{home + "/start", lookAlike + "/there", lookAlike + "/end"}},
		{"there and back", []string{home + "/start", foreign + "/there", home + "/back", home + "/end"}},
	}
	for _, s := range withPairs(tokenEndpoint()) {
		for i, c := range chains {
			for _, status := range redirectStatuses {
				if s.parts != nil && (i != 0 && i != len(chains)-1 || status != 302 && status != 307) {
					continue // for pairs, two chains and two statuses stand for all
				}
				t.Run(fmt.Sprintf("%s/%s/%d", s.name, c.name, status), func(t *testing.T) {
					n.Redirect(status, c.chain...)
					resp := visit(t, n, s.connector, c.chain[0])

					require.Len(t, n.Trail, len(c.chain), "the chain is followed to its end")
					require.True(t, s.carries(n.Trail[0].String()), "the first request carries the credentials: %v", n.Trail[0])
					for _, hop := range n.Trail[1:] {
						assert.Empty(t, canary.Found(hop.String(), s.traces...), "%v", hop)
						if keepsBody(status) {
							assert.Equal(t, `{"a":1}`, hop.Body)
						} else {
							assert.Empty(t, hop.Body)
						}
					}
					assert.Equal(t, c.chain[len(c.chain)-1], resp.Request.URL.String())
					assert.Empty(t, canary.Found(fakehttp.Request{Request: resp.Request}.String(), s.traces...))
				})
			}
		}
	}
}

func TestRedirectOnTheSameOriginCarriesTheCredentialsOnce(t *testing.T) {
	n := fakehttp.NewInternet(t)
	for _, s := range withPairs(tokenEndpoint()) {
		for _, status := range redirectStatuses {
			t.Run(fmt.Sprintf("%s/%d", s.name, status), func(t *testing.T) {
				n.Redirect(status, home+"/start", home+"/there", home+"/end")
				visit(t, n, s.connector, home+"/start")

				require.Len(t, n.Trail, 3)
				for i, hop := range n.Trail {
					for _, part := range s.split() { // a GET without a body has no place for what goes into the body
						assert.Equal(t, i == 0 || keepsBody(status) || !part.inBody(), part.carries(hop.String()), "%s: %v", part.name, hop)
					}
					assert.Len(t, hop.Header.Values("Authorization"), len(n.Trail[0].Header.Values("Authorization")))
					assert.LessOrEqual(t, strings.Count(hop.Body, "api_key"), 1)
					assert.EqualValues(t, len(hop.Body), hop.ContentLength)
					if keepsBody(status) {
						assert.Equal(t, n.Trail[0].Body, hop.Body)
					}
				}
			})
		}
	}
}

func TestOAuth1SignsEachHopAnew(t *testing.T) {
	n := fakehttp.NewInternet(t)
	n.Redirect(307, home+"/start", home+"/end")
	for _, s := range subjects(tokenEndpoint()) {
		if s.connector.AuthType() == connectorauth.AuthTypeOAuth1 {
			visit(t, n, s.connector, home+"/start")
		}
	}
	require.Len(t, n.Trail, 2)
	assert.NotEqual(t, n.Trail[0].Header.Get("Authorization"), n.Trail[1].Header.Get("Authorization"))
}

func TestHostsMayBeSeveralOrigins(t *testing.T) {
	n := fakehttp.NewInternet(t)
	tests := []struct {
		name  string
		hosts []string
		chain []string
		bare  int // hops at the end of the chain without credentials
	}{
		{"both listed", []string{"api.example.test", "other.example.test"}, []string{home + "/a", foreign + "/b"}, 0},
		{"listed with a port", []string{"api.example.test", "api.example.test:8443"}, []string{home + "/a", otherPort + "/b"}, 0},
		{"wildcard", []string{"*.example.test"}, []string{home + "/a", subdomain + "/b", foreign + "/c"}, 0},
		{"listed plain http", []string{"api.example.test", "http://api.example.test"}, []string{home + "/a", plainHTTP + "/b"}, 0},
		{"wildcard and look-alike", []string{"*.example.test"}, []string{home + "/a", lookAlike + "/b"}, 1},
		{"one not listed", []string{"api.example.test", "other.example.test"}, []string{home + "/a", foreign + "/b", subdomain + "/c", foreign + "/d", home + "/e"}, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n.Redirect(307, test.chain...)
			key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, Hosts: test.hosts}))
			visit(t, n, key, test.chain[0])

			require.Len(t, n.Trail, len(test.chain))
			for i, hop := range n.Trail {
				assert.Equal(t, i < len(test.chain)-test.bare, hop.Header.Get("Authorization") == secretKey, "hop %d", i)
			}
		})
	}
}

func TestDirectRequestToForeignHostIsRefused(t *testing.T) {
	elsewhere := []string{
		foreign, otherPort, plainHTTP, subdomain, lookAlike,
		"https://api.example.test.", "https://api.example.test@other.example.test", "https://127.0.0.1",
	}
	tokens := tokenEndpoint()
	for _, s := range withPairs(tokens, "api.example.test") {
		for _, origin := range elsewhere {
			t.Run(s.name+"/"+origin, func(t *testing.T) {
				base, sent := &fakehttp.Base{}, &fakehttp.Bodies{}
				client := connectorauth.NewClient(s.connector, &http.Client{Transport: base})
				resp, err := client.Do(sent.Request(t, http.MethodPost, origin+"/path", "application/json", `{"a":1}`, true))

				require.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
				assert.Nil(t, resp)
				assert.Empty(t, base.Requests())
				sent.RequireClosedOnce(t)
			})
		}
	}
	assert.Empty(t, tokens.Requests(), "no token is fetched for a request that must not go out")
}

func TestPlainHTTPIsRefusedExceptOnLoopbackOrListed(t *testing.T) {
	tests := []struct {
		url     string
		hosts   []string
		allowed bool
	}{
		{"http://api.example.test/", nil, false},
		{"http://localhost.example.test/", nil, false},
		{"http://10.0.0.5:8080/", nil, false},
		{"ftp://api.example.test/", nil, false},
		{"HTTPS://api.example.test/", nil, true},
		{"http://127.0.0.1:8080/", nil, true},
		{"http://127.9.9.9/", nil, true},
		{"http://[::1]:8080/", nil, true},
		{"http://localhost:8080/", nil, true},
		{"http://app.localhost:8080/", nil, true},
		{"http://app.localhost.example.test/", nil, false},
		{"http://app.localhost:8080/", []string{"api.example.test"}, false},
		{"http://10.0.0.5:8080/", []string{"http://10.0.0.5:8080"}, true},
		{"http://10.0.0.5:8081/", []string{"http://10.0.0.5:8080"}, false},
		{"http://api.example.test/", []string{"api.example.test"}, false},
		{"http://localhost:8080/", []string{"api.example.test"}, false},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.url, test.hosts), func(t *testing.T) {
			for _, s := range withPairs(tokenEndpoint(), test.hosts...) {
				base := &fakehttp.Base{}
				client := connectorauth.NewClient(s.connector, &http.Client{Transport: base})
				_, err := client.Post(test.url, "application/json", strings.NewReader(`{}`))
				if test.allowed {
					require.NoError(t, err, s.name)
					require.Len(t, base.Requests(), 1)
					assert.True(t, s.carries(base.Requests()[0].String()), s.name)
					continue
				}
				require.ErrorIs(t, err, connectorauth.ErrHostNotAllowed, s.name)
				assert.Empty(t, base.Requests())
			}
		})
	}
}

func TestRedirectToAnotherSchemeIsNotFollowedWithCredentials(t *testing.T) {
	n := fakehttp.NewInternet(t)
	for _, s := range withPairs(tokenEndpoint()) {
		for _, location := range []string{"ftp://api.example.test/", "ws://api.example.test/", "file:///etc/passwd", "custom:opaque"} {
			n.Redirect(302, home+"/start", location)
			client := connectorauth.NewClient(s.connector, &http.Client{Transport: n.Transport})
			_, err := client.Post(home+"/start", "application/json", strings.NewReader(`{}`))
			require.Error(t, err, location)
			assert.Empty(t, canary.Found(err.Error(), s.traces...))
			assert.Len(t, n.Trail, 1)
		}
	}
}

func TestSchemeCountsOnLoopbackToo(t *testing.T) {
	for _, s := range withPairs(tokenEndpoint()) {
		base := &fakehttp.Base{}
		req := must(http.NewRequest(http.MethodPost, "http://127.0.0.1:8443/", strings.NewReader(`{}`)))
		req.Header.Set("Content-Type", "application/json")
		req.Response = &http.Response{Request: must(http.NewRequest(http.MethodPost, "https://127.0.0.1:8443/", nil))}
		_, err := s.connector.Wrap(base).RoundTrip(req)
		require.NoError(t, err)
		assert.Empty(t, canary.Found(base.Requests()[0].String(), s.traces...), s.name)
	}
}

func TestLongRedirectChainStaysAuthenticated(t *testing.T) {
	n := fakehttp.NewInternet(t)
	chain := make([]string, 10) // as many as http.Client follows
	for i := range chain {
		chain[i] = fmt.Sprintf("%s/%d", home, i)
	}
	n.Redirect(307, chain...)
	for _, s := range withPairs(tokenEndpoint()) {
		n.Trail = nil
		visit(t, n, s.connector, chain[0])
		require.Len(t, n.Trail, len(chain))
		for _, hop := range n.Trail {
			assert.True(t, s.carries(hop.String()), s.name)
		}
	}
}

// The proxy gets its own credentials and not the origin's, the origin none of
// the proxy's; nor does whoever the origin redirects to.
func TestProxyCredentialsStayWithTheProxy(t *testing.T) {
	n := fakehttp.NewInternet(t)
	dial := n.Transport.DialContext // which knows the names
	var mu sync.Mutex
	var asked []*http.Request
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r)
		mu.Unlock()
		server, err := dial(r.Context(), "tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		client, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			server.Close()
			return
		}
		io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { io.Copy(server, client); server.Close() }()
		go func() { io.Copy(client, server); client.Close() }()
	}))
	t.Cleanup(proxy.Close)
	through := n.Transport.Clone()
	through.DialContext = new(net.Dialer).DialContext
	through.Proxy = http.ProxyURL(must(url.Parse(strings.Replace(proxy.URL, "://", "://gate:keeper-4711@", 1))))
	t.Cleanup(through.CloseIdleConnections)
	n.Transport = through

	for _, s := range subjects(tokenEndpoint()) {
		n.Redirect(307, home+"/start", foreign+"/end")
		visit(t, n, s.connector, home+"/start")
		require.Len(t, n.Trail, 2)
		assert.True(t, s.carries(n.Trail[0].String()), s.name)
		for _, hop := range n.Trail {
			assert.Empty(t, hop.Header.Values("Proxy-Authorization"))
			assert.Empty(t, canary.Found(hop.String(), "keeper-4711"))
		}
	}
	require.NotEmpty(t, asked)
	for _, r := range asked {
		assert.Equal(t, http.MethodConnect, r.Method)
		assert.Equal(t, "Basic "+base64.StdEncoding.EncodeToString([]byte("gate:keeper-4711")), r.Header.Get("Proxy-Authorization"))
		for _, s := range subjects(tokenEndpoint()) {
			assert.False(t, s.carries(fakehttp.Request{Request: r}.String()), s.name)
		}
	}
}

// Two connectors over one transport, and a
// redirect from the one's host to the other's. Neither secret travels, not even
// that which would fit the target.
func TestOneConnectorsSecretNeverServesAnother(t *testing.T) {
	n := fakehttp.NewInternet(t)
	mine := must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: "me", Password: "mine-4711", Hosts: []string{"api.example.test"}}))
	theirs := must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: "they", Password: "theirs-4711", Hosts: []string{"other.example.test"}}))
	n.Redirect(307, home+"/start", foreign+"/end")
	visit(t, n, theirs, foreign+"/before") // leaves a connection
	visit(t, n, mine, home+"/start")
	require.Len(t, n.Trail, 3)
	assert.Equal(t, []string{"theirs-4711"}, canary.Found(n.Trail[0].String(), "mine-4711", "theirs-4711"))
	assert.Equal(t, []string{"mine-4711"}, canary.Found(n.Trail[1].String(), "mine-4711", "theirs-4711"))
	assert.Empty(t, canary.Found(n.Trail[2].String(), "mine-4711", "theirs-4711"))

	_, err := connectorauth.NewClient(mine, &http.Client{Transport: n.Transport}).Get(foreign)
	require.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
	_, err = connectorauth.NewBasic(connectorauth.BasicConfig{Hosts: []string{"other.example.test"}})
	require.Error(t, err, "a connector without credentials finds none elsewhere")
}
