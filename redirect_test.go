package connectorauth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The origins of the tests' internet: the account's API, and places that look
// more or less like it.
const (
	home      = "https://api.example.test"
	foreign   = "https://other.example.test"
	otherPort = "https://api.example.test:8443"
	plainHTTP = "http://api.example.test"
	subdomain = "https://sub.api.example.test"
	lookAlike = "https://api.example.test.evil.test"
)

// internet is a network of its own: one httptest server for each origin, found
// by its name, with a certificate of one test authority.
type internet struct {
	transport *http.Transport

	mu     sync.Mutex
	routes map[string]http.HandlerFunc // by origin and path; others answer "end"
	seen   map[string][]seen           // by origin
	trail  []seen                      // everywhere, in order
}

func newInternet(t *testing.T) *internet {
	t.Helper()
	n := &internet{seen: map[string][]seen{}, routes: map[string]http.HandlerFunc{}}
	origins := []string{home, foreign, otherPort, plainHTTP, subdomain, lookAlike}
	var names []string
	for _, origin := range origins {
		names = append(names, must(url.Parse(origin)).Hostname())
	}
	authority, certificate := newCertificate(t, names)
	addresses := map[string]string{}
	for _, origin := range origins {
		server := httptest.NewUnstartedServer(n.handler(origin))
		u := must(url.Parse(origin))
		port := "80"
		if u.Scheme == "https" {
			port = "443"
			server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
			server.StartTLS()
		} else {
			server.Start()
		}
		if u.Port() != "" {
			port = u.Port()
		}
		t.Cleanup(server.Close)
		addresses[net.JoinHostPort(u.Hostname(), port)] = server.Listener.Addr().String()
	}
	n.transport = &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: authority},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			server, ok := addresses[address]
			if !ok {
				return nil, fmt.Errorf("no such host: %s", address)
			}
			return new(net.Dialer).DialContext(ctx, network, server)
		},
	}
	t.Cleanup(n.transport.CloseIdleConnections)
	return n
}

// newCertificate makes an authority and a server certificate by it for names.
func newCertificate(t *testing.T, names []string) (*x509.CertPool, tls.Certificate) {
	t.Helper()
	template := func(serial int64) *x509.Certificate {
		return &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	}
	root := template(1)
	root.IsCA, root.BasicConstraintsValid, root.KeyUsage = true, true, x509.KeyUsageCertSign
	rootKey := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	rootDER := must(x509.CreateCertificate(rand.Reader, root, root, rootKey.Public(), rootKey))
	leaf := template(2)
	leaf.DNSNames = names
	leafKey := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	leafDER := must(x509.CreateCertificate(rand.Reader, leaf, root, leafKey.Public(), rootKey))
	authority := x509.NewCertPool()
	authority.AddCert(must(x509.ParseCertificate(rootDER)))
	return authority, tls.Certificate{Certificate: [][]byte{leafDER}, PrivateKey: leafKey}
}

func (n *internet) handler(origin string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		n.mu.Lock()
		arrived := seen{r, string(body)}
		n.seen[origin] = append(n.seen[origin], arrived)
		n.trail = append(n.trail, arrived)
		route := n.routes[origin+r.URL.Path]
		n.mu.Unlock()
		if route == nil {
			io.WriteString(w, "end")
			return
		}
		route(w, r)
	})
}

// redirect has the URLs of a chain redirect to one another, and forgets all that was
// before.
func (n *internet) redirect(status int, chain ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.seen)
	clear(n.routes)
	n.trail = nil
	for i, next := range chain[1:] {
		n.routes[chain[i]] = func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", next)
			w.WriteHeader(status)
		}
	}
}

// do posts a JSON body with c to a URL and follows its redirects.
func (n *internet) do(t *testing.T, c connectorauth.Connector, url string) *http.Response {
	t.Helper()
	client := connectorauth.NewClient(c, &http.Client{Transport: n.transport})
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
	n := newInternet(t)
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
	for _, s := range subjects(tokenEndpoint()) {
		for _, c := range chains {
			for _, status := range redirectStatuses {
				t.Run(fmt.Sprintf("%s/%s/%d", s.name, c.name, status), func(t *testing.T) {
					n.redirect(status, c.chain...)
					resp := n.do(t, s.connector, c.chain[0])

					require.Len(t, n.trail, len(c.chain), "the chain is followed to its end")
					require.True(t, s.carries(n.trail[0].String()), "the first request carries the credentials: %v", n.trail[0])
					for _, hop := range n.trail[1:] {
						assert.Empty(t, found(hop.String(), s.traces...), "%v", hop)
						if keepsBody(status) {
							assert.Equal(t, `{"a":1}`, hop.Body)
						} else {
							assert.Empty(t, hop.Body)
						}
					}
					assert.Equal(t, c.chain[len(c.chain)-1], resp.Request.URL.String())
					assert.False(t, s.carries(seen{Request: resp.Request}.String()))
				})
			}
		}
	}
}

func TestRedirectOnTheSameOriginCarriesTheCredentialsOnce(t *testing.T) {
	n := newInternet(t)
	for _, s := range subjects(tokenEndpoint()) {
		for _, status := range redirectStatuses {
			t.Run(fmt.Sprintf("%s/%d", s.name, status), func(t *testing.T) {
				n.redirect(status, home+"/start", home+"/there", home+"/end")
				n.do(t, s.connector, home+"/start")

				require.Len(t, n.trail, 3)
				inBody := s.name == "body key" || s.name == "AuthFields"
				for i, hop := range n.trail {
					if i > 0 && !keepsBody(status) && inBody {
						assert.False(t, s.carries(hop.String()), "a GET without a body has no place for them")
						continue
					}
					assert.True(t, s.carries(hop.String()), "%v", hop)
					assert.Len(t, hop.Header.Values("Authorization"), len(n.trail[0].Header.Values("Authorization")))
					assert.LessOrEqual(t, strings.Count(hop.Body, "api_key"), 1)
					assert.EqualValues(t, len(hop.Body), hop.ContentLength)
					if keepsBody(status) {
						assert.Equal(t, n.trail[0].Body, hop.Body)
					}
				}
			})
		}
	}
}

func TestOAuth1SignsEachHopAnew(t *testing.T) {
	n := newInternet(t)
	n.redirect(307, home+"/start", home+"/end")
	for _, s := range subjects(tokenEndpoint()) {
		if s.connector.AuthType() == connectorauth.AuthTypeOAuth1 {
			n.do(t, s.connector, home+"/start")
		}
	}
	require.Len(t, n.trail, 2)
	assert.NotEqual(t, n.trail[0].Header.Get("Authorization"), n.trail[1].Header.Get("Authorization"))
}

func TestHostsMayBeSeveralOrigins(t *testing.T) {
	n := newInternet(t)
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
			n.redirect(307, test.chain...)
			key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, Hosts: test.hosts}))
			n.do(t, key, test.chain[0])

			require.Len(t, n.trail, len(test.chain))
			for i, hop := range n.trail {
				assert.Equal(t, i < len(test.chain)-test.bare, hop.Header.Get("Authorization") == secretKey, "hop %d", i)
			}
		})
	}
}

func TestRedirectThatEchoesTheQueryKeyLosesIt(t *testing.T) {
	n := newInternet(t)
	key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, In: dialect.InQuery, Name: "api_key"}))
	encoded := url.QueryEscape(secretKey)
	tests := []struct{ name, location, want string }{
		{"foreign host", foreign + "/end?api_key=" + encoded + "&page=2", foreign + "/end?page=2"},
		{"nothing else", foreign + "/end?api_key=" + encoded, foreign + "/end"},
		{"percent-encoded name", foreign + "/end?a=1&api%5Fkey=" + encoded, foreign + "/end?a=1"},
		{"with a fragment", foreign + "/end?api_key=" + encoded + "#part", foreign + "/end#part"},
		{"relative", "/end?b=%zz;c&api_key=" + encoded, home + "/end?b=%zz;c"},
		{"twice", foreign + "/end?api_key=" + encoded + "&api_key=" + encoded + "&x", foreign + "/end?x"},
		{"without it", foreign + "/end?x=%20y#api_key", foreign + "/end?x=%20y#api_key"},
	}
	for _, test := range tests {
		for _, status := range redirectStatuses {
			t.Run(fmt.Sprintf("%s/%d", test.name, status), func(t *testing.T) {
				n.redirect(status, home+"/start", test.location)
				n.routes[foreign+"/end"] = nil
				resp := n.do(t, key, home+"/start")

				assert.Equal(t, test.want, resp.Request.URL.String())
				assert.NotContains(t, resp.Request.URL.String(), encoded)
				for _, hop := range n.seen[foreign] {
					assert.Empty(t, found(hop.String(), secretKey), "%v", hop)
				}
				if strings.HasPrefix(test.want, home) {
					require.Len(t, n.seen[home], 2)
					assert.Equal(t, []string{secretKey}, n.seen[home][1].URL.Query()["api_key"], "sent once on its own origin")
					assert.NotContains(t, n.seen[home][1].Referer(), "api_key")
				}
			})
		}
	}
}

func TestRedirectThatRepeatsTheKeyElsewhereLosesThat(t *testing.T) {
	n := newInternet(t)
	for _, s := range subjects(tokenEndpoint()) {
		if s.name != "query key" && s.name != "Custom" {
			continue // nothing in their URLs
		}
		t.Run(s.name, func(t *testing.T) {
			for _, nested := range []func(string) string{
				url.QueryEscape,
				func(u string) string { return url.QueryEscape(url.QueryEscape(u)) },
				func(u string) string { return strings.ReplaceAll(url.QueryEscape(u), "%2F", "%2f") },
			} {
				n.redirect(302, home+"/start", foreign+"/login")
				n.routes[home+"/start"] = func(w http.ResponseWriter, r *http.Request) { // as to a login page
					w.Header().Set("Location", foreign+"/login?a=%zz&next="+nested(home+r.URL.String())+"&b=1#part")
					w.WriteHeader(http.StatusFound)
				}
				resp := n.do(t, s.connector, home+"/start?page=2")
				require.Len(t, n.seen[foreign], 1)
				assert.Empty(t, found(n.seen[foreign][0].String(), s.traces...), "%v", n.seen[foreign][0])
				assert.Empty(t, found(resp.Request.URL.String(), s.traces...))
				assert.Contains(t, resp.Request.URL.String(), "/login?a=%zz&")
				assert.Contains(t, resp.Request.URL.String(), "b=1#part")
			}
		})
	}
}

func TestRefererHasNoInjectedQueryKey(t *testing.T) {
	n := newInternet(t)
	key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, In: dialect.InQuery, Name: "api_key"}))
	n.redirect(302, home+"/start", foreign+"/end")
	n.do(t, key, home+"/start?page=1")

	require.Len(t, n.seen[foreign], 1)
	assert.Equal(t, home+"/start?page=1", n.seen[foreign][0].Referer())
}

func TestDirectRequestToForeignHostIsRefused(t *testing.T) {
	elsewhere := []string{
		foreign, otherPort, plainHTTP, subdomain, lookAlike,
		"https://api.example.test.", "https://api.example.test@other.example.test", "https://127.0.0.1",
	}
	tokens := tokenEndpoint()
	for _, s := range subjects(tokens, "api.example.test") {
		for _, origin := range elsewhere {
			t.Run(s.name+"/"+origin, func(t *testing.T) {
				base, sent := &fakeBase{}, &bodies{}
				client := connectorauth.NewClient(s.connector, &http.Client{Transport: base})
				resp, err := client.Do(sent.request(t, http.MethodPost, origin+"/path", "application/json", `{"a":1}`, true))

				require.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
				assert.Nil(t, resp)
				assert.Empty(t, base.requests())
				sent.requireClosedOnce(t)
			})
		}
	}
	assert.Empty(t, tokens.requests(), "no token is fetched for a request that must not go out")
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
		{"http://10.0.0.5:8080/", []string{"http://10.0.0.5:8080"}, true},
		{"http://10.0.0.5:8081/", []string{"http://10.0.0.5:8080"}, false},
		{"http://api.example.test/", []string{"api.example.test"}, false},
		{"http://localhost:8080/", []string{"api.example.test"}, false},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.url, test.hosts), func(t *testing.T) {
			for _, s := range subjects(tokenEndpoint(), test.hosts...) {
				base := &fakeBase{}
				client := connectorauth.NewClient(s.connector, &http.Client{Transport: base})
				_, err := client.Post(test.url, "application/json", strings.NewReader(`{}`))
				if test.allowed {
					require.NoError(t, err, s.name)
					require.Len(t, base.requests(), 1)
					assert.True(t, s.carries(base.requests()[0].String()), s.name)
					continue
				}
				require.ErrorIs(t, err, connectorauth.ErrHostNotAllowed, s.name)
				assert.Empty(t, base.requests())
			}
		})
	}
}

func TestRedirectToAnotherSchemeIsNotFollowedWithCredentials(t *testing.T) {
	n := newInternet(t)
	for _, s := range subjects(tokenEndpoint()) {
		for _, location := range []string{"ftp://api.example.test/", "ws://api.example.test/", "file:///etc/passwd", "custom:opaque"} {
			n.redirect(302, home+"/start", location)
			client := connectorauth.NewClient(s.connector, &http.Client{Transport: n.transport})
			_, err := client.Post(home+"/start", "application/json", strings.NewReader(`{}`))
			require.Error(t, err, location)
			assert.Empty(t, found(err.Error(), s.traces...))
			assert.Len(t, n.trail, 1)
		}
	}
}

func TestSchemeCountsOnLoopbackToo(t *testing.T) {
	for _, s := range subjects(tokenEndpoint()) {
		base := &fakeBase{}
		req := must(http.NewRequest(http.MethodPost, "http://127.0.0.1:8443/", strings.NewReader(`{}`)))
		req.Header.Set("Content-Type", "application/json")
		req.Response = &http.Response{Request: must(http.NewRequest(http.MethodPost, "https://127.0.0.1:8443/", nil))}
		_, err := s.connector.Wrap(base).RoundTrip(req)
		require.NoError(t, err)
		assert.False(t, s.carries(base.requests()[0].String()), s.name)
	}
}

func TestLongRedirectChainStaysAuthenticated(t *testing.T) {
	n := newInternet(t)
	chain := make([]string, 10) // as many as http.Client follows
	for i := range chain {
		chain[i] = fmt.Sprintf("%s/%d", home, i)
	}
	n.redirect(307, chain...)
	for _, s := range subjects(tokenEndpoint()) {
		n.trail = nil
		n.do(t, s.connector, chain[0])
		require.Len(t, n.trail, len(chain))
		for _, hop := range n.trail {
			assert.True(t, s.carries(hop.String()), s.name)
		}
	}
}

func TestEchoedKeyIsTakenOutBesideAMalformedEscape(t *testing.T) {
	const key = "abc/def+ghi="
	for _, query := range []string{"q=100%25", "q=100%"} {
		var foreign string
		base := roundTripper(func(req *http.Request) (*http.Response, error) {
			if req.URL.Host == "api.example.com" {
				resp := respond(302, "")
				resp.Header.Set("Location", "https://login.example/?next="+url.QueryEscape(req.URL.String()))
				return resp, nil
			}
			foreign = req.URL.String()
			return respond(200, ""), nil
		})
		c := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: key, In: dialect.InQuery, Name: "key"}))
		get(t, c, &http.Client{Transport: base}, "https://api.example.com/x?"+query)
		assert.NotContains(t, foreign, "abc", query)
		assert.NotEmpty(t, foreign)
	}
}

// The proxy gets its own credentials and not the origin's, the origin none of
// the proxy's; nor does whoever the origin redirects to.
func TestProxyCredentialsStayWithTheProxy(t *testing.T) {
	n := newInternet(t)
	dial := n.transport.DialContext // which knows the names
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
	through := n.transport.Clone()
	through.DialContext = new(net.Dialer).DialContext
	through.Proxy = http.ProxyURL(must(url.Parse(strings.Replace(proxy.URL, "://", "://gate:keeper-4711@", 1))))
	t.Cleanup(through.CloseIdleConnections)
	n.transport = through

	for _, s := range subjects(tokenEndpoint()) {
		n.redirect(307, home+"/start", foreign+"/end")
		n.do(t, s.connector, home+"/start")
		require.Len(t, n.trail, 2)
		assert.True(t, s.carries(n.trail[0].String()), s.name)
		for _, hop := range n.trail {
			assert.Empty(t, hop.Header.Values("Proxy-Authorization"))
			assert.Empty(t, found(hop.String(), "keeper-4711"))
		}
	}
	require.NotEmpty(t, asked)
	for _, r := range asked {
		assert.Equal(t, http.MethodConnect, r.Method)
		assert.Equal(t, "Basic "+base64.StdEncoding.EncodeToString([]byte("gate:keeper-4711")), r.Header.Get("Proxy-Authorization"))
		for _, s := range subjects(tokenEndpoint()) {
			assert.False(t, s.carries(seen{Request: r}.String()), s.name)
		}
	}
}

// Two connectors over one transport, and a
// redirect from the one's host to the other's. Neither secret travels, not even
// that which would fit the target.
func TestOneConnectorsSecretNeverServesAnother(t *testing.T) {
	n := newInternet(t)
	mine := must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: "me", Password: "mine-4711", Hosts: []string{"api.example.test"}}))
	theirs := must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: "they", Password: "theirs-4711", Hosts: []string{"other.example.test"}}))
	n.redirect(307, home+"/start", foreign+"/end")
	n.do(t, theirs, foreign+"/before") // leaves a connection
	n.do(t, mine, home+"/start")
	require.Len(t, n.trail, 3)
	assert.Equal(t, []string{"theirs-4711"}, found(n.trail[0].String(), "mine-4711", "theirs-4711"))
	assert.Equal(t, []string{"mine-4711"}, found(n.trail[1].String(), "mine-4711", "theirs-4711"))
	assert.Empty(t, found(n.trail[2].String(), "mine-4711", "theirs-4711"))

	_, err := connectorauth.NewClient(mine, &http.Client{Transport: n.transport}).Get(foreign)
	require.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)
	_, err = connectorauth.NewBasic(connectorauth.BasicConfig{Hosts: []string{"other.example.test"}})
	require.Error(t, err, "a connector without credentials finds none elsewhere")
}
